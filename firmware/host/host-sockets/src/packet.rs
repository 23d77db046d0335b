//! Packet sockets (packet(7)) without the link layer's header: the kernel writes and reads that.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use appliance_types::{InterfaceName, MacAddress};
use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};

use crate::SocketError;

/// What a packet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtherType {
    /// IPv4, with its header.
    Ipv4,
    /// ARP.
    Arp,
}

impl EtherType {
    fn number(self) -> u16 {
        match self {
            EtherType::Ipv4 => 0x0800,
            EtherType::Arp => 0x0806,
        }
    }
}

/// A socket for packets of one kind on one Ethernet interface.
#[derive(Debug)]
pub struct PacketSocket {
    socket: Socket,
    interface: InterfaceName,
    index: i32,
    kind: EtherType,
}

impl PacketSocket {
    /// A socket that hears packets of this kind on `interface`, and sends them.
    ///
    /// # Errors
    /// There is no such interface, or we have no `CAP_NET_RAW`.
    pub fn open(interface: &InterfaceName, kind: EtherType) -> Result<PacketSocket, SocketError> {
        PacketSocket::new(interface, kind, true)
    }

    /// A socket that only sends: nothing is queued on it for a reader that never comes.
    ///
    /// # Errors
    /// As [`PacketSocket::open`].
    pub fn open_to_send(interface: &InterfaceName, kind: EtherType) -> Result<PacketSocket, SocketError> {
        PacketSocket::new(interface, kind, false)
    }

    fn new(interface: &InterfaceName, kind: EtherType, hears: bool) -> Result<PacketSocket, SocketError> {
        let failed = |source| SocketError::new("open a packet socket", interface, source);
        let index = interface_index(interface).map_err(failed)?;
        // Without a protocol it hears nothing until it is bound.
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, None).map_err(failed)?;
        // Bound, so that it knows its card; without a protocol, so that it hears nothing.
        socket.bind(&link_address(index, hears.then_some(kind), None)).map_err(failed)?;
        Ok(PacketSocket { socket, interface: interface.clone(), index, kind })
    }

    /// The card of the interface; `None` when that is no Ethernet.
    pub fn card(&self) -> Option<MacAddress> {
        let address = self.socket.local_addr().ok()?;
        if i32::from(address.family()) != libc::AF_PACKET {
            return None;
        }
        // SAFETY: the kernel gave us an address of this family, which is a `sockaddr_ll`, in a storage that is large enough for
        // and aligned as any address.
        #[expect(unsafe_code, reason = "the kernel's structure for link layer addresses")]
        let link = unsafe { &*address.as_ptr().cast::<libc::sockaddr_ll>() };
        (link.sll_halen == 6).then(|| {
            let [a, b, c, d, e, f, ..] = link.sll_addr;
            MacAddress::from_bytes([a, b, c, d, e, f])
        })
    }

    /// The interface.
    pub fn interface(&self) -> &InterfaceName {
        &self.interface
    }

    /// Sends a packet to a card; to `ff:ff:ff:ff:ff:ff` for everybody.
    ///
    /// # Errors
    /// What the kernel says: the link is down, say.
    pub fn send(&self, to: MacAddress, packet: &[u8]) -> io::Result<()> {
        self.socket.send_to(packet, &link_address(self.index, Some(self.kind), Some(to))).map(drop)
    }

    /// Takes in a packet, as much of it as fits; how long it is.
    ///
    /// # Errors
    /// What the kernel says; `WouldBlock` when there is none and the socket does not wait.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::Read as _;
        (&self.socket).read(buffer)
    }

    /// Whether [`PacketSocket::receive`] waits.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    /// How long [`PacketSocket::receive`] waits.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(timeout)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The number of an interface in the namespace that we are in. (`/sys/class/net` may show another one's.) One that is taken away
/// and comes back has another number.
///
/// # Errors
/// There is no such interface.
pub fn interface_index(interface: &InterfaceName) -> io::Result<i32> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    let index = rustix::net::netdevice::name_to_index(&socket, interface.as_str())?;
    i32::try_from(index).map_err(io::Error::other)
}

/// `sockaddr_ll`, for which neither the standard library nor socket2 has a safe constructor.
fn link_address(index: i32, kind: Option<EtherType>, to: Option<MacAddress>) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is one of the address types that a `sockaddr_storage` is large enough and aligned for, and every
    // pattern of its bytes is a valid one.
    #[expect(unsafe_code, reason = "the kernel's structure for link layer addresses")]
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
    link.sll_protocol = kind.map_or(0, EtherType::number).to_be();
    link.sll_ifindex = index;
    if let Some(mac) = to {
        link.sll_halen = 6;
        link.sll_addr[..6].copy_from_slice(&mac.bytes());
    }
    let length = u32::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or_default();
    // SAFETY: the storage holds a `sockaddr_ll`, the family says so, and `length` is the length of that.
    #[expect(unsafe_code, reason = "the kernel's structure for link layer addresses")]
    let address = unsafe { SockAddr::new(storage, length) };
    address
}
