//! Packets (RFC 1350 section 5, RFC 2347): bytes in, a packet or the reason why it is none out; and back.

use std::fmt;

/// The most options read from one packet; real clients send four or five.
const MAX_OPTIONS: usize = 16;
/// The longest file name in bytes. RFC 2347 bounds a whole request to 512.
const MAX_NAME: usize = 511;

/// Name and value of each option, in the order sent.
pub type OptionList<'a> = Vec<(&'a [u8], &'a [u8])>;

/// A packet as it came. Everything in it still is what a stranger wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// RRQ: a client wants a file.
    Read(Request<'a>),
    /// WRQ: a client wants to leave a file here.
    Write(Request<'a>),
    /// A block of a file, with the number that is on the wire.
    Data {
        /// Number on the wire.
        block: u16,
        /// The block's content.
        payload: &'a [u8],
    },
    /// All blocks up to this one have arrived.
    Ack {
        /// Number on the wire.
        block: u16,
    },
    /// The other side ends the transfer.
    Error {
        /// As in RFC 1350, or any number that a ROM made up.
        code: u16,
        /// Text for people; may be anything.
        message: &'a [u8],
    },
    /// OACK: the options that the server accepts.
    OptionAck(OptionList<'a>),
}

/// The content of an RRQ or WRQ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The name as sent, without its NUL. Not safe as a path: [`super::FileName`] is.
    pub file: &'a [u8],
    /// How the file is to be encoded.
    pub mode: Mode,
    /// Name and value of each option, in the order sent.
    pub options: OptionList<'a>,
}

/// How a file's bytes are put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As they are.
    Octet,
    /// Lines end in CR LF, a lone CR is CR NUL (RFC 764).
    Netascii,
}

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Fewer bytes than the kind of packet needs.
    #[error("the packet ends too early")]
    Short,
    /// The first two bytes are none of RFC 1350's and RFC 2347's numbers.
    #[error("unknown kind of packet {0}")]
    UnknownKind(u16),
    /// A text that must end in NUL does not.
    #[error("a text without its NUL")]
    Unterminated,
    /// The file name is empty, or longer than a request may be.
    #[error("the file name is empty or too long")]
    Name,
    /// Neither octet nor netascii; `mail` was dropped by RFC 1350 itself.
    #[error("the mode is neither octet nor netascii")]
    Mode,
    /// More options than any client has a use for.
    #[error("more than {MAX_OPTIONS} options")]
    TooManyOptions,
}

/// The error numbers of RFC 1350 and RFC 2347.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// 0: the message says what.
    Undefined,
    /// 1
    FileNotFound,
    /// 2
    AccessViolation,
    /// 3
    DiskFull,
    /// 4
    IllegalOperation,
    /// 5: a packet from a port that is no partner of this transfer.
    UnknownTransfer,
    /// 8: RFC 2347.
    OptionRefused,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            ErrorCode::Undefined => 0,
            ErrorCode::FileNotFound => 1,
            ErrorCode::AccessViolation => 2,
            ErrorCode::DiskFull => 3,
            ErrorCode::IllegalOperation => 4,
            ErrorCode::UnknownTransfer => 5,
            ErrorCode::OptionRefused => 8,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Mode::Octet => "octet",
            Mode::Netascii => "netascii",
        })
    }
}

/// Reads one datagram.
///
/// Bytes behind the packet's end are ignored: some firmware pads its ACKs and requests with zeros.
///
/// # Errors
/// When the bytes are no TFTP packet.
pub fn parse(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    let (kind, rest) = number(bytes)?;
    match kind {
        1 => Ok(Packet::Read(request(rest)?)),
        2 => Ok(Packet::Write(request(rest)?)),
        3 => number(rest).map(|(block, payload)| Packet::Data { block, payload }),
        4 => number(rest).map(|(block, _)| Packet::Ack { block }),
        5 => {
            let (code, text) = number(rest)?;
            // Some ROMs leave the message out, NUL and all.
            let message = text.split(|byte| *byte == 0).next().unwrap_or_default();
            Ok(Packet::Error { code, message })
        }
        6 => Ok(Packet::OptionAck(option_list(rest)?)),
        other => Err(Malformed::UnknownKind(other)),
    }
}

/// The bytes of an ERROR packet.
#[must_use]
pub fn error(code: ErrorCode, message: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len() + 5);
    bytes.extend([0, 5]);
    bytes.extend(code.number().to_be_bytes());
    bytes.extend(message.bytes().filter(|byte| *byte != 0));
    bytes.push(0);
    bytes
}

/// The bytes of an OACK packet.
pub(super) fn option_ack<'a>(options: impl IntoIterator<Item = (&'a [u8], &'a str)>) -> Vec<u8> {
    let mut bytes = vec![0, 6];
    for (name, value) in options {
        bytes.extend(name);
        bytes.push(0);
        bytes.extend(value.bytes());
        bytes.push(0);
    }
    bytes
}

/// What stands before the content of a DATA packet.
pub(super) fn data_header(block: u16) -> [u8; 4] {
    let [high, low] = block.to_be_bytes();
    [0, 3, high, low]
}

fn number(bytes: &[u8]) -> Result<(u16, &[u8]), Malformed> {
    let (number, rest) = bytes.split_first_chunk::<2>().ok_or(Malformed::Short)?;
    Ok((u16::from_be_bytes(*number), rest))
}

fn text(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let end = bytes.iter().position(|byte| *byte == 0).ok_or(Malformed::Unterminated)?;
    Ok((&bytes[..end], &bytes[end + 1..]))
}

fn request(bytes: &[u8]) -> Result<Request<'_>, Malformed> {
    let (file, rest) = text(bytes)?;
    if file.is_empty() || file.len() > MAX_NAME {
        return Err(Malformed::Name);
    }
    let (mode, rest) = text(rest)?;
    let mode = if mode.eq_ignore_ascii_case(b"octet") || mode.eq_ignore_ascii_case(b"binary") {
        Mode::Octet
    } else if mode.eq_ignore_ascii_case(b"netascii") {
        Mode::Netascii
    } else {
        return Err(Malformed::Mode);
    };
    Ok(Request { file, mode, options: option_list(rest)? })
}

fn option_list(mut rest: &[u8]) -> Result<OptionList<'_>, Malformed> {
    let mut options = Vec::new();
    while !rest.is_empty() {
        let (name, after) = text(rest)?;
        // No option has an empty name: from here on it is padding.
        if name.is_empty() {
            break;
        }
        let (value, after) = text(after)?;
        if options.len() == MAX_OPTIONS {
            return Err(Malformed::TooManyOptions);
        }
        options.push((name, value));
        rest = after;
    }
    Ok(options)
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
