use super::*;
use proptest::prelude::*;

fn any_record() -> impl Strategy<Value = Record> {
    let address = || (any::<u32>(), any::<u16>()).prop_map(|(ip, port)| SocketAddrV4::new(ip.into(), port));
    let head = (any::<u32>(), 0u32..1_000_000, any::<bool>(), any::<bool>(), any::<bool>());
    (head, address(), address(), prop::collection::vec(any::<u8>(), 0..700), 0usize..2000).prop_map(
        |((seconds, micros, sent, tcp, known), local, remote, bytes, more)| Record {
            at: Duration::new(seconds.into(), micros * 1000),
            direction: if sent { Direction::Sent } else { Direction::Received },
            transport: if tcp { Transport::Tcp } else { Transport::Udp },
            local,
            remote,
            mac: known.then_some(MacAddress::from_bytes([0xdc, 0xa6, 0x32, 1, 2, 3])),
            length: bytes.len() + more,
            bytes,
        },
    )
}

#[test]
fn the_headers_are_right() {
    let record = Record {
        at: Duration::new(1, 2000),
        direction: Direction::Received,
        transport: Transport::Udp,
        local: SocketAddrV4::new(Ipv4Addr::new(192, 168, 0, 1), 69),
        remote: SocketAddrV4::new(Ipv4Addr::new(192, 168, 0, 199), 2070),
        mac: Some(MacAddress::from_bytes([0xdc, 0xa6, 0x32, 1, 2, 3])),
        bytes: vec![0, 4, 0, 1],
        length: 4,
    };
    let file = write_pcap(&[record]);
    assert_eq!(file[24..40], [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 46, 0, 0, 0, 46]);
    let frame = &file[40..];
    assert_eq!(frame[14..18], [0x45, 0, 0, 32]);
    assert_eq!(checksum(&frame[14..34]), 0, "a header with its checksum sums up to nothing");
    assert_eq!(frame[34..42], [0x08, 0x16, 0, 69, 0, 12, 0, 0]);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(records in prop::collection::vec(any_record(), 0..8)) {
        prop_assert_eq!(read_pcap(&write_pcap(&records)).unwrap(), records);
    }

    #[test]
    fn any_file_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_pcap(&bytes);
        let file = [&write_pcap(&[])[..], &bytes].concat();
        let _ = read_pcap(&file);
    }
}
