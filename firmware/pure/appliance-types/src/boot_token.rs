use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// The mark of one boot: a random UUID the selector makes at every boot.
///
/// The selector writes it to the disk it booted from and puts it on the kernel command line as `slipway.token=`, so
/// early-boot finds that disk again even when two disks hold the same image.
///
/// Text form: 36 characters, lower case, with hyphens, as U-Boot's `uuid` command prints it; nothing else is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BootToken(Uuid);

impl BootToken {
    /// The token of these 16 random bytes. They are used as they are: the selector does not promise an RFC 9562
    /// version or variant, and nothing reads one.
    pub fn from_bytes(bytes: [u8; 16]) -> BootToken {
        BootToken(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for BootToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl FromStr for BootToken {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<BootToken, InvalidWord> {
        const RULE: &str = "it is a UUID of 36 characters, in lower case and with hyphens";
        // Uuid::parse_str also takes braces, "urn:uuid:", upper case and no hyphens. Two spellings of one token would
        // be two tokens to whoever compares text, so only the canonical one passes.
        match Uuid::parse_str(text).map(BootToken) {
            Ok(token) if token.to_string() == text => Ok(token),
            _ => Err(InvalidWord::new(text, "a boot token", RULE)),
        }
    }
}

word_is_its_text!(BootToken);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "6f1c2b1e-3c7a-4d5e-9b20-1d2e3f405162";

    #[test]
    fn has_one_spelling() {
        let token: BootToken = TEXT.parse().unwrap();
        assert_eq!(token.to_string(), TEXT);
        assert_eq!(serde_json::to_string(&token).unwrap(), format!("\"{TEXT}\""));
        let others =
            [TEXT.to_uppercase(), TEXT.replace('-', ""), format!("{{{TEXT}}}"), format!("urn:uuid:{TEXT}")];
        for other in others.iter().map(String::as_str).chain(["", " ", "6f1c2b1e"]) {
            assert!(other.parse::<BootToken>().is_err(), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn every_sixteen_bytes_print_and_parse_back(bytes in any::<[u8; 16]>()) {
            let token = BootToken::from_bytes(bytes);
            prop_assert_eq!(token.to_string().parse::<BootToken>(), Ok(token));
        }
    }
}
