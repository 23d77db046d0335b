//! Packets below UDP: an IPv4 datagram for a client that has no address yet, and ARP to find out whether somebody has one.

use std::net::{Ipv4Addr, SocketAddrV4};

use appliance_types::MacAddress;

/// An IPv4 packet with a UDP datagram in it. `None` when `payload` is more than fits.
pub fn udp_packet(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Option<Vec<u8>> {
    let udp_length = u16::try_from(payload.len() + 8).ok()?;
    let length = udp_length.checked_add(20)?;
    let mut packet = Vec::with_capacity(usize::from(length));
    // RFC 791: version 4, five words; no fragments (some ROMs cannot put them together); 64 hops; UDP.
    packet.extend_from_slice(&[0x45, 0]);
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend_from_slice(&from.ip().octets());
    packet.extend_from_slice(&to.ip().octets());
    let header_sum = checksum(sum(&packet));
    packet[10..12].copy_from_slice(&header_sum.to_be_bytes());
    // RFC 768, with the addresses, the protocol and the length again in front of it.
    let udp = packet.len();
    packet.extend_from_slice(&from.port().to_be_bytes());
    packet.extend_from_slice(&to.port().to_be_bytes());
    packet.extend_from_slice(&udp_length.to_be_bytes());
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(payload);
    let pseudo = sum(&packet[12..20]) + 17 + u64::from(udp_length);
    let udp_sum = match checksum(pseudo + sum(&packet[udp..])) {
        // 0 means that there is none.
        0 => 0xffff,
        sum => sum,
    };
    packet[udp + 6..udp + 8].copy_from_slice(&udp_sum.to_be_bytes());
    Some(packet)
}

/// An ARP packet for IPv4 on Ethernet (RFC 826).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// It asks; else it answers.
    pub is_request: bool,
    /// Who speaks.
    pub sender_mac: MacAddress,
    /// Its address; 0.0.0.0 in a probe (RFC 5227), which nobody shall learn from.
    pub sender: Ipv4Addr,
    /// Who is spoken to; all zero in a question.
    pub target_mac: MacAddress,
    /// The address that is asked for.
    pub target: Ipv4Addr,
}

impl Arp {
    /// The question whether anybody has `address`.
    pub fn probe(card: MacAddress, address: Ipv4Addr) -> Arp {
        Arp {
            is_request: true,
            sender_mac: card,
            sender: Ipv4Addr::UNSPECIFIED,
            target_mac: MacAddress::from_bytes([0; 6]),
            target: address,
        }
    }

    /// The bytes of it.
    pub fn encode(&self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, if self.is_request { 1 } else { 2 }]);
        bytes[8..14].copy_from_slice(&self.sender_mac.bytes());
        bytes[14..18].copy_from_slice(&self.sender.octets());
        bytes[18..24].copy_from_slice(&self.target_mac.bytes());
        bytes[24..28].copy_from_slice(&self.target.octets());
        bytes
    }

    /// Reads it; `None` for ARP of other networks and protocols. Ethernet pads it, so more bytes may follow.
    pub fn decode(bytes: &[u8]) -> Option<Arp> {
        let bytes: &[u8; 28] = bytes.first_chunk()?;
        let [0, 1, 8, 0, 6, 4, 0, operation @ (1 | 2), rest @ ..] = bytes else { return None };
        let (sender_mac, rest) = rest.split_first_chunk::<6>()?;
        let (sender, rest) = rest.split_first_chunk::<4>()?;
        let (target_mac, rest) = rest.split_first_chunk::<6>()?;
        let target = rest.first_chunk::<4>()?;
        Some(Arp {
            is_request: *operation == 1,
            sender_mac: MacAddress::from_bytes(*sender_mac),
            sender: (*sender).into(),
            target_mac: MacAddress::from_bytes(*target_mac),
            target: (*target).into(),
        })
    }

    /// Whether this shows that somebody else than `client` uses `address`: it says so, or it is about to take it as well.
    pub fn claims(&self, address: Ipv4Addr, client: Option<MacAddress>) -> bool {
        let probes = self.is_request && self.sender.is_unspecified() && self.target == address;
        (self.sender == address || probes) && Some(self.sender_mac) != client
    }
}

fn sum(bytes: &[u8]) -> u64 {
    let pairs = bytes.chunks(2);
    pairs.map(|pair| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or_default())).sum()
}

fn checksum(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAC: MacAddress = MacAddress::from_bytes([2, 0, 0, 0, 0, 1]);

    #[test]
    fn a_packet_has_its_lengths_and_sums() {
        let packet =
            udp_packet("10.0.0.1:67".parse().unwrap(), "10.0.0.100:68".parse().unwrap(), b"abc").unwrap();
        assert_eq!(packet[..10], [0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17]);
        // A header with its own checksum in it sums up to nothing.
        assert_eq!(checksum(sum(&packet[..20])), 0);
        let pseudo = sum(&packet[12..20]) + 17 + 11;
        assert_eq!(checksum(pseudo + sum(&packet[20..])), 0);
        assert_eq!(
            udp_packet("10.0.0.1:67".parse().unwrap(), "10.0.0.2:68".parse().unwrap(), &[0; 65_508]),
            None
        );
    }

    #[test]
    fn arp_shows_who_has_an_address() {
        let address = Ipv4Addr::new(10, 0, 0, 7);
        let other = MacAddress::from_bytes([2, 0, 0, 0, 0, 2]);
        let answer =
            Arp { is_request: false, sender_mac: other, sender: address, ..Arp::probe(MAC, address) };
        assert!(answer.claims(address, Some(MAC)) && !answer.claims(address, Some(other)));
        let gratuitous = Arp { sender: address, sender_mac: other, ..Arp::probe(MAC, address) };
        assert!(gratuitous.claims(address, Some(MAC)));
        assert!(Arp::probe(other, address).claims(address, Some(MAC)), "another one is about to take it");
        assert!(!Arp::probe(MAC, address).claims(address, Some(MAC)));
        let asks = Arp { sender: [10, 0, 0, 8].into(), ..Arp::probe(other, address) };
        assert!(!asks.claims(address, Some(MAC)), "who asks for an address has not got it");
    }

    proptest! {
        #[test]
        fn any_bytes_are_arp_or_not(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(arp) = Arp::decode(&bytes) {
                prop_assert_eq!(&arp.encode()[..], &bytes[..28]);
            }
        }

        #[test]
        fn checksums_hold_for_any_payload(payload in prop::collection::vec(any::<u8>(), 0..600), from: u32, to: u32) {
            let address = |bits: u32| SocketAddrV4::new(Ipv4Addr::from_bits(bits), 67);
            let packet = udp_packet(address(from), address(to), &payload).unwrap();
            prop_assert_eq!(checksum(sum(&packet[..20])), 0);
            let pseudo = sum(&packet[12..20]) + 17 + sum(&packet[24..26]);
            prop_assert_eq!(checksum(pseudo + sum(&packet[20..])), 0);
        }
    }
}
