//! TFTP for boot ROMs (RFC 1350, 2347, 2348, 2349, 7440): what is answered to each packet, and when something is said
//! again. No sockets, files or clocks: the caller brings datagrams and the time, and sends what comes back.
//!
//! ```text
//!  RRQ ── packet::parse ── FileName ── files: which file is it, for this client?
//!                                        └─ options::negotiate ── Transfer::start
//!                                                                   on_packet, on_timeout ──▶ Action
//! ```
//!
//! Times are durations since any fixed moment, from a clock that never goes back.

mod admission;
mod block;
mod file_name;
mod files;
mod netascii;
mod options;
mod packet;
mod sources;
mod transfer;

pub use admission::{Admission, AdmissionLimits, Answer};
pub use block::Rollover;
pub use file_name::{BadName, FileName};
pub use files::{BootFiles, Found, PublishError, Viewer};
pub use netascii::{NETASCII_LIMIT, to_netascii};
pub use options::{Limits, Negotiated, negotiate};
pub use packet::{ErrorCode, Malformed, Mode, OptionList, Packet, Request, error, parse};
pub use sources::{SourceLimits, Sources};
pub use transfer::{Action, Blocks, End, TooLarge, Transfer};
