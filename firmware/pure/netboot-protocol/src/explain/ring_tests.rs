use super::*;
use std::net::SocketAddrV4;
use std::time::Duration;

fn record(second: u64, device: u8, length: usize) -> Record {
    Record {
        at: Duration::from_secs(second),
        direction: Direction::Received,
        transport: Transport::Udp,
        local: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 67),
        remote: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        mac: Some(mac(device)),
        bytes: vec![1; length],
        length,
    }
}

fn mac(device: u8) -> MacAddress {
    MacAddress::from_bytes([2, 0, 0, 0, 0, device])
}

#[test]
fn it_keeps_the_last_packets_of_each_device_within_its_limits() {
    let mut ring = Ring::new(RingLimits { packets: 3, devices: 2, bytes: 100_000, snap: 50 });
    for second in 0..10 {
        ring.push(record(second, 1, 200));
    }
    let kept: Vec<u64> = ring.of(mac(1)).iter().map(|record| record.at.as_secs()).collect();
    assert_eq!(kept, [7, 8, 9]);
    assert!(ring.of(mac(1)).iter().all(|record| record.bytes.len() == 50 && record.length == 200));
    ring.push(record(11, 2, 10));
    ring.push(record(12, 3, 10));
    assert!(ring.of(mac(1)).is_empty(), "the quietest made room");
    assert_eq!(ring.cards().count(), 2);
}

#[test]
fn its_memory_is_bounded_whatever_comes() {
    let limits = RingLimits { packets: 300, devices: 1000, bytes: 200_000, snap: 700 };
    let mut ring = Ring::new(limits);
    for number in 0..20_000u32 {
        let device = u8::try_from(number % 251).unwrap();
        ring.push(record(u64::from(number), device, 1400));
        assert!(ring.bytes <= limits.bytes);
    }
    let counted: usize = ring.devices.values().flatten().map(cost).sum();
    assert_eq!(counted, ring.bytes);
}

#[test]
fn packets_to_an_address_belong_to_the_card_that_got_it() {
    let mut ring = Ring::new(RingLimits::default());
    let address = Ipv4Addr::new(10, 0, 0, 7);
    let mut tftp = record(1, 1, 20);
    tftp.mac = None;
    tftp.remote = SocketAddrV4::new(address, 2070);
    ring.push(Record { at: Duration::from_secs(1), ..tftp.clone() });
    let mut reply = record(2, 1, 300);
    reply.direction = Direction::Sent;
    reply.bytes[0] = 2;
    reply.bytes[16..20].copy_from_slice(&address.octets());
    ring.push(reply);
    ring.push(Record { at: Duration::from_secs(3), ..tftp });
    let times: Vec<u64> = ring.of(mac(1)).iter().map(|record| record.at.as_secs()).collect();
    assert_eq!(times, [1, 2, 3]);
}
