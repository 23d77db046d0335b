//! A request, the policy, the leases and the time in; a decision out. Nothing happens here: a decision is a value.

mod boot;
mod destination;
mod memory;
mod options;
mod proxy;
mod server;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use appliance_types::MacAddress;

use super::leases::{Lease, LeaseTable};
use super::{Packet, Request, code};
use crate::boot_policy::BootPolicy;
use crate::client::ClientClass;
use crate::policy::{DhcpMode, InterfaceTable, Policy, PxeStrategy};

pub use destination::Destination;
pub use memory::PxeMemory;

/// Everything that a decision is made from, but for the request.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'s> {
    /// What is served.
    pub policy: &'s Policy,
    /// What is published for each device, when that is to be obeyed.
    pub published: Option<&'s BootPolicy>,
    /// Who has which address. Ended ones have been ended ([`LeaseTable::expire`]).
    pub leases: &'s LeaseTable,
    /// Which PXE clients came back without having loaded anything.
    pub memory: &'s PxeMemory,
    /// By the same clock as the leases.
    pub now: Duration,
}

/// Where a request came in.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'s> {
    /// The interface.
    pub interface: &'s InterfaceTable,
    /// Its own card: what that asks is our own search for other servers.
    pub card: Option<MacAddress>,
    /// The port.
    pub port: ServerPort,
    /// It was sent to our address, and not to everybody.
    pub to_us: bool,
    /// Who sent it: the client, or a relay.
    pub source: SocketAddrV4,
}

/// The ports that DHCP is served on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerPort {
    /// 67.
    Dhcp,
    /// 4011: PXE boot servers.
    Pxe,
}

/// What is to be done about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is said.
    pub action: Action,
    /// What becomes of a lease. An action waits until it is kept ([`LeaseTable::apply`] says what must be).
    pub change: Option<Lease>,
    /// Nobody is known to have had this address from us: whether somebody uses it is to be found out before the reply is sent.
    pub probe: Option<Ipv4Addr>,
    /// What an owner should be told.
    pub notice: Option<Notice>,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// This.
    Reply(Reply),
    /// Nothing, for a reason.
    Silence(Silence),
}

/// A reply, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its kind.
    pub kind: ReplyKind,
    /// The packet.
    pub packet: Packet,
    /// How many bytes of it the client takes.
    pub room: usize,
    /// Where it goes.
    pub to: Destination,
}

/// Kinds of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKind {
    /// You may have this address, or these files.
    Offer,
    /// It is yours.
    Ack,
    /// It is not yours.
    Nak,
}

impl ReplyKind {
    fn number(self) -> u8 {
        match self {
            ReplyKind::Offer => 2,
            ReplyKind::Ack => 5,
            ReplyKind::Nak => 6,
        }
    }
}

/// Why nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// DHCP is off there.
    #[error("DHCP is switched off on this interface")]
    Off,
    /// We look for other servers, and have heard ourselves.
    #[error("it is our own search for other servers")]
    Ourselves,
    /// It came through a relay from a network that we do not serve.
    #[error("no subnet of the policy has {0}, where it comes from")]
    NoSubnet(Ipv4Addr),
    /// There is no address left.
    #[error("every address of {0} is taken")]
    Exhausted(appliance_types::Ipv4Cidr),
    /// The client has taken another server's offer.
    #[error("it has chosen the server {0}")]
    OtherServer(Ipv4Addr),
    /// It wants to go on with an address, and we do not know it.
    #[error("it wants to keep {0}, and is not known here")]
    Unknown(Ipv4Addr),
    /// It names no address.
    #[error("it names no address")]
    NoAddress,
    /// Nothing is to be said to that.
    #[error("there is no answer to that")]
    NoAnswerExpected,
    /// It gives up or refuses an address that it does not have.
    #[error("{0} is not its address")]
    NotItsAddress(Ipv4Addr),
    /// The proxy has nothing for it.
    #[error("it is to boot nothing from here, and addresses are another server's affair")]
    NothingToBoot,
    /// The proxy hears what is between a client and its server.
    #[error("that is for the server that gives out the addresses")]
    NotForProxy,
    /// As many machines load as the network carries in time.
    #[error("the network is full of machines that load; {0} wait before it")]
    Busy(usize),
}

/// What an owner should be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// A client found somebody else at its address.
    #[error("{0} is used by somebody whom it was not given to, and is left alone for a while")]
    Declined(Ipv4Addr),
    /// A client speaks of another server.
    #[error("another DHCP server, {0}, gives out addresses on this network")]
    OtherServer(Ipv4Addr),
    /// A reserved address could not be given to its client.
    #[error("{0} is reserved for it, and somebody else has it")]
    ReservationTaken(Ipv4Addr),
}

impl Decision {
    /// How a PXE client was told of its file, when this reply is what it boots by: the ACK of a server, the offer of a proxy.
    pub fn strategy_told(&self, request: &Request) -> Option<PxeStrategy> {
        let Action::Reply(reply) = &self.action else { return None };
        let is_last_word = match reply.kind {
            ReplyKind::Ack => request.packet.ciaddr.is_unspecified(),
            ReplyKind::Offer => reply.packet.yiaddr.is_unspecified(),
            ReplyKind::Nak => false,
        };
        let options = &reply.packet.options;
        let is_told = request.client.class == ClientClass::Pxe && options.has(code::VENDOR_CLASS);
        (is_last_word && is_told).then(|| match options.has(code::VENDOR_SPECIFIC) {
            true => PxeStrategy::Direct,
            false => PxeStrategy::Port4011,
        })
    }

    fn silence(reason: Silence) -> Decision {
        Decision { action: Action::Silence(reason), change: None, probe: None, notice: None }
    }

    fn reply(reply: Reply) -> Decision {
        Decision { action: Action::Reply(reply), change: None, probe: None, notice: None }
    }
}

/// Decides.
pub fn decide(situation: &Situation<'_>, arrival: &Arrival<'_>, request: &Request) -> Decision {
    if request.mac.is_some() && request.mac == arrival.card {
        return Decision::silence(Silence::Ourselves);
    }
    match (arrival.port, arrival.interface.dhcp) {
        (_, DhcpMode::Off) => Decision::silence(Silence::Off),
        (ServerPort::Pxe, _) => proxy::boot_server(situation, arrival, request),
        (ServerPort::Dhcp, DhcpMode::Proxy) => proxy::proxy(situation, arrival, request),
        (ServerPort::Dhcp, DhcpMode::Server) => server::serve(situation, arrival, request),
    }
}

#[cfg(test)]
mod testing;

#[cfg(test)]
#[path = "server_tests.rs"]
mod server_tests;

#[cfg(test)]
#[path = "boot_tests.rs"]
mod boot_tests;

#[cfg(test)]
#[path = "property_tests.rs"]
mod property_tests;
