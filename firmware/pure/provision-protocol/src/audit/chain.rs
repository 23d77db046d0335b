use serde::{Deserialize, Serialize};

use super::{AuditEntry, AuditFault};
use crate::Sha256Digest;

/// The largest log, in bytes. A fuller one is closed, and the next one goes on from its head.
pub(super) const LOG_LIMIT: usize = 8 * 1024 * 1024;

/// Where a chain begins: there is no line before.
const NOTHING_BEFORE: Sha256Digest = Sha256Digest::from_bytes([0; 32]);

/// The end of a log: enough to go on with it, and to tell whether lines are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The number of the last entry; 0: there is none.
    pub number: u64,
    /// The hash of its line, without the line feed.
    pub hash: Sha256Digest,
}

/// A line, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Counts up from 1.
    pub number: u64,
    /// The hash of the line before.
    pub prev: Sha256Digest,
    /// What it says.
    pub entry: AuditEntry,
}

/// A log that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLog {
    start: Head,
    head: Head,
    size: usize,
}

/// What was found in the file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The log.
    pub log: AuditLog,
    /// How many bytes of the file are whole lines. What is behind is the beginning of a line that a power cut ended: cut it off.
    pub whole: usize,
    /// Whether the file of the head is behind, by entries that the power cut kept from it: write it.
    pub head_is_behind: bool,
}

impl Head {
    /// Of a log without entries.
    pub const NONE: Head = Head { number: 0, hash: NOTHING_BEFORE };
}

impl AuditLog {
    /// A log that goes on from `head`: that of the log before, or [`Head::NONE`].
    pub fn after(head: Head) -> AuditLog {
        AuditLog { start: head, head, size: 0 }
    }

    /// Looks at the file of a log that goes on from `start`, and at its head as it was last kept.
    ///
    /// A log may be longer than its kept head, because the line is written first. It may not be shorter.
    ///
    /// # Errors
    /// When something was changed, put in or removed. The file then stays as it is, as evidence; a new log goes on.
    pub fn open(file: &[u8], start: Head, kept: Head) -> Result<Opened, AuditFault> {
        if file.len() > LOG_LIMIT {
            return Err(AuditFault::TooLarge);
        }
        let whole = file.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut log = AuditLog::after(start);
        let mut kept_was_here = kept == start;
        for line in lines(&file[..whole]) {
            log.follow(line)?;
            if log.head.number == kept.number {
                if log.head != kept {
                    return Err(AuditFault::Replaced { number: kept.number });
                }
                kept_was_here = true;
            }
        }
        if log.head.number < kept.number {
            return Err(AuditFault::Truncated { found: log.head.number, expected: kept.number });
        }
        if !kept_was_here {
            // It is from before this log: not the head of anything in it.
            return Err(AuditFault::Replaced { number: kept.number });
        }
        Ok(Opened { head_is_behind: log.head != kept, log, whole })
    }

    /// The next line, with its line feed. Append it, sync it, then keep [`AuditLog::head`].
    pub fn append(&mut self, entry: AuditEntry) -> Vec<u8> {
        let line = Line { number: self.head.number + 1, prev: self.head.hash, entry };
        // Strings and numbers only: there is nothing that JSON cannot say.
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        self.head = Head { number: line.number, hash: Sha256Digest::of(&bytes) };
        bytes.push(b'\n');
        self.size += bytes.len();
        bytes
    }

    /// Its end.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Where it began.
    pub fn start(&self) -> Head {
        self.start
    }

    /// Whether it should be closed, and a next one begun with [`AuditLog::after`] its head.
    pub fn is_full(&self) -> bool {
        self.size > LOG_LIMIT / 2
    }

    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<Line, AuditFault> {
        let at =
            usize::try_from(self.head.number - self.start.number).unwrap_or(usize::MAX).saturating_add(1);
        let line: Line = serde_json::from_slice(bytes).map_err(|_| AuditFault::Unreadable { line: at })?;
        if line.prev != self.head.hash || self.head.number.checked_add(1) != Some(line.number) {
            return Err(AuditFault::Broken { line: at });
        }
        self.head = Head { number: line.number, hash: Sha256Digest::of(bytes) };
        self.size += bytes.len() + 1;
        Ok(line)
    }
}

/// Lines that are ended by a line feed each.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}
