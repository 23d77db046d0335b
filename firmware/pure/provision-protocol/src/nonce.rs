//! Nonces: what makes a signature good for one request.
//!
//! A nonce that was given out is not kept. It carries when it was made, sealed with a key that this process made at its start; so
//! there is nothing that a crowd of askers could fill or flush, and a restart makes all of them void. Kept are only those that were
//! used, by signers that are known, for as long as they could be used again ([decision 0008]).
//!
//! [decision 0008]: ../../../../docs/decisions/0008-nonces-are-sealed-not-stored.md

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use appliance_types::InvalidWord;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use ring::hmac;
use serde::Serialize;

use crate::{DeviceId, Fingerprint};

/// How long a nonce may be used.
pub const NONCE_LIFE: Duration = Duration::from_secs(300);

/// How many requests one key may make within [`NONCE_LIFE`]: each is remembered, at some 50 bytes.
pub const USED_PER_SIGNER: usize = 20_000;

const RANDOM: usize = 16;
const MADE: usize = 8;
const SEAL: usize = 32;
const LEN: usize = RANDOM + MADE + SEAL;

/// What every signature names, once. 75 characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nonce([u8; LEN]);

/// The body that `GET /api/nonce` is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NonceAnswer {
    nonce: String,
    device: DeviceId,
    expires_in_s: u64,
}

/// Makes nonces, and knows which were used. One for each process that verifies signatures.
#[derive(Debug)]
pub struct Nonces {
    key: hmac::Key,
    used: BTreeMap<Fingerprint, Used>,
}

/// What one key has used.
#[derive(Debug, Default)]
struct Used {
    known: BTreeSet<[u8; RANDOM]>,
    /// In the order they were used, with the time from which on they can be forgotten.
    order: VecDeque<(Duration, [u8; RANDOM])>,
}

/// A nonce of ours that is not too old. Whether it was used is not known yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fresh {
    random: [u8; RANDOM],
    until: Duration,
}

/// Why a nonce is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NonceFault {
    /// Not made by this process.
    #[error(
        "the nonce is not one of this device, or was made before its API started again: ask for a new one"
    )]
    Unknown,
    /// Made too long ago.
    #[error("the nonce was made more than {} s ago: ask for a new one", NONCE_LIFE.as_secs())]
    Expired,
    /// Used before.
    #[error("the nonce was used already: each request needs a new one")]
    Replayed,
    /// The key made too many requests.
    #[error("this key made {USED_PER_SIGNER} requests within {} s: wait", NONCE_LIFE.as_secs())]
    TooMany {
        /// When the next one is possible.
        retry_after: Duration,
    },
}

impl NonceAnswer {
    /// A nonce and the device it is for: what a client must put into its signed text.
    pub fn new(nonce: &Nonce, device: &DeviceId) -> NonceAnswer {
        NonceAnswer { nonce: nonce.to_string(), device: device.clone(), expires_in_s: NONCE_LIFE.as_secs() }
    }
}

impl Nonces {
    /// `key` is from the system's source of random numbers, and new for every start of the process.
    pub fn new(key: [u8; 32]) -> Nonces {
        Nonces { key: hmac::Key::new(hmac::HMAC_SHA256, &key), used: BTreeMap::new() }
    }

    /// A new one. `random` is from the system's source of random numbers. `now` counts up from any point and is never set, over a
    /// standby too (`CLOCK_BOOTTIME`).
    pub fn make(&self, random: [u8; RANDOM], now: Duration) -> Nonce {
        let made = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let mut bytes = [0; LEN];
        bytes[..RANDOM].copy_from_slice(&random);
        bytes[RANDOM..RANDOM + MADE].copy_from_slice(&made.to_be_bytes());
        let seal = hmac::sign(&self.key, &bytes[..RANDOM + MADE]);
        bytes[RANDOM + MADE..].copy_from_slice(seal.as_ref());
        Nonce(bytes)
    }

    /// Looks at what somebody presents.
    pub(crate) fn examine(&self, nonce: &Nonce, now: Duration) -> Result<Fresh, NonceFault> {
        let (random, made) = nonce.parts();
        let (sealed, seal) = nonce.0.split_at(RANDOM + MADE);
        if hmac::verify(&self.key, sealed, seal).is_err() || made > now {
            return Err(NonceFault::Unknown);
        }
        let until = made + NONCE_LIFE;
        if now >= until { Err(NonceFault::Expired) } else { Ok(Fresh { random, until }) }
    }

    /// Takes it: it is good for no other request, by whomever.
    pub(crate) fn spend(
        &mut self,
        fresh: Fresh,
        signer: &Fingerprint,
        now: Duration,
    ) -> Result<(), NonceFault> {
        self.forget(now);
        if self.used.values().any(|used| used.known.contains(&fresh.random)) {
            return Err(NonceFault::Replayed);
        }
        let used = self.used.entry(signer.clone()).or_default();
        if used.order.len() >= USED_PER_SIGNER {
            let first = used.order.front().map_or(now, |(until, _)| *until);
            return Err(NonceFault::TooMany { retry_after: first.saturating_sub(now) });
        }
        used.known.insert(fresh.random);
        used.order.push_back((fresh.until, fresh.random));
        Ok(())
    }

    /// How many used ones are remembered.
    pub fn remembered(&self) -> usize {
        self.used.values().map(|used| used.order.len()).sum()
    }

    /// Those at the front first: one that is kept a little longer than it must be does no harm.
    fn forget(&mut self, now: Duration) {
        for used in self.used.values_mut() {
            while let Some((until, random)) = used.order.front()
                && *until <= now
            {
                used.known.remove(random);
                used.order.pop_front();
            }
        }
        self.used.retain(|_, used| !used.order.is_empty());
    }
}

impl Nonce {
    fn parts(&self) -> ([u8; RANDOM], Duration) {
        let (mut random, mut made) = ([0; RANDOM], [0; MADE]);
        random.copy_from_slice(&self.0[..RANDOM]);
        made.copy_from_slice(&self.0[RANDOM..RANDOM + MADE]);
        (random, Duration::from_millis(u64::from_be_bytes(made)))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl FromStr for Nonce {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Nonce, InvalidWord> {
        const RULE: &str = "it is the 75 characters that GET /api/nonce answered";
        let mut bytes = [0; LEN];
        let read = Base64UrlUnpadded::decode(text, &mut bytes).map(<[u8]>::len);
        // The last character holds bits of no byte: other values of those are other spellings of the same bytes.
        match read == Ok(LEN) && Nonce(bytes).to_string() == text {
            true => Ok(Nonce(bytes)),
            false => Err(InvalidWord::new(text, "a nonce", RULE)),
        }
    }
}

#[cfg(test)]
#[path = "nonce_tests.rs"]
mod tests;
