//! Which places were tried already: none is tried twice with the same content, but what failed for a reason that may pass
//! is tried again after a while.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::import::End;
use crate::seed::Fingerprint;

/// Until the first try after a failure; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(10 * 60);
/// And never longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// A file system as long as it is plugged in: pulled and plugged again it is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Plugged {
    /// The kernel's name of the partition or disk.
    pub(crate) name: String,
    /// The kernel's count of disks that have appeared; `None` where it does not tell.
    pub(crate) sequence: Option<u64>,
}

/// Where a seed may lie.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// On the boot partition.
    BootPartition,
    /// On a stick.
    Stick(Plugged),
}

/// Whether to try a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    /// For the first time with this content.
    New,
    /// Once more: it failed a while ago.
    Again,
    /// Not now.
    No,
}

/// What was tried since the service started.
#[derive(Debug, Default)]
pub(crate) struct Attempts(BTreeMap<Place, Attempt>);

#[derive(Debug)]
struct Attempt {
    content: Fingerprint,
    failures: u32,
    again: Option<Instant>,
}

impl Attempts {
    /// Whether to try `place`, where this lies now. If so, it counts as tried.
    pub(crate) fn begin(&mut self, place: &Place, content: Fingerprint, now: Instant) -> Try {
        match self.0.get_mut(place) {
            Some(attempt) if attempt.content == content => {
                if attempt.again.is_none_or(|again| now < again) {
                    return Try::No;
                }
                attempt.again = None;
                Try::Again
            }
            _ => {
                self.0.insert(place.clone(), Attempt { content, failures: 0, again: None });
                Try::New
            }
        }
    }

    /// The try that was begun last at `place` came to this end.
    pub(crate) fn ended(&mut self, place: &Place, end: End, now: Instant) {
        let Some(attempt) = self.0.get_mut(place) else { return };
        if may_pass(end) {
            attempt.again = Some(now + wait_after(attempt.failures));
            attempt.failures = attempt.failures.saturating_add(1);
        }
    }

    /// How long until one of these places is to be tried again.
    pub(crate) fn next(&self, places: &[Place], now: Instant) -> Option<Duration> {
        let times = places.iter().filter_map(|place| self.0.get(place)?.again);
        times.min().map(|again| again.saturating_duration_since(now))
    }
}

/// What is wrong with a configuration stays wrong until it is changed. All else may have been the moment: a network that
/// was not there, a full disk, a registry that did not answer.
fn may_pass(end: End) -> bool {
    match end {
        End::Failed | End::FailedTwice => true,
        End::Refused | End::Settled | End::Unchanged => false,
    }
}

fn wait_after(failures_before: u32) -> Duration {
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(failures_before)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stick(name: &str, sequence: Option<u64>) -> Place {
        Place::Stick(Plugged { name: name.to_owned(), sequence })
    }

    fn content(byte: u8) -> Fingerprint {
        Fingerprint::of_bytes(&[byte])
    }

    #[test]
    fn a_stick_is_tried_again_when_it_changed_or_was_plugged_again() {
        let mut attempts = Attempts::default();
        let rows = [
            (stick("sda1", Some(7)), content(1), Try::New),
            (stick("sda1", Some(7)), content(1), Try::No),
            (stick("sda2", Some(7)), content(1), Try::New),
            (stick("sda1", Some(7)), content(2), Try::New),
            (stick("sda1", Some(7)), content(2), Try::No),
            (stick("sda1", Some(8)), content(2), Try::New),
            (stick("sdb1", None), content(2), Try::New),
            (stick("sdb1", None), content(2), Try::No),
        ];
        for (index, (place, content, expected)) in rows.into_iter().enumerate() {
            assert_eq!(attempts.begin(&place, content, Instant::now()), expected, "row {index}");
        }
    }

    #[test]
    fn what_failed_is_tried_again_after_a_while_and_what_was_refused_is_not() {
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_secs(minutes * 60);
        // When it is looked at, what lies there, whether it is tried, and how that ends.
        let rows = [
            (0, 1, Try::New, End::Failed),
            (9, 1, Try::No, End::Failed),
            (10, 1, Try::Again, End::Failed),
            (29, 1, Try::No, End::Failed),
            (30, 1, Try::Again, End::FailedTwice),
            (69, 1, Try::No, End::Failed),
            (70, 1, Try::Again, End::Failed),
            (129, 1, Try::No, End::Failed),
            (130, 1, Try::Again, End::Failed),
            (189, 1, Try::No, End::Failed),
            (190, 1, Try::Again, End::Failed),
            (191, 2, Try::New, End::Failed),
            (201, 2, Try::Again, End::Refused),
            (999, 2, Try::No, End::Failed),
            (999, 3, Try::New, End::Settled),
            (1999, 3, Try::No, End::Failed),
        ];
        for place in [Place::BootPartition, stick("sda1", Some(7))] {
            let mut attempts = Attempts::default();
            for (minutes, byte, expected, end) in rows {
                let tried = attempts.begin(&place, content(byte), at(minutes));
                assert_eq!(tried, expected, "{place:?} after {minutes} minutes");
                if tried != Try::No {
                    attempts.ended(&place, end, at(minutes));
                }
            }
        }
    }

    #[test]
    fn it_waits_for_the_first_of_the_places_that_are_there() {
        let start = Instant::now();
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let (boot, one) = (Place::BootPartition, stick("sda1", Some(7)));
        let mut attempts = Attempts::default();
        for (place, end, later) in [(&boot, End::Failed, 0), (&one, End::Failed, 5)] {
            attempts.begin(place, content(1), start);
            attempts.ended(place, end, start + minutes(later));
        }
        let rows = [
            (vec![boot.clone(), one.clone()], 6, Some(minutes(4))),
            (vec![one.clone()], 6, Some(minutes(9))),
            (vec![one], 60, Some(Duration::ZERO)),
            (vec![stick("sdb", Some(9))], 6, None),
            (vec![], 6, None),
        ];
        for (places, later, expected) in rows {
            assert_eq!(attempts.next(&places, start + minutes(later)), expected, "{places:?}");
        }
    }
}
