use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;
use serde::{Deserialize, Serialize};

use super::word_is_its_text;

/// The id a device is claimed under, and that every signature names: 1 to 64 of `A`–`Z`, `a`–`z`, `0`–`9`, `.`, `_`, `-`.
///
/// What a signature says for one device cannot be used on another one of the same owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(String);

impl DeviceId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 64;
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DeviceId {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<DeviceId, InvalidWord> {
        const RULE: &str = "it has 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'";
        let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        match word && !text.is_empty() && text.len() <= DeviceId::MAX_LEN {
            true => Ok(DeviceId(text.to_owned())),
            false => Err(InvalidWord::new(text, "a device id", RULE)),
        }
    }
}

word_is_its_text!(DeviceId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_word() {
        for text in ["02deadbeef01", "00a2b3c4d5e6f708192a3b4c5d6e7f80", "rock64-0042", &"a".repeat(64)] {
            assert_eq!(text.parse::<DeviceId>().unwrap().to_string(), text);
        }
        for text in ["", "a b", "a\nnonce: x", "é", &"a".repeat(65)] {
            assert!(text.parse::<DeviceId>().is_err(), "{text:?}");
        }
    }
}
