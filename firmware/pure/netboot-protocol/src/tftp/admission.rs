//! Who may load now, when everybody wants to.
//!
//! After a power cut a whole site boots at once. Shared fairly, the wire gives each machine so little that all of them run
//! into the deadline of their firmware, and all fail. So as many load at a time as will make it; the others wait in the order
//! in which they asked, best before they have an address: there firmware is patient and starts over.
//!
//! How fast the wire is, is not configured but measured, by what is acknowledged.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What must be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// How long a file may take that is begun now. Half of the 30 s that a Raspberry Pi gives a file: the measure is late, and
    /// a lost packet costs a second.
    pub target: Duration,
    /// Clients that are let in without a measure.
    pub unmeasured: usize,
    /// How long a client that loads nothing still counts as one that loads.
    pub idle: Duration,
    /// How long a client that was let in may go on with its next file without asking: a boot is let in as a whole.
    pub keep: Duration,
    /// How long the place in the queue of a client is kept that no longer asks.
    pub forget: Duration,
}

impl Default for AdmissionLimits {
    fn default() -> AdmissionLimits {
        AdmissionLimits {
            target: Duration::from_secs(15),
            unmeasured: 8,
            idle: Duration::from_secs(1),
            keep: Duration::from_secs(30),
            forget: Duration::from_secs(20),
        }
    }
}

/// Whether a client may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It may, or already has.
    Go,
    /// Not yet: say nothing, it will ask again.
    Wait {
        /// How many are before it.
        ahead: usize,
    },
}

/// The places and the queue.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    places: HashMap<Ipv4Addr, Place>,
    queue: Vec<Waiting>,
    rate: Rate,
}

#[derive(Debug)]
struct Place {
    active_at: Duration,
    /// The largest file it has asked for.
    largest: u64,
}

#[derive(Debug)]
struct Waiting {
    client: Ipv4Addr,
    asked_at: Duration,
}

/// Bytes per second, over the last seconds in which something was loaded.
#[derive(Debug, Default)]
struct Rate {
    since: Duration,
    bytes: u64,
    per_second: Option<f64>,
}

impl Admission {
    /// Nobody loads.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Admission {
        Admission { limits, places: HashMap::new(), queue: Vec::new(), rate: Rate::default() }
    }

    /// `client` wants to load; its largest file has `largest` bytes (0 when not known yet).
    pub fn ask(&mut self, now: Duration, client: Ipv4Addr, largest: u64) -> Answer {
        let AdmissionLimits { keep, forget, .. } = self.limits;
        self.places.retain(|_, place| now.saturating_sub(place.active_at) < keep);
        self.queue.retain(|waiting| now.saturating_sub(waiting.asked_at) < forget);
        self.rate.roll(now);
        if let Some(place) = self.places.get_mut(&client) {
            place.active_at = now;
            place.largest = place.largest.max(largest);
            return Answer::Go;
        }
        let position = self.queue.iter().position(|waiting| waiting.client == client);
        let ahead = position.unwrap_or(self.queue.len());
        if ahead < self.free_places(now, largest) {
            if let Some(position) = position {
                self.queue.remove(position);
            }
            self.places.insert(client, Place { active_at: now, largest });
            return Answer::Go;
        }
        match position {
            Some(position) => self.queue[position].asked_at = now,
            None => self.queue.push(Waiting { client, asked_at: now }),
        }
        Answer::Wait { ahead }
    }

    /// `client` has acknowledged `bytes` more, or still works on what it has.
    pub fn delivered(&mut self, now: Duration, client: Ipv4Addr, bytes: u64) {
        self.rate.roll(now);
        self.rate.bytes += bytes;
        if let Some(place) = self.places.get_mut(&client) {
            place.active_at = now;
        }
    }

    /// How many load now.
    #[must_use]
    pub fn active(&self, now: Duration) -> usize {
        let loads = |place: &&Place| now.saturating_sub(place.active_at) < self.limits.idle;
        self.places.values().filter(loads).count()
    }

    /// How many more can begin and still be done in time, everybody loading a file of the largest size seen.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate: sizes are far below 2^52, and the result is positive and small"
    )]
    fn free_places(&self, now: Duration, largest: u64) -> usize {
        let largest = self.places.values().map(|place| place.largest).fold(largest, u64::max);
        let possible = match self.rate.per_second {
            Some(rate) if largest > 0 => (rate * self.limits.target.as_secs_f64() / largest as f64) as usize,
            Some(_) | None => 0,
        };
        possible.max(self.limits.unmeasured).saturating_sub(self.active(now))
    }
}

impl Rate {
    /// Folds what was counted into the rate, once per second.
    #[expect(clippy::cast_precision_loss, reason = "an estimate of bytes per second, far below 2^52")]
    fn roll(&mut self, now: Duration) {
        let past = now.saturating_sub(self.since);
        if past < Duration::from_secs(1) {
            return;
        }
        // A pause tells nothing about the wire, and the second in which loading begins too little.
        if past < Duration::from_secs(3) && self.bytes > 0 {
            let measured = self.bytes as f64 / past.as_secs_f64();
            self.per_second = Some(match self.per_second {
                Some(rate) => rate * 0.7 + measured * 0.3,
                None => measured,
            });
        }
        self.since = now;
        self.bytes = 0;
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
