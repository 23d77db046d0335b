//! The sockets of one interface, and how a reply leaves by them.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use anyhow::Context as _;
use appliance_types::{InterfaceName, MacAddress};
use host_sockets::{EtherType, PacketSocket, bind_udp, interface_index};
use netboot_protocol::dhcp::{Destination, ServerPort};
use netboot_protocol::frame::udp_packet;
use netboot_protocol::policy::{DhcpMode, InterfaceTable, Policy};

/// One interface.
pub(super) struct Wire {
    pub(super) name: InterfaceName,
    pub(super) table: InterfaceTable,
    /// Its own card.
    pub(super) card: Option<MacAddress>,
    /// In the order of [`Wire::doors`].
    sockets: Vec<(Door, UdpSocket)>,
    /// To clients that have no address yet; without the right to it, everybody hears those replies.
    packets: Option<PacketSocket>,
    server_port: u16,
    pxe_port: u16,
    index: i32,
}

/// What is known of a packet from the socket that it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) port: ServerPort,
    /// It was sent to our address, not to everybody.
    pub(super) to_us: bool,
}

/// A reply on its way.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The place of its wire in the list of them.
    pub(super) wire: usize,
    /// The port it is an answer of.
    pub(super) port: ServerPort,
    pub(super) to: Destination,
    pub(super) mac: Option<MacAddress>,
    pub(super) bytes: Vec<u8>,
}

impl Wire {
    /// Those of the policy, less those where DHCP is off.
    pub(super) fn open_all(policy: &Policy) -> anyhow::Result<Vec<Wire>> {
        let served = policy.interfaces().filter(|(_, table)| table.dhcp != DhcpMode::Off);
        served.map(|(name, table)| Wire::open(policy, name, table)).collect()
    }

    fn open(policy: &Policy, name: &InterfaceName, table: &InterfaceTable) -> anyhow::Result<Wire> {
        let (own, server_port) = (table.address.address(), policy.listen().dhcp_port);
        let mut sockets = Vec::new();
        let mut open = |address: Ipv4Addr, number: u16, door: Door| -> anyhow::Result<()> {
            let socket = bind_udp(name, SocketAddrV4::new(address, number)).with_context(|| {
                format!(
                    "is another DHCP server running? `ss -lunp 'sport = :{number}'` shows who has the port"
                )
            })?;
            socket.set_nonblocking(true)?;
            // A storm waits here while we decide. The kernel gives as much of it as it allows.
            let _as_much = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
            sockets.push((door, socket));
            Ok(())
        };
        open(own, server_port, Door { port: ServerPort::Dhcp, to_us: true })?;
        open(Ipv4Addr::BROADCAST, server_port, Door { port: ServerPort::Dhcp, to_us: false })?;
        if policy.listen().pxe_port != 0 {
            open(own, policy.listen().pxe_port, Door { port: ServerPort::Pxe, to_us: true })?;
        }
        let packets = match PacketSocket::open_to_send(name, EtherType::Ipv4) {
            Ok(socket) => Some(socket),
            Err(error) => {
                log::warn!(
                    "{error}; clients without an address are answered by broadcast (CAP_NET_RAW is missing)"
                );
                None
            }
        };
        let index = interface_index(name).with_context(|| format!("there is no network interface {name}"))?;
        Ok(Wire {
            name: name.clone(),
            table: table.clone(),
            card: packets.as_ref().and_then(PacketSocket::card),
            sockets,
            packets,
            server_port,
            pxe_port: policy.listen().pxe_port,
            index,
        })
    }

    /// The sockets to hear on.
    pub(super) fn doors(&self) -> &[(Door, UdpSocket)] {
        &self.sockets
    }

    /// The port of clients.
    pub(super) fn client_port(&self) -> u16 {
        self.server_port.saturating_add(1)
    }

    /// Where we answer from.
    pub(super) fn own(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.table.address.address(), self.server_port)
    }

    /// Our address and port as those behind `port` see them.
    pub(super) fn own_at(&self, port: ServerPort) -> SocketAddrV4 {
        match port {
            ServerPort::Dhcp => self.own(),
            ServerPort::Pxe => SocketAddrV4::new(self.table.address.address(), self.pxe_port),
        }
    }

    /// Whether the sockets are of an interface that is gone: one with the same name is another one.
    pub(super) fn is_gone(&self) -> bool {
        interface_index(&self.name).ok() != Some(self.index)
    }

    /// Sends a reply; where it went.
    pub(super) fn send(&self, reply: &Outgoing) -> io::Result<SocketAddrV4> {
        let socket = self.sockets.iter().find(|(door, _)| door.to_us && door.port == reply.port);
        let Some((_, socket)) = socket else { return Err(io::Error::other("no socket for that port")) };
        let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, self.client_port());
        let to = match reply.to {
            Destination::Relay(relay) => SocketAddrV4::new(relay, self.server_port),
            Destination::Client(address) => SocketAddrV4::new(address, self.client_port()),
            Destination::Sender(address) => address,
            Destination::Everybody => everybody,
            Destination::Card { address, mac } => {
                let to = SocketAddrV4::new(address, self.client_port());
                match (&self.packets, udp_packet(self.own(), to, &reply.bytes)) {
                    (Some(packets), Some(packet)) => return packets.send(mac, &packet).map(|()| to),
                    _ => everybody,
                }
            }
        };
        socket.send_to(&reply.bytes, to).map(|_| to)
    }
}
