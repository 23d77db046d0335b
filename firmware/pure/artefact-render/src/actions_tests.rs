use std::collections::BTreeMap;

use appliance_config::{Config, ContainerNetwork, LanPolicy, Mode};

use crate::testing::{config, container, document, resource, section, user};
use crate::{Artefacts, ImageFacts, PayloadFacts, UnitAction, UserIds, actions, render};

const IMAGE: ImageFacts<'static> = ImageFacts {
    passwd: "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
    group: "root:x:0:\nsystemd-journal:x:999:\nslipway-admin:x:901:\n",
    shadow: "root:*:20779:0:99999:7:::\n",
    gshadow: "root:*::\nsystemd-journal:!*::\nslipway-admin:!*::\n",
};

fn artefacts(config: &Config) -> Artefacts {
    render(
        config,
        &IMAGE,
        &UserIds::default(),
        &PayloadFacts { digest: Some("sha256:00".to_owned()), images: Vec::new() },
    )
}

fn bytes(artefacts: &Artefacts) -> BTreeMap<String, Vec<u8>> {
    artefacts.files.iter().map(|(path, file)| (path.clone(), file.bytes.clone())).collect()
}

/// Two users; a rootful container on a network, and two rootless ones of which one has a volume.
fn full() -> Config {
    let mut config = config();
    config.users.insert("bob".parse().unwrap(), user(true));
    let joined = ContainerNetwork::Joined(vec!["front".parse().unwrap()]);
    let image = |image| section("Container", &[("Image", image)]);
    let data = section("Container", &[("Image", "base.image"), ("Volume", "data.volume:/srv")]);
    config.containers.containers = [
        ("web", container(Mode::Rootful, joined, vec![image("caddy")])),
        ("db", container(Mode::Rootless, ContainerNetwork::Pasta, vec![data])),
        ("app", container(Mode::Rootless, ContainerNetwork::Pasta, vec![image("app")])),
    ]
    .map(|(name, container)| (name.parse().unwrap(), container))
    .into();
    let resources = |name: &str, mode, section| [(name.parse().unwrap(), resource(&[mode], section))].into();
    config.containers.networks = resources("front", Mode::Rootful, section("Network", &[]));
    config.containers.volumes = resources("data", Mode::Rootless, section("Volume", &[]));
    config.containers.images = resources("base", Mode::Rootless, section("Image", &[("Image", "base")]));
    config
}

/// What a change of the full configuration needs, one action a line, `|` where the files are installed.
fn check(change: impl FnOnce(&mut Config), expected: &[&str]) {
    let mut config = full();
    let before = bytes(&artefacts(&config));
    change(&mut config);
    let after = artefacts(&config);
    assert_eq!(words(&actions(&before, &after)), expected);
    assert_eq!(actions(&bytes(&after), &after), [], "the same again");
}

fn words(actions: &[UnitAction]) -> Vec<String> {
    let mode = |mode: &Mode| match mode {
        Mode::Rootful => "rootful",
        Mode::Rootless => "rootless",
    };
    let word = |action: &UnitAction| match action {
        UnitAction::Stop(m, unit) => format!("stop {} {unit}", mode(m)),
        UnitAction::EndSessions(user) => format!("end {user}"),
        UnitAction::MakeHomes => "homes".to_owned(),
        UnitAction::PlaceSecrets => "secrets".to_owned(),
        UnitAction::ReloadFirewall => "firewall".to_owned(),
        UnitAction::DeleteVlan(name) => format!("delete {name}"),
        UnitAction::ReloadNetwork => "network".to_owned(),
        UnitAction::Tell(service) => format!("tell {service:?}"),
        UnitAction::ReloadManager(m) => format!("reload {}", mode(m)),
        UnitAction::Restart(m, unit) => format!("restart {} {unit}", mode(m)),
        UnitAction::Start(m, unit) => format!("start {} {unit}", mode(m)),
    };
    let files = actions.iter().take_while(|action| action.is_before_files()).count();
    assert!(actions[files..].iter().all(|action| !action.is_before_files()));
    let mut words: Vec<String> = actions.iter().map(word).collect();
    if files > 0 {
        words.insert(files, "|".to_owned());
    }
    words
}

fn set(config: &mut Config, container: &str, key: &str, value: &str) {
    let container = config.containers.containers.get_mut(&container.parse().unwrap()).unwrap();
    container.sections[0].entries.push((key.to_owned(), vec![value.to_owned()]));
}

#[test]
fn nothing_changed() {
    check(|_| {}, &[]);
}

#[test]
fn users() {
    check(|config| config.users.get_mut(&"bob".parse().unwrap()).unwrap().keys.clear(), &[]);
    check(|config| drop(config.users.insert("carol".parse().unwrap(), user(false))), &["homes"]);
    check(|config| drop(config.users.remove(&"bob".parse().unwrap())), &["end bob", "|"]);
    check(|config| config.users.get_mut(&"bob".parse().unwrap()).unwrap().admin = false, &["end bob", "|"]);
}

#[test]
fn network_and_firewall() {
    check(|config| config.network.firewall.lan = LanPolicy::Only(Default::default()), &["firewall"]);
    let eth2 = |config: &mut Config| {
        let lan = config.network.interfaces[&"eth1".parse().unwrap()].clone();
        config.network.interfaces.insert("eth2".parse().unwrap(), lan);
    };
    check(eth2, &["firewall", "network", "tell Resolver", "tell Clock", "tell Ssh"]);
    let dns = |config: &mut Config| {
        let wan = config.network.interfaces.get_mut(&"eth0".parse().unwrap()).unwrap();
        wan.dns_servers = vec![[192, 0, 2, 53].into()];
    };
    check(dns, &["network"]);
}

#[test]
fn a06_what_lan_machines_are_given_concerns_nobody_else() {
    let change =
        |after: &str| words(&actions(&bytes(&artefacts(&document(""))), &artefacts(&document(after))));
    assert_eq!(change("network.hosts.nas = '172.20.30.9'"), ["tell LocalNames"]);
    assert_eq!(change("network.ntp.servers = ['time.example']"), ["tell Clock"]);
    assert_eq!(change("network.firewall.inbound.wan.ssh = true"), ["firewall", "tell Ssh"]);
    assert_eq!(change("network.dnsmasq.lease_seconds = 600"), ["tell Netboot"]);
    assert_eq!(
        change("network.dnsmasq.gateway_cidr = '10.0.0.1/24'"),
        ["network", "tell LocalNames", "tell Resolver", "tell Clock", "tell Ssh", "tell Netboot"]
    );
    assert_eq!(change("users.bob = {}"), ["homes"]);
}

#[test]
fn a_vlan_that_becomes_another_one_is_made_anew() {
    let with = |vlan: &str| {
        let text = match vlan {
            "" => String::new(),
            vlan => format!("network.interfaces.tills = {{ mode = 'dhcp', vlan = {{ {vlan} }} }}"),
        };
        artefacts(&document(&text))
    };
    let change = |before: &str, after: &str| words(&actions(&bytes(&with(before)), &with(after)));
    let vlan = "link = 'eth1', id = 3";
    assert_eq!(change(vlan, vlan), [""; 0]);
    assert_eq!(change("", vlan), ["firewall", "network", "tell Ssh"]);
    assert_eq!(change(vlan, "link = 'eth1', id = 4"), ["delete tills", "network"]);
    // eth0's would be on WAN.
    assert_eq!(change(vlan, "link = 'eth0', id = 3"), ["firewall", "delete tills", "network", "tell Ssh"]);
    assert_eq!(change(vlan, ""), ["firewall", "delete tills", "network", "tell Ssh"]);
}

#[test]
fn containers() {
    check(
        |config| set(config, "app", "ReadOnly", "true"),
        &["reload rootless", "restart rootless app.service"],
    );
    check(
        |config| drop(config.containers.containers.remove(&"db".parse().unwrap())),
        &["stop rootless db.service", "|", "reload rootless"],
    );
    check(
        |config| config.containers.containers.get_mut(&"app".parse().unwrap()).unwrap().mode = Mode::Rootful,
        &["stop rootless app.service", "|", "reload rootful", "reload rootless", "start rootful app.service"],
    );
    check(|config| config.activation.required = ["app".parse().unwrap()].into(), &[]);
}

#[test]
fn resources_take_their_containers_with_them() {
    let change = |resource: &mut appliance_config::Resource| {
        resource.section.entries.push(("Label".to_owned(), vec!["a=b".to_owned()]));
    };
    check(
        |config| config.containers.networks.values_mut().for_each(change),
        &["reload rootful", "restart rootful front-network.service", "start rootful web.service"],
    );
    check(
        |config| config.containers.volumes.values_mut().for_each(change),
        &["reload rootless", "restart rootless data-volume.service", "start rootless db.service"],
    );
    // The container's own file changed as well: systemd restarts it with the image it requires.
    check(
        |config| {
            config.containers.images.values_mut().for_each(change);
            set(config, "db", "ReadOnly", "true");
        },
        &["reload rootless", "restart rootless base-image.service", "start rootless db.service"],
    );
    // It needs what it did not need before, and nothing else restarts it.
    check(
        |config| {
            let cache = resource(&[Mode::Rootless], section("Volume", &[]));
            config.containers.volumes.insert("cache".parse().unwrap(), cache);
            set(config, "app", "Mount", "type=volume,source=cache.volume,destination=/c");
        },
        &["reload rootless", "start rootless cache-volume.service", "restart rootless app.service"],
    );
}

#[test]
fn first_and_last() {
    let image = BTreeMap::from([
        ("/etc/passwd".to_owned(), IMAGE.passwd.into()),
        ("/etc/group".to_owned(), IMAGE.group.into()),
        ("/etc/nftables.conf".to_owned(), b"flush".to_vec()),
    ]);
    let all = [
        "homes",
        "secrets",
        "firewall",
        "network",
        "tell LocalNames",
        "tell Resolver",
        "tell Clock",
        "tell Ssh",
        "tell Netboot",
        "reload rootful",
        "reload rootless",
        "start rootful front-network.service",
        "start rootful web.service",
        "start rootless base-image.service",
        "start rootless data-volume.service",
        "start rootless app.service",
        "start rootless db.service",
    ];
    assert_eq!(words(&actions(&image, &artefacts(&full()))), all);
    let none = [
        "stop rootless db.service",
        "stop rootless app.service",
        "stop rootless data-volume.service",
        "stop rootless base-image.service",
        "stop rootful web.service",
        "stop rootful front-network.service",
        "end bob",
        "|",
        "firewall",
        "reload rootful",
        "reload rootless",
    ];
    check(
        |config| {
            config.containers = Default::default();
            config.users.remove(&"bob".parse().unwrap());
        },
        &none,
    );
}

#[test]
fn a_name_that_ends_like_another_is_another() {
    let text = "[Container]\nVolume=my-data.volume:/srv\nVolume=data.volume:/x\nNetwork=a.network:ip=10.0.0.2\n# b.image";
    for (file, expected) in [
        ("data.volume", true),
        ("my-data.volume", true),
        ("ata.volume", false),
        ("a.network", true),
        ("b.image", false),
        ("data.volum", false),
    ] {
        assert_eq!(super::actions::names(text, file), expected, "{file}");
    }
}
