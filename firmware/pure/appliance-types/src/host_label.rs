use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::domain_name::is_label;
use crate::invalid_word::word_is_its_text;

/// The name of a machine without its domain: one DNS label in lower case, of 1 to 63 letters, digits and inner hyphens
/// (RFC 952 as RFC 1123 2.1 changes it). Not all digits: that is a number to whoever expects an address or a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostLabel(String);

impl HostLabel {
    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for HostLabel {
    type Err = InvalidWord;

    /// Reads any case.
    fn from_str(text: &str) -> Result<HostLabel, InvalidWord> {
        const RULE: &str = "it has 1 to 63 letters, digits and inner hyphens, no dot, and is no number";
        match is_label(text) && !text.bytes().all(|b| b.is_ascii_digit()) {
            true => Ok(HostLabel(text.to_ascii_lowercase())),
            false => Err(InvalidWord::new(text, "the name of a machine", RULE)),
        }
    }
}

word_is_its_text!(HostLabel);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_label_in_lower_case() {
        for (text, label) in [("printer", "printer"), ("Till-3", "till-3"), ("3com", "3com")] {
            assert_eq!(text.parse::<HostLabel>().unwrap().as_str(), label);
        }
        for text in ["", "a.b", ".", "-a", "a-", "a_b", "a b", "a\n", "é", "7", "*", &"a".repeat(64)] {
            assert!(text.parse::<HostLabel>().is_err(), "{text:?}");
        }
    }
}
