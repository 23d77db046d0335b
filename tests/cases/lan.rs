//! What a machine on the LAN gets.

use client_zoo::cable::Cable;
use client_zoo::dhcp::{Card, Reply};
use image_tests::config::{HELLO, Seed, config_with};
use image_tests::console::{GOOD, PROVISIONED};
use image_tests::{BOOT, COMMAND, Disk, IMPORT, KeyPair, Ssh, Testbed, Vm, VmOptions};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// A lease takes as long as the emulated box is busy.
const LEASE: Duration = Duration::from_secs(120);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 20, 30, 1);

const LAN: &str = r#"
[network.dnsmasq]
gateway_cidr = "172.20.30.1/24"
dhcp_start = "172.20.30.10"
dhcp_end = "172.20.30.19"
"#;

fn card(number: u8) -> Card {
    Card {
        mac: [0x52, 0x54, 0, 0xaa, 0, number],
        options: vec![(12, format!("laptop{number}").into_bytes())],
    }
}

fn addresses(reply: &Reply, option: u8) -> Vec<Ipv4Addr> {
    let bytes = reply.options.get(&option).map(Vec::as_slice).unwrap_or_default();
    bytes.chunks_exact(4).map(|four| Ipv4Addr::new(four[0], four[1], four[2], four[3])).collect()
}

/// A question of the DNS (RFC 1035 4.1): one name, one type, recursion wanted.
fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut bytes = vec![0x51, 0x1b, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    bytes
}

/// Addresses from the range of the configuration, with gateway, name server and time server; these two answer, about the box and the
/// machine itself, while nobody on WAN does. What was promised is known after a power cut: the machine gets its address again, and
/// another one gets another. Nothing is heard of a DHCP server on WAN.
#[test]
fn n01_b11_a_lan_machine_gets_a_lease_names_and_time_and_keeps_the_lease_over_a_power_cut() {
    let testbed = Testbed::get();
    let folder = testbed.folder("n01").unwrap();
    let key = KeyPair::new(&testbed, &folder).unwrap();
    let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
    let seed = Seed::new(&folder, "seed", config_with(key.public(), LAN)).unwrap();
    disk.seed(seed.folder()).unwrap();

    let power_on = || {
        let mut options = VmOptions::board(&testbed);
        let (cable, backend) = Cable::new().unwrap();
        options.nics[1].backend = backend;
        let port = options.forward(22).unwrap();
        let vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
        (vm, cable, Ssh::admin(&testbed, &key, port))
    };
    let (vm, cable, _ssh) = power_on();
    vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
    let first = cable.lease(&card(1), LEASE).unwrap();
    assert!((10..=19).contains(&first.address.octets()[3]), "{}", first.address);
    for option in [3, 6, 42, 54] {
        assert_eq!(addresses(&first, option), [GATEWAY], "option {option}");
    }
    let laptop = card(1);
    let ask = |port, question: &[u8]| {
        cable.ask((&laptop, first.address), (GATEWAY, port), question, LEASE).unwrap()
    };
    let domain = String::from_utf8(first.options[&15].clone()).unwrap();
    assert_ne!(domain, "local", "that one is multicast DNS's");
    // A lease is a name within moments.
    let asked = Instant::now();
    let of_laptop = loop {
        let answer = ask(53, &question(&format!("laptop1.{domain}"), 1));
        if answer.ends_with(&first.address.octets()) || asked.elapsed() > LEASE {
            break answer;
        }
    };
    assert_eq!((of_laptop[3] & 15, of_laptop[7]), (0, 1), "{of_laptop:?}");
    assert!(of_laptop.ends_with(&first.address.octets()), "{of_laptop:?}");
    let of_box = ask(53, &question(&format!("slipway.{domain}"), 1));
    assert!(of_box.ends_with(&GATEWAY.octets()), "{of_box:?}");
    let [a, b, c, d] = first.address.octets();
    let back = ask(53, &question(&format!("{d}.{c}.{b}.{a}.in-addr.arpa"), 12));
    assert!(back.windows(8).any(|word| word == b"\x07laptop1"), "{back:?}");
    // NTP (RFC 5905 7.3): version 4, from a client; answered by a server that has a time to give.
    let time = ask(123, &[&[0x23][..], &[0; 47]].concat());
    assert!(time.len() == 48 && time[0] & 7 == 4 && (1..16).contains(&time[1]), "{time:?}");
    // It has been told: it is on the disk.
    vm.power_cut();

    let (vm, cable, ssh) = power_on();
    vm.serial().wait_for(GOOD, BOOT).unwrap();
    assert_ne!(cable.lease(&card(2), LEASE).unwrap().address, first.address);
    assert_eq!(cable.lease(&card(1), LEASE).unwrap().address, first.address);
    ssh.wait(BOOT).unwrap();
    // Published a moment after it was promised.
    let published = "for i in $(seq 60); do grep -q '\"laptop1\"' /run/slipway/leases.json && break; sleep 1; done; \
                     cat /run/slipway/leases.json";
    let published = ssh.root(published, COMMAND).unwrap();
    assert!(
        published.contains("\"laptop1\"") && published.contains(&first.address.to_string()),
        "{published}"
    );
    let sockets = ssh.root("ss -lunH 'sport = :67'; ss -lunH 'sport = :69'", COMMAND).unwrap();
    let local: Vec<&str> = sockets.lines().filter_map(|line| line.split_whitespace().nth(3)).collect();
    assert!(!local.is_empty() && local.iter().all(|socket| socket.contains("%eth1:")), "{local:?}");
    let rights = ssh.root(
        "systemctl show -P User slipway-netboot.service; grep CapEff /proc/$(pidof netbootd)/status",
        COMMAND,
    );
    let rights = rights.unwrap();
    // CAP_NET_BIND_SERVICE is 10, CAP_NET_RAW 13.
    assert!(rights.contains("slipway-netboot") && rights.contains("0000000000002400"), "{rights}");
}

mod full {
    use super::*;

    /// No cable in any port, and a card of the configuration that is not there at all: everything starts, the box is provisioned and
    /// its slot good, because what is to come by cable is waited for 30 s and no longer. LAN has its address nevertheless.
    #[test]
    fn n03_n04_without_any_cable_the_box_is_provisioned_and_good() {
        let testbed = Testbed::get();
        let folder = testbed.folder("n04").unwrap();
        let key = KeyPair::new(&testbed, &folder).unwrap();
        let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        let cards = "\n[network.interfaces.eth1]\nmode = \"static\"\naddress = \"192.168.77.1/24\"\n\
                     [network.interfaces.eth2]\nmode = \"dhcp\"\n";
        let seed = Seed::new(&folder, "seed", config_with(key.public(), &format!("{cards}{HELLO}"))).unwrap();
        disk.seed(seed.hello_image(&testbed).unwrap().folder()).unwrap();
        let mut options = VmOptions::board(&testbed);
        let port = options.forward(22).unwrap();
        let mut vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
        for card in 0..2 {
            vm.link(card, false).unwrap();
        }
        vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
        vm.serial().wait_for(GOOD, IMPORT).unwrap();

        vm.link(0, true).unwrap();
        let ssh = Ssh::admin(&testbed, &key, port);
        ssh.wait(BOOT).unwrap();
        let lan = ssh.root("ip -brief address show eth1", COMMAND).unwrap();
        assert!(lan.contains("192.168.77.1/24"), "{lan}");
        let wait = "systemctl show --property=InactiveExitTimestampMonotonic,InactiveEnterTimestampMonotonic \
                    --value systemd-networkd-wait-online.service";
        let times = ssh.root(wait, COMMAND).unwrap();
        let times: Vec<u64> = times.lines().map(|line| line.trim().parse().unwrap()).collect();
        let [one, other] = times[..] else { panic!("{times:?}") };
        let waited = Duration::from_micros(one.abs_diff(other));
        assert!(waited > Duration::from_secs(25) && waited < Duration::from_secs(60), "it waited {waited:?}");
    }
}
