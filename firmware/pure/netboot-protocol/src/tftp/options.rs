//! Option negotiation (RFC 2347): what a client asked for, within what we and the route can do.

use super::packet::option_ack;

/// Block size without an option (RFC 1350).
const DEFAULT_BLOCK: u16 = 512;
/// Smallest and largest block size of RFC 2348.
const BLOCK_RANGE: std::ops::RangeInclusive<u64> = 8..=65_464;
/// IPv4, UDP and TFTP headers before a block's content.
const HEADERS: u16 = 20 + 8 + 4;
/// The most that is on its way to one client: bounds what a transfer costs, and fits one batched send.
const MAX_WINDOW_BYTES: u32 = 64_000;

/// What is possible here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest packet of the route to the client in bytes, IP header included.
    pub mtu: u16,
    /// Largest window in blocks. RFC 7440's own table gains nothing above 32 or so.
    pub windowsize: u16,
}

/// What holds for one transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Bytes per block.
    pub blksize: u16,
    /// Blocks that are sent without waiting for an ACK.
    pub windowsize: u16,
    /// Seconds between two sends of the same, when the client asked for it (RFC 2349).
    pub timeout: Option<u8>,
    /// The OACK packet; none when the client asked for nothing we know.
    pub option_ack: Option<Vec<u8>>,
}

/// Answers the options of a read request for a file of `size` bytes. Unknown options, and values that RFCs forbid, are
/// passed over in silence: a client that cannot do without ends the transfer itself.
#[must_use]
pub fn negotiate(options: &[(&[u8], &[u8])], size: u64, limits: Limits) -> Negotiated {
    let mut agreed = Negotiated { blksize: DEFAULT_BLOCK, windowsize: 1, timeout: None, option_ack: None };
    // The block size bounds the window, wherever in the list it stands.
    if let Some((_, value)) = first(options, b"blksize").filter(|(_, value)| BLOCK_RANGE.contains(value)) {
        let possible = u64::from(limits.mtu.saturating_sub(HEADERS)).max(*BLOCK_RANGE.start());
        agreed.blksize = u16::try_from(value.min(possible)).unwrap_or(DEFAULT_BLOCK);
    }
    let mut answer: Vec<(&[u8], String)> = Vec::new();
    for known in [b"blksize".as_slice(), b"tsize", b"timeout", b"windowsize"] {
        let Some((name, value)) = first(options, known) else { continue };
        let accepted = match known {
            b"blksize" => BLOCK_RANGE.contains(&value).then(|| agreed.blksize.to_string()),
            b"tsize" => Some(size.to_string()),
            b"timeout" => {
                agreed.timeout = u8::try_from(value).ok().filter(|seconds| *seconds > 0);
                agreed.timeout.map(|seconds| seconds.to_string())
            }
            _ => (value > 0).then(|| {
                let room = MAX_WINDOW_BYTES / (u32::from(agreed.blksize) + 4);
                let most = u64::from(room.max(1)).min(u64::from(limits.windowsize.max(1)));
                agreed.windowsize = u16::try_from(value.min(most)).unwrap_or(1);
                agreed.windowsize.to_string()
            }),
        };
        // The name goes back in the client's own spelling: some compare it byte by byte.
        answer.extend(accepted.map(|value| (name, value)));
    }
    if !answer.is_empty() {
        let pairs = answer.iter().map(|(name, value)| (*name, value.as_str()));
        agreed.option_ack = Some(option_ack(pairs));
    }
    agreed
}

/// The first option of this name whose value is a number. An option stands at most once in a request (RFC 2347).
fn first<'a>(options: &[(&'a [u8], &'a [u8])], known: &[u8]) -> Option<(&'a [u8], u64)> {
    let (name, value) = options.iter().find(|(name, _)| name.eq_ignore_ascii_case(known))?;
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = std::str::from_utf8(value).ok()?.parse().ok()?;
    Some((name, value))
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
