use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;
use serde::{Deserialize, Serialize};

use super::word_is_its_text;

/// A time of day and date, to the second, UTC. Its text is RFC 3339: `2026-11-22T15:03:11Z`.
///
/// For people and records only: what must not be fooled by a clock that is set takes a monotonic `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnixTime(u64);

/// What the clock says, and whether it is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    /// The time.
    pub now: UnixTime,
    /// Whether a time server agreed since the boot. Until then the clock shows the last saved time or the build's, or later.
    pub synchronised: bool,
}

/// 9999-12-31T23:59:59Z, the last time that RFC 3339 can write.
const LAST: u64 = 253_402_300_799;

impl UnixTime {
    /// So many seconds since 1970; what comes after the year 9999 is its last second.
    pub const fn from_secs(seconds: u64) -> UnixTime {
        UnixTime(if seconds < LAST { seconds } else { LAST })
    }

    /// Seconds since 1970.
    pub fn as_secs(self) -> u64 {
        self.0
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for UnixTime {
    type Err = InvalidWord;

    /// Only the form that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<UnixTime, InvalidWord> {
        const RULE: &str = "it is written as 2026-11-22T15:03:11Z";
        parse(text)
            .filter(|time| time.to_string() == text)
            .ok_or_else(|| InvalidWord::new(text, "a time", RULE))
    }
}

word_is_its_text!(UnixTime);

/// Any day of a month and hour of a day is let through here: the caller compares the text.
fn parse(text: &str) -> Option<UnixTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    Some(UnixTime::from_secs(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second))
}

// Both count in eras of 400 years that begin in March, so that the leap day is the last day of its year (Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms").
const DAYS_TO_1970: u64 = 719_468;
const DAYS_OF_ERA: u64 = 146_097;

fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * DAYS_OF_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_what_date_prints() {
        // date -u --date=@SECONDS +%FT%TZ
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_360_991, "2026-11-22T15:23:11Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (LAST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(UnixTime::from_secs(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(UnixTime::from_secs(seconds)));
        }
        assert_eq!(UnixTime::from_secs(u64::MAX), UnixTime::from_secs(LAST));
    }

    #[test]
    fn has_one_spelling() {
        for text in [
            "",
            "1969-12-31T23:59:59Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T15:03:11",
            "2026-11-22 15:03:11Z",
            "2026-11-22T15:03:11+00:00",
            "+026-11-22T15:03:11Z",
        ] {
            assert!(text.parse::<UnixTime>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_and_seconds_agree(seconds in 0..=LAST) {
            let time = UnixTime::from_secs(seconds);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,30}") {
            if let Ok(time) = text.parse::<UnixTime>() {
                prop_assert_eq!(time.to_string(), text);
            }
        }
    }
}
