//! What the appliance's own services are told: updates, boot from the network, the machines it looks after.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use appliance_types::MacAddress;

/// Where updates come from, and when they are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updates {
    /// `None`: only what an operator brings.
    pub source: Option<UpdateSource>,
    /// Between two looks at the source, 5 min to 1 d.
    pub interval: Duration,
    /// When an update may be installed. `None`: at any time.
    pub window: Option<Window>,
    /// How much of the line a download may take, in bytes per second. `None`: all of it.
    pub bandwidth: Option<u64>,
}

impl Default for Updates {
    fn default() -> Updates {
        Updates { source: None, interval: Duration::from_secs(3600), window: None, bandwidth: None }
    }
}

/// Where updates come from. A URL is `http` or `https`, without user, query and fragment, and without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateSource {
    /// A folder of a web server with `channel.json` in it.
    Channel(String),
    /// A server that answers `GET URL/api/v1/updates/latest` as AtomixOS asks it. Always `https`.
    AtomixOs(String),
    /// Sticks that are plugged in.
    Usb,
}

/// A part of the day, in UTC: the appliance knows no other time. It may go past midnight; it then belongs to the day on which it
/// begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// On which days. Never empty.
    pub days: BTreeSet<Weekday>,
    /// When it begins.
    pub start: TimeOfDay,
    /// When it ends; other than `start`.
    pub end: TimeOfDay,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// From Monday on.
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// `mon`, `tue`, ….
    pub fn word(self) -> &'static str {
        match self {
            Weekday::Monday => "mon",
            Weekday::Tuesday => "tue",
            Weekday::Wednesday => "wed",
            Weekday::Thursday => "thu",
            Weekday::Friday => "fri",
            Weekday::Saturday => "sat",
            Weekday::Sunday => "sun",
        }
    }
}

/// Hour and minute, 00:00 to 23:59. Its text is `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// From `HH:MM`.
    pub fn parse(text: &str) -> Option<TimeOfDay> {
        let (hour, minute) = text.split_once(':')?;
        let two = |text: &str| -> Option<u16> {
            let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|_| digits)
        };
        let (hour, minute) = (two(hour)?, two(minute)?);
        (hour < 24 && minute < 60).then_some(TimeOfDay { minutes: hour * 60 + minute })
    }

    /// Minutes since midnight.
    pub fn minutes(self) -> u16 {
        self.minutes
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

/// What machines on LAN are offered when they boot from the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Netboot {
    /// Whether, and beside whom.
    pub mode: NetbootMode,
    /// Serves also where another DHCP server answers on LAN.
    pub force: bool,
    /// Takes files that clients send by TFTP.
    pub tftp_uploads: bool,
}

/// Who gives addresses to machines that boot from the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NetbootMode {
    /// Nothing is offered to boot.
    #[default]
    Off,
    /// This appliance does, and says what to boot with them.
    Server,
    /// Another server does; this appliance only says what to boot (proxyDHCP).
    Proxy,
}

/// The machines that this appliance looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Devices {
    /// What their host names begin with: `<prefix>-<MAC address without colons>`.
    pub hostname_prefix: String,
    /// Between two questions of a machine for its next action, 1 s to 1 h.
    pub poll: Duration,
    /// Names that a site has for stages, and the stage each one is.
    pub stages: BTreeMap<String, String>,
    /// Machines that are accepted without being asked for: by serial number.
    pub allowed_serials: BTreeSet<String>,
    /// The same, by MAC address.
    pub allowed_macs: BTreeSet<MacAddress>,
}

impl Default for Devices {
    fn default() -> Devices {
        Devices {
            hostname_prefix: "gb10-pxe".to_owned(),
            poll: Duration::from_secs(5),
            stages: BTreeMap::new(),
            allowed_serials: BTreeSet::new(),
            allowed_macs: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_two_times_two_digits() {
        for (text, minutes) in [("00:00", 0), ("02:30", 150), ("23:59", 1439)] {
            let time = TimeOfDay::parse(text).unwrap();
            assert_eq!((time.minutes(), time.to_string().as_str()), (minutes, text));
        }
        for text in ["", "2:30", "02:3", "24:00", "00:60", "+1:00", "02:30:00", "0230", "０２:30"] {
            assert_eq!(TimeOfDay::parse(text), None, "{text}");
        }
    }
}
