use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// The name of a health probe: 1 to 64 of `A`–`Z`, `a`–`z`, `0`–`9`, `_`, `-`, beginning with a letter, digit or `_`.
///
/// It stands in reports and in breadcrumbs, as a word among others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProbeName(String);

impl ProbeName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProbeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ProbeName {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<ProbeName, InvalidWord> {
        const RULE: &str =
            "it has 1 to 64 of A-Z, a-z, 0-9, '_' and '-', and begins with a letter, a digit or '_'";
        let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        match word && !text.is_empty() && !text.starts_with('-') && text.len() <= ProbeName::MAX_LEN {
            true => Ok(ProbeName(text.to_owned())),
            false => Err(InvalidWord::new(text, "the name of a probe", RULE)),
        }
    }
}

word_is_its_text!(ProbeName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_one_word() {
        for text in ["shop", "Shop_2", "0", "_x", &"a".repeat(64)] {
            assert_eq!(text.parse::<ProbeName>().unwrap().as_str(), text);
        }
        for text in ["", "-a", "a b", "a.b", "a/b", "a\n", "é", &"a".repeat(65)] {
            assert!(text.parse::<ProbeName>().is_err(), "{text:?}");
        }
    }
}
