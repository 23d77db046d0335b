use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;

/// Path and query of a request: the origin form of RFC 9112 section 3.2.1, 1 to 2048 visible ASCII characters without `#`, beginning
/// with `/`. It is compared as it is written; nothing is decoded or resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(String);

impl Target {
    /// The longest one, in bytes.
    pub const MAX_LEN: usize = 2048;

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is before the `?`.
    pub fn path(&self) -> &str {
        self.0.split_once('?').map_or(&self.0, |(path, _)| path)
    }

    /// What is behind the `?`; `None` without one.
    pub fn query(&self) -> Option<&str> {
        self.0.split_once('?').map(|(_, query)| query)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Target {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Target, InvalidWord> {
        const RULE: &str = "it begins with '/', and has up to 2048 visible ASCII characters other than '#'";
        let visible = text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        match visible && text.starts_with('/') && text.len() <= Target::MAX_LEN {
            true => Ok(Target(text.to_owned())),
            false => Err(InvalidWord::new(text, "path and query", RULE)),
        }
    }
}
