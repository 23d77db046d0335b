//! Taking possession of a device that belongs to nobody: by the code on its console.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use appliance_types::InvalidWord;
use serde::{Deserialize, Serialize};

use crate::words::word_is_its_text;
use crate::{Peer, Sha256Digest};

/// The header with the claim code.
pub const CLAIM_HEADER: &str = "slipway-claim-code";

/// How many wrong codes a peer may send before it has to wait.
pub const FREE_TRIES: u32 = 5;

/// How long after the fifth; twice as long after each further one.
pub const FIRST_WAIT: Duration = Duration::from_secs(30);

/// The longest wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How many peers are remembered. With more, the one forgotten is who was wrong longest ago.
const PEERS: usize = 1024;

/// A peer that was not wrong for that long starts anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);

const SYMBOLS: usize = 12;

/// Crockford's base 32: no letter that looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a device shows on its serial line and screen until somebody claims it: `7K2M-Q0XD-9RVA`, 60 random bits.
///
/// Read in any case, with or without dashes and spaces; `O` is 0, `I` and `L` are 1.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClaimCode([u8; SYMBOLS]);

/// Whether a device can be claimed, and who guessed wrong.
///
/// Waits are for each peer, so that nobody can keep the owner out by guessing. They bound the noise, not the guesses: 2^60 codes would
/// take a thousand machines with a thousand tries a second each 36,000 years.
#[derive(Debug)]
pub struct Claim {
    state: State,
    wrong: BTreeMap<Peer, Wrong>,
}

#[derive(Debug)]
enum State {
    Open { code: Sha256Digest },
    Closed(WhyClosed),
}

/// Why a device cannot be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyClosed {
    /// It belongs to somebody.
    Claimed,
    /// The image was built with an administrator's key: its holder signs the first configuration.
    OwnedByImage,
    /// It cannot be known whether it belongs to somebody: its data or its claim record cannot be read.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    times: u32,
    last: Duration,
}

/// Why a claim is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// It cannot be claimed.
    #[error("{}", closed(.0))]
    Closed(WhyClosed),
    /// Not the code.
    #[error("that is not the claim code: it stands on the device's serial line and screen")]
    Wrong,
    /// Too many wrong codes.
    #[error("too many wrong claim codes: wait {} s", wait.as_secs())]
    Wait {
        /// Until the next try is looked at.
        wait: Duration,
    },
}

fn closed(why: &WhyClosed) -> &'static str {
    match why {
        WhyClosed::Claimed => {
            "this device belongs to somebody already: sign the request with an administrator's key"
        }
        WhyClosed::OwnedByImage => {
            "this device's image was built with an administrator's key: sign the request with it"
        }
        WhyClosed::Unknown => {
            "it cannot be read whom this device belongs to, so it cannot be claimed: see `slipway why` on its console"
        }
    }
}

impl Claim {
    /// Whoever knows `code` may claim the device.
    pub fn open(code: &ClaimCode) -> Claim {
        Claim { state: State::Open { code: code.digest() }, wrong: BTreeMap::new() }
    }

    /// Nobody may.
    pub fn closed(why: WhyClosed) -> Claim {
        Claim { state: State::Closed(why), wrong: BTreeMap::new() }
    }

    /// From now on nobody may: a configuration is in force.
    pub fn close(&mut self) {
        *self = Claim::closed(WhyClosed::Claimed);
    }

    /// Whether a code would be looked at.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Looks at a code. A text that cannot be one is a wrong code. While a peer waits, not even the right code is looked at: that the
    /// answer differs would make the wait worthless.
    pub(crate) fn examine(&mut self, text: &str, peer: Peer, now: Duration) -> Result<(), ClaimFault> {
        let State::Open { code } = &self.state else {
            let State::Closed(why) = self.state else { return Err(ClaimFault::Wrong) };
            return Err(ClaimFault::Closed(why));
        };
        if let Some(wrong) = self.wrong.get(&peer) {
            let wait = wrong.until().saturating_sub(now);
            if !wait.is_zero() {
                return Err(ClaimFault::Wait { wait });
            }
        }
        // Of hashes, so that how long it takes says nothing about the code.
        if text.parse::<ClaimCode>().is_ok_and(|tried| tried.digest() == *code) {
            self.wrong.remove(&peer);
            return Ok(());
        }
        self.note(peer, now);
        Err(ClaimFault::Wrong)
    }

    fn note(&mut self, peer: Peer, now: Duration) {
        self.wrong.retain(|_, wrong| now < wrong.until().max(wrong.last + FORGOTTEN_AFTER));
        if self.wrong.len() >= PEERS
            && !self.wrong.contains_key(&peer)
            && let Some(oldest) = self.wrong.iter().min_by_key(|(_, wrong)| wrong.last).map(|(peer, _)| *peer)
        {
            self.wrong.remove(&oldest);
        }
        let wrong = self.wrong.entry(peer).or_insert(Wrong { times: 0, last: now });
        *wrong = Wrong { times: wrong.times.saturating_add(1), last: now };
    }
}

impl Wrong {
    /// Until when this peer waits.
    fn until(&self) -> Duration {
        let Some(doublings) = self.times.checked_sub(FREE_TRIES) else { return Duration::ZERO };
        let factor = 2u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.last + FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT)
    }
}

impl ClaimCode {
    /// A new one. `random` is from the system's source of random numbers, and used for nothing else.
    pub fn new(random: [u8; 8]) -> ClaimCode {
        let mut bits = u64::from_be_bytes(random);
        let symbols = [(); SYMBOLS].map(|()| {
            let symbol = ALPHABET[usize::from(bits.to_le_bytes()[0] & 31)];
            bits >>= 5;
            symbol
        });
        ClaimCode(symbols)
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(&self.0)
    }
}

impl fmt::Display for ClaimCode {
    /// For the console: whoever stands there may have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, symbol) in self.0.iter().enumerate() {
            let dash = if index > 0 && index % 4 == 0 { "-" } else { "" };
            write!(f, "{dash}{}", char::from(*symbol))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCode(…)")
    }
}

impl FromStr for ClaimCode {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<ClaimCode, InvalidWord> {
        // The text is not repeated: it may be right but for a slip.
        let invalid =
            || InvalidWord::new("…", "a claim code", "it has 12 letters and digits, as XXXX-XXXX-XXXX");
        let mut symbols = Vec::with_capacity(SYMBOLS);
        for byte in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let symbol = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            if !ALPHABET.contains(&symbol) || symbols.len() == SYMBOLS {
                return Err(invalid());
            }
            symbols.push(symbol);
        }
        symbols.try_into().map(ClaimCode).map_err(|_| invalid())
    }
}

word_is_its_text!(ClaimCode);

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
