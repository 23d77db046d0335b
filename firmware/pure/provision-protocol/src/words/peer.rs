use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Whoever is at the other end, as far as bounds go: an IPv4 address, or the 64 bits of an IPv6 network, within which a single
/// machine may take any address it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer(IpAddr);

/// By which way a connection came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// From a network this device serves, or from itself.
    Lan,
    /// From the network this device is a guest in.
    Wan,
}

impl Peer {
    /// The peer with this address. An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
    pub fn new(address: IpAddr) -> Peer {
        Peer(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_one_peer() {
        let peer = |text: &str| Peer::new(text.parse().unwrap()).to_string();
        assert_eq!(peer("192.0.2.1"), "192.0.2.1");
        assert_eq!(peer("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(peer("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(peer("fe80::1"), "fe80::/64");
    }
}
