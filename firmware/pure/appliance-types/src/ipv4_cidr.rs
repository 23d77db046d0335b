use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// An IPv4 address of an interface with the length of its network's prefix: `172.20.30.1/24`.
///
/// Both parts are always written; a bare address is refused rather than taken for `/32`. Whether the address can be one of a
/// host in that network is asked separately ([`Ipv4Cidr::is_host`]): a network's own address is a valid value elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ipv4Cidr {
    address: Ipv4Addr,
    prefix: u8,
}

impl Ipv4Cidr {
    /// `None` when `prefix` is larger than 32.
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Ipv4Cidr> {
        (prefix <= 32).then_some(Ipv4Cidr { address, prefix })
    }

    /// With the prefix of 24 bits that small networks have.
    pub const fn slash_24(address: Ipv4Addr) -> Ipv4Cidr {
        Ipv4Cidr { address, prefix: 24 }
    }

    /// The address.
    pub fn address(self) -> Ipv4Addr {
        self.address
    }

    /// The length of the prefix, 0 to 32.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// The mask: `255.255.255.0` for 24.
    pub fn netmask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0))
    }

    /// The first address of the network, which names it.
    pub fn network(self) -> Ipv4Addr {
        self.address & self.netmask()
    }

    /// The last address of the network: everybody in it.
    pub fn broadcast(self) -> Ipv4Addr {
        self.address | !self.netmask()
    }

    /// Whether `other` lies in the network.
    pub fn contains(self, other: Ipv4Addr) -> bool {
        other & self.netmask() == self.network()
    }

    /// Whether the two networks share an address.
    pub fn overlaps(self, other: Ipv4Cidr) -> bool {
        self.contains(other.network()) || other.contains(self.network())
    }

    /// Whether the address can be a host's: neither the network's own nor its broadcast address. In a `/31` and a `/32` all
    /// are (RFC 3021).
    pub fn is_host(self) -> bool {
        self.prefix >= 31 || (self.address != self.network() && self.address != self.broadcast())
    }
}

impl fmt::Display for Ipv4Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.address, self.prefix))
    }
}

impl FromStr for Ipv4Cidr {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Ipv4Cidr, InvalidWord> {
        const RULE: &str = "it is an IPv4 address and the length of its prefix, 0 to 32: 172.20.30.1/24";
        let parsed = text.split_once('/').and_then(|(address, prefix)| {
            // `u8` would also read "+8" and "08".
            let digits =
                prefix.bytes().all(|b| b.is_ascii_digit()) && (prefix == "0" || !prefix.starts_with('0'));
            Ipv4Cidr::new(address.parse().ok()?, digits.then(|| prefix.parse().ok())??)
        });
        parsed.ok_or_else(|| InvalidWord::new(text, "an IPv4 address with prefix length", RULE))
    }
}

word_is_its_text!(Ipv4Cidr);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cidr(text: &str) -> Ipv4Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn knows_its_network() {
        let lan = cidr("172.20.30.1/24");
        assert_eq!((lan.network(), lan.broadcast()), ([172, 20, 30, 0].into(), [172, 20, 30, 255].into()));
        assert_eq!(lan.netmask(), Ipv4Addr::new(255, 255, 255, 0));
        assert!(lan.contains([172, 20, 30, 77].into()) && !lan.contains([172, 20, 31, 1].into()));
        assert_eq!(cidr("1.2.3.4/0").network(), Ipv4Addr::UNSPECIFIED);
        assert_eq!(cidr("1.2.3.4/32").broadcast(), Ipv4Addr::new(1, 2, 3, 4));
    }

    #[test]
    fn a_host_is_neither_the_network_nor_everybody() {
        for (text, host) in [
            ("10.0.0.1/24", true),
            ("10.0.0.0/24", false),
            ("10.0.0.255/24", false),
            ("10.0.0.0/31", true),
            ("10.0.0.1/32", true),
        ] {
            assert_eq!(cidr(text).is_host(), host, "{text}");
        }
    }

    #[test]
    fn networks_overlap_when_one_lies_in_the_other() {
        assert!(cidr("10.0.0.0/8").overlaps(cidr("10.88.0.1/24")));
        assert!(cidr("10.88.0.1/24").overlaps(cidr("10.0.0.0/8")));
        assert!(!cidr("10.88.0.1/24").overlaps(cidr("10.88.1.1/24")));
    }

    #[test]
    fn refuses_half_an_address_and_odd_spellings() {
        for text in
            ["", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/+8", "10.0.0.1/08", "10.0.0/24", "::1/64"]
        {
            assert!(text.parse::<Ipv4Cidr>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(address: u32, prefix in 0u8..=32) {
            let cidr = Ipv4Cidr::new(address.into(), prefix).unwrap();
            prop_assert_eq!(cidr.to_string().parse(), Ok(cidr));
            prop_assert!(cidr.contains(cidr.address()) && cidr.contains(cidr.broadcast()));
        }
    }
}
