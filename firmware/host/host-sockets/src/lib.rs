//! Sockets that belong to one network interface.
//!
//! | Job | Here |
//! |---|---|
//! | hear and send UDP on one interface, and nothing of the others | [`bind_udp`] |
//! | send to a client that has no address yet | [`PacketSocket`] |
//! | ask and hear by ARP | [`PacketSocket`] |
//! | send many datagrams in one call | [`set_segment_size`] |
//!
//! Binding to an interface and packet sockets need `CAP_NET_RAW`, ports below 1024 `CAP_NET_BIND_SERVICE`.

mod packet;
mod segments;
mod udp;

pub use packet::{EtherType, PacketSocket, interface_index};
pub use segments::set_segment_size;
pub use udp::{SocketError, bind_udp};
