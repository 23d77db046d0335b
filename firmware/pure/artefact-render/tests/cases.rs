//! Acceptance cases about what a document becomes.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use appliance_config::{Sources, SystemFacts};
use artefact_render::{ArchiveFacts, Artefacts, PayloadFacts, UnitAction, actions, render};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

const ROOTFUL: &str = "/etc/containers/systemd";
const ROOTLESS: &str = "/etc/containers/systemd/users/900";

/// A frozen document of AtomixOS, rendered.
fn atomixos(name: &str) -> Artefacts {
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("../appliance-config/tests/frozen/version-1");
    let config = common::load(&frozen.join(format!("atomixos-{name}.toml")));
    render(&config, &common::IMAGE, &Default::default(), &common::payload())
}

/// A document with an administrator, and `more`, rendered with `payload`.
fn rendered_with(more: &str, payload: &PayloadFacts) -> Artefacts {
    let document = format!("version = 1\nusers.alice = {{ isAdmin = true, ssh_key = \"{KEY}\" }}\n{more}");
    let sources = Sources { config: document.as_bytes(), overlay: None };
    let loaded = appliance_config::load(&sources, &SystemFacts::of_image());
    let loaded = loaded.unwrap_or_else(|problems| panic!("{document}\n{problems}"));
    render(&loaded.config, &common::IMAGE, &Default::default(), payload)
}

fn rendered(more: &str) -> Artefacts {
    rendered_with(more, &PayloadFacts::default())
}

fn text<'a>(artefacts: &'a Artefacts, path: &str) -> &'a str {
    let file = artefacts
        .files
        .get(path)
        .unwrap_or_else(|| panic!("{path} is not among {:?}", artefacts.files.keys()));
    std::str::from_utf8(&file.bytes).unwrap()
}

/// The values of a key in a unit's file.
fn values<'a>(artefacts: &'a Artefacts, path: &str, key: &str) -> Vec<&'a str> {
    let lines = text(artefacts, path).lines().filter_map(|line| line.split_once('='));
    lines.filter(|(other, _)| *other == key).map(|(_, value)| value).collect()
}

fn in_place(artefacts: &Artefacts) -> BTreeMap<String, Vec<u8>> {
    artefacts.files.iter().map(|(path, file)| (path.clone(), file.bytes.clone())).collect()
}

#[test]
fn c01_documents_of_atomixos_are_rendered_to_the_same_effect() {
    let minimal = atomixos("minimal");
    let web = format!("{ROOTFUL}/web.container");
    assert_eq!(values(&minimal, &web, "Network"), ["host"]);
    assert_eq!(values(&minimal, &web, "Image"), ["docker.io/library/nginx:1.29"]);
    assert!(
        text(&minimal, "/etc/slipway/required.json")
            .contains(r#""required":[{"unit":"web.service","mode":"rootful"}]"#)
    );

    let caddy = atomixos("caddy-oidc");
    let (front, app) = (format!("{ROOTFUL}/caddy.container"), format!("{ROOTLESS}/app.container"));
    assert_eq!(values(&caddy, &front, "Network"), ["host"]);
    assert_eq!(
        values(&caddy, &front, "Volume"),
        [
            "/data/config/current/files/caddy/Caddyfile:/etc/caddy/Caddyfile:ro",
            "caddy-data.volume:/data",
            "caddy-config.volume:/config"
        ]
    );
    assert_eq!(values(&caddy, &front, "Environment").len(), 4);
    assert_eq!(values(&caddy, &app, "Network"), ["pasta"]);
    assert_eq!(values(&caddy, &app, "PublishPort"), ["127.0.0.1:8081:8080/tcp"]);
    // Volumes are where the containers that use them are.
    assert!(caddy.files.contains_key(&format!("{ROOTFUL}/caddy-data.volume")));

    let full = atomixos("full");
    let (proxy, app, metrics) = (
        format!("{ROOTFUL}/proxy.container"),
        format!("{ROOTLESS}/app.container"),
        format!("{ROOTLESS}/metrics.container"),
    );
    assert_eq!(values(&full, &proxy, "Network"), ["host"]);
    assert_eq!(values(&full, &proxy, "PublishPort"), [""; 0], "the host's network has no ports to publish");
    assert_eq!(values(&full, &proxy, "Environment"), ["MODE=plant", "RATE=100%%", "HOME=${HOME}"]);
    assert_eq!(values(&full, &proxy, "ConditionPathExists"), ["/data"]);
    // The build makes the image that the container names by its tag: it comes first.
    assert_eq!(values(&full, &proxy, "Image"), ["proxy-image.build"]);
    assert_eq!(
        values(&full, &format!("{ROOTFUL}/proxy-image.build"), "SetWorkingDirectory"),
        ["/data/config/current/files/proxy"]
    );
    assert_eq!(values(&full, &app, "Network"), ["pasta"], "whatever is written");
    assert_eq!(
        values(&full, &app, "PublishPort"),
        ["127.0.0.1:8081:8080/tcp", "127.0.0.1:8082:8082/tcp", "127.0.0.1:8083:8083/tcp"]
    );
    assert_eq!(values(&full, &app, "EnvironmentFile"), ["/data/config/current/files/app.env"]);
    assert_eq!(values(&full, &metrics, "Network"), ["pasta"]);
    assert_eq!(values(&full, &metrics, "PublishPort"), ["127.0.0.1:9090:9090/tcp"]);
    assert!(full.files.contains_key(&format!("{ROOTFUL}/backplane.network")), "networks are root's");
    assert!(full.files.contains_key(&format!("{ROOTLESS}/rows.volume")), "a volume is where it is used");

    let shell = |name: &str| {
        let line = text(&full, "/etc/passwd").lines().find(|line| line.starts_with(&format!("{name}:x:")));
        line.and_then(|line| line.rsplit(':').next())
    };
    assert_eq!((shell("admin"), shell("display")), (Some("/bin/bash"), Some("/bin/sh")));
    assert!(!full.files.contains_key("/etc/slipway/authorized-keys/display"), "an empty key is none");
    let required = text(&full, "/etc/slipway/required.json");
    for part in [
        r#""required":[{"unit":"app.service","mode":"rootless"},{"unit":"proxy.service","mode":"rootful"}]"#,
        r#""restart":[{"unit":"proxy.service","mode":"rootful"}]"#,
        r#""timeout_s":600,"settle_s":10"#,
        // `metrics` may fail, and all others are required anyway.
        r#""required_at_change":[]"#,
    ] {
        assert!(required.contains(part), "{part}: {required}");
    }
    let updated = text(&full, "/etc/slipway/updated.toml");
    assert!(
        updated.contains("source = \"atomixos\"\nurl = \"https://updates.example:8443/fleet\"\n"),
        "{updated}"
    );
}

#[test]
fn c05_tokens_are_live_paths_also_while_a_candidate_is_rendered() {
    let more = "containers.container.web = { privileged = false, Container = { Image = 'a', \
                Volume = ['${FILES_DIR}/x:/x', '${CONFIG_DIR}/config.toml:/c'], Environment = 'A=${OTHER}/${FILES_DIR}' } }\n\
                health.command.c.command = ['${FILES_DIR}/check']\n";
    // What is rendered is a function of the document and of what came with it: a candidate has no place that could get in.
    let (candidate, live) = (
        rendered_with(more, &PayloadFacts { digest: Some("sha256:aa".to_owned()), images: Vec::new() }),
        rendered_with(more, &PayloadFacts { digest: Some("sha256:bb".to_owned()), images: Vec::new() }),
    );
    let web = format!("{ROOTLESS}/web.container");
    for artefacts in [&candidate, &live] {
        assert_eq!(
            values(artefacts, &web, "Volume"),
            ["/data/config/current/files/x:/x", "/data/config/current/config.toml:/c"]
        );
        assert_eq!(values(artefacts, &web, "Environment"), ["A=${OTHER}//data/config/current/files"]);
        assert!(
            text(artefacts, "/etc/slipway/health.json").contains(r#"["/data/config/current/files/check"]"#)
        );
    }
    // Other files make another unit, so that the container is started with them.
    let restart = UnitAction::Restart(appliance_config::Mode::Rootless, "web.service".to_owned());
    assert!(actions(&in_place(&candidate), &live).contains(&restart));
}

#[test]
fn q01_rootful_is_on_the_host_s_network_and_rootless_behind_pasta_on_loopback() {
    let container = |name: &str, privileged: bool, keys: &str| {
        format!(
            "containers.container.{name} = {{ privileged = {privileged}, Container = {{ Image = 'a', {keys} }} }}\n"
        )
    };
    for (keys, ports) in [
        ("PublishPort = '8080:80'", "127.0.0.1:8080:80/tcp"),
        ("PublishPort = '127.0.1.1:8080:80'", "127.0.1.1:8080:80/tcp"),
        ("PublishPort = 'localhost:8080:80'", "127.0.0.1:8080:80/tcp"),
        ("PublishPort = '[::1]:8080:80/udp'", "127.0.0.1:8080:80/udp"),
        ("PublishPort = '0.0.0.0:8080:80'", "127.0.0.1:8080:80/tcp"),
        ("PublishPort = '172.20.30.1:8080:80'", "127.0.0.1:8080:80/tcp"),
    ] {
        let artefacts = rendered(&container("web", false, keys));
        let web = format!("{ROOTLESS}/web.container");
        assert_eq!(
            (values(&artefacts, &web, "Network"), values(&artefacts, &web, "PublishPort")),
            (vec!["pasta"], vec![ports])
        );
    }
    for network in
        ["", "Network = 'host'", "Network = 'bridge'", "Network = 'pasta'", "Network = 'container:x'"]
    {
        let artefacts = rendered(&container("web", true, network));
        assert_eq!(values(&artefacts, &format!("{ROOTFUL}/web.container"), "Network"), ["host"], "{network}");
    }
    // A network that the document declares is joined, in both.
    for (privileged, folder) in [(true, ROOTFUL), (false, ROOTLESS)] {
        let joined =
            container("web", privileged, "Network = 'front'") + "containers.network.front.Network = {}\n";
        let artefacts = rendered(&joined);
        assert_eq!(values(&artefacts, &format!("{folder}/web.container"), "Network"), ["front.network"]);
        assert!(artefacts.files.contains_key(&format!("{folder}/front.network")));
    }
}

#[test]
fn q02_a_removed_container_is_stopped_foreign_units_stay_and_a_second_apply_changes_nothing() {
    let two = "containers.container.web = { privileged = true, Container.Image = 'a' }\n\
               containers.container.app = { privileged = false, Container.Image = 'b' }\n";
    let (before, after) = (rendered(two), rendered(two.lines().next().unwrap()));
    let mode = appliance_config::Mode::Rootless;
    let mut present = in_place(&before);
    assert_eq!(actions(&present, &before), []);
    assert_eq!(
        actions(&present, &after),
        [UnitAction::Stop(mode, "app.service".to_owned()), UnitAction::ReloadManager(mode)]
    );
    assert!(!after.files.contains_key(&format!("{ROOTLESS}/app.container")));
    // What others have put there is none of ours, so it is never in `present`.
    for foreign in [
        "/etc/systemd/system/mine.service",
        "/etc/containers/systemd/mine.kube",
        "/etc/containers/policy.json",
    ] {
        assert!(!artefact_render::is_ours(foreign), "{foreign}");
    }
    present = in_place(&after);
    assert_eq!(actions(&present, &after), []);
}

#[test]
fn another_image_of_the_same_name_restarts_the_containers_behind_an_image_unit_too() {
    let more = "containers.container.web = { privileged = false, Container.Image = 'shop.image' }\n\
                containers.container.mount = { privileged = false, Container = { Image = 'x', Mount = 'type=image,source=shop,dst=/s' } }\n\
                containers.image.shop.Image.Image = 'localhost/shop'\n";
    let with = |tags: &[&str], sha256: &str| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let images = vec![ArchiveFacts { tags, sha256: sha256.to_owned() }];
        rendered_with(more, &PayloadFacts { digest: None, images })
    };
    let mode = appliance_config::Mode::Rootless;
    let restarts = ["mount.service", "web.service"].map(|unit| UnitAction::Restart(mode, unit.to_owned()));
    let (old, new) = (with(&["localhost/shop:latest"], "aa"), with(&["localhost/shop:latest"], "bb"));
    let web = format!("{ROOTLESS}/web.container");
    assert_eq!(values(&old, &web, "Image"), ["localhost/shop"], "no unit pulls what no registry has");
    assert!(!old.files.contains_key(&format!("{ROOTLESS}/shop.image")));
    let list = actions(&in_place(&old), &new);
    assert!(restarts.iter().all(|restart| list.contains(restart)), "{list:?}");
    // An archive that does not say what is in it may hold the image: it is still pulled where it is not, and restarted as well.
    let (old, new) = (with(&[], "aa"), with(&[], "bb"));
    assert_eq!(values(&old, &web, "Image"), ["shop.image"]);
    assert_ne!(text(&old, &web), text(&new, &web));
    // Another image is another matter.
    assert_eq!(
        actions(&in_place(&with(&["localhost/other:1"], "aa")), &with(&["localhost/other:1"], "bb")),
        []
    );
}

#[test]
fn a_changed_secret_restarts_what_reads_it_and_nothing_else() {
    let document = |oidc: &str, key: &str, password: &str| {
        rendered(&format!(
            "secrets.values = {{ oidc = '{oidc}', key = '{key}' }}\n\
             secrets.registries.r = {{ username = 'robot', password = '{password}' }}\n\
             containers.container.web = {{ privileged = false, Container = {{ Image = 'a', Secret = 'oidc,type=env,target=O' }} }}\n\
             containers.container.app = {{ privileged = true, Container = {{ Image = 'a', Secret = 'key' }} }}\n\
             containers.container.alone = {{ privileged = true, Container = {{ Image = 'a' }} }}\n"
        ))
    };
    let before = document("x", "y", "z");
    let restart = |mode, unit: &str| UnitAction::Restart(mode, unit.to_owned());
    let (rootful, rootless) = (appliance_config::Mode::Rootful, appliance_config::Mode::Rootless);
    for (after, expected) in [
        (document("x", "y", "z"), vec![]),
        (document("X", "y", "z"), vec![UnitAction::PlaceSecrets, restart(rootless, "web.service")]),
        (document("x", "Y", "z"), vec![UnitAction::PlaceSecrets, restart(rootful, "app.service")]),
        // What runs has its image: the login is for the next pull.
        (document("x", "y", "Z"), vec![UnitAction::PlaceSecrets]),
    ] {
        assert_eq!(actions(&in_place(&before), &after), expected);
    }
    // No file that others may read has a secret in it, not even as a digest.
    for (path, file) in &before.files {
        let secret = path.starts_with("/etc/credstore/") || path == "/etc/tmpfiles.d/slipway-secrets.conf";
        assert_eq!(file.mode & 0o077 == 0, secret || path.ends_with("shadow"), "{path}");
    }
}

#[test]
fn what_is_listed_is_restarted_at_every_change_and_not_without_one() {
    let document = |user: &str| {
        rendered(&format!(
            "users.{user} = {{}}\nactivation = {{ required = [], restart = ['web', 'app'] }}\n\
             containers.container.web = {{ privileged = true, Container.Image = 'a' }}\n\
             containers.container.app = {{ privileged = false, Container.Image = 'a' }}\n\
             containers.container.other = {{ privileged = false, Container.Image = 'a' }}\n"
        ))
    };
    let (before, after) = (document("bob"), document("carol"));
    assert_eq!(actions(&in_place(&before), &before), []);
    let list = actions(&in_place(&before), &after);
    let (rootful, rootless) = (appliance_config::Mode::Rootful, appliance_config::Mode::Rootless);
    let restarts = [
        UnitAction::Restart(rootful, "web.service".to_owned()),
        UnitAction::Restart(rootless, "app.service".to_owned()),
    ];
    assert!(list.ends_with(&restarts), "{list:?}");
    // What is started anyway is not started twice.
    let first = actions(&BTreeMap::new(), &after);
    assert!(!restarts.iter().any(|restart| first.contains(restart)), "{first:?}");
}
