//! Who did what, and what came of it: lines of JSON, each with the hash of the line before.
//!
//! Nothing in the middle can be changed, removed or put in without every later line telling so. That lines are missing at the end no
//! chain can tell; for that the hash of the last line, the *head*, is kept in a file of its own, is in every export, and is said in the
//! journal. Whoever is root on the device can write all of it anew: then an earlier export, or a head noted elsewhere, tells.
//!
//! Without any program of ours: `sed -n 7p audit.jsonl | tr -d '\n' | sha256sum` is the `prev` of line 8.

mod chain;
mod entry;
mod export;

pub use chain::{AuditLog, Head, Line, Opened};
pub use entry::{Action, AuditEntry, Outcome};
pub use export::{ExportFault, export, verify_export};

/// Where an audit log is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// A line that is no entry.
    #[error("line {line} is not an entry of the audit log")]
    Unreadable {
        /// From 1 on.
        line: usize,
    },
    /// A line whose predecessor is another one than it was.
    #[error("line {line} does not follow the line before it: something was changed, removed or put in there")]
    Broken {
        /// From 1 on.
        line: usize,
    },
    /// Lines are missing at the end.
    #[error("the log ends with entry {found}, and had entry {expected} already: its end was cut off")]
    Truncated {
        /// The last entry that is there.
        found: u64,
        /// The last one that was.
        expected: u64,
    },
    /// The last line is another one than it was.
    #[error("entry {number} is not the one that was written")]
    Replaced {
        /// Which.
        number: u64,
    },
    /// Larger than any log.
    #[error("the log is larger than {} bytes", chain::LOG_LIMIT)]
    TooLarge,
}

#[cfg(test)]
mod tests;
