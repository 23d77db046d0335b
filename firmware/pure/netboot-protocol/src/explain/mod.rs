//! Why did this machine not boot? The packets that were exchanged with it in, a timeline and a cause out.
//!
//! ```text
//!  packets ── ring ──▶ the last ones of each device ─┬─ timeline: one line each, in words
//!                                                   ├─ judge: causes, each with what to do about it
//!                                                   └─ pcap: for tcpdump and Wireshark
//! ```
//!
//! A cause is named from packets alone, never from what the server thinks that it did.

mod cause;
mod judge;
mod pcap;
mod record;
mod ring;
mod story;
mod timeline;

pub use cause::Cause;
pub use judge::judge;
pub use pcap::{PcapError, read_pcap, write_pcap};
pub use record::{Direction, Record, Transport};
pub use ring::{Ring, RingLimits};
pub use timeline::{Line, timeline};
