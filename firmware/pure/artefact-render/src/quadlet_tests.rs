use appliance_config::{ContainerNetwork, Containers, Mode, Secrets, Section};

use crate::artefacts::Files;
use crate::folders::with_folders;
use crate::quadlet::render;
use crate::testing::{container, resource, section, statements};
use crate::{ArchiveFacts, PayloadFacts};

#[test]
fn another_image_of_the_same_name_makes_another_unit() {
    let web = container(
        Mode::Rootful,
        ContainerNetwork::Host,
        vec![section("Container", &[("Image", "localhost/web")])],
    );
    let containers =
        Containers { containers: [("web".parse().unwrap(), web)].into(), ..Containers::default() };
    let unit = |tag: &str, sha256: &str| {
        let images = vec![ArchiveFacts { tags: vec![tag.to_owned()], sha256: sha256.to_owned() }];
        let mut files = Files::default();
        render(&containers, &Secrets::default(), &PayloadFacts { digest: None, images }, &mut files);
        String::from_utf8(files.into_map().into_values().next().unwrap().bytes).unwrap()
    };
    assert_ne!(unit("localhost/web:latest", "aa"), unit("localhost/web:latest", "bb"));
    assert_eq!(unit("localhost/other:latest", "aa"), unit("localhost/other:latest", "bb"));
}

fn rendered(containers: &Containers, digest: Option<&str>) -> Vec<(String, String)> {
    let mut files = Files::default();
    render(
        containers,
        &Secrets::default(),
        &PayloadFacts { digest: digest.map(str::to_owned), images: Vec::new() },
        &mut files,
    );
    let text = |bytes| String::from_utf8(bytes).unwrap();
    files.into_map().into_iter().map(|(path, file)| (path, text(file.bytes))).collect()
}

fn one(mode: Mode, network: ContainerNetwork, sections: Vec<Section>) -> String {
    let containers = [("web".parse().unwrap(), container(mode, network, sections))].into();
    let mut files = rendered(&Containers { containers, ..Containers::default() }, Some("sha256:00"));
    assert_eq!(files.len(), 1);
    files.remove(0).1
}

#[test]
fn a_value_is_quadlet_s_but_for_our_two_tokens() {
    for (written, text) in [
        ("50 %% of %H and $HOME and ${HOME}", "50 %% of %H and $HOME and ${HOME}"),
        ("${FILES_DIR}/a:/a", "/data/config/current/files/a:/a"),
        ("X=${CONFIG_DIR}:${FILES_DIR}", "X=/data/config/current:/data/config/current/files"),
        ("${FILES_DIRX}", "${FILES_DIRX}"),
    ] {
        assert_eq!(with_folders(written), text);
    }
}

#[test]
fn a_user_s_systemd_is_asked_for_nothing_it_does_not_know() {
    let unit = || {
        let after = ("After", "network-online.target db.service");
        let entries = [after, ("Description", "to a.target"), ("Requires", "multi-user.target")];
        vec![section("Unit", &entries)]
    };
    let rootless = one(Mode::Rootless, ContainerNetwork::Pasta, unit());
    let lines = statements(&rootless);
    assert_eq!(lines[1..4], ["After=db.service", "Description=to a.target", "StartLimitIntervalSec=0"]);
    let rootful = one(Mode::Rootful, ContainerNetwork::Host, unit());
    assert!(rootful.contains("After=network-online.target db.service\n"), "{rootful}");
}

#[test]
fn the_network_is_ours_to_say() {
    let joined = ContainerNetwork::Joined(vec!["a".parse().unwrap(), "b".parse().unwrap()]);
    for (network, lines) in [
        (ContainerNetwork::Host, vec!["Network=host"]),
        (ContainerNetwork::Pasta, vec!["Network=pasta"]),
        (ContainerNetwork::None, vec!["Network=none"]),
        (joined, vec!["Network=a.network", "Network=b.network"]),
    ] {
        let text = one(Mode::Rootful, network, vec![section("Container", &[("Image", "x")])]);
        let found: Vec<&str> =
            statements(&text).into_iter().filter(|line| line.starts_with("Network=")).collect();
        assert_eq!(found, lines);
    }
}

#[test]
fn what_the_owner_says_of_a_service_comes_before_our_defaults() {
    let of = |entries| {
        let text = one(Mode::Rootful, ContainerNetwork::Host, vec![section("Service", entries)]);
        let (_, service) = text.split_once("[Service]\n").unwrap();
        service.lines().map(str::to_owned).collect::<Vec<String>>()
    };
    let pause = ["RestartSec=2", "RestartSteps=5", "RestartMaxDelaySec=60"];
    let with = |own: &[&str], pause: &[&str], last: &[&str]| {
        [own, pause, last].concat().into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    assert_eq!(of(&[]), with(&["Restart=on-failure"], &pause, &["TimeoutStartSec=900"]));
    assert_eq!(of(&[("Restart", "always")]), with(&["Restart=always"], &pause, &["TimeoutStartSec=900"]));
    assert_eq!(
        of(&[("RestartSec", "9"), ("TimeoutSec", "5")]),
        with(&["RestartSec=9", "TimeoutSec=5", "Restart=on-failure"], &[], &[])
    );
}

#[test]
fn a_user_s_systemd_has_another_target() {
    let install = || vec![section("Install", &[("WantedBy", "multi-user.target")])];
    let rootful = one(Mode::Rootful, ContainerNetwork::Host, install());
    let rootless = one(Mode::Rootless, ContainerNetwork::Pasta, install());
    assert!(rootful.ends_with("[Install]\nWantedBy=multi-user.target\n"), "{rootful}");
    assert!(rootless.ends_with("[Install]\nWantedBy=default.target\n"), "{rootless}");
}

#[test]
fn only_units_that_use_files_change_with_them() {
    let with =
        |value| one(Mode::Rootful, ContainerNetwork::Host, vec![section("Container", &[("Volume", value)])]);
    for (value, expected) in
        [("${FILES_DIR}/a:/a", true), ("${CONFIG_DIR}/files:/a", true), ("/data/a:/a", false)]
    {
        assert_eq!(with(value).contains("sha256:00"), expected, "{value}");
    }
}

#[test]
fn a_resource_is_made_in_each_podman_that_uses_it_and_a_network_anew() {
    let network = resource(&[Mode::Rootful, Mode::Rootless], section("Network", &[]));
    let named = resource(&[Mode::Rootless], section("Network", &[("NetworkName", "own")]));
    let odd = resource(&[Mode::Rootless], section("Network", &[("NetworkName", "-a; b")]));
    let networks =
        [("a", network), ("b", named), ("c", odd)].map(|(name, r)| (name.parse().unwrap(), r)).into();
    let volumes = [("v".parse().unwrap(), resource(&[Mode::Rootful], section("Volume", &[])))].into();
    let files = rendered(&Containers { networks, volumes, ..Containers::default() }, None);
    let removes = |text: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("ExecStartPre=-/usr/bin/podman network rm --force "));
        line.map(str::to_owned)
    };
    let found: Vec<(&str, Option<String>)> =
        files.iter().map(|(path, text)| (path.as_str(), removes(text))).collect();
    let expected = [
        ("/etc/containers/systemd/a.network", Some("systemd-a".to_owned())),
        ("/etc/containers/systemd/users/900/a.network", Some("systemd-a".to_owned())),
        ("/etc/containers/systemd/users/900/b.network", Some("own".to_owned())),
        ("/etc/containers/systemd/users/900/c.network", None),
        ("/etc/containers/systemd/v.volume", None),
    ];
    assert_eq!(found, expected);
}
