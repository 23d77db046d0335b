use super::testing::*;
use super::*;
use crate::policy::{PolicyFile, PxeStrategy};

const DISCOVER: u8 = 1;
const REQUEST: u8 = 3;

fn proxy_bench() -> Bench {
    Bench::with(&POLICY.replace("address = \"10.0.0.1/24\"", "address = \"10.0.0.1/24\"\n dhcp = \"proxy\""))
}

fn pi_id(first: &[u8; 4]) -> Vec<u8> {
    [&[0][..], first, &[0x14, 0x31, 0xc0, 0], &[0xde, 0xad, 1, 2], &[0x12, 0x34, 0xab, 0xcd]].concat()
}

fn pi(number: u8) -> Packet {
    client(number).option(60, PXE_BIOS).option(93, &[0, 0]).option(97, &pi_id(b"RPi4"))
}

fn pxe(number: u8) -> Packet {
    client(number).option(60, PXE_X64).option(93, &[0, 7]).option(97, &[0; 17])
}

#[test]
fn r4_2_16_the_class_and_the_machine_id_come_back() {
    let mut bench = Bench::new();
    for id in [&[0; 17][..], &[][..], &[5; 33][..]] {
        let asked = client(1).kind(DISCOVER).option(60, PXE_X64).option(97, id);
        let reply = bench.reply(&asked).packet;
        assert_eq!(reply.options.get(60), Some(&b"PXEClient"[..]));
        assert_eq!(reply.options.get(97), Some(id));
    }
    let without = bench.reply(&client(1).kind(DISCOVER).option(60, PXE_X64)).packet;
    assert!(!without.options.has(97) && without.options.has(60));
}

#[test]
fn r4_2_17_a_rom_is_told_to_boot_from_this_reply() {
    let mut bench = Bench::new();
    let reply = bench.reply(&pxe(1).kind(DISCOVER)).packet;
    assert_eq!(reply.options.get(43), Some(&[6, 1, 8, 255][..]));
    assert_eq!((reply.file.as_slice(), reply.siaddr), (&b"ipxe.efi"[..], SERVER));
    assert_eq!(
        (reply.options.get(209), reply.options.get(210)),
        (Some(&b"default.cfg"[..]), Some(&b"linux/"[..]))
    );
    let listed = bench.reply(&pxe(1).kind(DISCOVER).option(55, &[66, 67])).packet;
    assert_eq!(
        (listed.options.get(66), listed.options.get(67)),
        (Some(&b"10.0.0.1"[..]), Some(&b"ipxe.efi"[..]))
    );
}

#[test]
fn r4_2_18_who_comes_back_without_having_loaded_anything_is_led_to_port_4011() {
    let mut bench = Bench::new();
    let card = pxe(1).hardware;
    assert!(bench.reply(&pxe(1).kind(DISCOVER)).packet.options.has(43));
    bench.memory.told(card, PxeStrategy::Direct, bench.now);
    bench.wait(40);
    let second = bench.reply(&pxe(1).kind(DISCOVER)).packet;
    assert!(!second.options.has(43) && second.file.is_empty() && second.options.has(60));
    assert_eq!(second.siaddr, SERVER);
    // And the other way round, as long as nothing is loaded.
    bench.memory.told(card, PxeStrategy::Port4011, bench.now);
    assert!(bench.reply(&pxe(1).kind(DISCOVER)).packet.options.has(43));
    bench.memory.told(card, PxeStrategy::Direct, bench.now);
    bench.memory.loads(card);
    assert!(bench.reply(&pxe(1).kind(DISCOVER)).packet.options.has(43), "it has loaded: that way works");
    // A rule that says how is obeyed.
    let arm64 = client(2).option(60, b"PXEClient:Arch:00011:UNDI:003000").kind(DISCOVER);
    bench.memory.told(arm64.hardware, PxeStrategy::Direct, bench.now);
    assert!(bench.reply(&arm64).packet.options.has(43));
}

#[test]
fn a_flood_of_invented_cards_forgets_the_oldest_and_no_more() {
    let mut memory = PxeMemory::default();
    let card = |number: u32| {
        let [a, b, c, d] = number.to_be_bytes();
        crate::dhcp::Hardware::ethernet(MacAddress::from_bytes([2, 0, a, b, c, d]))
    };
    for number in 0..5000 {
        memory.told(card(number), PxeStrategy::Direct, Duration::from_secs(number.into()));
    }
    let now = Duration::from_secs(5000);
    assert_eq!(memory.strategy(card(4999), PxeStrategy::Auto, now), PxeStrategy::Port4011);
    assert_eq!(memory.strategy(card(1), PxeStrategy::Auto, now), PxeStrategy::Direct);
}

#[test]
fn r4_2_19_edk2_asks_port_4011_and_gets_its_file() {
    let mut bench = proxy_bench();
    bench.port = ServerPort::Pxe;
    bench.source = "10.0.0.50:4011".parse().unwrap();
    let reply = bench.reply(&pxe(1).kind(REQUEST).from([10, 0, 0, 50]));
    assert_eq!(reply.kind, ReplyKind::Ack);
    assert_eq!(reply.to, Destination::Sender("10.0.0.50:4011".parse().unwrap()));
    assert_eq!(reply.packet.file, b"ipxe.efi");
    assert_eq!(reply.packet.options.get(60), Some(&b"PXEClient"[..]));
    assert_eq!((reply.packet.yiaddr, reply.packet.options.has(51)), (Ipv4Addr::UNSPECIFIED, false));
    assert_eq!(bench.silence(&client(2).kind(REQUEST).from([10, 0, 0, 51])), Silence::NothingToBoot);
    assert_eq!(bench.silence(&pxe(1).kind(7).from([10, 0, 0, 50])), Silence::NoAnswerExpected);
}

#[test]
fn a_proxy_offers_files_and_no_address() {
    let mut bench = proxy_bench();
    let mut asked = pxe(1).kind(DISCOVER);
    asked.set_broadcast();
    let offer = bench.reply(&asked);
    assert_eq!((offer.kind, offer.to), (ReplyKind::Offer, Destination::Everybody));
    assert_eq!((offer.packet.yiaddr, offer.packet.siaddr), (Ipv4Addr::UNSPECIFIED, SERVER));
    assert_eq!(offer.packet.file, b"ipxe.efi");
    for code in [1, 3, 51] {
        assert!(!offer.packet.options.has(code), "option {code} is the server's");
    }
    assert_eq!(
        bench.reply(&pxe(1).kind(DISCOVER)).to,
        Destination::Everybody,
        "it has no address to send to"
    );
    assert_eq!(bench.silence(&client(2).kind(DISCOVER)), Silence::NothingToBoot);
    assert_eq!(bench.silence(&pxe(1).kind(REQUEST).option(54, &[10, 0, 0, 2])), Silence::NotForProxy);
    assert!(bench.leases.is_empty());
}

#[test]
fn r4_2_20_that_some_firmware_takes_one_offer_only_is_said_in_proxy_mode() {
    let warnings = proxy_bench().policy.warnings();
    assert!(warnings[0].starts_with("interfaces.eth1: some UEFI firmware"), "{warnings:?}");
    assert!(Bench::new().policy.warnings().is_empty());
}

#[test]
fn r4_2_21_a_proxys_reply_through_a_relay_goes_to_the_relay() {
    let mut bench = proxy_bench();
    let offer = bench.reply(&pxe(1).kind(DISCOVER).option(82, &[1, 1, 1]).through([10, 9, 0, 1]));
    assert_eq!(offer.to, Destination::Relay(Ipv4Addr::new(10, 9, 0, 1)));
    assert_eq!(offer.packet.options.get(82), Some(&[1, 1, 1][..]));
}

#[test]
fn r4_2_23_ipxe_gets_a_script_by_http_and_never_itself() {
    let mut bench = Bench::new();
    let ipxe = client(1).option(60, PXE_X64).option(77, b"iPXE").option(175, &[0xb1, 1, 1]);
    let reply = bench.reply(&ipxe.clone().kind(DISCOVER)).packet;
    assert_eq!(reply.options.get(67), Some(&b"http://10.0.0.1/boot%20this.ipxe"[..]));
    assert_eq!(reply.options.get(175), Some(&[176, 1, 1][..]));
    for file in ["ipxe.efi", "efi/undionly.kpxe", "IPXE-arm64.EFI", "snponly.efi"] {
        let looping = POLICY.replace("boot this.ipxe", file);
        let reply = Bench::with(&looping).reply(&ipxe.clone().kind(DISCOVER)).packet;
        assert!(!reply.options.has(67) && reply.file.is_empty(), "{file}");
    }
    let no_http = POLICY.replace("[interfaces.eth1]", "[listen]\nhttp_port = 0\n[interfaces.eth1]");
    let reply = Bench::with(&no_http).reply(&ipxe.kind(DISCOVER)).packet;
    assert_eq!(reply.file, b"boot this.ipxe", "by TFTP, when there is no HTTP");
}

#[test]
fn r4_2_24_an_offer_leaves_before_the_first_rom_gives_up() {
    // Four seconds is the shortest patience there is. What may be configured of our own waiting stays well below it.
    let with_probe = |milliseconds: u32| {
        let text = POLICY
            .replace("[interfaces.eth1]", &format!("[dhcp]\nprobe_ms = {milliseconds}\n[interfaces.eth1]"));
        Policy::new(toml::from_str::<PolicyFile>(&text).unwrap()).is_ok()
    };
    assert!(with_probe(2000) && !with_probe(2001));
    assert!(Bench::new().policy.dhcp().probe_ms <= 500);
}

#[test]
fn r4_2_25_option_114_is_not_sent() {
    let mut bench = Bench::new();
    for asked in [client(1).option(55, &[114]), pxe(2).option(55, &[114]), pi(3).option(55, &[114])] {
        assert!(!bench.reply(&asked.kind(DISCOVER)).packet.options.has(114));
    }
}

#[test]
fn r4_3_26_a_pi_gets_its_words_and_the_server_in_both_places() {
    let mut bench = Bench::new();
    let reply = bench.reply(&pi(1).kind(DISCOVER)).packet;
    let option = reply.options.get(43).unwrap();
    let menu = [&[9, 20, 0, 0, 17][..], b"Raspberry Pi Boot"].concat();
    assert!(option.windows(menu.len()).any(|bytes| bytes == menu), "{option:?}");
    assert!(option.starts_with(&[6, 1, 3, 10, 4, 0, b'P', b'X', b'E']) && option.ends_with(&[255]));
    assert_eq!((reply.siaddr, reply.options.get(66)), (SERVER, Some(&b"10.0.0.1"[..])));
    assert_eq!(reply.options.get(60), Some(&b"PXEClient"[..]));
    // The boot ROM of a Pi 3 compares three trailing spaces.
    let rom = client(2).option(60, PXE_BIOS).option(97, &[&[0][..], &[0x44; 16]].concat());
    let reply = bench.reply(&rom.kind(DISCOVER)).packet;
    let menu = [&[9, 23, 0, 0, 20][..], b"Raspberry Pi Boot   "].concat();
    assert!(reply.options.get(43).unwrap().windows(menu.len()).any(|bytes| bytes == menu));
}

#[test]
fn r4_3_27_a_pis_request_without_option_60_is_a_pis() {
    let mut bench = Bench::new();
    let address = bench.reply(&pi(1).kind(DISCOVER)).packet.yiaddr;
    let bare = client(1).option(97, &pi_id(b"4iPR"));
    let ack = bench.reply(&bare.kind(REQUEST).option(54, &SERVER.octets()).option(50, &address.octets()));
    assert_eq!(ack.kind, ReplyKind::Ack);
    assert!(ack.packet.options.has(43) && ack.packet.options.has(66));
}

#[test]
fn r4_3_34_nothing_of_dhcp_takes_a_pi_past_its_four_seconds() {
    // An offer waits for a probe at most; a lease for the disk, in one group with all that ask at once.
    let bench = Bench::new();
    assert!(Duration::from_millis(bench.policy.dhcp().probe_ms.into()) < Duration::from_secs(2));
}

#[test]
fn r4_4_53_pxelinux_is_told_its_configuration_and_prefix() {
    let mut bench = Bench::new();
    let reply = bench.reply(&client(1).kind(DISCOVER).option(60, PXE_BIOS)).packet;
    assert_eq!(
        (reply.options.get(209), reply.options.get(210)),
        (Some(&b"default.cfg"[..]), Some(&b"linux/"[..]))
    );
}

#[test]
fn r4_5_54_http_boot_gets_a_url_its_own_class_and_a_name_server() {
    let mut bench = Bench::new();
    let asked =
        client(1).option(60, b"HTTPClient:Arch:00016:UNDI:003001").option(93, &[0, 16]).kind(DISCOVER);
    let reply = bench.reply(&asked).packet;
    assert_eq!(reply.options.get(60), Some(&b"HTTPClient"[..]));
    assert_eq!(reply.options.get(67), Some(&b"http://10.0.0.1/boot.efi"[..]));
    assert_eq!(reply.options.address(6), Some(SERVER));
    assert!(reply.file.is_empty() && !reply.options.has(43));
    let port = POLICY.replace("[interfaces.eth1]", "[listen]\nhttp_port = 8069\n[interfaces.eth1]");
    let reply = Bench::with(&port).reply(&asked).packet;
    assert_eq!(reply.options.get(67), Some(&b"http://10.0.0.1:8069/boot.efi"[..]));
}

#[test]
fn u_boot_gets_a_file_by_tftp() {
    let mut bench = Bench::new();
    let reply = bench.reply(&client(1).kind(DISCOVER).option(60, b"U-Boot.armv8")).packet;
    assert_eq!((reply.file.as_slice(), reply.siaddr), (&b"boot.scr"[..], SERVER));
}

#[test]
fn who_is_to_boot_from_its_own_disk_is_told_of_no_file() {
    let mut bench = Bench::new();
    bench.published = Some(BootPolicy::nobody_boots());
    for asked in
        [pi(1), pxe(2), client(3).option(60, b"HTTPClient:Arch:00016"), client(4).option(77, b"iPXE")]
    {
        let reply = bench.reply(&asked.kind(DISCOVER)).packet;
        assert!(reply.file.is_empty() && reply.siaddr.is_unspecified());
        for code in [43, 60, 66, 67, 209] {
            assert!(!reply.options.has(code), "option {code}");
        }
    }
    let mut proxy = proxy_bench();
    proxy.published = Some(BootPolicy::nobody_boots());
    assert_eq!(proxy.silence(&pxe(1).kind(DISCOVER)), Silence::NothingToBoot);
}
