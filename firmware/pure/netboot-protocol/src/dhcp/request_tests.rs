use super::*;
use crate::client::ClientClass;
use crate::dhcp::{Hardware, Options};
use proptest::prelude::*;

fn packet(options: &[(u8, &[u8])]) -> Packet {
    let hardware = Hardware::ethernet(MacAddress::from_bytes([2, 0, 0, 0, 0, 7]));
    let mut packet = Packet::request(hardware, 7);
    let mut own = Options::new();
    options.iter().for_each(|(code, value)| own.push(*code, value));
    packet.options = own;
    packet
}

fn request(options: &[(u8, &[u8])]) -> Result<Request, Ignored> {
    Request::from_packet(packet(options))
}

#[test]
fn only_what_a_client_sends_is_a_request() {
    for (number, kind) in [
        (1, MessageType::Discover),
        (3, MessageType::Request),
        (4, MessageType::Decline),
        (7, MessageType::Release),
        (8, MessageType::Inform),
    ] {
        assert_eq!(request(&[(53, &[number])]).unwrap().kind, kind);
    }
    for number in [0, 2, 5, 6, 9, 10, 200] {
        assert_eq!(request(&[(53, &[number])]), Err(Ignored::OtherType(number)));
    }
    assert_eq!(request(&[]), Err(Ignored::Bootp));
    assert_eq!(request(&[(53, &[1, 1])]), Err(Ignored::Bootp), "a message type has one byte");
    let mut reply = packet(&[(53, &[1])]);
    reply.op = Op::Reply;
    assert_eq!(Request::from_packet(reply), Err(Ignored::Reply));
}

#[test]
fn r4_1_14_a_packet_that_goes_round_in_circles_is_dropped() {
    let mut circling = packet(&[(53, &[1])]);
    circling.hops = 16;
    assert!(Request::from_packet(circling.clone()).is_ok());
    circling.hops = 17;
    assert_eq!(Request::from_packet(circling), Err(Ignored::TooManyHops(17)));
}

#[test]
fn r4_1_12_option_57_is_respected_within_sense() {
    let room = |size: u16| request(&[(53, &[1]), (57, &size.to_be_bytes())]).unwrap().room;
    assert_eq!(request(&[(53, &[1])]).unwrap().room, 548);
    assert_eq!((room(1500), room(1260), room(100), room(65535)), (1472, 1232, 548, 1472));
    assert_eq!(request(&[(53, &[1]), (57, &[5])]).unwrap().room, 548, "one byte is no size");
}

#[test]
fn r4_1_10_a_relays_sub_options_are_understood() {
    let option = [1, 3, b'p', b'0', b'1', 5, 4, 10, 9, 0, 0, 11, 4, 10, 9, 0, 1];
    let relay = request(&[(53, &[1]), (82, &option)]).unwrap().relay.unwrap();
    assert_eq!(relay.link_selection, Some(Ipv4Addr::new(10, 9, 0, 0)));
    assert_eq!(relay.server_override, Some(Ipv4Addr::new(10, 9, 0, 1)));
    assert_eq!(relay.option, option);
    // Cut off inside: nothing is believed, all is repeated.
    let relay = request(&[(53, &[1]), (82, &option[..9])]).unwrap().relay.unwrap();
    assert_eq!((relay.link_selection, relay.option.len()), (None, 9));
}

#[test]
fn a_client_is_told_from_others_by_something() {
    let mut bare = packet(&[(53, &[1])]);
    bare.hardware = decoded_without_hardware();
    assert_eq!(Request::from_packet(bare.clone()), Err(Ignored::Anonymous));
    bare.options.push(61, &[255, 1, 2, 3]);
    let request = Request::from_packet(bare).unwrap();
    assert_eq!((request.mac, request.client_id), (None, Some(vec![255, 1, 2, 3])));
    assert_eq!(
        super::tests::request(&[(53, &[1]), (61, &[1])]).unwrap().client_id,
        None,
        "a type alone is no id"
    );
}

fn decoded_without_hardware() -> Hardware {
    let mut bytes = packet(&[(53, &[1])]).encode(300);
    bytes[2] = 0;
    Packet::decode(&bytes).unwrap().hardware
}

#[test]
fn classification_sees_the_options() {
    let request = request(&[(53, &[1]), (60, b"PXEClient:Arch:00000:UNDI:002001"), (93, &[0, 7])]).unwrap();
    assert_eq!(request.client.class, ClientClass::Pxe);
}

proptest! {
    #[test]
    fn d02_any_bytes_are_a_request_or_ignored(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _read = Request::parse(&bytes);
    }
}
