use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::word_is_its_text;

/// A SHA-256 hash; its text is 64 lower-case hexadecimal digits, as `sha256sum` prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Digest([u8; 32]);

/// Hashes a body while it arrives.
#[derive(Debug, Clone, Default)]
pub struct BodyHasher(Sha256);

impl Sha256Digest {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Sha256Digest {
        Sha256Digest(Sha256::digest(bytes).into())
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Sha256Digest {
        Sha256Digest(bytes)
    }
}

impl BodyHasher {
    /// The next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The hash of all parts.
    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Sha256Digest {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Sha256Digest, InvalidWord> {
        let digits = text.as_bytes();
        let mut bytes = [0; 32];
        let invalid = || InvalidWord::new(text, "a SHA-256 hash", "it is 64 digits 0-9 a-f");
        if digits.len() != 64 {
            return Err(invalid());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte =
                digit(pair[0]).zip(digit(pair[1])).map(|(high, low)| high << 4 | low).ok_or_else(invalid)?;
        }
        Ok(Sha256Digest(bytes))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

word_is_its_text!(Sha256Digest);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_what_sha256sum_prints() {
        const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256Digest::of(b"abc").to_string(), OF_ABC);
        let mut parts = BodyHasher::default();
        parts.update(b"a");
        parts.update(b"bc");
        assert_eq!(parts.finish().to_string(), OF_ABC);
        for wrong in ["", &OF_ABC[1..], &OF_ABC.to_uppercase(), &format!("{OF_ABC}\n"), &"é".repeat(32)] {
            assert!(wrong.parse::<Sha256Digest>().is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_agree(bytes in any::<[u8; 32]>()) {
            let digest = Sha256Digest::from_bytes(bytes);
            prop_assert_eq!(digest.to_string().parse::<Sha256Digest>(), Ok(digest));
        }
    }
}
