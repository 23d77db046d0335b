//! The two clocks a breadcrumb has, and moments that no other boot has.

use std::path::Path;

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::bounded::{ReadError, read_text_bounded};

/// 2025-01-01 00:00:00 UTC, before any image was built: a clock that says less has not been set.
const CLOCK_IS_SET_FROM_MS: u64 = 1_735_689_600_000;

/// The wall clock in milliseconds since 1970; `None` while nobody has set it.
pub fn wall_clock_ms() -> Option<u64> {
    Some(milliseconds(clock_gettime(ClockId::Realtime))).filter(|&now| now >= CLOCK_IS_SET_FROM_MS)
}

/// Milliseconds since the kernel started, time asleep included.
pub fn uptime_ms() -> u64 {
    milliseconds(clock_gettime(ClockId::Boottime))
}

/// Which boot it is, and how long it has run: a moment that does not come again after a reboot, and that nobody who sets the
/// clock can move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootMoment {
    /// The kernel's name for this boot, another one at each.
    pub boot_id: String,
    /// Milliseconds since it started, time asleep included.
    pub uptime_ms: u64,
}

impl BootMoment {
    /// Now.
    ///
    /// # Errors
    /// When the kernel does not say which boot it is: `/proc` is not mounted.
    pub fn now() -> Result<BootMoment, ReadError> {
        let boot_id = read_text_bounded(Path::new("/proc/sys/kernel/random/boot_id"), 64)?;
        Ok(BootMoment { boot_id: boot_id.trim().to_owned(), uptime_ms: uptime_ms() })
    }
}

fn milliseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_milliseconds_and_before_1970_is_zero() {
        assert_eq!(milliseconds(Timespec { tv_sec: 12, tv_nsec: 345_678_901 }), 12_345);
        assert_eq!(milliseconds(Timespec { tv_sec: -1, tv_nsec: 0 }), 0);
    }

    #[test]
    fn a_boot_has_one_name() {
        let (first, second) = (BootMoment::now().unwrap(), BootMoment::now().unwrap());
        assert_eq!((first.boot_id.len(), &first.boot_id), (36, &second.boot_id));
        assert!(second.uptime_ms >= first.uptime_ms);
    }

    #[test]
    fn uptime_does_not_go_back() {
        let before = uptime_ms();
        assert!(before > 0 && uptime_ms() >= before);
    }
}
