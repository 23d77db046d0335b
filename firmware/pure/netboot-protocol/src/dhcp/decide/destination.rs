//! Where a reply goes (RFC 2131 4.1).

use std::net::{Ipv4Addr, SocketAddrV4};

use appliance_types::MacAddress;

use super::ReplyKind;
use crate::dhcp::{Packet, Request};

/// Where a reply goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The server port of the relay.
    Relay(Ipv4Addr),
    /// The client port of a client that has this address.
    Client(Ipv4Addr),
    /// The client port of everybody on the wire.
    Everybody,
    /// The client port of a client that is about to have this address: nobody answers ARP for it yet.
    Card {
        /// The address.
        address: Ipv4Addr,
        /// Where it is.
        mac: MacAddress,
    },
    /// Back to where the request came from.
    Sender(SocketAddrV4),
}

/// Where this reply to `request` goes.
pub(super) fn of_reply(request: &Request, kind: ReplyKind, reply: &Packet) -> Destination {
    let asked = &request.packet;
    if !asked.giaddr.is_unspecified() {
        return Destination::Relay(asked.giaddr);
    }
    if kind == ReplyKind::Nak {
        return Destination::Everybody;
    }
    if !asked.ciaddr.is_unspecified() {
        return Destination::Client(asked.ciaddr);
    }
    match request.mac {
        Some(mac) if !asked.wants_broadcast() && !reply.yiaddr.is_unspecified() => {
            Destination::Card { address: reply.yiaddr, mac }
        }
        _ => Destination::Everybody,
    }
}
