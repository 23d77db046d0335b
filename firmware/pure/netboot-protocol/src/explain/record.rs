//! A packet that was exchanged with a device.

use std::net::SocketAddrV4;
use std::time::Duration;

use appliance_types::MacAddress;

/// One packet, or one message head of a TCP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Since 1970.
    pub at: Duration,
    /// From or to the device.
    pub direction: Direction,
    /// What carried it.
    pub transport: Transport,
    /// Our side.
    pub local: SocketAddrV4,
    /// The other side: the device, or a relay in front of it. 0.0.0.0 for a device without an address.
    pub remote: SocketAddrV4,
    /// The device's card, if known.
    pub mac: Option<MacAddress>,
    /// The content, or its beginning.
    pub bytes: Vec<u8>,
    /// How long all of it was.
    pub length: usize,
}

/// Who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The device.
    Received,
    /// We.
    Sent,
}

/// What carries a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// DHCP, TFTP.
    Udp,
    /// HTTP: the head of a request or of an answer.
    Tcp,
}
