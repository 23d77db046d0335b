//! What a machine on the LAN gets.

use client_zoo::cable::Cable;
use client_zoo::dhcp::{Card, Reply};
use image_tests::config::{Seed, config_with};
use image_tests::console::{GOOD, PROVISIONED};
use image_tests::{BOOT, COMMAND, Disk, IMPORT, KeyPair, Ssh, Testbed, Vm, VmOptions};
use std::net::Ipv4Addr;
use std::time::Duration;

/// A lease takes as long as the emulated box is busy.
const LEASE: Duration = Duration::from_secs(120);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 20, 30, 1);

const LAN: &str = r#"
[network.lan]
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

/// Addresses from the range of the configuration, with gateway, name server and time server. What was promised is known after a
/// power cut: the machine gets its address again, and another one gets another. Nothing is heard of a DHCP server on WAN.
#[test]
fn n01_b11_a_lan_machine_gets_a_lease_that_outlives_a_power_cut_part() {
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
    // It has been told: it is on the disk.
    vm.power_cut();

    let (vm, cable, ssh) = power_on();
    vm.serial().wait_for(GOOD, BOOT).unwrap();
    assert_ne!(cable.lease(&card(2), LEASE).unwrap().address, first.address);
    assert_eq!(cable.lease(&card(1), LEASE).unwrap().address, first.address);
    ssh.wait(BOOT).unwrap();
    let published = ssh.root("sleep 2; cat /run/slipway/leases.json", COMMAND).unwrap();
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
