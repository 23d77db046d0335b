use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// The name of a container, network, volume, image or build of the configuration: 1 to 64 of `A`–`Z`, `a`–`z`, `0`–`9`,
/// `_`, `-`, beginning with a letter, digit or `_`.
///
/// It becomes a file name (`web.container`) and a unit's name (`web.service`), so it holds no `.`, `/`, `@` or `\`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerName(String);

impl ContainerName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ContainerName {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<ContainerName, InvalidWord> {
        const RULE: &str =
            "it has 1 to 64 of A-Z, a-z, 0-9, '_' and '-', and begins with a letter, a digit or '_'";
        let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        match word && !text.is_empty() && !text.starts_with('-') && text.len() <= ContainerName::MAX_LEN {
            true => Ok(ContainerName(text.to_owned())),
            false => Err(InvalidWord::new(text, "a container name", RULE)),
        }
    }
}

word_is_its_text!(ContainerName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_of_units_and_nothing_that_could_leave_their_folder() {
        for text in ["web", "Web_2", "0", "_x", &"a".repeat(64)] {
            assert_eq!(text.parse::<ContainerName>().unwrap().as_str(), text);
        }
        for text in ["", "-web", "a.service", "a/b", "..", "a@b", "a\\b", "a b", "a\n", &"a".repeat(65)] {
            assert!(text.parse::<ContainerName>().is_err(), "{text:?}");
        }
    }
}
