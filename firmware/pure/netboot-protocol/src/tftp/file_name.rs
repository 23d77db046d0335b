//! The name a client asks for, made one that cannot leave the folder it is looked up in.

use std::fmt;

/// A relative path of ordinary components, joined by `/`: never empty, no `.` or `..`, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// Why a name is not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing is left of it.
    #[error("the file name is empty")]
    Empty,
    /// `..` has no meaning in a closed set of files, and asking for it is no accident.
    #[error("the file name contains `..`")]
    Parent,
    /// Control characters, or bytes that are not UTF-8.
    #[error("the file name is not text")]
    NotText,
    /// Longer than 511 bytes.
    #[error("the file name is longer than 511 bytes")]
    Long,
}

impl FileName {
    /// Reads a name the way boot ROMs write them: with backslashes, a drive letter, leading or doubled slashes, or the
    /// 0xFF that closes a DHCP option still behind it.
    ///
    /// # Errors
    /// When it names no file below a folder.
    pub fn parse(bytes: &[u8]) -> Result<FileName, BadName> {
        let end = bytes.iter().rposition(|byte| *byte != 0xff).map_or(0, |last| last + 1);
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| BadName::NotText)?;
        if text.len() > 511 {
            return Err(BadName::Long);
        }
        if text.chars().any(char::is_control) {
            return Err(BadName::NotText);
        }
        let text = match text.as_bytes() {
            [letter, b':', ..] if letter.is_ascii_alphabetic() => &text[2..],
            _ => text,
        };
        let components = text.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
        let mut name = String::with_capacity(text.len());
        for part in components {
            if part == ".." {
                return Err(BadName::Parent);
            }
            if !name.is_empty() {
                name.push('/');
            }
            name.push_str(part);
        }
        if name.is_empty() { Err(BadName::Empty) } else { Ok(FileName(name)) }
    }

    /// The path, relative to the folder of boot files.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first component and what is behind it, if there is more than one.
    #[must_use]
    pub fn split_first(&self) -> Option<(&str, FileName)> {
        let (first, rest) = self.0.split_once('/')?;
        Some((first, FileName(rest.to_owned())))
    }

    /// This name inside of `folder`; an empty folder is the name itself.
    #[must_use]
    pub fn below(&self, folder: &str) -> FileName {
        if folder.is_empty() { self.clone() } else { FileName(format!("{folder}/{}", self.0)) }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
