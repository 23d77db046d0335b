//! Which PXE clients came back without having loaded anything: they are told of their file in another way.

use std::collections::HashMap;
use std::time::Duration;

use crate::dhcp::Hardware;
use crate::policy::PxeStrategy;

/// A ROM that has been told of a file loads it within seconds; one that starts over within this time did not.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many clients are remembered. A flood of invented ones forgets the oldest.
const CAPACITY: usize = 4096;

/// What was tried with which card.
#[derive(Debug, Clone, Default)]
pub struct PxeMemory {
    tries: HashMap<Hardware, Try>,
}

#[derive(Debug, Clone, Copy)]
struct Try {
    at: Duration,
    strategy: PxeStrategy,
}

impl PxeMemory {
    /// A client was told of its file in this way, and should now load it.
    pub fn told(&mut self, hardware: Hardware, strategy: PxeStrategy, now: Duration) {
        if self.tries.len() >= CAPACITY && !self.tries.contains_key(&hardware) {
            let oldest = self.tries.iter().min_by_key(|(_, tried)| tried.at).map(|(card, _)| *card);
            oldest.and_then(|card| self.tries.remove(&card));
        }
        self.tries.insert(hardware, Try { at: now, strategy });
    }

    /// A client has asked for a file: it has understood.
    pub fn loads(&mut self, hardware: Hardware) {
        self.tries.remove(&hardware);
    }

    /// What to try with a client that starts over, when the policy leaves it open.
    pub(super) fn strategy(&self, hardware: Hardware, configured: PxeStrategy, now: Duration) -> PxeStrategy {
        match (configured, self.tries.get(&hardware)) {
            (PxeStrategy::Auto, Some(tried)) if now.saturating_sub(tried.at) < PATIENCE => {
                match tried.strategy {
                    PxeStrategy::Direct => PxeStrategy::Port4011,
                    _ => PxeStrategy::Direct,
                }
            }
            (PxeStrategy::Auto, _) => PxeStrategy::Direct,
            (other, _) => other,
        }
    }
}
