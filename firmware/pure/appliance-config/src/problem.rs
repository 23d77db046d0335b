//! What is wrong with a document, and where.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong, at one place. Its `Display` is one line:
/// `config.toml:12:7: network.interfaces.eth0.mode: … (hint) [bad-value]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of problem: stable, for programs.
    pub code: Code,
    /// The file it is in: `config.toml`, or the overlay's name.
    pub file: String,
    /// Where in the document, dotted: `users.alice.ssh_key`; a key that is no bare key is quoted. Empty for the document.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Kinds of problems. Their texts are part of the interface and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Not UTF-8, or not TOML.
    Syntax,
    /// Larger than a configuration may be.
    TooLarge,
    /// A version that this Slipway does not know.
    UnknownVersion,
    /// A key or table that does not exist.
    UnknownKey,
    /// A key of a later Slipway, or one that this Slipway does not act on yet.
    NotSupported,
    /// A key that must be there and is not.
    MissingKey,
    /// A string where a number should be, and the like.
    WrongType,
    /// The right type, but not a value that can be.
    BadValue,
    /// Values that exclude each other, or refer to something that is not there.
    Conflict,
    /// Nobody could administer the device.
    NoAdmin,
    /// Accepted, with a change the owner should know of. Never stops a configuration.
    Warning,
}

impl Code {
    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Syntax => "syntax",
            Code::TooLarge => "too-large",
            Code::UnknownVersion => "unknown-version",
            Code::UnknownKey => "unknown-key",
            Code::NotSupported => "not-supported",
            Code::MissingKey => "missing-key",
            Code::WrongType => "wrong-type",
            Code::BadValue => "bad-value",
            Code::Conflict => "conflict",
            Code::NoAdmin => "no-admin",
            Code::Warning => "warning",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { code, file, path, line, column, message, hint } = self;
        write!(f, "{file}:{line}:{column}: ")?;
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        f.write_str(message)?;
        if let Some(hint) = hint {
            write!(f, " ({hint})")?;
        }
        write!(f, " [{}]", code.as_str())
    }
}
