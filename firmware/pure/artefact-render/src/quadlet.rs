//! Units for Podman's generator (podman-systemd.unit(5), Podman 5.4): the sections as the configuration has them, with what
//! isolates a container, and with defaults for a box that nobody watches where the owner said nothing.
//!
//! # Values are Quadlet's
//!
//! A value is written as it stands, but for our two tokens. So `%H` is the host's name, `%%` a `%` and `$$` a `$`, as in any
//! Quadlet unit: owners bring units that worked elsewhere. Which specifiers there may be, and that a value is one line, was
//! checked before; and a container's service has no variables of its own that `${NAME}` could bring in. Doubling every sign
//! instead, so that a value means itself, was rejected for that: it would double those that are doubled already.
//!
//! # What is made anew, and what is kept
//!
//! `podman network create --ignore` and `podman volume create --ignore` leave what exists as it is. A network holds nothing,
//! so it is made anew each time its service starts, with the options of now. A volume holds data: once made, it keeps its
//! options.

use appliance_config::{Container, ContainerNetwork, Containers, Mode, Publish, Resource, Section};

use crate::artefacts::Files;
use crate::image_name::is_same_image;
use crate::paths::{UnitFile, UnitKind};
use crate::unit_text::UnitText;

/// Facts about the files that come with a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PayloadFacts {
    /// A digest of all of them. It is written into the units that use them, so that other files make another unit, and
    /// its container starts again.
    pub digest: Option<String>,
    /// Archives of images that come with it. The digest of each is written into the units that use an image of it, for the
    /// same reason: another image of the same name makes another unit.
    pub images: Vec<ArchiveFacts>,
}

/// An archive of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFacts {
    /// The images' names; none: whatever is not named elsewhere may be in it.
    pub tags: Vec<String>,
    /// Its digest.
    pub sha256: String,
}

const FILES_TOKEN: &str = "${FILES_DIR}";
const CONFIG_TOKEN: &str = "${CONFIG_DIR}";
const CONFIG_DIR: &str = "/data/config/current";
const FILES_DIR: &str = "/data/config/current/files";

/// Lines that a unit gets when the owner wrote none of these keys.
struct Default {
    unless: &'static [&'static str],
    lines: &'static [(&'static str, &'static str)],
}

/// No number of failures is the last.
const NO_START_LIMIT: Default = Default {
    unless: &["StartLimitIntervalSec", "StartLimitBurst", "StartLimitAction"],
    lines: &[("StartLimitIntervalSec", "0")],
};

/// `on-failure` and not `always`: a program that ends well has done its work, and starting it again could do it twice.
const RESTART: Default = Default { unless: &["Restart"], lines: &[("Restart", "on-failure")] };

/// Containers that wait for a network, volume or image go on waiting while it is tried again. In the other mode they would
/// fail with it, and nobody would start them again.
const RESTART_DIRECTLY: Default = Default { unless: &["RestartMode"], lines: &[("RestartMode", "direct")] };

/// Soon at first, then every minute.
const RESTART_PAUSE: Default = Default {
    unless: &["RestartSec", "RestartSteps", "RestartMaxDelaySec"],
    lines: &[("RestartSec", "2"), ("RestartSteps", "5"), ("RestartMaxDelaySec", "60")],
};

/// An image may have to come over a slow line first.
const PULL_TIMEOUT: Default =
    Default { unless: &["TimeoutStartSec", "TimeoutSec"], lines: &[("TimeoutStartSec", "900")] };

pub(crate) fn render(containers: &Containers, payload: &PayloadFacts, files: &mut Files) {
    for (name, container) in &containers.containers {
        let file = UnitFile { mode: container.mode, kind: UnitKind::Container, name: name.as_str() };
        files.add(file.path(), container_unit(&file, container, payload));
    }
    let resources = [
        (UnitKind::Network, &containers.networks),
        (UnitKind::Volume, &containers.volumes),
        (UnitKind::Image, &containers.images),
    ];
    for (kind, map) in resources {
        for (name, resource) in map {
            for mode in &resource.modes {
                let file = UnitFile { mode: *mode, kind, name: name.as_str() };
                files.add(file.path(), resource_unit(&file, resource, payload));
            }
        }
    }
}

fn container_unit(file: &UnitFile<'_>, container: &Container, payload: &PayloadFacts) -> String {
    let written = |name: &str| container.sections.iter().find(|section| section.name == name);
    let mut text = head(file, &container.sections, payload);

    text.section("Unit");
    section(&mut text, written("Unit"), file.mode);
    defaults(&mut text, written("Unit"), &[NO_START_LIMIT]);

    text.section("Container");
    section(&mut text, written("Container"), file.mode);
    match &container.network {
        ContainerNetwork::Host => text.entry("Network", "host"),
        ContainerNetwork::Pasta => text.entry("Network", "pasta"),
        ContainerNetwork::None => text.entry("Network", "none"),
        ContainerNetwork::Joined(networks) => {
            text.entries("Network", networks.iter().map(|name| format!("{name}.network")))
        }
    };
    text.entries("PublishPort", container.publish.iter().map(Publish::as_str));

    text.section("Service");
    section(&mut text, written("Service"), file.mode);
    defaults(&mut text, written("Service"), &[RESTART, RESTART_PAUSE, PULL_TIMEOUT]);

    if let Some(install) = written("Install") {
        text.section("Install");
        section(&mut text, Some(install), file.mode);
    }
    text.finish()
}

fn resource_unit(file: &UnitFile<'_>, resource: &Resource, payload: &PayloadFacts) -> String {
    let own = &resource.section;
    let mut text = head(file, std::slice::from_ref(own), payload);
    text.section("Unit");
    defaults(&mut text, None, &[NO_START_LIMIT]);
    text.section(own.name);
    section(&mut text, Some(own), file.mode);
    text.section("Service");
    if file.kind == UnitKind::Network
        && let Some(network) = network_name(file.name, own)
    {
        // Nothing runs on it: containers start after this service and stop before it. What `--force` removes with it are
        // remains of containers that a power cut left.
        text.entry("ExecStartPre", format_args!("-/usr/bin/podman network rm --force {network}"));
    }
    defaults(&mut text, None, &[RESTART, RESTART_DIRECTLY, RESTART_PAUSE]);
    // A volume may be filled from an image.
    if file.kind != UnitKind::Network {
        defaults(&mut text, None, &[PULL_TIMEOUT]);
    }
    text.finish()
}

fn head(file: &UnitFile<'_>, sections: &[Section], payload: &PayloadFacts) -> UnitText {
    let mut text = UnitText::new(&format!("# {}, from config.toml.", file.file_name()));
    let values = sections.iter().flat_map(|section| &section.entries).flat_map(|(_, values)| values);
    let mut values = values.filter(|value| value.contains(FILES_TOKEN) || value.contains(CONFIG_TOKEN));
    if let (Some(digest), true) = (&payload.digest, values.next().is_some()) {
        text.comment(format_args!("It uses files of the configuration: {}", digest.escape_default()));
    }
    for archive in payload.images.iter().filter(|archive| archive.has_image_of(sections)) {
        text.comment(format_args!(
            "Its image came with the configuration: {}",
            archive.sha256.escape_default()
        ));
    }
    text
}

impl ArchiveFacts {
    fn has_image_of(&self, sections: &[Section]) -> bool {
        let entries = sections.iter().flat_map(|section| &section.entries);
        let mut images = entries.filter(|(key, _)| key == "Image").flat_map(|(_, values)| values);
        images.any(|image| self.tags.is_empty() || self.tags.iter().any(|tag| is_same_image(tag, image)))
    }
}

fn section(text: &mut UnitText, section: Option<&Section>, mode: Mode) {
    let Some(section) = section else { return };
    for (key, values) in &section.entries {
        for value in values {
            let value = match (section.name, mode) {
                ("Unit", Mode::Rootless) if names_units(key) => known_to_user(value),
                ("Install", Mode::Rootless) => value.replace("multi-user.target", "default.target"),
                _ => with_folders(value),
            };
            if !value.is_empty() {
                text.entry(key, value);
            }
        }
    }
}

fn names_units(key: &str) -> bool {
    !["Description", "Documentation"].contains(&key) && !key.starts_with("StartLimit")
}

/// A user's systemd does not know the targets of the system's, and a unit that requires one would never start. Each of them
/// is reached, or has been waited for, before the containers are started.
fn known_to_user(value: &str) -> String {
    const TARGETS: [&str; 5] =
        ["basic.target", "default.target", "paths.target", "sockets.target", "timers.target"];
    let known = |unit: &&str| !unit.ends_with(".target") || TARGETS.contains(unit);
    value.split_whitespace().filter(known).collect::<Vec<&str>>().join(" ")
}

fn defaults(text: &mut UnitText, written: Option<&Section>, defaults: &[Default]) {
    let has = |key: &&str| written.is_some_and(|section| section.entries.iter().any(|(own, _)| own == key));
    for default in defaults.iter().filter(|default| !default.unless.iter().any(has)) {
        for (key, value) in default.lines {
            text.entry(key, value);
        }
    }
}

/// The value, with the folders that the tokens stand for.
fn with_folders(value: &str) -> String {
    value.replace(FILES_TOKEN, FILES_DIR).replace(CONFIG_TOKEN, CONFIG_DIR)
}

/// Podman's name for the network, unless it is one that a command line cannot carry as it is.
fn network_name(unit: &str, section: &Section) -> Option<String> {
    let own =
        section.entries.iter().find(|(key, _)| key == "NetworkName").and_then(|(_, values)| values.last());
    let name = own.cloned().unwrap_or_else(|| format!("systemd-{unit}"));
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    (plain && !name.is_empty() && !name.starts_with('-')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            render(&containers, &PayloadFacts { digest: None, images }, &mut files);
            String::from_utf8(files.into_map().into_values().next().unwrap().bytes).unwrap()
        };
        assert_ne!(unit("localhost/web:latest", "aa"), unit("localhost/web:latest", "bb"));
        assert_eq!(unit("localhost/other:latest", "aa"), unit("localhost/other:latest", "bb"));
    }

    use crate::testing::{container, resource, section, statements};

    fn rendered(containers: &Containers, digest: Option<&str>) -> Vec<(String, String)> {
        let mut files = Files::default();
        render(
            containers,
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
        let with = |value| {
            one(Mode::Rootful, ContainerNetwork::Host, vec![section("Container", &[("Volume", value)])])
        };
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
}
