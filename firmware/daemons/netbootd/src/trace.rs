//! What is remembered of the packets with each device, for `slipway explain`.

use std::net::SocketAddrV4;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use appliance_types::MacAddress;
pub(crate) use netboot_protocol::explain::Direction;
use netboot_protocol::explain::{Record, Ring, RingLimits, Transport};

/// The memory that all services write to.
pub(crate) struct Trace {
    ring: Mutex<Ring>,
}

impl Trace {
    /// Empty.
    pub(crate) fn new() -> Trace {
        Trace { ring: Mutex::new(Ring::new(RingLimits::default())) }
    }

    /// A datagram of `length` bytes, of which `bytes` are at hand, with somebody who is known by address only.
    pub(crate) fn udp(
        &self,
        direction: Direction,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        bytes: &[u8],
        length: usize,
    ) {
        self.record(Transport::Udp, direction, (local, remote), None, bytes, length);
    }

    /// A DHCP packet, which says itself whose it is.
    pub(crate) fn dhcp(
        &self,
        direction: Direction,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        mac: Option<MacAddress>,
        bytes: &[u8],
    ) {
        self.record(Transport::Udp, direction, (local, remote), mac, bytes, bytes.len());
    }

    /// The head of an HTTP request or answer; `length` counts the body too.
    pub(crate) fn http(
        &self,
        direction: Direction,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        head: &[u8],
        length: usize,
    ) {
        self.record(Transport::Tcp, direction, (local, remote), None, head, length);
    }

    /// What is remembered of a device, oldest first.
    pub(crate) fn of(&self, mac: MacAddress) -> Vec<Record> {
        self.ring().of(mac)
    }

    /// The devices that something is remembered of.
    pub(crate) fn cards(&self) -> Vec<MacAddress> {
        let mut cards: Vec<MacAddress> = self.ring().cards().collect();
        cards.sort_unstable();
        cards
    }

    fn record(
        &self,
        transport: Transport,
        direction: Direction,
        (local, remote): (SocketAddrV4, SocketAddrV4),
        mac: Option<MacAddress>,
        bytes: &[u8],
        length: usize,
    ) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let bytes = bytes[..bytes.len().min(RingLimits::default().snap)].to_vec();
        self.ring().push(Record { at, direction, transport, local, remote, mac, bytes, length });
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
