//! The proxy: boot files for clients that have their address from another server (PXE specification 2.1, 2.2 and 2.4).

use std::net::SocketAddrV4;

use super::{
    Arrival, Decision, Destination, Reply, ReplyKind, Silence, Situation, boot, destination, options,
};
use crate::client::ClientClass;
use crate::dhcp::{MessageType, Packet, Request, code};

/// Answers at the server's port, beside the server.
pub(super) fn proxy(situation: &Situation<'_>, arrival: &Arrival<'_>, request: &Request) -> Decision {
    if request.kind != MessageType::Discover {
        return Decision::silence(Silence::NotForProxy);
    }
    let Some(boot) = boot::of_client(situation, request) else {
        return Decision::silence(Silence::NothingToBoot);
    };
    let mut packet = blank(arrival, request, ReplyKind::Offer);
    boot.fill(arrival, situation, request, &mut packet);
    // An offer without an address is one of a proxy's when it says PXEClient; iPXE wants it as well.
    packet.options.push(code::VENDOR_CLASS, b"PXEClient");
    options::push_echoes(request, &mut packet);
    let to = destination::of_reply(request, ReplyKind::Offer, &packet);
    Decision::reply(Reply { kind: ReplyKind::Offer, packet, room: request.room, to })
}

/// Answers at port 4011, where a client asks that was told nothing in option 43.
pub(super) fn boot_server(situation: &Situation<'_>, arrival: &Arrival<'_>, request: &Request) -> Decision {
    if matches!(request.kind, MessageType::Decline | MessageType::Release) {
        return Decision::silence(Silence::NoAnswerExpected);
    }
    let Some(boot) = boot::of_client(situation, request) else {
        return Decision::silence(Silence::NothingToBoot);
    };
    let mut packet = blank(arrival, request, ReplyKind::Ack);
    packet.ciaddr = request.packet.ciaddr;
    boot.fill_at_boot_server(arrival, situation, request, &mut packet);
    if request.client.class != ClientClass::HttpBoot {
        packet.options.push(code::VENDOR_CLASS, b"PXEClient");
    }
    options::push_echoes(request, &mut packet);
    // It has an address: back to the port it asked from.
    let to = match (request.packet.giaddr.is_unspecified(), *arrival.source.ip()) {
        (true, source) if !source.is_unspecified() => {
            Destination::Sender(SocketAddrV4::new(source, arrival.source.port()))
        }
        _ => destination::of_reply(request, ReplyKind::Ack, &packet),
    };
    Decision::reply(Reply { kind: ReplyKind::Ack, packet, room: request.room, to })
}

fn blank(arrival: &Arrival<'_>, request: &Request, kind: ReplyKind) -> Packet {
    let mut packet = Packet::reply_to(&request.packet);
    packet.options.push(code::MESSAGE_TYPE, &[kind.number()]);
    packet.options.push_addresses(code::SERVER_ID, &[arrival.interface.address.address()]);
    packet
}
