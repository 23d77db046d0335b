use super::testing::*;
use super::*;
use crate::dhcp::{LeaseState, code};
use crate::policy::PolicyFile;

const DISCOVER: u8 = 1;
const REQUEST: u8 = 3;
const DECLINE: u8 = 4;
const RELEASE: u8 = 7;
const INFORM: u8 = 8;

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn selecting(client: Packet, address: Ipv4Addr) -> Packet {
    client.kind(REQUEST).option(54, &SERVER.octets()).option(50, &address.octets())
}

#[test]
fn a_client_gets_an_address_and_what_goes_with_it() {
    let mut bench = Bench::new();
    let offer = bench.reply(&client(1).kind(DISCOVER));
    assert_eq!((offer.kind, offer.packet.yiaddr), (ReplyKind::Offer, ip("10.0.0.100")));
    let ack = bench.reply(&selecting(client(1), ip("10.0.0.100")));
    assert_eq!((ack.kind, ack.packet.yiaddr), (ReplyKind::Ack, ip("10.0.0.100")));
    let options = &ack.packet.options;
    assert_eq!(options.byte(53), Some(5));
    assert_eq!(options.number32(51), Some(43_200));
    assert_eq!((options.number32(58), options.number32(59)), (Some(21_600), Some(37_800)));
    for (code, value) in
        [(1, ip("255.255.255.0")), (3, SERVER), (6, SERVER), (42, SERVER), (28, ip("10.0.0.255"))]
    {
        assert_eq!(options.address(code), Some(value), "option {code}");
    }
    assert_eq!(options.get(15), Some(&b"lan"[..]));
    assert_eq!(options.get(119), Some(&b"\x03lan\0\x07example\x03lan\0"[..]));
    assert!(!options.has(43) && !options.has(66) && !options.has(67), "it boots nothing");
    assert_eq!(bench.kept.len(), 1, "the lease is to be kept, the offer is not");
}

#[test]
fn r4_1_01_where_a_reply_goes() {
    let mut bench = Bench::new();
    let mac = MacAddress::from_bytes([2, 0, 0, 0, 0, 1]);
    let address = ip("10.0.0.100");
    assert_eq!(bench.reply(&client(1).kind(DISCOVER)).to, Destination::Card { address, mac });
    let mut deaf = client(1).kind(DISCOVER);
    deaf.set_broadcast();
    assert_eq!(bench.reply(&deaf).to, Destination::Everybody);
    bench.bind(&client(1));
    let renewal = client(1).kind(REQUEST).from([10, 0, 0, 100]);
    assert_eq!(bench.reply(&renewal).to, Destination::Client(address));
    let mut renewal_broadcast = renewal.clone();
    renewal_broadcast.set_broadcast();
    assert_eq!(
        bench.reply(&renewal_broadcast).to,
        Destination::Client(address),
        "ciaddr comes before the flag"
    );
    let relayed = client(2).kind(DISCOVER).through([10, 9, 0, 1]);
    assert_eq!(bench.reply(&relayed).to, Destination::Relay(ip("10.9.0.1")));
    // A card whose address we cannot send to.
    let odd = Packet { hardware: token_ring(), ..client(3).kind(DISCOVER) };
    assert_eq!(bench.reply(&odd).to, Destination::Everybody);
}

fn token_ring() -> crate::dhcp::Hardware {
    let mut bytes = client(1).encode(300);
    bytes[1] = 32;
    Packet::decode(&bytes).unwrap().hardware
}

#[test]
fn r4_1_02_a_nak_goes_to_everybody_or_through_the_relay_with_the_flag() {
    let mut bench = Bench::new();
    let nak = bench.reply(&client(1).kind(REQUEST).option(50, &[192, 168, 1, 5]));
    assert_eq!((nak.kind, nak.to), (ReplyKind::Nak, Destination::Everybody));
    assert_eq!(nak.packet.yiaddr, Ipv4Addr::UNSPECIFIED);
    assert!(!nak.packet.options.has(51) && nak.packet.options.has(54));
    let relayed = client(1).kind(REQUEST).option(50, &[192, 168, 1, 5]).through([10, 9, 0, 1]);
    let nak = bench.reply(&relayed);
    assert_eq!((nak.kind, nak.to), (ReplyKind::Nak, Destination::Relay(ip("10.9.0.1"))));
    assert!(nak.packet.wants_broadcast());
    // One that has an address, and must not keep it: to everybody, not to that address.
    let nak = bench.reply(&client(1).kind(REQUEST).from([192, 168, 1, 5]));
    assert_eq!((nak.kind, nak.to), (ReplyKind::Nak, Destination::Everybody));
}

#[test]
fn r4_1_03_a_reply_repeats_what_must_be_the_same() {
    let mut bench = Bench::new();
    let mut asked = client(1).kind(DISCOVER).through([10, 9, 0, 1]);
    (asked.xid, asked.flags, asked.secs, asked.hops) = (0xdead_beef, 0x8001, 9, 3);
    let reply = bench.reply(&asked).packet;
    assert_eq!((reply.xid, reply.hardware, reply.giaddr), (asked.xid, asked.hardware, asked.giaddr));
    assert_eq!((reply.flags, reply.secs, reply.hops), (0x8001, 0, 0));
}

#[test]
fn r4_1_04_selecting_us_or_another() {
    let mut bench = Bench::new();
    bench.reply(&client(1).kind(DISCOVER));
    let other = client(1).kind(REQUEST).option(54, &[10, 0, 0, 77]).option(50, &[10, 0, 0, 100]);
    let decision = bench.hear(&other);
    assert_eq!(decision.action, Action::Silence(Silence::OtherServer(ip("10.0.0.77"))));
    assert_eq!(decision.notice, Some(Notice::OtherServer(ip("10.0.0.77"))));
    // What was offered is for the next one, with its former client's name on it.
    assert!(matches!(bench.leases.get(ip("10.0.0.100")).unwrap().state, LeaseState::Free { .. }));
    // Ours, but not the address that was offered: not while another one has it.
    bench.bind(&client(2));
    let taken = bench.reply(&selecting(client(1), ip("10.0.0.101")));
    assert_eq!(taken.kind, ReplyKind::Nak);
    assert_eq!(bench.silence(&client(3).kind(REQUEST).option(54, &SERVER.octets())), Silence::NoAddress);
}

#[test]
fn r4_1_04_init_reboot_known_unknown_and_on_the_wrong_network() {
    let mut bench = Bench::new();
    bench.bind(&client(1));
    let again = |client: Packet, address: [u8; 4]| client.kind(REQUEST).option(50, &address);
    assert_eq!(bench.reply(&again(client(1), [10, 0, 0, 100])).kind, ReplyKind::Ack);
    assert_eq!(
        bench.reply(&again(client(1), [10, 0, 0, 101])).kind,
        ReplyKind::Nak,
        "known with another address"
    );
    let unknown = bench.silence(&again(client(2), [10, 0, 0, 100]));
    assert_eq!(unknown, Silence::Unknown(ip("10.0.0.100")), "RFC 2131 4.3.2: no record, remain silent");
    assert_eq!(bench.reply(&again(client(2), [192, 168, 0, 1])).kind, ReplyKind::Nak, "wrong network");
    // Known by its reservation.
    let reserved = client(0x99);
    assert_eq!(bench.reply(&again(reserved.clone(), [10, 0, 0, 9])).kind, ReplyKind::Ack);
    assert_eq!(bench.reply(&again(reserved, [10, 0, 0, 103])).kind, ReplyKind::Nak);
    // Its lease is over, and nobody has taken the address since.
    bench.wait(50_000);
    assert_eq!(bench.reply(&again(client(1), [10, 0, 0, 100])).kind, ReplyKind::Ack);
}

#[test]
fn r4_1_04_renewing_and_rebinding() {
    let mut bench = Bench::new();
    bench.bind(&client(1));
    let renewal = client(1).kind(REQUEST).from([10, 0, 0, 100]);
    bench.wait(21_600);
    bench.to_us = true;
    assert_eq!(bench.reply(&renewal).kind, ReplyKind::Ack);
    let until = Duration::from_secs(1000 + 21_600 + 43_200);
    assert_eq!(bench.leases.get(ip("10.0.0.100")).unwrap().state, LeaseState::Bound { until });
    bench.to_us = false;
    assert_eq!(bench.reply(&renewal).kind, ReplyKind::Ack, "rebinding");
    // Somebody else's address.
    assert_eq!(bench.reply(&client(2).kind(REQUEST).from([10, 0, 0, 100])).kind, ReplyKind::Nak);
    // Nobody's: to us alone it is a client of ours that we have forgotten; to everybody it may be another server's.
    let forgotten = client(3).kind(REQUEST).from([10, 0, 0, 105 - 1]);
    assert_eq!(bench.silence(&forgotten), Silence::Unknown(ip("10.0.0.104")));
    bench.to_us = true;
    assert_eq!(bench.reply(&forgotten).kind, ReplyKind::Ack);
    // Outside of what we give out.
    assert_eq!(bench.reply(&client(4).kind(REQUEST).from([10, 0, 0, 50])).kind, ReplyKind::Nak);
}

#[test]
fn r4_1_05_renewals_are_led_to_an_address_of_ours_and_through_a_relay_to_where_the_relay_says() {
    let mut bench = Bench::new();
    assert_eq!(bench.reply(&client(1).kind(DISCOVER)).packet.options.address(54), Some(SERVER));
    let pxe = client(2).kind(DISCOVER).option(60, PXE_X64);
    assert_eq!(bench.reply(&pxe).packet.options.address(54), Some(SERVER), "whatever siaddr is");
    let relay = client(3).kind(DISCOVER).option(82, &[11, 4, 10, 9, 0, 1]).through([10, 9, 0, 1]);
    assert_eq!(bench.reply(&relay).packet.options.address(54), Some(ip("10.9.0.1")));
    // Its renewal comes past the relay, and finds us.
    let address = ip("10.9.0.100");
    let request = client(3).kind(REQUEST).option(82, &[11, 4, 10, 9, 0, 1]).through([10, 9, 0, 1]);
    let ack = bench.reply(&request.option(54, &[10, 9, 0, 1]).option(50, &address.octets()));
    assert_eq!(ack.kind, ReplyKind::Ack);
    bench.to_us = true;
    let renewed = bench.reply(&client(3).kind(REQUEST).from(address.octets()));
    assert_eq!((renewed.kind, renewed.to), (ReplyKind::Ack, Destination::Client(address)));
}

#[test]
fn r4_1_06_a_hundred_that_ask_at_once_are_offered_different_addresses() {
    let policy = POLICY.replace("10.0.0.100-10.0.0.109", "10.0.0.100-10.0.0.250");
    let mut bench = Bench::with(&policy);
    let mut offered: Vec<Ipv4Addr> =
        (0..100).map(|number| bench.reply(&client(number).kind(DISCOVER)).packet.yiaddr).collect();
    for number in 0..100_u8 {
        let address = offered[usize::from(number)];
        assert_eq!(bench.reply(&selecting(client(number), address)).kind, ReplyKind::Ack);
    }
    offered.sort();
    offered.dedup();
    assert_eq!(offered.len(), 100);
}

#[test]
fn r4_1_06_an_offer_is_kept_for_a_minute_and_no_longer() {
    let mut bench = Bench::new();
    for number in 0..9 {
        // Reserved for an identifier: one of the ten is not for everybody.
        bench.reply(&client(number).kind(DISCOVER));
    }
    let exhausted = bench.silence(&client(50).kind(DISCOVER));
    assert_eq!(exhausted, Silence::Exhausted("10.0.0.0/24".parse().unwrap()));
    bench.wait(61);
    assert_eq!(bench.reply(&client(50).kind(DISCOVER)).packet.yiaddr, ip("10.0.0.100"));
}

#[test]
fn r4_1_07_decline_quarantines_and_is_told() {
    let mut bench = Bench::new();
    let address = bench.bind(&client(1));
    let decline = client(1).kind(DECLINE).option(54, &SERVER.octets()).option(50, &address.octets());
    let foreign = client(2).kind(DECLINE).option(54, &SERVER.octets()).option(50, &address.octets());
    assert_eq!(bench.silence(&foreign), Silence::NotItsAddress(address), "nobody declines for another");
    let decision = bench.hear(&decline);
    assert_eq!(decision.action, Action::Silence(Silence::NoAnswerExpected));
    assert_eq!(decision.notice, Some(Notice::Declined(address)));
    let next = bench.reply(&client(1).kind(DISCOVER)).packet.yiaddr;
    assert_ne!(next, address);
    bench.wait(601);
    for number in 2..11 {
        bench.reply(&client(number).kind(DISCOVER));
    }
    assert!(
        matches!(bench.leases.get(address).unwrap().state, LeaseState::Offered { .. }),
        "given out again"
    );
}

#[test]
fn r4_1_07_release_keeps_the_binding_for_reuse() {
    let mut bench = Bench::new();
    let address = bench.bind(&client(1));
    let foreign = client(2).kind(RELEASE).option(54, &SERVER.octets()).from(address.octets());
    assert_eq!(bench.silence(&foreign), Silence::NotItsAddress(address));
    let release = client(1).kind(RELEASE).option(54, &SERVER.octets()).from(address.octets());
    assert_eq!(bench.silence(&release), Silence::NoAnswerExpected);
    assert_eq!(bench.kept.last().unwrap().state, LeaseState::Free { since: bench.now });
    assert_ne!(bench.reply(&client(2).kind(DISCOVER)).packet.yiaddr, address);
    assert_eq!(bench.reply(&client(1).kind(DISCOVER)).packet.yiaddr, address);
}

#[test]
fn r4_1_07_inform_gets_neither_address_nor_time_and_leaves_no_lease() {
    let mut bench = Bench::new();
    let reply = bench.reply(&client(1).kind(INFORM).from([10, 0, 0, 77]));
    assert_eq!((reply.kind, reply.to), (ReplyKind::Ack, Destination::Client(ip("10.0.0.77"))));
    assert_eq!(reply.packet.yiaddr, Ipv4Addr::UNSPECIFIED);
    assert!(!reply.packet.options.has(51) && !reply.packet.options.has(58));
    assert_eq!(reply.packet.options.address(3), Some(SERVER));
    assert!(bench.leases.is_empty() && bench.kept.is_empty());
    assert_eq!(bench.silence(&client(1).kind(INFORM)), Silence::NoAddress);
    let elsewhere = client(1).kind(INFORM).from([198, 51, 100, 1]);
    assert_eq!(
        bench.silence(&elsewhere),
        Silence::NoSubnet(ip("198.51.100.1")),
        "nothing is sent to strangers"
    );
}

#[test]
fn r4_1_08_new_clients_are_probed_for_and_known_ones_are_not() {
    let mut bench = Bench::new();
    assert_eq!(bench.hear(&client(1).kind(DISCOVER)).probe, Some(ip("10.0.0.100")));
    bench.bind(&client(1));
    assert_eq!(bench.hear(&client(1).kind(DISCOVER)).probe, None);
    bench.wait(50_000);
    assert_eq!(
        bench.hear(&client(1).kind(DISCOVER)).probe,
        None,
        "its lease is over, but it had the address last"
    );
    // Nobody behind a relay hears our ARP.
    assert_eq!(bench.hear(&client(2).kind(DISCOVER).through([10, 9, 0, 1])).probe, None);
    let slow = POLICY.replace("[interfaces.eth1]", "[dhcp]\nprobe_ms = 5000\n[interfaces.eth1]");
    let file: PolicyFile = toml::from_str(&slow).unwrap();
    assert!(Policy::new(file).unwrap_err()[0].to_string().contains("firmware does not wait that long"));
}

#[test]
fn r4_1_09_all_stages_of_a_boot_have_one_address_and_stages_a_short_lease() {
    let mut bench = Bench::new();
    let rom = client(1).option(60, PXE_X64).option(61, &[0, 1, 2, 3, 4]);
    let ipxe = client(1).option(60, PXE_X64).option(77, b"iPXE").option(61, &[1, 2, 0, 0, 0, 0, 1]);
    let system = client(1).option(61, &[255, 1, 2, 3, 4, 5, 6, 7]);
    let first = bench.bind(&rom);
    assert_eq!(
        bench.leases.get(first).unwrap().state,
        LeaseState::Bound { until: bench.now + Duration::from_secs(300) }
    );
    assert_eq!(bench.bind(&ipxe), first);
    assert_eq!(bench.bind(&system), first);
    let until = bench.now + Duration::from_secs(43_200);
    assert_eq!(bench.leases.get(first).unwrap().state, LeaseState::Bound { until });
    // It starts over. What its system was promised still holds.
    assert_eq!(bench.bind(&rom), first);
    assert_eq!(bench.leases.get(first).unwrap().state, LeaseState::Bound { until });
    let live = bench.leases.iter().filter(|lease| matches!(lease.state, LeaseState::Bound { .. })).count();
    assert_eq!(live, 1, "one machine, one address");
}

#[test]
fn cloned_identifiers_and_shared_cards_are_different_clients() {
    let mut bench = Bench::new();
    let id = [255, 9, 9, 9];
    let first = bench.bind(&client(1).option(61, &id));
    assert_ne!(bench.bind(&client(2).option(61, &id)), first, "two cards, one cloned machine id");
    let second = bench.bind(&client(3).option(61, &[255, 1]));
    assert_ne!(bench.bind(&client(3).option(61, &[255, 2])), second, "two systems behind one card");
    let mac_only = POLICY.replace("[interfaces.eth1]", "[dhcp]\nidentity = \"mac\"\n[interfaces.eth1]");
    let mut bench = Bench::with(&mac_only);
    let first = bench.bind(&client(3).option(61, &[255, 1]));
    assert_eq!(bench.bind(&client(3).option(61, &[255, 2])), first);
}

#[test]
fn r4_1_10_identifier_and_relay_information_come_back() {
    let mut bench = Bench::new();
    let relay = [1, 2, 0, 7, 2, 1, 9];
    let asked = client(1).kind(DISCOVER).option(61, &[1, 2, 3]).option(82, &relay).through([10, 9, 0, 1]);
    let reply = bench.reply(&asked);
    assert_eq!(reply.packet.options.get(61), Some(&[1, 2, 3][..]));
    assert_eq!(reply.packet.options.get(82), Some(&relay[..]));
    let nak = bench.reply(&client(1).kind(REQUEST).option(50, &[1, 2, 3, 4]).option(61, &[1, 2, 3]));
    assert_eq!(nak.packet.options.get(61), Some(&[1, 2, 3][..]), "RFC 6842: in a NAK as well");
    let bytes = reply.packet.encode(reply.room);
    let end = bytes.iter().rposition(|&byte| byte == code::END).unwrap();
    assert_eq!(bytes[end - relay.len()..end], relay);
}

#[test]
fn r4_1_10_link_selection_chooses_the_subnet() {
    let mut bench = Bench::new();
    let asked = client(1).kind(DISCOVER).option(82, &[5, 4, 10, 9, 0, 0]).through([10, 0, 0, 200]);
    let reply = bench.reply(&asked);
    assert_eq!((reply.packet.yiaddr, reply.to), (ip("10.9.0.100"), Destination::Relay(ip("10.0.0.200"))));
    let nowhere = client(1).kind(DISCOVER).through([192, 168, 7, 1]);
    assert_eq!(bench.silence(&nowhere), Silence::NoSubnet(ip("192.168.7.1")));
}

#[test]
fn r4_1_12_what_a_client_does_not_list_it_gets_all_the_same_and_short_of_room_the_main_things() {
    let mut bench = Bench::new();
    let reply = bench.reply(&client(1).kind(DISCOVER).option(60, PXE_X64).option(55, &[1, 3]));
    assert_eq!(reply.packet.file, b"ipxe.efi");
    assert!(reply.packet.options.has(43) && reply.packet.options.has(6));
    let small = Packet::decode(&reply.packet.encode(300)).unwrap();
    assert!(small.options.has(53) && small.options.has(54) && small.options.has(51));
}

#[test]
fn r4_1_13_each_interface_answers_with_its_own_address() {
    let mut bench = Bench::new();
    for (interface, server, first) in [("eth1", "10.0.0.1", "10.0.0.100"), ("eth2", "10.1.0.1", "10.1.0.100")]
    {
        bench.interface = interface;
        let reply = bench.reply(&client(1).kind(DISCOVER).option(60, PXE_X64)).packet;
        assert_eq!((reply.yiaddr, reply.siaddr), (ip(first), ip(server)));
        assert_eq!(reply.options.address(54), Some(ip(server)));
    }
}

#[test]
fn r4_1_15_a_wish_outside_of_the_pools_is_not_granted() {
    let mut bench = Bench::new();
    let wish = |number: u8, address: [u8; 4]| client(number).kind(DISCOVER).option(50, &address);
    for (number, address) in
        [(1, [192, 168, 1, 1]), (2, [10, 0, 0, 1]), (3, [10, 0, 0, 9]), (4, [10, 0, 0, 105])]
    {
        let offered = bench.reply(&wish(number, address)).packet.yiaddr;
        assert_ne!(offered, Ipv4Addr::from(address), "client {number}");
        assert!(bench.policy.subnets()[0].pools[0].contains(offered));
    }
    assert_eq!(bench.reply(&wish(5, [10, 0, 0, 107])).packet.yiaddr, ip("10.0.0.107"), "inside, it is");
    // A REQUEST for what is reserved, ours, or outside.
    for address in ["10.0.0.1", "10.0.0.9", "10.0.0.105", "10.0.0.0", "10.0.0.255", "10.0.0.50"] {
        assert_eq!(bench.reply(&selecting(client(6), ip(address))).kind, ReplyKind::Nak, "{address}");
    }
}

#[test]
fn reservations_hold_by_card_and_by_identifier() {
    let mut bench = Bench::new();
    let printer = bench.reply(&client(0x99).kind(DISCOVER));
    assert_eq!(printer.packet.yiaddr, ip("10.0.0.9"));
    assert_eq!(printer.packet.options.get(12), Some(&b"printer"[..]));
    assert_eq!(
        bench.reply(&client(1).kind(DISCOVER).option(61, &[1, 0xaa, 0xbb])).packet.yiaddr,
        ip("10.0.0.105")
    );
    // A boot stage of the printer has the printer's address.
    assert_eq!(bench.reply(&client(0x99).kind(DISCOVER).option(60, PXE_X64)).packet.yiaddr, ip("10.0.0.9"));
}

#[test]
fn a_taken_reservation_is_told_and_the_client_gets_another_address_meanwhile() {
    let mut bench = Bench::new();
    bench.bind(&client(1).option(61, &[1, 0xaa, 0xbb]));
    let clone = client(2).option(61, &[1, 0xaa, 0xbb]);
    let decision = bench.hear(&clone.clone().kind(DISCOVER));
    assert_eq!(decision.notice, Some(Notice::ReservationTaken(ip("10.0.0.105"))));
    assert_eq!(bench.bind(&clone), ip("10.0.0.100"));
}

#[test]
fn the_longest_free_address_is_given_out_again_first() {
    let mut bench = Bench::new();
    let addresses: Vec<Ipv4Addr> = (1..=9).map(|number| bench.bind(&client(number))).collect();
    for index in [4, 2, 7] {
        bench.wait(1);
        let release = client(index + 1).kind(RELEASE).from(addresses[usize::from(index)].octets());
        bench.hear(&release);
    }
    for index in [4, 2, 7] {
        assert_eq!(bench.bind(&client(50 + index)), addresses[usize::from(index)]);
    }
}

#[test]
fn our_own_search_for_other_servers_is_not_answered() {
    let mut bench = Bench::new();
    let own = Packet { hardware: own_card(), ..client(1).kind(DISCOVER) };
    assert_eq!(bench.silence(&own), Silence::Ourselves);
    let off = POLICY.replace("address = \"10.0.0.1/24\"", "address = \"10.0.0.1/24\"\n dhcp = \"off\"");
    assert_eq!(Bench::with(&off).silence(&client(1).kind(DISCOVER)), Silence::Off);
}

fn own_card() -> crate::dhcp::Hardware {
    crate::dhcp::Hardware::ethernet(MacAddress::from_bytes([2, 0xff, 0, 0, 0, 1]))
}

#[test]
fn names_that_clients_call_themselves_are_kept_only_when_they_are_names() {
    let mut bench = Bench::new();
    let first = bench.bind(&client(1).option(12, b"Laptop.example"));
    assert_eq!(bench.leases.get(first).unwrap().hostname.as_ref().unwrap().as_str(), "laptop");
    let second = bench.bind(&client(2).option(12, b"a b\n127.0.0.1 bank"));
    assert_eq!(bench.leases.get(second).unwrap().hostname, None);
}
