//! The port that requests come to, on one interface.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::Context as _;
use appliance_types::{InterfaceName, Ipv4Cidr};
use rustix::net::sockopt::Ipv4PathMtuDiscovery;
use socket2::{Domain, Protocol, Socket, Type};

/// Where requests are heard, and whose.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// The interface.
    pub(crate) interface: InterfaceName,
    /// Our own address on it: what answers come from.
    pub(crate) address: Ipv4Addr,
    /// Whoever has an address of these is answered.
    pub(crate) networks: Vec<Ipv4Cidr>,
    /// UDP or TCP port.
    pub(crate) port: u16,
}

/// Requests that arrive while one is looked up: a machine room after a power cut.
const REQUEST_BUFFER: usize = 1 << 20;

impl Door {
    /// Whether `source` is one of those we serve. Not an address of somebody outside who wants our answers sent there.
    pub(crate) fn serves(&self, source: Ipv4Addr) -> bool {
        self.networks.iter().any(|network| network.contains(source))
    }

    /// The socket for requests.
    pub(super) fn open(&self) -> anyhow::Result<Socket> {
        let socket = self.socket(self.port)?;
        // A smaller buffer is what a machine without the right to more gets.
        let _smaller = socket.set_recv_buffer_size(REQUEST_BUFFER);
        Ok(socket)
    }

    /// A socket with a port of its own, for one transfer.
    pub(super) fn open_session(&self) -> anyhow::Result<Socket> {
        self.socket(0)
    }

    /// The largest packet that the route to `client` carries, in bytes.
    pub(super) fn mtu_to(&self, client: Ipv4Addr) -> u16 {
        let probe = || -> std::io::Result<u32> {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.connect(&SocketAddrV4::new(client, 9).into())?;
            Ok(rustix::net::sockopt::ip_mtu(&socket)?)
        };
        // Without a route nothing will arrive anyway; 576 is what every host takes (RFC 791).
        probe().ok().and_then(|mtu| u16::try_from(mtu.min(65_535)).ok()).unwrap_or(576)
    }

    fn socket(&self, port: u16) -> anyhow::Result<Socket> {
        let open = || -> std::io::Result<Socket> {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
            // An address is not enough: Linux hands a packet for it over from every interface it comes in on.
            socket.bind_device(Some(self.interface.as_str().as_bytes()))?;
            // The address may come later than we do.
            rustix::net::sockopt::set_ip_freebind(&socket, true)?;
            // No ROM understands "fragmentation needed", and some drop what says "do not fragment".
            rustix::net::sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::DONT)?;
            socket.bind(&SocketAddrV4::new(self.address, port).into())?;
            Ok(socket)
        };
        open()
            .with_context(|| format!("cannot open UDP port {port} of {} on {}", self.address, self.interface))
    }
}
