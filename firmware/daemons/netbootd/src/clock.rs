//! Two clocks. Decisions are made by the one that counts since the machine started, because the other one jumps: a board without a
//! battery starts years ago, until NTP tells it. What is on the disk or published has times of the other one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time that decisions are made by.
pub(crate) fn now() -> Duration {
    Duration::from_millis(host_files::uptime_ms())
}

/// What one clock says when the other says zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor {
    started_ms: i64,
}

impl Anchor {
    /// As they stand now.
    pub(crate) fn now() -> Anchor {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Anchor { started_ms: milliseconds(wall) - milliseconds(now()) }
    }

    /// The wall clock's milliseconds since 1970 at a time of ours.
    pub(crate) fn to_wall_ms(self, time: Duration) -> i64 {
        self.started_ms.saturating_add(milliseconds(time))
    }

    /// The time of ours at which the wall clock says this; zero for what was before the start.
    pub(crate) fn at_wall_ms(self, wall_ms: i64) -> Duration {
        Duration::from_millis(u64::try_from(wall_ms.saturating_sub(self.started_ms)).unwrap_or(0))
    }

    /// Whether the wall clock has been set since `earlier`.
    pub(crate) fn has_jumped_since(self, earlier: Anchor) -> bool {
        self.started_ms.abs_diff(earlier.started_ms) > 10_000
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back() {
        let anchor = Anchor { started_ms: 1_700_000_000_000 };
        let time = Duration::from_millis(12_345);
        assert_eq!(anchor.to_wall_ms(time), 1_700_000_012_345);
        assert_eq!(anchor.at_wall_ms(1_700_000_012_345), time);
        assert_eq!(anchor.at_wall_ms(5), Duration::ZERO);
        let set = Anchor { started_ms: 1_700_000_020_000 };
        assert!(set.has_jumped_since(anchor) && !anchor.has_jumped_since(anchor));
    }
}
