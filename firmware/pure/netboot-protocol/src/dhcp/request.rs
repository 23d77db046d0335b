//! A request, read and classified once. Behind this, nobody looks at option numbers.

use std::net::Ipv4Addr;

use appliance_types::MacAddress;

use super::code;
use super::packet::{DecodeError, Op, Packet};
use crate::client::{Client, Signs, classify};

/// Relays passed above which a packet is going round in circles (RFC 1542 4.1.1).
const MAX_HOPS: u8 = 16;
/// What a client takes that does not say: 576 bytes of IP datagram, of which 28 are headers (RFC 2131 2).
const DEFAULT_MESSAGE: usize = 576 - 28;
/// What fits into an Ethernet frame, whatever a client says.
const LARGEST_MESSAGE: usize = 1500 - 28;

/// What a client wants, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Option 53.
    pub kind: MessageType,
    /// The packet itself, for what must be repeated in a reply.
    pub packet: Packet,
    /// The card, when it is an Ethernet card.
    pub mac: Option<MacAddress>,
    /// Option 61, if it has at least a type and one byte.
    pub client_id: Option<Vec<u8>>,
    /// Option 50.
    pub requested: Option<Ipv4Addr>,
    /// Option 54: the server this is meant for.
    pub server: Option<Ipv4Addr>,
    /// Bytes of DHCP that the client takes: option 57 less the headers, within sense.
    pub room: usize,
    /// Option 82.
    pub relay: Option<RelayInfo>,
    /// What it is.
    pub client: Client,
}

/// Kinds of messages that a client sends (RFC 2132 9.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// Who is there?
    Discover,
    /// I take this address, or I keep it.
    Request,
    /// Somebody else has this address already.
    Decline,
    /// I need it no longer.
    Release,
    /// I have an address, tell me the rest.
    Inform,
}

/// What a relay has added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayInfo {
    /// The whole option: a reply carries it unchanged.
    pub option: Vec<u8>,
    /// The subnet to choose from, other than the relay's own (RFC 3527).
    pub link_selection: Option<Ipv4Addr>,
    /// What the client shall take for its server (RFC 5107).
    pub server_override: Option<Ipv4Addr>,
}

/// Why a datagram is none of our business.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// It cannot be read.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// A server's reply.
    #[error("it is a reply of a server")]
    Reply,
    /// BOOTP: no option 53.
    #[error("it is BOOTP, without a DHCP message type")]
    Bootp,
    /// A message of servers, or of an extension that we do not have.
    #[error("it is a DHCP message of type {0}, which no client sends or we do not serve")]
    OtherType(u8),
    /// It goes round in circles.
    #[error("it has passed {0} relays, of 16 at most")]
    TooManyHops(u8),
    /// Nothing tells this client from another.
    #[error("it has neither a hardware address nor a client identifier")]
    Anonymous,
}

impl Request {
    /// Reads a datagram that came to a server's port.
    ///
    /// # Errors
    /// Why it is ignored.
    pub fn parse(bytes: &[u8]) -> Result<Request, Ignored> {
        Request::from_packet(Packet::decode(bytes)?)
    }

    /// Reads a packet.
    ///
    /// # Errors
    /// Why it is ignored.
    pub fn from_packet(packet: Packet) -> Result<Request, Ignored> {
        if packet.op == Op::Reply {
            return Err(Ignored::Reply);
        }
        if packet.hops > MAX_HOPS {
            return Err(Ignored::TooManyHops(packet.hops));
        }
        let options = &packet.options;
        let kind = match options.byte(code::MESSAGE_TYPE) {
            Some(1) => MessageType::Discover,
            Some(3) => MessageType::Request,
            Some(4) => MessageType::Decline,
            Some(7) => MessageType::Release,
            Some(8) => MessageType::Inform,
            Some(other) => return Err(Ignored::OtherType(other)),
            None => return Err(Ignored::Bootp),
        };
        let client_id = options.get(code::CLIENT_ID).filter(|id| id.len() >= 2).map(<[u8]>::to_vec);
        if client_id.is_none() && packet.hardware.address().is_empty() {
            return Err(Ignored::Anonymous);
        }
        let client = classify(&Signs {
            vendor_class: options.get(code::VENDOR_CLASS),
            user_class: options.get(code::USER_CLASS),
            architectures: options.get(code::ARCHITECTURE),
            machine_id: options.get(code::MACHINE_ID),
            has_ipxe_options: options.has(code::IPXE),
        });
        let room = options.number16(code::MAX_MESSAGE_SIZE).map_or(DEFAULT_MESSAGE, |size| {
            usize::from(size).saturating_sub(28).clamp(DEFAULT_MESSAGE, LARGEST_MESSAGE)
        });
        Ok(Request {
            kind,
            mac: packet.hardware.mac(),
            client_id,
            requested: options.address(code::REQUESTED_ADDRESS),
            server: options.address(code::SERVER_ID),
            room,
            relay: options.get(code::RELAY_AGENT).map(RelayInfo::parse),
            client,
            packet,
        })
    }
}

impl RelayInfo {
    fn parse(option: &[u8]) -> RelayInfo {
        let address = |wanted: u8| {
            let mut rest = option;
            while let [code, length, tail @ ..] = rest {
                let (value, after) = tail.split_at_checked(usize::from(*length))?;
                if *code == wanted {
                    return <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from);
                }
                rest = after;
            }
            None
        };
        RelayInfo {
            link_selection: address(code::RELAY_LINK_SELECTION),
            server_override: address(code::RELAY_SERVER_OVERRIDE),
            option: option.to_vec(),
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
