//! So many lines a second and no more: a flood of packets must not become a flood of lines.

use std::time::Duration;

/// Lines a second.
const LINES: u32 = 50;

/// Counts lines.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    second: u64,
    lines: u32,
}

impl LogLimit {
    /// Whether another line may be written; when a second is over in which some were not, says how many.
    pub(crate) fn admits(&mut self, now: Duration) -> bool {
        if now.as_secs() != self.second {
            if self.lines > LINES {
                log::info!("{} more lines of DHCP were left out", self.lines - LINES);
            }
            (self.second, self.lines) = (now.as_secs(), 0);
        }
        self.lines = self.lines.saturating_add(1);
        self.lines <= LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_fifty_lines_a_second() {
        let mut limit = LogLimit::default();
        let admitted = |limit: &mut LogLimit, second: u64| {
            (0..1000).filter(|_| limit.admits(Duration::from_secs(second))).count()
        };
        assert_eq!(admitted(&mut limit, 1), 50);
        assert_eq!(admitted(&mut limit, 1), 0);
        assert_eq!(admitted(&mut limit, 2), 50);
    }
}
