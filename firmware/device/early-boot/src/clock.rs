//! The clock: a box without a battery-backed clock starts where it last was, not in 1970.

use anyhow::Context;
use host_files::{BuildFacts, wall_clock_ms};
use rustix::time::{ClockId, Timespec, clock_settime};

use crate::black_box::Past;
use crate::report::Report;
use crate::root::Root;

const STAGE: &str = "clock";

/// Sets the clock to the newest time known: the image's, the last breadcrumb's, or what it says already. Never fatal.
///
/// The time is behind by as long as the box was off; NTP corrects it. Certificates and logs need it roughly right.
pub(crate) fn set(root: &Root, past: &Past, report: &mut Report) {
    let built =
        BuildFacts::read(&root.file(BuildFacts::PATH)).ok().map(|facts| facts.time.saturating_mul(1000));
    let Some((time, source)) = newest(wall_clock_ms(), built, past.last_seen_unix_ms) else { return };
    match set_to(time) {
        Ok(()) => report.say(STAGE, format_args!("set to {source}")),
        Err(error) => report.warn(STAGE, format_args!("{error:#}")),
    }
}

/// The time to set, in milliseconds since 1970, and what it is; `None` when the clock is ahead of all we know.
fn newest(now: Option<u64>, built: Option<u64>, last_seen: Option<u64>) -> Option<(u64, &'static str)> {
    let known = [(built, "the image's time"), (last_seen, "the time of the last breadcrumb")];
    let known = known.into_iter().filter_map(|(time, source)| Some((time?, source)));
    known.max_by_key(|(time, _)| *time).filter(|(time, _)| now.is_none_or(|now| *time > now))
}

fn set_to(unix_ms: u64) -> anyhow::Result<()> {
    let time = Timespec {
        tv_sec: i64::try_from(unix_ms / 1000).context("cannot set the clock to a time that far ahead")?,
        tv_nsec: i64::try_from(unix_ms % 1000).unwrap_or(0) * 1_000_000,
    };
    clock_settime(ClockId::Realtime, time).context("cannot set the clock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let image = "the image's time";
        let crumb = "the time of the last breadcrumb";
        let rows = [
            // clock, image, last breadcrumb -> set to
            (None, Some(10), None, Some((10, image))),
            (None, Some(10), Some(20), Some((20, crumb))),
            (None, Some(30), Some(20), Some((30, image))),
            (Some(40), Some(30), Some(20), None),
            (Some(25), Some(30), Some(20), Some((30, image))),
            (Some(25), Some(10), Some(26), Some((26, crumb))),
            (Some(26), Some(10), Some(26), None),
            (None, None, None, None),
            (Some(5), None, None, None),
        ];
        for (now, built, last_seen, expected) in rows {
            assert_eq!(newest(now, built, last_seen), expected, "{now:?} {built:?} {last_seen:?}");
        }
    }

    #[test]
    fn a_time_no_clock_can_hold_is_refused() {
        assert!(set_to(u64::MAX).is_err());
    }

    #[test]
    fn a_clock_that_is_right_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = Root::at(folder.path()).file(BuildFacts::PATH);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, r#"{"build":"1","version":"1","board":"b","time":1735689600}"#).unwrap();
        let before = wall_clock_ms().unwrap();
        set(&Root::at(folder.path()), &Past::default(), &mut Report::on_standard_error());
        assert!(wall_clock_ms().unwrap() >= before);
    }
}
