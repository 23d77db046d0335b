//! Sockets that belong to one network interface.
//!
//! | Job | Here |
//! |---|---|
//! | hear and send UDP on one interface, and nothing of the others | [`bind_udp`] |
//! | send to a client that has no address yet | [`PacketSocket`] |
//! | ask and hear by ARP | [`PacketSocket`] |
//!
//! Binding to an interface and packet sockets need `CAP_NET_RAW`, ports below 1024 `CAP_NET_BIND_SERVICE`.

mod packet;
mod udp;

pub use packet::{EtherType, PacketSocket};
pub use udp::{SocketError, bind_udp};
