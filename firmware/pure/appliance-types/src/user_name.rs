use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// The name of a person's account on the appliance: 1 to 32 of `a`–`z`, `0`–`9`, `_`, `-`, beginning with a letter or `_`.
///
/// The intersection of what useradd(8), systemd (`valid_user_group_name` in `basic/user-util.c`) and sshd's
/// `AuthorizedKeysFile` path accept; it can never be a path, an option or a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

impl UserName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 32;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for UserName {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<UserName, InvalidWord> {
        const RULE: &str = "it has 1 to 32 of a-z, 0-9, '_' and '-', and begins with a letter or '_'";
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
        let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
        match first && rest && text.len() <= UserName::MAX_LEN {
            true => Ok(UserName(text.to_owned())),
            false => Err(InvalidWord::new(text, "a user name", RULE)),
        }
    }
}

word_is_its_text!(UserName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_plain_names_and_nothing_that_could_be_a_path_an_option_or_a_number() {
        for text in ["admin", "_svc", "a", "ops-2", &"a".repeat(32)] {
            assert_eq!(text.parse::<UserName>().unwrap().as_str(), text);
        }
        for text in ["", "-a", "0day", "Admin", "a.b", "a/b", "..", "a b", "a\n", "é", &"a".repeat(33)] {
            assert!(text.parse::<UserName>().is_err(), "{text:?}");
        }
    }
}
