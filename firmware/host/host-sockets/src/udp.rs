//! UDP sockets bound to an interface and an address.

use std::io;
use std::net::{SocketAddrV4, UdpSocket};

use appliance_types::InterfaceName;
use socket2::{Domain, Protocol, Socket, Type};

/// A socket that could not be opened or used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} on {interface}")]
pub struct SocketError {
    action: String,
    interface: InterfaceName,
    source: io::Error,
}

impl SocketError {
    pub(crate) fn new(
        action: impl Into<String>,
        interface: &InterfaceName,
        source: io::Error,
    ) -> SocketError {
        SocketError { action: action.into(), interface: interface.clone(), source }
    }
}

/// A UDP socket that hears what comes in on `interface` for `address`, and sends from there.
///
/// An address of 255.255.255.255 hears what is sent to everybody on the wire, and nothing that is sent to us: two sockets tell
/// the two apart. One socket for each, and no second one: two servers on one port would take each other's packets. Sending to everybody is allowed on all of them.
///
/// # Errors
/// The port is taken, there is no such interface, or we may not.
pub fn bind_udp(interface: &InterfaceName, address: SocketAddrV4) -> Result<UdpSocket, SocketError> {
    let open = || {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.bind_device(Some(interface.as_str().as_bytes()))?;
        socket.set_broadcast(true)?;
        // Before there is a cable the kernel has not given the interface its address yet.
        socket.set_freebind_v4(true)?;
        socket.bind(&address.into())?;
        Ok(UdpSocket::from(socket))
    };
    open().map_err(|source| SocketError::new(format!("listen at {address}"), interface, source))
}
