//! Limits on what is sent to addresses that have not answered yet: a request's source address may be forged, and a short
//! request makes a longer answer.

use std::collections::HashMap;
use std::net::Ipv4Addr;

/// How many transfers may be open that nobody has acknowledged anything of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLimits {
    /// To one address.
    pub per_source: u32,
    /// To all together.
    pub total: u32,
}

impl Default for SourceLimits {
    fn default() -> SourceLimits {
        // A ROM has one; a machine room after a power cut some hundreds.
        SourceLimits { per_source: 8, total: 1024 }
    }
}

/// Counts them.
#[derive(Debug, Default)]
pub struct Sources {
    limits: SourceLimits,
    open: HashMap<Ipv4Addr, u32>,
    total: u32,
}

impl Sources {
    /// None open yet.
    #[must_use]
    pub fn new(limits: SourceLimits) -> Sources {
        Sources { limits, ..Sources::default() }
    }

    /// Counts one more to `source`, if the limits allow it.
    pub fn open(&mut self, source: Ipv4Addr) -> bool {
        let count = self.open.entry(source).or_default();
        if *count >= self.limits.per_source || self.total >= self.limits.total {
            if *count == 0 {
                self.open.remove(&source);
            }
            return false;
        }
        *count += 1;
        self.total += 1;
        true
    }

    /// One of them has been answered, or is over. To be called once for each that [`Sources::open`] allowed.
    pub fn settle(&mut self, source: Ipv4Addr) {
        if let Some(count) = self.open.get_mut(&source) {
            *count -= 1;
            self.total -= 1;
            if *count == 0 {
                self.open.remove(&source);
            }
        }
    }
}
