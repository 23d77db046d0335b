use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;

/// The value of a `Content-Type` header, as it was sent: 1 to 256 printable ASCII characters, with no space at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType(String);

impl ContentType {
    /// The longest one, in bytes.
    pub const MAX_LEN: usize = 256;

    /// As sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Type and subtype, without parameters: `text/plain` of `text/plain; charset=utf-8`.
    pub fn essence(&self) -> &str {
        self.0.split(';').next().unwrap_or_default().trim_ascii_end()
    }

    pub(super) fn from_header(value: &[u8]) -> Result<ContentType, InvalidWord> {
        String::from_utf8_lossy(value).parse()
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ContentType {
    type Err = InvalidWord;

    /// `-` alone is not one: it stands for none in the signed text.
    fn from_str(text: &str) -> Result<ContentType, InvalidWord> {
        const RULE: &str = "it has 1 to 256 printable ASCII characters, for example application/toml";
        let printable = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let trimmed = !text.starts_with(' ') && !text.ends_with(' ');
        match printable && trimmed && !text.is_empty() && text != "-" && text.len() <= ContentType::MAX_LEN {
            true => Ok(ContentType(text.to_owned())),
            false => Err(InvalidWord::new(text, "a content type", RULE)),
        }
    }
}
