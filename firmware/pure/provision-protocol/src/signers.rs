//! Whose signatures count: the administrators of the configuration, or of the claim record.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use appliance_types::UserName;
use serde::{Deserialize, Serialize};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

/// The smallest RSA key, in bits.
pub const MIN_RSA_BITS: usize = 2048;

/// The largest RSA key, in bits: what the verifier computes with.
pub const MAX_RSA_BITS: usize = 8192;

/// A public key whose signatures can be verified here: Ed25519, ECDSA on P-256 or P-384, their hardware-backed `sk-` forms, RSA of
/// 2048 to 8192 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerKey {
    data: KeyData,
    fingerprint: Fingerprint,
}

/// `SHA256:…`, as `ssh-keygen -l` prints it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

/// Somebody who may sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The account; `None` for a key of the claim record, which has no names.
    pub user: Option<UserName>,
    /// The key.
    pub key: Fingerprint,
}

/// The keys whose signatures count, and whose they are.
///
/// What `allowed_signers` of ssh-keygen(1) says, with one purpose (the namespace is always ours), no end of validity (a key goes when
/// the configuration no longer has it), and no certificate authorities.
#[derive(Debug, Clone, Default)]
pub struct AllowedSigners {
    by_fingerprint: BTreeMap<Fingerprint, (KeyData, Option<UserName>)>,
}

/// Why a line is no key that may sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// No public key at all.
    #[error("it is not a public key on one line, as in a .pub file")]
    Unreadable,
    /// A type that is not accepted.
    #[error(
        "signatures by keys of type {0} are not accepted: use ssh-ed25519, ecdsa-sha2-nistp256 or ssh-rsa"
    )]
    Type(String),
    /// RSA of a size that is not accepted.
    #[error("an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, not {0}")]
    RsaBits(usize),
}

impl AllowedSigners {
    /// Lets this key sign for `user`. A key that two users have belongs to the first.
    pub fn allow(&mut self, user: Option<UserName>, key: SignerKey) {
        self.by_fingerprint.entry(key.fingerprint).or_insert((key.data, user));
    }

    /// Whether nobody may sign.
    pub fn is_empty(&self) -> bool {
        self.by_fingerprint.is_empty()
    }

    /// Whether this key may sign, now.
    pub fn contains(&self, key: &Fingerprint) -> bool {
        self.by_fingerprint.contains_key(key)
    }

    /// All of them, in the order of their fingerprints.
    pub fn iter(&self) -> impl Iterator<Item = Signer> {
        self.by_fingerprint.iter().map(|(key, (_, user))| Signer { user: user.clone(), key: key.clone() })
    }

    pub(crate) fn find(&self, data: &KeyData) -> Option<Signer> {
        let key = Fingerprint::of(data);
        let (known, user) = self.by_fingerprint.get(&key)?;
        (known == data).then(|| Signer { user: user.clone(), key })
    }
}

impl SignerKey {
    /// Its fingerprint.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

impl FromStr for SignerKey {
    type Err = KeyFault;

    /// `ssh-ed25519 AAAA… comment`
    fn from_str(line: &str) -> Result<SignerKey, KeyFault> {
        let key = PublicKey::from_openssh(line.trim()).map_err(|_| KeyFault::Unreadable)?;
        let data = key.key_data().clone();
        acceptable(&data)?;
        Ok(SignerKey { fingerprint: Fingerprint::of(&data), data })
    }
}

fn acceptable(data: &KeyData) -> Result<(), KeyFault> {
    match data.algorithm() {
        Algorithm::Ed25519
        | Algorithm::SkEd25519
        | Algorithm::SkEcdsaSha2NistP256
        | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 } => Ok(()),
        Algorithm::Rsa { .. } => match rsa_bits(data) {
            MIN_RSA_BITS..=MAX_RSA_BITS => Ok(()),
            bits => Err(KeyFault::RsaBits(bits)),
        },
        other => Err(KeyFault::Type(other.to_string())),
    }
}

fn rsa_bits(data: &KeyData) -> usize {
    let modulus = data.rsa().and_then(|key| key.n.as_positive_bytes()).unwrap_or_default();
    modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize)
}

impl Fingerprint {
    pub(crate) fn of(data: &KeyData) -> Fingerprint {
        Fingerprint(data.fingerprint(HashAlg::Sha256).to_string())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn for_tests(name: &str) -> Fingerprint {
        Fingerprint(format!("SHA256:{name}"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user} ({})", self.key),
            None => write!(f, "{}", self.key),
        }
    }
}
