//! How long is waited, and for what.

use std::time::Duration;

use boot_verdict::Verdict;

/// Until something that did not work is tried again: 2 s at first, doubled each time, a minute at most.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    due: Duration,
    wait: Duration,
}

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

impl Backoff {
    /// Whether it may be tried at this uptime.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        now >= self.due
    }

    /// It was tried in vain.
    pub(crate) fn failed(&mut self, now: Duration) {
        self.wait = (self.wait * 2).clamp(FIRST, LONGEST);
        self.due = now + self.wait;
    }
}

/// Two seconds while a boot is on its way. What stays wrong is looked at less often, because every look starts programs.
pub(crate) fn until_next_look(verdict: &Verdict) -> Duration {
    match verdict {
        Verdict::Degraded { .. } => Duration::from_secs(10),
        Verdict::Wait { .. } | Verdict::Good | Verdict::Bad { .. } => Duration::from_secs(2),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the poll inside the wait for a verdict, which has its deadlines in the judge"
)]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_minute() {
        let mut backoff = Backoff::default();
        let mut now = Duration::from_secs(100);
        assert!(backoff.is_due(now));
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            backoff.failed(now);
            assert!(!backoff.is_due(now + Duration::from_secs(seconds - 1)));
            now += Duration::from_secs(seconds);
            assert!(backoff.is_due(now), "after {seconds} s");
        }
    }
}
