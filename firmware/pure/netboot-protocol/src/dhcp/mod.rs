//! DHCPv4 (RFC 2131, 2132), with what network boot has added to it.

pub mod code;
mod options;
mod packet;

mod host_name;
mod request;

mod leases;

mod decide;

pub use decide::{
    Action, Arrival, Decision, Destination, Notice, PxeMemory, Reply, ReplyKind, ServerPort, Silence,
    Situation, decide,
};
pub use leases::{ClientKey, Lease, LeaseState, LeaseTable};
pub use options::Options;
pub use packet::{DecodeError, Hardware, MIN_LENGTH, Op, Packet};
pub use request::{Ignored, MessageType, RelayInfo, Request};
