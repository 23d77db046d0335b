use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};

use super::Sha256Digest;

/// A secret that whoever has it may use: 256 random bits, 43 characters of base64url (RFC 4648 section 5, no padding).
///
/// It is shown once, to the one it is made for. Kept and compared is its hash. It has no `Display`, and [`fmt::Debug`] hides it, so
/// that it gets into no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(String);

/// The SHA-256 hash of a [`Bearer`]. A slow hash, as for passwords, would add nothing: nobody guesses 256 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BearerHash(Sha256Digest);

impl Bearer {
    /// The length of its text, in characters.
    pub const LEN: usize = 43;

    /// A new one. `random` is from the system's source of random numbers, and used for nothing else.
    pub fn new(random: [u8; 32]) -> Bearer {
        Bearer(Base64UrlUnpadded::encode_string(&random))
    }

    /// What somebody presents; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Bearer> {
        let mut bytes = [0; 32];
        let whole = text.len() == Bearer::LEN && Base64UrlUnpadded::decode(text, &mut bytes).is_ok();
        whole.then(|| Bearer(text.to_owned()))
    }

    /// Its text, for the one who is to have it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    ///
    /// Lookups compare hashes: how long that takes tells something about a hash, and nothing about the secret.
    pub fn hash(&self) -> BearerHash {
        BearerHash(Sha256Digest::of(self.0.as_bytes()))
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_reads_back_and_is_in_no_log() {
        let bearer = Bearer::new([0xfb; 32]);
        assert_eq!(bearer.reveal().len(), Bearer::LEN);
        assert_eq!(Bearer::parse(bearer.reveal()).unwrap().hash(), bearer.hash());
        assert_ne!(Bearer::new([1; 32]).hash(), bearer.hash());
        assert_eq!(format!("{bearer:?}"), "Bearer(…)");
        for text in ["", "a", &"=".repeat(43), &"a".repeat(44), &"é".repeat(21), &" ".repeat(43)] {
            assert_eq!(Bearer::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_secret_has_one_spelling() {
        // 43 characters hold two bits more than 32 bytes: those two must be zero, or several texts were one secret.
        let text = Bearer::new([0; 32]).reveal().to_owned();
        assert_eq!(Bearer::parse(&format!("{}B", &text[..42])), None);
    }
}
