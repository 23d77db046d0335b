//! One file on its way to one client.
//!
//! ```text
//!   start ─┬─ options agreed ──▶ Offered ── ACK 0 ──▶ Sending ── ACK of the last block ──▶ complete
//!          └─ none ─────────────────────────────────▶ Sending
//!   any state: ERROR from the client, or silence beyond patience ──▶ the end, and nothing more is said
//! ```

use super::block::{LAST_WITHOUT_ROLLOVER, Rollover};
use super::options::Negotiated;
use super::packet::{self, Packet};
use std::time::Duration;

/// First wait for an answer when the client did not ask for a time-out, and the bounds of later ones. The lower bound is
/// kept far above any network's delay: an early ROM that gets a block twice acknowledges one too many and hangs.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LEAST_WAIT: Duration = Duration::from_millis(500);
const MOST_WAIT: Duration = Duration::from_secs(4);
/// How long a client that has answered before may stay silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often something is sent again to an address that has never answered: it may not have asked.
const UNPROVEN_RESENDS: u32 = 3;
/// The shortest wait after a repeated ACK in a window; see [`Transfer::repeated`]. A client that echoes its ACKs must get its
/// next one through in this time, on a busy machine too.
const LEAST_NUDGE: Duration = Duration::from_millis(100);

/// The state of one transfer. What is sent is described by [`Blocks`], so that it costs no memory here.
#[derive(Debug)]
pub struct Transfer {
    size: u64,
    blksize: u16,
    windowsize: u16,
    rollover: Rollover,
    /// Blocks of the file, the last (shorter, maybe empty) one included.
    total: u64,
    /// All blocks up to here have arrived.
    acknowledged: u64,
    /// All blocks up to here were sent.
    sent: u64,
    /// Until the client accepts it.
    offer: Option<Box<[u8]>>,
    /// Whether the client has answered at all.
    proven: bool,
    /// What the client asked for, in place of our own measure.
    fixed_wait: Option<Duration>,
    /// Smoothed time from a window to its ACK.
    round_trip: Option<Duration>,
    sent_at: Duration,
    heard_at: Duration,
    deadline: Duration,
    /// Sends of the same since the last progress.
    resends: u32,
    total_resends: u64,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing, until [`Transfer::next_timeout`].
    Wait,
    /// Send [`Transfer::option_ack`].
    OfferOptions,
    /// Send these blocks.
    Send(Blocks),
    /// The transfer is over: send nothing, and forget it.
    End(End),
}

/// Consecutive blocks of the file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// The first.
    pub first: u64,
    /// How many; at least one.
    pub count: u16,
    /// Whether they have been sent before.
    pub again: bool,
}

/// How a transfer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The client has all of it.
    Complete,
    /// All was sent, and only the last ACK did not come: clients start what they loaded and do not look back.
    LastAckMissing,
    /// The client asked for the size only: it ended the transfer before the first block.
    Probe,
    /// The client gave up, and said so.
    ClientError {
        /// Its number.
        code: u16,
        /// Its words, as text.
        message: String,
    },
    /// The client fell silent.
    Silent {
        /// The last block it acknowledged; 0 for none.
        after: u64,
        /// Whether it ever answered.
        proven: bool,
    },
}

/// A file that a client without roll-over cannot take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file has {size} bytes, and this client can take {limit} in blocks of {blksize}")]
pub struct TooLarge {
    /// Bytes of the file.
    pub size: u64,
    /// The most it can take.
    pub limit: u64,
    /// Bytes per block.
    pub blksize: u16,
}

impl Transfer {
    /// Begins: what to send first is the second value.
    ///
    /// # Errors
    /// When the client cannot count that far.
    pub fn start(
        now: Duration,
        size: u64,
        agreed: &Negotiated,
        rollover: Rollover,
    ) -> Result<(Transfer, Action), TooLarge> {
        let total = size / u64::from(agreed.blksize) + 1;
        if rollover == Rollover::Refuse && total > LAST_WITHOUT_ROLLOVER {
            let limit = LAST_WITHOUT_ROLLOVER * u64::from(agreed.blksize) - 1;
            return Err(TooLarge { size, limit, blksize: agreed.blksize });
        }
        let fixed_wait = agreed.timeout.map(|seconds| Duration::from_secs(u64::from(seconds)));
        let mut transfer = Transfer {
            size,
            blksize: agreed.blksize,
            windowsize: agreed.windowsize,
            rollover,
            total,
            acknowledged: 0,
            sent: 0,
            offer: agreed.option_ack.as_deref().map(Into::into),
            proven: false,
            fixed_wait,
            round_trip: None,
            sent_at: now,
            heard_at: now,
            deadline: now + fixed_wait.unwrap_or(FIRST_WAIT),
            resends: 0,
            total_resends: 0,
        };
        let first = match transfer.offer {
            Some(_) => Action::OfferOptions,
            None => transfer.window(now),
        };
        Ok((transfer, first))
    }

    /// A datagram from the client's own address and port.
    pub fn on_packet(&mut self, now: Duration, bytes: &[u8]) -> Action {
        match packet::parse(bytes) {
            Ok(Packet::Ack { block }) => self.on_ack(now, block),
            Ok(Packet::Error { code, message }) => self.on_error(code, message),
            // Nothing else belongs here. An answer could start a quarrel of errors, silence cannot.
            Ok(_) | Err(_) => Action::Wait,
        }
    }

    /// To be called when [`Transfer::next_timeout`] has passed; earlier it does nothing.
    pub fn on_timeout(&mut self, now: Duration) -> Action {
        if now < self.deadline {
            return Action::Wait;
        }
        let silent = now.saturating_sub(self.heard_at);
        let patience = PATIENCE.max(self.wait().saturating_mul(3));
        if silent >= patience || (!self.proven && self.resends >= UNPROVEN_RESENDS) {
            let all_sent = self.proven && self.sent == self.total;
            let last_missing = all_sent && self.acknowledged + u64::from(self.windowsize) >= self.total;
            return Action::End(match last_missing {
                true => End::LastAckMissing,
                false => End::Silent { after: self.acknowledged, proven: self.proven },
            });
        }
        self.resends += 1;
        self.total_resends += 1;
        if self.offer.is_some() {
            self.arm(now);
            return Action::OfferOptions;
        }
        self.sent = self.acknowledged;
        self.window_again(now)
    }

    /// When [`Transfer::on_timeout`] has something to do, if no packet comes before.
    #[must_use]
    pub fn next_timeout(&self) -> Duration {
        self.deadline
    }

    /// The OACK packet, while it is not accepted.
    #[must_use]
    pub fn option_ack(&self) -> Option<&[u8]> {
        self.offer.as_deref()
    }

    /// The four bytes before the content of block `block`.
    #[must_use]
    pub fn header(&self, block: u64) -> [u8; 4] {
        packet::data_header(self.rollover.on_wire(block))
    }

    /// Where the content of `block` is in the file: first byte and length. The last one may be empty.
    #[must_use]
    pub fn range(&self, block: u64) -> (u64, usize) {
        let first = block.saturating_sub(1) * u64::from(self.blksize);
        let length = self.size.saturating_sub(first).min(u64::from(self.blksize));
        (first, usize::try_from(length).unwrap_or(usize::from(self.blksize)))
    }

    /// Bytes per block.
    #[must_use]
    pub fn blksize(&self) -> u16 {
        self.blksize
    }

    /// Whether the client has answered: its address is no forgery.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    /// Bytes that have arrived for certain.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        (self.acknowledged * u64::from(self.blksize)).min(self.size)
    }

    /// Bytes of the file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How often something was sent again, over the whole transfer.
    #[must_use]
    pub fn resends(&self) -> u64 {
        self.total_resends
    }

    fn on_ack(&mut self, now: Duration, number: u16) -> Action {
        if self.offer.is_some() {
            if number != 0 {
                return Action::Wait;
            }
            self.offer = None;
            self.progress(now);
            return self.window(now);
        }
        let Some(block) = self.rollover.find(number, self.acknowledged, self.sent) else {
            return Action::Wait;
        };
        if block == self.acknowledged {
            return self.repeated(now);
        }
        if self.resends == 0 && block == self.sent {
            self.measure(now.saturating_sub(self.sent_at));
        }
        let gap = block < self.sent;
        self.acknowledged = block;
        self.progress(now);
        if block == self.total {
            return Action::End(End::Complete);
        }
        if gap {
            // The client saw a hole in the window: it goes on from there (RFC 7440 section 4).
            self.total_resends += 1;
            self.sent = block;
            return self.window_again(now);
        }
        self.window(now)
    }

    /// An ACK that says nothing new. Answering it with DATA would, with each side doubling the other's packets, double
    /// the rest of the transfer (RFC 1123 section 4.2.3.1): only the clock sends again. In a window it may also be how the
    /// client reports that the first block of it is missing, so there the clock is set nearer, to twice the usual round
    /// trip; if the ACK was a mere echo, the real one comes before that.
    fn repeated(&mut self, now: Duration) -> Action {
        if self.windowsize > 1 && self.sent > self.acknowledged && self.resends == 0 {
            let nudge = self.round_trip.unwrap_or(LEAST_WAIT).saturating_mul(2).max(LEAST_NUDGE);
            self.deadline = self.deadline.min(self.sent_at.max(now) + nudge);
            self.heard_at = now;
        }
        Action::Wait
    }

    fn on_error(&mut self, code: u16, message: &[u8]) -> Action {
        if !self.proven && matches!(code, 0 | 8) {
            return Action::End(End::Probe);
        }
        let message = String::from_utf8_lossy(&message[..message.len().min(128)]).into_owned();
        Action::End(End::ClientError { code, message })
    }

    fn progress(&mut self, now: Duration) {
        self.proven = true;
        self.heard_at = now;
        self.resends = 0;
    }

    fn measure(&mut self, sample: Duration) {
        self.round_trip = Some(match self.round_trip {
            Some(smoothed) => (smoothed * 7 + sample) / 8,
            None => sample,
        });
    }

    fn wait(&self) -> Duration {
        if let Some(fixed) = self.fixed_wait {
            return fixed;
        }
        let measured = self.round_trip.map_or(FIRST_WAIT, |smoothed| smoothed.saturating_mul(4));
        let doubled = measured.max(LEAST_WAIT).saturating_mul(1 << self.resends.min(4));
        doubled.min(MOST_WAIT)
    }

    fn arm(&mut self, now: Duration) {
        self.sent_at = now;
        self.deadline = now + self.wait();
    }

    fn window(&mut self, now: Duration) -> Action {
        let first = self.acknowledged + 1;
        let last = self.total.min(self.acknowledged + u64::from(self.windowsize));
        self.sent = last;
        self.arm(now);
        let count = u16::try_from(last + 1 - first).unwrap_or(1);
        Action::Send(Blocks { first, count, again: false })
    }

    fn window_again(&mut self, now: Duration) -> Action {
        match self.window(now) {
            Action::Send(blocks) => Action::Send(Blocks { again: true, ..blocks }),
            other => other,
        }
    }
}

#[cfg(test)]
#[path = "transfer_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "transfer_network_tests.rs"]
mod network_tests;
