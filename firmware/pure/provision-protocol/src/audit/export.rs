//! A log to take away: its lines as they are, between where it began and where it ended.
//!
//! ```text
//! {"audit-log":1,"device":"02deadbeef01","start":{"number":0,"hash":"000…"}}
//! {"number":1,"prev":"000…","entry":{…}}
//! …
//! {"end":{"number":42,"hash":"…"}}
//! ```

use serde::{Deserialize, Serialize};

use super::AuditFault;
use super::chain::{AuditLog, Head, Line, lines};
use crate::DeviceId;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    #[serde(rename = "audit-log")]
    version: u32,
    device: DeviceId,
    start: Head,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    end: Head,
}

/// Why an export is not one, or does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportFault {
    /// Its first line.
    #[error("its first line is not that of an audit log of version {VERSION}")]
    First,
    /// Its last line.
    #[error("its last line is missing: it is not whole")]
    Last,
    /// What is in between.
    #[error(transparent)]
    Log(#[from] AuditFault),
}

/// The export of a log: `file` holds its whole lines.
pub fn export(device: &DeviceId, log: &AuditLog, file: &[u8]) -> Vec<u8> {
    let first = First { version: VERSION, device: device.clone(), start: log.start() };
    let mut bytes = serde_json::to_vec(&first).unwrap_or_default();
    bytes.push(b'\n');
    bytes.extend_from_slice(file);
    bytes.extend(serde_json::to_vec(&Last { end: log.head() }).unwrap_or_default());
    bytes.push(b'\n');
    bytes
}

/// The entries of an export, and its head, if it holds together.
///
/// # Errors
/// When something is missing or was changed.
pub fn verify_export(bytes: &[u8]) -> Result<(Vec<Line>, Head), ExportFault> {
    let mut lines: Vec<&[u8]> = lines(bytes).collect();
    let last =
        lines.pop().and_then(|line| serde_json::from_slice::<Last>(line).ok()).ok_or(ExportFault::Last)?;
    let mut lines = lines.into_iter();
    let first = lines.next().and_then(|line| serde_json::from_slice::<First>(line).ok());
    let first = first.filter(|first| first.version == VERSION).ok_or(ExportFault::First)?;
    let mut log = AuditLog::after(first.start);
    let entries = lines.map(|line| log.follow(line)).collect::<Result<Vec<_>, _>>()?;
    let (found, end) = (log.head(), last.end);
    if found.number < end.number {
        return Err(AuditFault::Truncated { found: found.number, expected: end.number }.into());
    }
    match found == end {
        true => Ok((entries, found)),
        false => Err(AuditFault::Replaced { number: end.number }.into()),
    }
}
