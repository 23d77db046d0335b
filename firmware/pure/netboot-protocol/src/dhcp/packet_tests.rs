use super::*;
use dhcproto::v4::{self, DhcpOption, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};
use proptest::prelude::*;

const MAC: [u8; 6] = [0x52, 0x54, 0, 1, 2, 3];

fn discover() -> Packet {
    let mut packet = Packet::request(Hardware::ethernet(MacAddress::from_bytes(MAC)), 0x1234_5678);
    packet.options.push(code::MESSAGE_TYPE, &[1]);
    packet
}

/// A packet whose options field holds exactly these bytes.
fn raw(options: &[u8]) -> Vec<u8> {
    let mut bytes = discover().encode(MIN_LENGTH);
    bytes.truncate(HEADER + MAGIC.len());
    bytes.extend_from_slice(options);
    bytes
}

#[test]
fn r4_1_12_a_reply_is_padded_to_300_bytes() {
    assert_eq!(discover().encode(1472).len(), 300);
    assert_eq!(discover().encode(0).len(), 300);
}

#[test]
fn r4_1_12_a_reply_is_never_longer_than_the_client_takes_and_keeps_option_82() {
    let mut packet = discover();
    packet.options.push(code::RELAY_AGENT, &[1; 40]);
    for code in 100..130 {
        packet.options.push(code, &[code; 50]);
    }
    for limit in [300, 548, 1472] {
        let bytes = packet.encode(limit);
        assert!(bytes.len() <= limit, "{} > {limit}", bytes.len());
        let read = Packet::decode(&bytes).unwrap();
        assert_eq!(read.options.get(code::RELAY_AGENT), Some(&[1; 40][..]));
        assert_eq!(read.options.get(code::MESSAGE_TYPE), Some(&[1][..]), "the first ones stay");
    }
}

#[test]
fn r4_1_10_option_82_is_the_last_one() {
    let mut packet = discover();
    packet.options.push(code::RELAY_AGENT, &[1, 2, 0, 7]);
    packet.options.push(code::ROUTERS, &[10, 0, 0, 1]);
    let bytes = packet.encode(1472);
    let end = bytes.iter().rposition(|&byte| byte == code::END).unwrap();
    assert_eq!(bytes[end - 6..end], [code::RELAY_AGENT, 4, 1, 2, 0, 7]);
}

#[test]
fn r4_1_11_long_options_are_split_and_joined() {
    let mut packet = discover();
    let long: Vec<u8> = (0..600_u32).map(|n| (n % 251) as u8).collect();
    packet.options.push(code::DOMAIN_SEARCH, &long);
    let bytes = packet.encode(1472);
    assert_eq!(Packet::decode(&bytes).unwrap().options.get(code::DOMAIN_SEARCH), Some(&long[..]));
    let again = v4::Message::decode(&mut Decoder::new(&bytes));
    assert!(again.is_ok(), "{again:?}");
    // Pieces need not be neighbours.
    let apart = raw(&[12, 2, b'a', b'b', 53, 1, 1, 12, 1, b'c', 255]);
    assert_eq!(Packet::decode(&apart).unwrap().options.get(code::HOST_NAME), Some(&b"abc"[..]));
}

#[test]
fn r4_1_11_overloaded_fields_are_read_in_the_order_of_rfc_3396() {
    let mut bytes = raw(&[53, 1, 1, 52, 1, 3, 12, 1, b'a', 255]);
    bytes[FILE][..4].copy_from_slice(&[12, 1, b'b', 255]);
    bytes[SNAME][..4].copy_from_slice(&[12, 1, b'c', 255]);
    let packet = Packet::decode(&bytes).unwrap();
    assert_eq!(packet.options.get(code::HOST_NAME), Some(&b"abc"[..]));
    assert!(packet.file.is_empty() && packet.sname.is_empty());
    // Only `file`: then `sname` is a name.
    let mut bytes = raw(&[53, 1, 1, 52, 1, 1, 255]);
    bytes[FILE][..4].copy_from_slice(&[12, 1, b'b', 255]);
    bytes[SNAME][..2].copy_from_slice(b"tf");
    let packet = Packet::decode(&bytes).unwrap();
    assert_eq!((packet.options.get(12), &packet.sname[..]), (Some(&b"b"[..]), &b"tf"[..]));
    for wrong in [&[52, 1, 0][..], &[52, 1, 4], &[52, 0], &[52, 2, 1, 1]] {
        assert_eq!(Packet::decode(&raw(wrong)), Err(DecodeError::BadOverload));
    }
}

#[test]
fn r4_1_11_a_reply_never_overloads_file() {
    let mut packet = discover();
    packet.file = b"ipxe.efi".to_vec();
    for code in 100..140 {
        packet.options.push(code, &[1; 100]);
    }
    let read = Packet::decode(&packet.encode(548)).unwrap();
    assert_eq!(read.file, b"ipxe.efi");
    assert!(!read.options.has(code::OVERLOAD));
}

#[test]
fn r4_1_15_malformed_packets_are_refused_and_sloppy_ones_read() {
    assert_eq!(Packet::decode(&[1; 200]), Err(DecodeError::TooShort { length: 200 }));
    assert_eq!(Packet::decode(&[]), Err(DecodeError::TooShort { length: 0 }));
    let mut long_address = raw(&[53, 1, 1, 255]);
    long_address[2] = 17;
    assert_eq!(Packet::decode(&long_address), Err(DecodeError::HardwareTooLong(17)));
    let mut op = raw(&[53, 1, 1, 255]);
    op[0] = 3;
    assert_eq!(Packet::decode(&op), Err(DecodeError::BadOp(3)));
    let mut magic = raw(&[53, 1, 1, 255]);
    magic[HEADER] = 0;
    assert_eq!(Packet::decode(&magic), Err(DecodeError::NoMagic));
    assert_eq!(Packet::decode(&raw(&[53, 1, 1, 82, 9, 1])), Err(DecodeError::CutOff { code: 82 }));
    assert_eq!(Packet::decode(&raw(&[53, 1, 1, 82])), Err(DecodeError::CutOff { code: 82 }));
    // No end mark; padding in between; empty options; anything behind the end mark.
    for sloppy in [&[53, 1, 1][..], &[0, 0, 53, 1, 1, 0, 255], &[12, 0, 53, 1, 1, 255], &[53, 1, 1, 255, 9]] {
        assert_eq!(Packet::decode(&raw(sloppy)).unwrap().options.byte(53), Some(1), "{sloppy:?}");
    }
}

#[test]
fn what_stands_behind_a_short_hardware_address_is_not_part_of_it() {
    let mut bytes = raw(&[53, 1, 1, 255]);
    bytes[40] = 0xaa;
    assert_eq!(Packet::decode(&bytes).unwrap().hardware, discover().hardware);
}

fn any_options(codes: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = Options> {
    let value = prop::collection::vec(any::<u8>(), 0..300);
    prop::collection::vec((codes, value), 0..8).prop_map(|list| {
        let mut options = Options::new();
        // Option 52 in a reply would be a lie: the fields hold names.
        list.iter()
            .filter(|(code, _)| *code != code::OVERLOAD)
            .for_each(|(code, value)| options.push(*code, value));
        options
    })
}

fn any_packet() -> impl Strategy<Value = Packet> {
    packet_with(1..=254)
}

prop_compose! {
    fn packet_with(codes: std::ops::RangeInclusive<u8>)(
        reply: bool, length in 0..=16_u8, address: [u8; 16], kind: u8,
        hops: u8, xid: u32, secs: u16, flags: u16, addresses: [u32; 4],
        sname in prop::collection::vec(1..=255_u8, 0..63), file in prop::collection::vec(1..=255_u8, 0..127),
        options in any_options(codes),
    ) -> Packet {
        let mut own = [0; 16];
        let used = usize::from(length);
        own[..used].copy_from_slice(&address[..used]);
        let [ciaddr, yiaddr, siaddr, giaddr] = addresses.map(Ipv4Addr::from_bits);
        Packet {
            op: if reply { Op::Reply } else { Op::Request },
            hardware: Hardware { kind, length, address: own },
            hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, sname, file, options,
        }
    }
}

proptest! {
    #[test]
    fn d02_what_is_written_is_read_back(packet in any_packet()) {
        prop_assert_eq!(Packet::decode(&packet.encode(usize::MAX)).unwrap(), packet);
    }

    #[test]
    fn d02_any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _read = Packet::decode(&bytes);
    }

    #[test]
    fn d02_any_options_are_refused_or_read(options in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(packet) = Packet::decode(&raw(&options)) {
            // What we understood can be said again in the same way.
            prop_assert_eq!(Packet::decode(&packet.encode(usize::MAX)).map(|p| p.hardware), Ok(packet.hardware));
        }
    }

    #[test]
    fn d02_one_changed_byte_never_panics(packet in any_packet(), at: prop::sample::Index, byte: u8) {
        let mut bytes = packet.encode(usize::MAX);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _read = Packet::decode(&bytes);
    }

    /// What we write, `dhcproto` reads as the same packet. With codes that it gives no meaning of its own, because it stops at the
    /// first option that it finds wrong in itself.
    #[test]
    fn d02_dhcproto_reads_what_we_write(packet in packet_with(224..=254)) {
        let bytes = packet.encode(usize::MAX);
        let theirs = v4::Message::decode(&mut Decoder::new(&bytes)).unwrap();
        prop_assert_eq!(theirs.xid(), packet.xid);
        prop_assert_eq!(theirs.chaddr(), packet.hardware.address());
        prop_assert_eq!((theirs.hops(), theirs.secs()), (packet.hops, packet.secs));
        prop_assert_eq!(u16::from(theirs.flags()), packet.flags);
        prop_assert_eq!(
            [theirs.ciaddr(), theirs.yiaddr(), theirs.siaddr(), theirs.giaddr()],
            [packet.ciaddr, packet.yiaddr, packet.siaddr, packet.giaddr]
        );
        let file = theirs.fname().unwrap_or_default();
        prop_assert_eq!(up_to_nul(file), packet.file);
        for (code, value) in packet.options.iter().filter(|(_, value)| (1..=255).contains(&value.len())) {
            let option = theirs.opts().get(OptionCode::from(code));
            let Some(DhcpOption::Unknown(option)) = option else { panic!("option {code}: {option:?}") };
            prop_assert_eq!(option.data(), value);
        }
    }

    /// What `dhcproto` writes, we read as the same packet.
    #[test]
    fn d02_we_read_what_dhcproto_writes(
        xid: u32, flags: u16, yiaddr: u32, giaddr: u32, mac: [u8; 6],
        requested: u32, lease: u32, hostname in "[a-z]{1,20}", class in prop::collection::vec(any::<u8>(), 1..300),
        wanted in prop::collection::vec(1..=254_u8, 1..20),
    ) {
        let mut theirs = v4::Message::default();
        theirs.set_xid(xid).set_flags(flags.into()).set_chaddr(&mac);
        theirs.set_yiaddr(Ipv4Addr::from_bits(yiaddr)).set_giaddr(Ipv4Addr::from_bits(giaddr));
        let options = theirs.opts_mut();
        options.insert(DhcpOption::MessageType(v4::MessageType::Discover));
        options.insert(DhcpOption::RequestedIpAddress(Ipv4Addr::from_bits(requested)));
        options.insert(DhcpOption::AddressLeaseTime(lease));
        options.insert(DhcpOption::Hostname(hostname.clone()));
        options.insert(DhcpOption::ClassIdentifier(class.clone()));
        options.insert(DhcpOption::ParameterRequestList(wanted.iter().map(|&code| code.into()).collect()));
        let ours = Packet::decode(&theirs.to_vec().unwrap()).unwrap();
        prop_assert_eq!((ours.xid, ours.flags), (xid, flags));
        prop_assert_eq!((ours.yiaddr.to_bits(), ours.giaddr.to_bits()), (yiaddr, giaddr));
        prop_assert_eq!(ours.hardware.address(), mac);
        prop_assert_eq!(ours.options.byte(code::MESSAGE_TYPE), Some(1));
        prop_assert_eq!(ours.options.number32(code::REQUESTED_ADDRESS), Some(requested));
        prop_assert_eq!(ours.options.number32(code::LEASE_TIME), Some(lease));
        prop_assert_eq!(ours.options.get(code::HOST_NAME), Some(hostname.as_bytes()));
        prop_assert_eq!(ours.options.get(code::VENDOR_CLASS), Some(&class[..]));
        prop_assert_eq!(ours.options.get(code::PARAMETER_LIST), Some(&wanted[..]));
    }
}
