//! DHCP between two network namespaces: the clients that people have, and the zoo.

#![allow(clippy::unwrap_used, reason = "what fails in a helper of these tests fails the test")]

#[path = "support/dhcp_lab.rs"]
mod dhcp_lab;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client_zoo::dhcp::{Card, Reply, Wire};
use client_zoo::lab::{CLIENT_LINK, SERVER};
use dhcp_lab::{DhcpLab, SUBNET, skip};

const SECOND: Duration = Duration::from_secs(1);

fn card(number: u32) -> Card {
    let [a, b, c, d] = number.to_be_bytes();
    Card { mac: [2, 0x50, a, b, c, d], options: Vec::new() }
}

/// A card's whole exchange with our server.
fn lease(lab: &DhcpLab, card: &Card) -> Reply {
    lab.lab
        .client
        .enter(|| Wire::open(CLIENT_LINK).unwrap().lease(card, SECOND, 10 * SECOND, |_| true).unwrap())
}

fn script(lab: &DhcpLab, name: &str, text: &str) -> String {
    let path = lab.path(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What a client's script has written of its lease.
fn said(lab: &DhcpLab) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(lab.path("said")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn in_pool(address: &str) -> bool {
    let address: Ipv4Addr = address.parse().unwrap();
    (Ipv4Addr::new(10, 99, 1, 0)..=Ipv4Addr::new(10, 99, 20, 250)).contains(&address)
}

/// The client has no address yet and does not ask for broadcast: the reply finds its card.
#[test]
fn d03_udhcpc_gets_a_lease() {
    if skip(&["busybox"]) {
        return;
    }
    let lab = DhcpLab::serving("");
    lab.lab.client.ip(&["addr", "flush", "dev", CLIENT_LINK]).unwrap();
    let script = script(
        &lab,
        "script",
        &format!(
            "#!/bin/sh\n[ \"$1\" = bound ] && env | grep -E '^(ip|router|dns|ntpsrv|lease|domain|serverid)=' > {}\n:\n",
            lab.path("said").display()
        ),
    );
    let arguments = ["udhcpc", "-i", CLIENT_LINK, "-n", "-q", "-f", "-t", "5", "-O", "ntpsrv", "-s", &script];
    lab.lab.client.run("busybox", &arguments).unwrap();
    let said = said(&lab);
    assert!(in_pool(&said["ip"]), "{said:?}");
    for key in ["router", "dns", "ntpsrv", "serverid"] {
        assert_eq!(said[key], "10.99.0.1", "{key}");
    }
    assert_eq!((said["lease"].as_str(), said["domain"].as_str()), ("43200", "lan"));
}

#[test]
fn d03_dhclient_gets_a_lease_and_releases_it() {
    if skip(&["dhclient"]) {
        return;
    }
    let lab = DhcpLab::serving("");
    lab.lab.client.ip(&["addr", "flush", "dev", CLIENT_LINK]).unwrap();
    let at = |name: &str| lab.path(name).to_str().unwrap().to_owned();
    let text = format!(
        "#!/bin/sh\nif [ \"$reason\" = BOUND ]; then\n  env | grep ^new_ > {}\n  ip addr add $new_ip_address/16 dev $interface\nfi\n:\n",
        at("said")
    );
    let script = script(&lab, "script", &text);
    std::fs::write(
        at("conf"),
        "request subnet-mask, routers, domain-name-servers, ntp-servers, domain-name;\n",
    )
    .unwrap();
    let files = ["-sf", &script, "-lf", &at("client-leases"), "-pf", &at("pid"), "-cf", &at("conf")];
    lab.lab.client.run("dhclient", &[&["-1", "-v"][..], &files, &[CLIENT_LINK]].concat()).unwrap();
    let said = said(&lab);
    let address = said["new_ip_address"].clone();
    assert!(in_pool(&address), "{said:?}");
    for key in ["new_routers", "new_domain_name_servers", "new_ntp_servers", "new_dhcp_server_identifier"] {
        assert_eq!(said[key], "10.99.0.1", "{key}");
    }
    let published = |lab: &DhcpLab| std::fs::read_to_string(lab.path("run/leases.json")).unwrap_or_default();
    lab.wait_for(5 * SECOND, "the lease is published", |lab| published(lab).contains(&address).then_some(()));
    lab.lab.client.run("dhclient", &[&["-r", "-v"][..], &files, &[CLIENT_LINK]].concat()).unwrap();
    lab.wait_for(5 * SECOND, "the release is published", |lab| {
        (!published(lab).contains(&address)).then_some(())
    });
}

/// As its own process in the client's namespace, on a root of its own: the host's networkd is not touched.
#[test]
fn d03_systemd_networkd_gets_a_lease() {
    const NETWORKD: &str = "/usr/lib/systemd/systemd-networkd";
    if skip(&["networkctl", "unshare"]) {
        return;
    }
    let lab = DhcpLab::serving("");
    lab.lab.client.ip(&["addr", "flush", "dev", CLIENT_LINK]).unwrap();
    let network = format!(
        "[Match]\nName={CLIENT_LINK}\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n"
    );
    std::fs::write(lab.path("20-client.network"), network).unwrap();
    // Without udev it takes a read-only /sys for that of a container, and does not wait for udev.
    let start = format!(
        "mount -t tmpfs tmpfs /run && mount -t sysfs -o ro sysfs /sys && mkdir -p /run/systemd/network /run/systemd/netif/links \
         /run/systemd/netif/leases && cp {} /run/systemd/network/ && chown -R systemd-network /run/systemd/netif && exec {NETWORKD}",
        lab.path("20-client.network").display()
    );
    let mut command = lab.lab.client.command("unshare");
    let log = std::fs::File::create(lab.path("networkd.log")).unwrap();
    let mut child = command.args(["--mount", "sh", "-c", &start]).stderr(log).spawn().unwrap();
    let has_address = |lab: &DhcpLab| {
        let shown = lab.lab.client.ip(&["-4", "-oneline", "addr", "show", "dev", CLIENT_LINK]).unwrap();
        let address = shown.split("inet ").nth(1)?.split('/').next()?.to_owned();
        let routes = lab.lab.client.ip(&["route"]).unwrap();
        routes.contains("default via 10.99.0.1").then_some(address)
    };
    let end = Instant::now() + 20 * SECOND;
    let address = lab.wait_for(25 * SECOND, "networkd has an address", |lab| {
        let found = has_address(lab);
        (found.is_some() || Instant::now() > end).then_some(found)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read_to_string(lab.path("networkd.log")).unwrap();
    assert!(address.is_some_and(|address| in_pool(&address)), "{log}\n{}", lab.log());
}

#[test]
fn d03_perfdhcp_gets_a_hundred_leases_through_a_relay() {
    if skip(&["perfdhcp"]) {
        return;
    }
    let lab = DhcpLab::serving("");
    let arguments =
        ["-4", "-l", CLIENT_LINK, "-r", "100", "-R", "100", "-n", "100", "-W", "2000000", "10.99.0.1"];
    let said = lab.lab.client.run("perfdhcp", &arguments).unwrap();
    assert_eq!(said.matches("drops: 0").count(), 2, "{said}");
    assert_eq!(said.matches("non unique addresses: 0").count(), 2, "{said}");
}

#[test]
fn d04_a_hundred_clients_at_once_get_a_hundred_addresses() {
    if skip(&[]) {
        return;
    }
    let lab = DhcpLab::serving("");
    let addresses: Vec<Ipv4Addr> = std::thread::scope(|scope| {
        let ask = |number| {
            scope.spawn({
                let lab = &lab;
                move || lease(lab, &card(number)).address
            })
        };
        let threads: Vec<_> = (0..100).map(ask).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(addresses.iter().collect::<BTreeSet<_>>().len(), 100, "{addresses:?}");
}

/// The server is killed again and again while clients ask. What they were told, a new one knows.
#[test]
fn d04_kill_9_loses_no_lease_and_gives_none_twice() {
    if skip(&[]) {
        return;
    }
    let mut lab = DhcpLab::serving("probe_ms = 0");
    let stop = AtomicBool::new(false);
    let told: Vec<(u32, Ipv4Addr)> = std::thread::scope(|scope| {
        let stop = &stop;
        let process = lab.lab.client.process();
        let threads: Vec<_> = (0..4_u32)
            .map(|thread| {
                scope.spawn(move || {
                    let mut told = Vec::new();
                    enter(process, || {
                        let wire = Wire::open(CLIENT_LINK).unwrap();
                        for number in 0.. {
                            if stop.load(Ordering::Relaxed) {
                                break;
                            }
                            let number = thread * 100_000 + number;
                            let pause = Duration::from_millis(100);
                            if let Ok(ack) = wire.lease(&card(number), pause, 3 * SECOND, |_| true) {
                                told.push((number, ack.address));
                            }
                        }
                    });
                    told
                })
            })
            .collect();
        for _ in 0..5 {
            wait(Duration::from_millis(700));
            lab.kill();
            lab.start().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    lab.kill();
    lab.start().unwrap();
    assert!(told.len() > 50, "{} leases", told.len());
    let different: BTreeSet<Ipv4Addr> = told.iter().map(|(_, address)| *address).collect();
    assert_eq!(different.len(), told.len(), "an address was given twice");
    // The new one offers each of them its own address, and no other.
    let offered = lab.lab.client.enter(|| {
        let wire = Wire::open(CLIENT_LINK).unwrap();
        let ask = |number: u32| wire.lease(&card(number), SECOND, 5 * SECOND, |_| true).unwrap().address;
        told.iter().map(|(number, _)| ask(*number)).collect::<Vec<_>>()
    });
    for ((number, address), offered) in told.iter().zip(offered) {
        assert_eq!(*address, offered, "client {number}");
    }
}

#[allow(clippy::disallowed_methods, reason = "the time that the clients have until the server is killed")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// Runs `work` in the namespace of a process, on this thread.
fn enter(process: u32, work: impl FnOnce()) {
    let namespace = std::fs::File::open(format!("/proc/{process}/ns/net")).unwrap();
    rustix::thread::move_into_link_name_space(
        std::os::fd::AsFd::as_fd(&namespace),
        Some(rustix::thread::LinkNameSpaceType::Network),
    )
    .unwrap();
    work();
}

#[test]
fn d05_a_server_does_not_start_beside_another_unless_it_is_forced() {
    if skip(&["dnsmasq"]) {
        return;
    }
    let mut lab = DhcpLab::new("", SUBNET);
    let _rogue = Rogue::start(&lab);
    let refused = lab.start().unwrap_err();
    assert!(refused.contains("another DHCP server, 10.99.0.2, answers on srv"), "{refused}");
    let mut forced = DhcpLab::new("force = true", SUBNET);
    let _rogue = Rogue::start(&forced);
    forced.start().unwrap();
}

#[test]
fn d05_another_server_on_the_wire_is_told_within_30_s() {
    if skip(&["dnsmasq"]) {
        return;
    }
    let lab = DhcpLab::serving("");
    assert!(!lab.log().contains("another DHCP server"), "{}", lab.log());
    let _rogue = Rogue::start(&lab);
    lab.wait_for(Duration::from_secs(30), "the alarm", |lab| {
        lab.log().contains("another DHCP server, 10.99.0.2, is on srv").then_some(())
    });
}

/// A home router on the wrong port.
struct Rogue(std::process::Child);

impl Rogue {
    fn start(lab: &DhcpLab) -> Rogue {
        let leases = format!("--dhcp-leasefile={}", lab.path("rogue-leases").display());
        let link = format!("--interface={CLIENT_LINK}");
        let arguments = [
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--bind-interfaces",
            "--no-ping",
            "--user=root",
            "--dhcp-range=10.99.77.1,10.99.77.200",
            "--dhcp-authoritative",
            "--pid-file=",
            &link,
            &leases,
        ];
        let mut command = lab.lab.client.command("dnsmasq");
        let child = command.args(arguments).stderr(std::process::Stdio::null()).spawn().unwrap();
        lab.wait_for(5 * SECOND, "dnsmasq listens", |lab| {
            lab.lab.client.run("ss", &["-lunH", "sport = :67"]).unwrap().contains(":67").then_some(())
        });
        Rogue(child)
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

#[test]
fn r4_1_08_an_address_that_somebody_uses_is_found_out_before_it_is_offered() {
    if skip(&[]) {
        return;
    }
    let lab = DhcpLab::serving("");
    lab.lab.client.ip(&["addr", "add", "10.99.1.0/16", "dev", CLIENT_LINK]).unwrap();
    let begun = Instant::now();
    let first = lease(&lab, &card(1)).address;
    assert_eq!(first, Ipv4Addr::new(10, 99, 1, 1), "{}", lab.log());
    assert!(lab.log().contains("10.99.1.0 was to be offered, and "), "{}", lab.log());
    assert!(begun.elapsed() < 2 * SECOND, "a Raspberry Pi waits for 4 s");
    // Nobody else is kept waiting by that: a client that is known is answered at once.
    let begun = Instant::now();
    assert_eq!(lease(&lab, &card(1)).address, first);
    assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
}

#[test]
fn what_is_published_for_a_device_is_obeyed_as_soon_as_it_is_there() {
    if skip(&[]) {
        return;
    }
    let lab = DhcpLab::serving("probe_ms = 0");
    let pxe = Card { options: vec![(60, b"PXEClient:Arch:00007:UNDI:003016".to_vec())], ..card(7) };
    assert_eq!(lease(&lab, &pxe).file, "", "without a policy everybody boots from their own disk");
    let publish = |text: &str| {
        std::fs::write(lab.path("run/new"), text).unwrap();
        std::fs::rename(lab.path("run/new"), lab.path("run/boot-policy.json")).unwrap();
    };
    publish(r#"{ "version": 1, "unknown": "rules" }"#);
    lab.wait_for(5 * SECOND, "the rules hold", |lab| (lease(lab, &pxe).file == "ipxe.efi").then_some(()));
    publish(r#"{ "version": 1, "unknown": "rules", "devices": { "02:50:00:00:00:07": "local" } }"#);
    lab.wait_for(5 * SECOND, "the device boots from its disk", |lab| {
        lease(lab, &pxe).file.is_empty().then_some(())
    });
}

#[test]
fn a_crash_is_over_within_a_second() {
    if skip(&[]) {
        return;
    }
    let mut lab = DhcpLab::serving("probe_ms = 0");
    let before = lease(&lab, &card(1)).address;
    lab.kill();
    let begun = Instant::now();
    lab.start().unwrap();
    let after = lab.lab.client.enter(|| {
        Wire::open(CLIENT_LINK)
            .unwrap()
            .lease(&card(1), Duration::from_millis(100), 5 * SECOND, |_| true)
            .unwrap()
    });
    assert_eq!(after.address, before);
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
}

/// Only what is configured is served: a second wire hears nothing.
#[test]
fn only_the_configured_interface_is_served() {
    if skip(&[]) {
        return;
    }
    let lab = DhcpLab::serving("");
    let peer = lab.lab.client.process().to_string();
    lab.lab
        .server
        .ip(&["link", "add", "wan", "type", "veth", "peer", "name", "far", "netns", &peer])
        .unwrap();
    lab.lab.server.ip(&["addr", "add", "192.168.9.1/24", "dev", "wan"]).unwrap();
    lab.lab.server.ip(&["link", "set", "wan", "up"]).unwrap();
    lab.lab.client.ip(&["link", "set", "far", "up"]).unwrap();
    let answer =
        lab.lab.client.enter(|| Wire::open("far").unwrap().lease(&card(1), SECOND, 3 * SECOND, |_| true));
    assert!(answer.is_err());
    let sockets = lab.lab.server.run("ss", &["-lunH"]).unwrap();
    let local: Vec<&str> = sockets.lines().filter_map(|line| line.split_whitespace().nth(3)).collect();
    assert!(local.iter().all(|socket| socket.contains("%srv:")), "{local:?}");
    assert!(local.contains(&format!("{SERVER}%srv:67").as_str()), "{local:?}");
}
