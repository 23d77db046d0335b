//! Whatever a configuration holds: rendering ends, each file can be read back, and no value becomes a line of its own.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use appliance_config::{
    Activation, Addressing, Config, Container, ContainerNetwork, Containers, DomainName, Firewall, Interface,
    Lan, LanDhcp, LanPolicy, Mode, Network, Ports, Reservation, Resource, Section, Shell, Side, User, Vlan,
};
use appliance_types::{ContainerName, InterfaceName, Ipv4Cidr, MacAddress, UserName};
use artefact_render::{Artefacts, ImageFacts, UserIds, actions, is_ours, render};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

fn user() -> impl Strategy<Value = User> {
    (any::<bool>(), 0..3usize, any::<bool>()).prop_map(|(admin, keys, sh)| User {
        admin,
        keys: std::iter::repeat_n(KEY.parse().unwrap(), keys).collect(),
        shell: if sh { Shell::Sh } else { Shell::Bash },
    })
}

fn users() -> impl Strategy<Value = BTreeMap<UserName, User>> {
    btree_map("[a-z_][a-z0-9_-]{0,31}".prop_map(|name| name.parse().unwrap()), user(), 0..6)
        // As checked configurations are: no user has the name of an account of the image.
        .prop_map(|mut users| {
            users.retain(|name: &UserName, _| !common::IMAGE.group.contains(&format!("{name}:")));
            users
        })
}

fn addressing() -> impl Strategy<Value = Addressing> {
    let gateway = || option::of(any::<Ipv4Addr>());
    prop_oneof![
        gateway().prop_map(|gateway| Addressing::Dhcp { gateway }),
        Just(Addressing::None),
        (any::<Ipv4Addr>(), 0u8..=32, gateway()).prop_map(|(address, prefix, gateway)| Addressing::Static {
            address: Ipv4Cidr::new(address, prefix).unwrap(),
            gateway
        }),
    ]
}

fn network() -> impl Strategy<Value = Network> {
    let domain = "[a-z]{1,8}".prop_map(|name| name.parse().unwrap());
    let side = prop_oneof![Just(Side::Wan), Just(Side::Lan)];
    let vlan = option::of(
        (0u8..20, 1u16..=4094)
            .prop_map(|(link, id)| Vlan { link: InterfaceName::card(link), id: id.try_into().unwrap() }),
    );
    let interface = (addressing(), side, vlan, vec(any::<IpAddr>(), 0..3), vec(domain, 0..3));
    let ports = || {
        let numbers = || btree_set(1u16.., 0..4);
        (numbers(), numbers()).prop_map(|(tcp, udp)| Ports { tcp, udp })
    };
    let name = prop_oneof![
        (0u8..20).prop_map(InterfaceName::card),
        "[a-z0-9][a-zA-Z0-9._-]{0,14}".prop_filter_map("a name", |name| name.parse().ok()),
    ];
    let firewall = (ports(), any::<bool>(), option::of(ports()));
    (btree_map(name, interface, 0..5), lan(), any::<bool>(), firewall).prop_map(
        |(cards, lan, nat, firewall)| {
            let interface =
                |(name, (addressing, side, vlan, dns_servers, search_domains)): (InterfaceName, _)| {
                    // As checked configurations are: the name of a card is no VLAN's.
                    let vlan = if name.as_str().starts_with("eth") { None } else { vlan };
                    (name, Interface { side, vlan, addressing, dns_servers, search_domains })
                };
            let (wan, wan_ssh, only) = firewall;
            let firewall = Firewall { wan, wan_ssh, lan: only.map_or(LanPolicy::Open, LanPolicy::Only) };
            let interfaces = cards.into_iter().map(interface).collect();
            let servers = ["time.example", "192.0.2.1", "2001:db8::1"];
            let time_servers =
                servers.into_iter().take(if nat { 3 } else { 0 }).map(|text| text.parse().unwrap());
            Network { interfaces, lan, time_servers: time_servers.collect(), nat, firewall }
        },
    )
}

fn lan() -> impl Strategy<Value = Lan> {
    let name = || "[a-z]{1,8}(\\.[a-z]{1,8})?".prop_map(|name| name.parse().unwrap());
    let reservation = (any::<Ipv4Addr>(), option::of("[a-z]{1,8}")).prop_map(|(address, hostname)| {
        Reservation { address, hostname: hostname.map(|text| text.parse().unwrap()) }
    });
    let mac = any::<[u8; 6]>().prop_map(MacAddress::from_bytes);
    let dhcp = (any::<Ipv4Addr>(), any::<Ipv4Addr>(), 120u64..2_592_000, btree_map(mac, reservation, 0..3))
        .prop_map(|(first, last, lease, reservations)| LanDhcp {
            first,
            last,
            lease_time: Duration::from_secs(lease),
            reservations,
        });
    let hosts = btree_map(name(), any::<IpAddr>(), 0..3);
    (any::<Ipv4Addr>(), 8u8..=30, option::of(dhcp), name(), vec(name(), 0..3), any::<bool>(), hosts).prop_map(
        |(address, prefix, dhcp, domain, gateway_names, pattern, hosts)| Lan {
            interface: InterfaceName::card(1),
            address: Ipv4Cidr::new(address, prefix).unwrap(),
            dhcp,
            domain,
            gateway_names,
            hostname_pattern: pattern.then(|| "till-{mac}".parse().unwrap()),
            hosts,
        },
    )
}

/// Values as the checks leave them, with what systemd, Quadlet and we ourselves read in them.
fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("${FILES_DIR}".to_owned()),
        Just("%%".to_owned()),
        Just("[Service]".to_owned()),
        Just("web.network".to_owned()),
        "[^\\pC\\\\]{0,12}",
    ];
    vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

fn section(name: &'static str) -> impl Strategy<Value = Section> {
    btree_map("[A-Z][A-Za-z0-9]{1,12}", vec(value(), 1..3), 0..5)
        .prop_map(move |entries| Section { name, entries: entries.into_iter().collect() })
}

fn name() -> impl Strategy<Value = ContainerName> {
    prop_oneof![Just("web".to_owned()), "[A-Za-z0-9_][A-Za-z0-9_-]{0,20}"]
        .prop_map(|name| name.parse().unwrap())
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Rootful), Just(Mode::Rootless)]
}

fn containers() -> impl Strategy<Value = Containers> {
    let network = prop_oneof![
        Just(ContainerNetwork::Host),
        Just(ContainerNetwork::Pasta),
        Just(ContainerNetwork::None),
        vec(name(), 1..3).prop_map(ContainerNetwork::Joined),
    ];
    let sections = (section("Unit"), section("Container"), section("Service"), section("Install"));
    let container =
        (mode(), network, sections).prop_map(|(mode, network, (unit, container, service, install))| {
            Container {
                mode,
                network,
                publish: vec![],
                secrets: vec![],
                sections: vec![unit, container, service, install],
            }
        });
    let resources = |kind| {
        let modes = btree_set(mode(), 1..3);
        let resource = (modes, section(kind)).prop_map(|(modes, section)| Resource { modes, section });
        btree_map(name(), resource, 0..3)
    };
    (btree_map(name(), container, 0..4), resources("Network"), resources("Volume"), resources("Image"))
        .prop_map(|(containers, networks, volumes, images)| Containers {
            containers,
            networks,
            volumes,
            images,
            ..Containers::default()
        })
}

fn config() -> impl Strategy<Value = Config> {
    (users(), network(), containers(), 1u64..3600, 0u64..300).prop_map(
        |(users, network, containers, timeout, settle)| {
            let required: BTreeSet<ContainerName> = containers.containers.keys().take(2).cloned().collect();
            let (timeout, settle) = (Duration::from_secs(timeout), Duration::from_secs(settle));
            Config {
                users,
                network,
                containers,
                activation: Activation { required, timeout, settle, ..empty().activation },
                ..empty()
            }
        },
    )
}

fn text<'a>(artefacts: &'a Artefacts, path: &str) -> &'a str {
    std::str::from_utf8(&artefacts.files[path].bytes).unwrap()
}

/// The lines of a file in systemd's syntax that say something.
fn unit_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_file_is_at_a_place_of_ours_and_the_same_again_needs_nothing(config in config()) {
        let artefacts = render(&config, &common::IMAGE, &UserIds::default(), &common::payload());
        prop_assert!(artefacts.files.keys().all(|path| is_ours(path)));
        prop_assert!(artefacts.files.values().all(|file| file.bytes.ends_with(b"\n")));
        prop_assert_eq!(&render(&config, &common::IMAGE, &artefacts.user_ids, &common::payload()), &artefacts);
        let in_place = artefacts.files.iter().map(|(path, file)| (path.clone(), file.bytes.clone())).collect();
        prop_assert_eq!(actions(&in_place, &artefacts), []);
    }

    #[test]
    fn any_two_configurations_follow_each_other(before in config(), after in config()) {
        let before = render(&before, &common::IMAGE, &UserIds::default(), &common::payload());
        let after = render(&after, &common::IMAGE, &before.user_ids, &common::payload());
        for (name, id) in before.user_ids.iter() {
            prop_assert_eq!(after.user_ids.get(name), Some(id));
        }
        let in_place = before.files.iter().map(|(path, file)| (path.clone(), file.bytes.clone())).collect();
        let list = actions(&in_place, &after);
        let files = list.iter().take_while(|action| action.is_before_files()).count();
        prop_assert!(list[files..].iter().all(|action| !action.is_before_files()));
        let unique = list.iter().enumerate().all(|(at, action)| !list[..at].contains(action));
        prop_assert!(unique, "{:?}", list);
    }

    #[test]
    fn the_image_s_accounts_stay_and_no_number_is_given_twice(
        users in users(),
        people in btree_map("sys[a-z]{1,8}", 990u32..1010, 0..5),
        known in btree_map("[a-z]{1,8}".prop_map(|name| name.parse::<UserName>().unwrap()), 1000u32..1005, 0..3),
    ) {
        let more = |line: fn(&str, u32) -> String| {
            people.iter().map(|(name, id)| line(name, *id)).collect::<String>()
        };
        let passwd = common::IMAGE.passwd.to_owned() + &more(|name, id| format!("{name}:x:{id}:{id}::/:/bin/false\n"));
        let group = common::IMAGE.group.to_owned() + &more(|name, id| format!("{name}:x:{id}:\n"));
        let image = ImageFacts { passwd: &passwd, group: &group, ..common::IMAGE };
        let known = UserIds::try_from(known).unwrap_or_default();
        let config = Config { users: users.clone(), ..empty() };
        let artefacts = render(&config, &image, &known, &common::payload());

        for (path, of_image) in [("/etc/passwd", image.passwd), ("/etc/shadow", image.shadow)] {
            prop_assert!(text(&artefacts, path).starts_with(of_image));
        }
        for (path, of_image) in [("/etc/group", image.group), ("/etc/gshadow", image.gshadow)] {
            for (line, before) in text(&artefacts, path).lines().zip(of_image.lines()) {
                prop_assert!(line.starts_with(before), "{} became {}", before, line);
            }
        }
        let admins: Vec<&str> = users.iter().filter(|(_, u)| u.admin).map(|(name, _)| name.as_str()).collect();
        for (path, fields) in [("/etc/passwd", 7), ("/etc/group", 4), ("/etc/shadow", 9), ("/etc/gshadow", 4)] {
            let lines: Vec<Vec<&str>> =
                text(&artefacts, path).lines().map(|line| line.split(':').collect()).collect();
            prop_assert!(lines.iter().all(|line| line.len() == fields), "{}", path);
            let of_users = lines.iter().filter(|line| users.keys().any(|name| name.as_str() == line[0])).count();
            prop_assert_eq!(of_users, users.len());
            if fields == 4 {
                let members = lines.iter().find(|line| line[0] == "slipway-admin").unwrap()[3];
                prop_assert_eq!(members, admins.join(","));
            }
        }
        for path in ["/etc/passwd", "/etc/group"] {
            let of_image = if path == "/etc/passwd" { image.passwd } else { image.group };
            let ids = |text: &str| text.lines().map(|line| line.split(':').nth(2).unwrap().to_owned()).collect::<Vec<_>>();
            let all = ids(text(&artefacts, path));
            let ours = &all[ids(of_image).len()..];
            prop_assert!(ours.iter().all(|id| all.iter().filter(|other| *other == id).count() == 1), "{:?}", all);
        }
    }

    #[test]
    fn no_value_becomes_a_line(containers in containers()) {
        let config = Config { containers: containers.clone(), ..empty() };
        let artefacts = render(&config, &common::IMAGE, &UserIds::default(), &common::payload());
        for (name, container) in &containers.containers {
            let folder = match container.mode {
                Mode::Rootful => "/etc/containers/systemd",
                Mode::Rootless => "/etc/containers/systemd/users/900",
            };
            let unit = text(&artefacts, &format!("{folder}/{name}.container"));
            let heads: Vec<&str> = unit_lines(unit).filter(|line| line.starts_with('[')).collect();
            prop_assert_eq!(heads, ["[Unit]", "[Container]", "[Service]", "[Install]"]);
            for section in &container.sections {
                let body = unit.split_once(&format!("\n[{}]\n", section.name)).unwrap().1;
                let body = body.split("\n\n").next().unwrap();
                let written: Vec<&str> = unit_lines(body).filter_map(|line| Some(line.split_once('=')?.0)).collect();
                for (key, values) in &section.entries {
                    let lines = written.iter().filter(|other| *other == key).count();
                    let whole = values.iter().filter(|value| !value.is_empty()).count();
                    // Beside a `Network` there are ours; and units that a user's systemd does not know are left out.
                    match section.name {
                        "Container" if key != "Network" => prop_assert_eq!(lines, whole, "{}: {}", key, unit),
                        "Container" => {}
                        _ => prop_assert!(lines <= whole, "{}: {}", key, unit),
                    }
                }
                let known = |line: &str| line.split_once('=').is_some_and(|(key, _)| {
                    key.bytes().all(|b| b.is_ascii_alphanumeric())
                });
                prop_assert!(unit_lines(body).all(known), "{}", unit);
            }
        }
    }
}

fn empty() -> Config {
    Config {
        users: BTreeMap::new(),
        network: Network {
            interfaces: BTreeMap::new(),
            lan: Lan {
                interface: InterfaceName::card(1),
                address: Ipv4Cidr::slash_24([10, 0, 0, 1].into()),
                dhcp: None,
                domain: DomainName::internal(),
                gateway_names: Vec::new(),
                hostname_pattern: None,
                hosts: BTreeMap::new(),
            },
            time_servers: Vec::new(),
            nat: false,
            firewall: Firewall::default(),
        },
        containers: Containers::default(),
        secrets: Default::default(),
        health: Default::default(),
        updates: Default::default(),
        netboot: Default::default(),
        devices: Default::default(),
        activation: Activation {
            required: BTreeSet::new(),
            restart: Vec::new(),
            allow_degraded: None,
            timeout: Duration::from_secs(300),
            settle: Duration::ZERO,
        },
    }
}
