use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;

use super::{ContentType, Method, Target};
use crate::nonce::Nonce;
use crate::{DeviceId, Sha256Digest};

/// The longest signed text, in bytes.
pub const SIGNED_TEXT_LIMIT: usize = 4096;

/// The first line: what this is, and which version of it.
const TITLE: &str = "slipway-request v1";

/// What is signed, and what is left out there.
const NO_CONTENT_TYPE: &str = "-";

/// What an administrator signs: seven lines, each ended by a line feed, in this order.
///
/// ```text
/// slipway-request v1
/// nonce: XN0…
/// device: 02deadbeef01
/// method: POST
/// target: /api/config?confirm=120
/// content-type: application/toml
/// body-sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
/// ```
///
/// `content-type: -` stands for a request without that header. There is one spelling: what is read is what [`fmt::Display`] writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedText {
    /// From `GET /api/nonce`, used once.
    pub nonce: Nonce,
    /// The device that is asked.
    pub device: DeviceId,
    /// What to do.
    pub method: Method,
    /// With what.
    pub target: Target,
    /// What the body is.
    pub content_type: Option<ContentType>,
    /// The body; that of no body is the hash of no bytes.
    pub body: Sha256Digest,
}

/// Why a signed text is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedTextFault {
    /// Too long.
    #[error("it is longer than {SIGNED_TEXT_LIMIT} bytes")]
    TooLong,
    /// Not ASCII.
    #[error("it is not ASCII text")]
    NotText,
    /// Another version, or no signed text at all.
    #[error("its first line is not `{TITLE}`")]
    Title,
    /// A line is missing, or the lines are in another order.
    #[error("line {line} does not begin with `{key}: `")]
    Line {
        /// From 1 on.
        line: usize,
        /// What it should begin with.
        key: &'static str,
    },
    /// Something behind the last line, or no line feed at its end.
    #[error("it does not end with the line feed of line 7")]
    End,
    /// A value is wrong.
    #[error("{0}")]
    Value(#[from] InvalidWord),
}

impl SignedText {
    /// Reads it.
    ///
    /// # Errors
    /// When it is anything else than what [`fmt::Display`] writes.
    pub fn parse(bytes: &[u8]) -> Result<SignedText, SignedTextFault> {
        if bytes.len() > SIGNED_TEXT_LIMIT {
            return Err(SignedTextFault::TooLong);
        }
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii());
        let mut lines = Lines { rest: text.ok_or(SignedTextFault::NotText)?, number: 0 };
        if lines.next() != Some(TITLE) {
            return Err(SignedTextFault::Title);
        }
        let text = SignedText {
            nonce: lines.value("nonce")?.parse()?,
            device: lines.value("device")?.parse()?,
            method: lines.value("method")?.parse()?,
            target: lines.value("target")?.parse()?,
            content_type: match lines.value("content-type")? {
                NO_CONTENT_TYPE => None,
                value => Some(value.parse()?),
            },
            body: lines.value("body-sha256")?.parse()?,
        };
        if lines.rest.is_empty() { Ok(text) } else { Err(SignedTextFault::End) }
    }
}

impl fmt::Display for SignedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SignedText { nonce, device, method, target, content_type, body } = self;
        let content_type = content_type.as_ref().map_or(NO_CONTENT_TYPE, ContentType::as_str);
        writeln!(f, "{TITLE}\nnonce: {nonce}\ndevice: {device}\nmethod: {method}\ntarget: {target}")?;
        writeln!(f, "content-type: {content_type}\nbody-sha256: {body}")
    }
}

impl FromStr for SignedText {
    type Err = SignedTextFault;

    fn from_str(text: &str) -> Result<SignedText, SignedTextFault> {
        SignedText::parse(text.as_bytes())
    }
}

/// Lines that are ended by a line feed each, and are not trimmed.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        self.number += 1;
        Some(line)
    }

    fn value(&mut self, key: &'static str) -> Result<&'a str, SignedTextFault> {
        // The last line is there and not ended: said as that.
        let ended = self.rest.contains('\n') || self.rest.is_empty();
        let Some(line) = self.next() else {
            let line = self.number + 1;
            return Err(if ended { SignedTextFault::Line { line, key } } else { SignedTextFault::End });
        };
        let value = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(": "));
        value.ok_or(SignedTextFault::Line { line: self.number, key })
    }
}
