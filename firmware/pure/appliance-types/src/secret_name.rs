use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// The name of a secret: 1 to 64 of `A`–`Z`, `a`–`z`, `0`–`9`, `_`, `-`, `.`, beginning with a letter or digit.
///
/// It becomes a file name and the name of a systemd credential, so it can be neither a path nor an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

impl SecretName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for SecretName {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<SecretName, InvalidWord> {
        const RULE: &str =
            "it has 1 to 64 of A-Z, a-z, 0-9, '_', '-' and '.', and begins with a letter or a digit";
        let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        match word && first && text.len() <= SecretName::MAX_LEN {
            true => Ok(SecretName(text.to_owned())),
            false => Err(InvalidWord::new(text, "the name of a secret", RULE)),
        }
    }
}

word_is_its_text!(SecretName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_that_are_neither_paths_nor_options() {
        for text in ["oidc", "OIDC_SECRET", "0", "a.b-c", &"a".repeat(64)] {
            assert_eq!(text.parse::<SecretName>().unwrap().as_str(), text);
        }
        for text in ["", "-a", ".", "..", "_a", "a/b", "a b", "a,b", "a=b", "a\n", "é", &"a".repeat(65)] {
            assert!(text.parse::<SecretName>().is_err(), "{text:?}");
        }
    }
}
