//! The two clocks a breadcrumb has.

use rustix::time::{ClockId, Timespec, clock_gettime};

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
    fn uptime_does_not_go_back() {
        let before = uptime_ms();
        assert!(before > 0 && uptime_ms() >= before);
    }
}
