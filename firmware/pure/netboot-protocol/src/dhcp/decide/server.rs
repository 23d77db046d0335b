//! The server: addresses, and what goes with them (RFC 2131 4.3).

use std::net::Ipv4Addr;
use std::time::Duration;

use appliance_types::HostLabel;

use super::{
    Action, Arrival, Decision, Destination, Notice, Reply, ReplyKind, Silence, Situation, boot, destination,
    options,
};
use crate::dhcp::host_name::host_name;
use crate::dhcp::leases::{ClientKey, Lease, LeaseState, Standing};
use crate::dhcp::{MessageType, Packet, Request, code};
use crate::policy::{Identity, SubnetTable};

/// Answers a request at the server's port.
pub(super) fn serve(situation: &Situation<'_>, arrival: &Arrival<'_>, request: &Request) -> Decision {
    let server = Server { situation, arrival, request, client: client_key(situation, request) };
    match request.kind {
        MessageType::Discover => server.discover(),
        MessageType::Request => server.request(),
        MessageType::Decline => server.decline(),
        MessageType::Release => server.release(),
        MessageType::Inform => server.inform(),
    }
}

/// What tells this client from others.
fn client_key(situation: &Situation<'_>, request: &Request) -> ClientKey {
    let by_id = situation.policy.dhcp().identity == Identity::ClientId
        && !request.client.class.is_boot_stage()
        // Only an identifier tells clients on such networks apart.
        || request.packet.hardware.address().is_empty();
    let id = request.client_id.as_deref().filter(|_| by_id).map(Into::into);
    ClientKey { hardware: request.packet.hardware, id }
}

struct Server<'a> {
    situation: &'a Situation<'a>,
    arrival: &'a Arrival<'a>,
    request: &'a Request,
    client: ClientKey,
}

impl Server<'_> {
    fn discover(&self) -> Decision {
        let Some(subnet) = self.subnet() else { return self.no_subnet() };
        let (chosen, notice) = self.choose(subnet);
        let Some(address) = chosen else {
            let exhausted = Decision::silence(Silence::Exhausted(subnet.network));
            return Decision { notice, ..exhausted };
        };
        let standing = self.situation.leases.standing(address, &self.client);
        let is_known = standing == Standing::Own
            || self.situation.leases.get(address).is_some_and(|lease| lease.client == self.client);
        let until = self.situation.now + Duration::from_secs(self.situation.policy.dhcp().offer_s.into());
        let held = self.situation.leases.get(address).map(|lease| lease.state);
        // What is promised to this client already stays promised, whatever it does about the offer.
        let change = (!matches!(held, Some(LeaseState::Bound { .. })))
            .then(|| self.lease(address, LeaseState::Offered { until }));
        let reply = self.reply(ReplyKind::Offer, subnet, address);
        let probe = (!is_known && self.is_on_link(address)).then_some(address);
        Decision { change, probe, notice, ..Decision::reply(reply) }
    }

    fn request(&self) -> Decision {
        let asked = &self.request.packet;
        let Some(subnet) = self.subnet() else { return self.no_subnet() };
        match (self.request.server, self.request.requested) {
            (Some(server), _) if !self.is_our_id(server) => self.chose_another(server),
            (Some(_), None) if asked.ciaddr.is_unspecified() => Decision::silence(Silence::NoAddress),
            (Some(_), requested) => self.select(subnet, requested.unwrap_or(asked.ciaddr)),
            (None, Some(address)) if asked.ciaddr.is_unspecified() => self.init_reboot(subnet, address),
            (None, _) if asked.ciaddr.is_unspecified() => Decision::silence(Silence::NoAddress),
            (None, _) => self.extend(subnet, asked.ciaddr),
        }
    }

    /// SELECTING: the client takes our offer. One that we have forgotten, over a restart, is as good if it can still be kept.
    fn select(&self, subnet: &SubnetTable, address: Ipv4Addr) -> Decision {
        if self.may_have(subnet, address)
            && self.situation.leases.standing(address, &self.client) != Standing::Taken
        {
            return self.bind(subnet, address);
        }
        self.nak(address)
    }

    /// INIT-REBOOT: the client had this address the last time it ran.
    fn init_reboot(&self, subnet: &SubnetTable, address: Ipv4Addr) -> Decision {
        if !subnet.network.contains(address) {
            return self.nak(address);
        }
        let known = self.known_address(subnet);
        match known {
            None => Decision::silence(Silence::Unknown(address)),
            Some(known) if known == address => self.select(subnet, address),
            Some(_) => self.nak(address),
        }
    }

    /// RENEWING and REBINDING: the client uses this address now.
    fn extend(&self, subnet: &SubnetTable, address: Ipv4Addr) -> Decision {
        if !self.may_have(subnet, address) {
            return self.nak(address);
        }
        match self.situation.leases.standing(address, &self.client) {
            Standing::Own => self.bind(subnet, address),
            Standing::Taken => self.nak(address),
            Standing::Open => {
                let remembered =
                    self.situation.leases.get(address).is_some_and(|lease| lease.client == self.client);
                // To us alone: it takes us for the server that gave it the address, and nobody else has it. To everybody: some
                // other server may know better.
                if remembered || self.arrival.to_us || self.reserved(subnet) == Some(address) {
                    self.bind(subnet, address)
                } else {
                    Decision::silence(Silence::Unknown(address))
                }
            }
        }
    }

    fn bind(&self, subnet: &SubnetTable, address: Ipv4Addr) -> Decision {
        let promised = options::lease_time(subnet, self.request.client.class);
        let mut until = self.situation.now + promised;
        // A stage of a boot is promised less than its system was, which may still run: the longest promise holds.
        if let Some(Lease { state: LeaseState::Bound { until: earlier }, .. }) =
            self.situation.leases.get(address)
        {
            until = until.max(*earlier);
        }
        let change = Some(self.lease(address, LeaseState::Bound { until }));
        Decision { change, ..Decision::reply(self.reply(ReplyKind::Ack, subnet, address)) }
    }

    /// The client has taken another server's offer: ours is for others again.
    fn chose_another(&self, server: Ipv4Addr) -> Decision {
        let offered =
            self.subnet().and_then(|subnet| self.situation.leases.of_client(&self.client, subnet.network));
        let change = offered
            .filter(|lease| matches!(lease.state, LeaseState::Offered { .. }))
            .map(|lease| Lease { state: LeaseState::Free { since: self.situation.now }, ..lease.clone() });
        let notice = Some(Notice::OtherServer(server));
        Decision { change, notice, ..Decision::silence(Silence::OtherServer(server)) }
    }

    fn decline(&self) -> Decision {
        let Some(address) = self.request.requested else { return Decision::silence(Silence::NoAddress) };
        match self.request.server {
            Some(server) if !self.is_our_id(server) => {
                return Decision::silence(Silence::OtherServer(server));
            }
            _ => {}
        }
        if self.situation.leases.standing(address, &self.client) != Standing::Own {
            return Decision::silence(Silence::NotItsAddress(address));
        }
        let wait = Duration::from_secs(self.situation.policy.dhcp().quarantine_s.into());
        let change = Some(self.lease(address, LeaseState::Quarantined { until: self.situation.now + wait }));
        let notice = Some(Notice::Declined(address));
        Decision { change, notice, ..Decision::silence(Silence::NoAnswerExpected) }
    }

    fn release(&self) -> Decision {
        let address = self.request.packet.ciaddr;
        match self.request.server {
            Some(server) if !self.is_our_id(server) => {
                return Decision::silence(Silence::OtherServer(server));
            }
            _ => {}
        }
        match self.situation.leases.get(address) {
            Some(lease) if lease.client == self.client && matches!(lease.state, LeaseState::Bound { .. }) => {
                let state = LeaseState::Free { since: self.situation.now };
                let change = Some(Lease { state, ..lease.clone() });
                Decision { change, ..Decision::silence(Silence::NoAnswerExpected) }
            }
            _ => Decision::silence(Silence::NotItsAddress(address)),
        }
    }

    /// The client has its address from elsewhere and wants the rest (RFC 2131 4.3.5).
    fn inform(&self) -> Decision {
        let address = self.request.packet.ciaddr;
        if address.is_unspecified() {
            return Decision::silence(Silence::NoAddress);
        }
        // Not for addresses elsewhere: whoever names one may want us to send something there.
        let Some(subnet) = self.situation.policy.subnet_of(address) else {
            return Decision::silence(Silence::NoSubnet(address));
        };
        let mut packet = self.blank(ReplyKind::Ack);
        packet.ciaddr = address;
        options::push_network(&mut packet.options, subnet, None);
        self.finish(&mut packet);
        // Past any relay: the client has an address of its own.
        Decision::reply(Reply {
            kind: ReplyKind::Ack,
            packet,
            room: self.request.room,
            to: Destination::Client(address),
        })
    }

    /// An address for a client that asks for one, and what stands in the way of a better one.
    fn choose(&self, subnet: &SubnetTable) -> (Option<Ipv4Addr>, Option<Notice>) {
        let leases = self.situation.leases;
        let is_free = |address: &Ipv4Addr| leases.standing(*address, &self.client) != Standing::Taken;
        let mut notice = None;
        if let Some(reserved) = self.reserved(subnet) {
            if is_free(&reserved) {
                return (Some(reserved), None);
            }
            notice = Some(Notice::ReservationTaken(reserved));
        }
        let in_pool = |address: &Ipv4Addr| leases.is_in_pool(subnet, *address) && is_free(address);
        let before = leases.of_client(&self.client, subnet.network).map(|lease| lease.address);
        let wanted = self.request.requested.or(Some(self.request.packet.ciaddr));
        let chosen =
            before.filter(in_pool).or_else(|| wanted.filter(in_pool)).or_else(|| leases.unused(subnet));
        (chosen, notice)
    }

    /// The address that a known client has or is to have.
    fn known_address(&self, subnet: &SubnetTable) -> Option<Ipv4Addr> {
        let had = || self.situation.leases.of_client(&self.client, subnet.network).map(|lease| lease.address);
        self.reserved(subnet).or_else(had)
    }

    fn reserved(&self, subnet: &SubnetTable) -> Option<Ipv4Addr> {
        let id = self.request.client_id.as_deref();
        let reserved = self.situation.policy.reservations_for(id, self.request.mac);
        reserved.map(|entry| entry.address).find(|address| subnet.network.contains(*address))
    }

    /// Whether the policy allows this client this address.
    fn may_have(&self, subnet: &SubnetTable, address: Ipv4Addr) -> bool {
        match self.reserved(subnet) {
            // Its own, even while it keeps another one because its own is taken.
            Some(reserved) if reserved == address => true,
            Some(reserved) if self.situation.leases.standing(reserved, &self.client) != Standing::Taken => {
                false
            }
            _ => self.situation.leases.is_in_pool(subnet, address),
        }
    }

    /// The network that the client is in: that of its relay (RFC 3527: or the one that the relay names), that of an address
    /// behind a relay which it renews past the relay, or that of the wire.
    fn subnet(&self) -> Option<&SubnetTable> {
        let packet = &self.request.packet;
        let policy = self.situation.policy;
        if !packet.giaddr.is_unspecified() {
            let selected = self.request.relay.as_ref().and_then(|relay| relay.link_selection);
            return policy.subnet_of(selected.unwrap_or(packet.giaddr));
        }
        let behind_relay = (self.arrival.to_us && !packet.ciaddr.is_unspecified())
            .then(|| policy.subnet_of(packet.ciaddr))
            .flatten()
            .filter(|subnet| policy.is_behind_relays(subnet));
        behind_relay.or_else(|| policy.subnet_of(self.arrival.interface.address.address()))
    }

    fn no_subnet(&self) -> Decision {
        let packet = &self.request.packet;
        let selected = self.request.relay.as_ref().and_then(|relay| relay.link_selection);
        Decision::silence(Silence::NoSubnet(selected.unwrap_or(packet.giaddr)))
    }

    fn is_on_link(&self, address: Ipv4Addr) -> bool {
        self.request.packet.giaddr.is_unspecified() && self.arrival.interface.is_on_link(address)
    }

    /// Our address, or what a relay lets its clients take for it (RFC 5107).
    fn server_id(&self) -> Ipv4Addr {
        let override_ = self.request.relay.as_ref().and_then(|relay| relay.server_override);
        override_.unwrap_or(self.arrival.interface.address.address())
    }

    fn is_our_id(&self, server: Ipv4Addr) -> bool {
        server == self.server_id() || self.situation.policy.is_ours(server)
    }

    fn lease(&self, address: Ipv4Addr, state: LeaseState) -> Lease {
        let said = self.request.packet.options.get(code::HOST_NAME);
        let hostname = self.hostname(address).cloned().or_else(|| said.and_then(host_name));
        Lease { address, client: self.client.clone(), class: self.request.client.class, hostname, state }
    }

    fn hostname(&self, address: Ipv4Addr) -> Option<&HostLabel> {
        self.situation.policy.reservation_of(address).and_then(|entry| entry.hostname.as_ref())
    }

    fn reply(&self, kind: ReplyKind, subnet: &SubnetTable, address: Ipv4Addr) -> Reply {
        let mut packet = self.blank(kind);
        packet.yiaddr = address;
        if kind == ReplyKind::Ack {
            packet.ciaddr = self.request.packet.ciaddr;
        }
        options::push_times(&mut packet.options, options::lease_time(subnet, self.request.client.class));
        // Before the rest of the network, so that it is not what falls off the end of a small packet.
        if let Some(boot) = boot::of_client(self.situation, self.request) {
            boot.fill(self.arrival, self.situation, self.request, &mut packet);
        }
        options::push_network(&mut packet.options, subnet, self.hostname(address));
        self.finish(&mut packet);
        let to = destination::of_reply(self.request, kind, &packet);
        Reply { kind, packet, room: self.request.room, to }
    }

    fn nak(&self, address: Ipv4Addr) -> Decision {
        let mut packet = self.blank(ReplyKind::Nak);
        packet.options.push(code::MESSAGE, format!("{address} is not yours here").as_bytes());
        self.finish(&mut packet);
        if !self.request.packet.giaddr.is_unspecified() {
            // The client has no address that the relay could send to.
            packet.set_broadcast();
        }
        let to = destination::of_reply(self.request, ReplyKind::Nak, &packet);
        Decision::reply(Reply { kind: ReplyKind::Nak, packet, room: self.request.room, to })
    }

    fn blank(&self, kind: ReplyKind) -> Packet {
        let mut packet = Packet::reply_to(&self.request.packet);
        packet.options.push(code::MESSAGE_TYPE, &[kind.number()]);
        packet.options.push_addresses(code::SERVER_ID, &[self.server_id()]);
        packet
    }

    fn finish(&self, packet: &mut Packet) {
        options::push_echoes(self.request, packet);
    }
}

impl Decision {
    /// What is said, if anything.
    pub fn reply_of(&self) -> Option<&Reply> {
        match &self.action {
            Action::Reply(reply) => Some(reply),
            Action::Silence(_) => None,
        }
    }
}
