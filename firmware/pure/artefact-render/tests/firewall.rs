//! The rendered rules, loaded by the real nft, against real sockets: the box in one network namespace, a machine on WAN and one on
//! LAN in two others. Needs root in a user namespace, nft and ip; skipped, with the reason, where one of them is missing.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "this is about sockets and other programs"
)]

mod common;

use std::collections::BTreeSet;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::process::Command;
use std::time::Duration;

use appliance_config::{Sources, SystemFacts};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const WAN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const TCP: [u16; 7] = [22, 53, 80, 443, 8080, 9000, 9001];
const UDP: [u16; 5] = [53, 67, 123, 5353, 9000];

#[test]
fn n02_wan_is_closed_and_lan_open_until_the_configuration_says_otherwise() {
    inside("n02_wan_is_closed_and_lan_open_until_the_configuration_says_otherwise", || {
        let lan = Ipv4Addr::new(172, 20, 30, 1);
        let machines = Machines::new(lan);
        machines.load("");
        machines.check(WAN, &[], &[]);
        machines.check(lan, &TCP, &UDP);
        machines.load("network.firewall.inbound.wan = { tcp = [443], udp = [5353] }");
        machines.check(WAN, &[443], &[5353]);
        machines.load("network.firewall.inbound.wan.ssh = true");
        machines.check(WAN, &[22], &[]);
        machines.load("network.firewall.inbound.lan = { tcp = [9000] }");
        machines.check(WAN, &[], &[]);
        machines.check(lan, &[22, 53, 8080, 9000], &[53, 67, 123]);

        // Again the same, with somebody else's table beside it; then a file that is no good.
        run("nft", &["add", "table", "inet", "somebody"]);
        machines.load("network.firewall.inbound.lan = { tcp = [9000] }");
        run("nft", &["list", "table", "inet", "somebody"]);
        std::fs::write("/run/broken", "table inet slipway\ndelete table inet slipway\nnonsense\n").unwrap();
        assert!(!Command::new("nft").args(["-f", "/run/broken"]).status().unwrap().success());
        machines.check(lan, &[22, 53, 8080, 9000], &[53, 67, 123]);
    });
}

#[test]
fn n05_lan_reaches_wan_while_nat_is_on_and_nobody_comes_in() {
    inside("n05_lan_reaches_wan_while_nat_is_on_and_nobody_comes_in", || {
        let lan = Ipv4Addr::new(172, 20, 30, 1);
        let machines = Machines::new(lan);
        // As a box with containers has it, whatever the configuration says: what is forwarded is the firewall's business.
        run("sysctl", &["-qw", "net.ipv4.ip_forward=1"]);
        let server = within("wan", || TcpListener::bind((OUTSIDE, 80)).unwrap());
        let client = within("lan", || TcpListener::bind((Ipv4Addr::new(172, 20, 30, 77), 80)).unwrap());
        within("wan", || run("ip", &["route", "add", "172.20.30.0/24", "via", "192.0.2.2"]));
        machines.load("");
        assert!(!reaches("lan", (OUTSIDE, 80).into()));
        machines.load("network.nat = true");
        assert!(reaches("lan", (OUTSIDE, 80).into()));
        let (_, from) = server.accept().unwrap();
        assert_eq!(from.ip(), WAN, "it comes under the address of the box");
        assert!(!reaches("wan", (Ipv4Addr::new(172, 20, 30, 77), 80).into()));
        machines.load("");
        assert!(!reaches("lan", (OUTSIDE, 80).into()));
        drop(client);
    });
}

/// A container behind a bridge of Podman's, and a LAN that is Podman's usual network. Netavark's part is written here.
#[test]
fn n06_containers_work_beside_a_lan_of_podman_s_usual_network() {
    inside("n06_containers_work_beside_a_lan_of_podman_s_usual_network", || {
        let lan = Ipv4Addr::new(10, 88, 0, 1);
        let machines = Machines::new(lan);
        run("sysctl", &["-qw", "net.ipv4.ip_forward=1"]);
        run("ip", &["link", "add", "podman1", "type", "bridge"]);
        run("ip", &["address", "add", "10.243.0.1/24", "dev", "podman1"]);
        run("ip", &["link", "set", "podman1", "up"]);
        machine("box1", "veth7", "10.243.0.2/24", "10.243.0.1");
        run("ip", &["link", "set", "veth7", "up", "master", "podman1"]);
        let netavark = "table inet netavark { chain published { type nat hook prerouting priority dstnat; \
                        tcp dport 8081 dnat ip to 10.243.0.2:80; }; \
                        chain leaving { type nat hook postrouting priority srcnat; ip saddr 10.243.0.0/24 oifname != podman1 masquerade; }; }";
        std::fs::write("/run/netavark", netavark).unwrap();
        run("nft", &["-f", "/run/netavark"]);
        let _server = within("wan", || TcpListener::bind((OUTSIDE, 80)).unwrap());
        let _container = within("box1", || TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).unwrap());

        let cidr = "network.dnsmasq.gateway_cidr = '10.88.0.1/24'\ncontainers.network.back.Network = {}\n";
        for _ in 0..2 {
            machines.load(cidr);
            assert!(reaches("lan", (lan, 8081).into()), "a published port, after a reload as before it");
            assert!(reaches("box1", (OUTSIDE, 80).into()), "out to WAN");
            assert!(!reaches("wan", (WAN, 8081).into()), "not opened to WAN");
            assert!(!reaches("lan", (Ipv4Addr::new(10, 243, 0, 2), 80).into()), "not published");
            assert!(!reaches("lan", (OUTSIDE, 80).into()), "no NAT for LAN");
        }
        machines.load(&format!("{cidr}network.firewall.inbound.wan.tcp = [8081]"));
        assert!(reaches("wan", (WAN, 8081).into()));
    });
}

/// A machine on each side, and what listens on the box.
struct Machines {
    _tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
}

impl Machines {
    fn new(lan: Ipv4Addr) -> Machines {
        run("mount", &["-t", "tmpfs", "none", "/run"]);
        run("ip", &["link", "set", "lo", "up"]);
        machine("wan", "eth0", "192.0.2.1/24", "192.0.2.2");
        let [a, b, c, _] = lan.octets();
        machine("lan", "eth1", &format!("{a}.{b}.{c}.77/24"), &lan.to_string());
        for (card, address) in [("eth0", format!("{WAN}/24")), ("eth1", format!("{lan}/24"))] {
            run("ip", &["address", "add", &address, "dev", card]);
            run("ip", &["link", "set", card, "up"]);
        }
        let bind = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).unwrap();
        let tcp = TCP.iter().map(bind).collect();
        let udp = UDP.iter().map(|port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, *port)).unwrap()).collect();
        Machines { _tcp: tcp, udp }
    }

    /// The firewall of a configuration.
    fn load(&self, more: &str) {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";
        let text = format!("version = 1\nusers.alice = {{ isAdmin = true, ssh_key = \"{key}\" }}\n{more}\n");
        let sources = Sources { config: text.as_bytes(), overlay: None };
        let config = appliance_config::load(&sources, &SystemFacts::of_image()).unwrap().config;
        let artefacts =
            artefact_render::render(&config, &common::IMAGE, &Default::default(), &common::payload());
        std::fs::write("/run/nftables.conf", &artefacts.files["/etc/nftables.conf"].bytes).unwrap();
        run("nft", &["-f", "/run/nftables.conf"]);
    }

    /// Whether exactly these ports of the box are reached at this address, from its side.
    fn check(&self, address: Ipv4Addr, tcp: &[u16], udp: &[u16]) {
        let side = if address == WAN { "wan" } else { "lan" };
        let open: BTreeSet<u16> =
            TCP.into_iter().filter(|port| reaches(side, (address, *port).into())).collect();
        assert_eq!(open, tcp.iter().copied().collect(), "TCP from {side}");
        let open: BTreeSet<u16> = UDP
            .into_iter()
            .zip(&self.udp)
            .filter(|(port, socket)| {
                let port = *port;
                within(side, move || {
                    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
                        .unwrap()
                        .send_to(b"x", (address, port))
                        .unwrap()
                });
                socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
                socket.recv_from(&mut [0; 8]).is_ok()
            })
            .map(|(port, _)| port)
            .collect();
        assert_eq!(open, udp.iter().copied().collect(), "UDP from {side}");
    }
}

/// A machine in a namespace of its own, behind this card of the box.
fn machine(name: &str, card: &str, address: &str, gateway: &str) {
    run("ip", &["netns", "add", name]);
    run("ip", &["link", "add", card, "type", "veth", "peer", "name", "eth0", "netns", name]);
    run("ip", &["-n", name, "address", "add", address, "dev", "eth0"]);
    run("ip", &["-n", name, "link", "set", "eth0", "up"]);
    run("ip", &["link", "set", card, "up"]);
    run("ip", &["-n", name, "route", "add", "default", "via", gateway]);
}

fn reaches(machine: &str, to: SocketAddr) -> bool {
    within(machine, move || TcpStream::connect_timeout(&to, Duration::from_millis(400)).is_ok())
}

/// Does something as this machine. What it opens stays in that network.
fn within<T: Send>(machine: &str, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            let namespace = File::open(format!("/run/netns/{machine}")).unwrap();
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        });
        there.join().unwrap()
    })
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}", arguments.join(" "));
}

/// Runs this test again, alone, in namespaces of its own.
fn inside(name: &str, work: impl FnOnce()) {
    const MARK: &str = "SLIPWAY_TEST_INSIDE";
    if std::env::var_os(MARK).is_some() {
        return work();
    }
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "--mount"]);
        unshare
    };
    let able = unshare()
        .args([
            "sh",
            "-c",
            "nft list tables && ip link add x0 type veth peer name x1 && mount -t tmpfs none /run",
        ])
        .output();
    match able {
        Ok(output) if output.status.success() => {}
        Ok(output) => return println!("SKIPPED: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => return println!("SKIPPED: unshare: {error}"),
    }
    let this = std::env::current_exe().unwrap();
    let again = unshare().arg(this).args(["--exact", name, "--nocapture"]).env(MARK, "1").status().unwrap();
    assert!(again.success(), "{name} failed in its namespaces");
}
