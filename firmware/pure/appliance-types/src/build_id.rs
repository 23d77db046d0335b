use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// Which build of the image this is, as the selector prints it and `slipway status` repeats it.
///
/// 1 to 64 characters: ASCII letters, digits and `. _ + ~ -`, starting with a letter or digit. So it needs no quoting
/// in U-Boot's shell, on a kernel command line, in a file name or in a URL path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildId(String);

impl BuildId {
    /// The longest build id, in bytes. The selector's record repeats it within one 512-byte sector.
    pub const MAX_LEN: usize = 64;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for BuildId {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<BuildId, InvalidWord> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let all_allowed = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+~-".contains(&b));
        if starts_well && all_allowed && text.len() <= BuildId::MAX_LEN {
            Ok(BuildId(text.to_owned()))
        } else {
            const RULE: &str = "1 to 64 of A-Z a-z 0-9 . _ + ~ -, the first a letter or digit";
            Err(InvalidWord::new(text, "a build id", RULE))
        }
    }
}

word_is_its_text!(BuildId);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_what_builds_are_called() {
        for text in ["0", "2026.11.22-1", "1.4.0+g68d4dee", "1.0~rc1", "dev_68d4dee", &"x".repeat(64)] {
            let id: BuildId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(serde_json::from_str::<BuildId>(&format!("\"{text}\"")).unwrap(), id);
        }
    }

    #[test]
    fn refuses_what_a_boot_script_or_a_path_would_misread() {
        for text in ["", ".", "..", "-1", "a b", "a/b", "a;reset", "a'b", "${x}", "a\n", "é", &"x".repeat(65)]
        {
            assert!(text.parse::<BuildId>().is_err(), "{text:?}");
            let json = serde_json::to_string(text).unwrap();
            assert!(serde_json::from_str::<BuildId>(&json).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept_exactly(text in ".{0,70}") {
            if let Ok(id) = text.parse::<BuildId>() {
                prop_assert_eq!(id.as_str(), text);
            }
        }
    }
}
