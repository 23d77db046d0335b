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
//!
//! # Images that came with the configuration
//!
//! They are in Podman's store before anything starts, and no registry has them. So no unit pulls them: an `.image` unit of such an
//! image is left out, and what names it names the image itself. The digest of the archive is in every unit that uses it: another
//! image of the same name makes another unit, and its container starts again.

use std::collections::BTreeMap;

use appliance_config::{
    Build, Container, ContainerNetwork, Containers, Mode, Pod, Publish, Resource, SecretTarget, Secrets,
    Section,
};
use appliance_types::ContainerName;

use crate::artefacts::Files;
use crate::folders::{CONFIG_TOKEN, FILES_TOKEN, with_folders};
use crate::image_name::is_same_image;
use crate::paths::{UnitFile, UnitKind};
use crate::quadlet_defaults::{
    NO_START_LIMIT, PULL_TIMEOUT, RESTART, RESTART_DIRECTLY, RESTART_PAUSE, TEMPORARY_FILES, defaults,
};
use crate::secrets;
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

/// Keys of a later Podman, and the options with which ours is told. That a value is one word was checked.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("Container", "HttpProxy", "--http-proxy"),
    ("Container", "Memory", "--memory"),
    ("Container", "Retry", "--retry"),
    ("Container", "RetryDelay", "--retry-delay"),
    ("Build", "BuildArg", "--build-arg"),
    ("Build", "IgnoreFile", "--ignorefile"),
    ("Build", "Retry", "--retry"),
    ("Build", "RetryDelay", "--retry-delay"),
    ("Pod", "HostName", "--hostname"),
    ("Pod", "Label", "--label"),
];

pub(crate) fn render(containers: &Containers, secrets: &Secrets, payload: &PayloadFacts, files: &mut Files) {
    let units = Units { containers, secrets, payload };
    for (name, container) in &containers.containers {
        let file = UnitFile { mode: container.mode, kind: UnitKind::Container, name: name.as_str() };
        files.add(file.path(), units.container(&file, container));
    }
    for (name, pod) in &containers.pods {
        let file = UnitFile { mode: pod.mode, kind: UnitKind::Pod, name: name.as_str() };
        files.add(file.path(), units.pod(&file, pod));
    }
    for (name, build) in &containers.builds {
        for mode in &build.modes {
            let file = UnitFile { mode: *mode, kind: UnitKind::Build, name: name.as_str() };
            files.add(file.path(), units.build(&file, build));
        }
    }
    let resources = [
        (UnitKind::Network, &containers.networks),
        (UnitKind::Volume, &containers.volumes),
        (UnitKind::Image, &containers.images),
    ];
    for (kind, map) in resources {
        for (name, resource) in
            map.iter().filter(|(name, _)| kind != UnitKind::Image || !units.is_brought(name))
        {
            for mode in &resource.modes {
                let file = UnitFile { mode: *mode, kind, name: name.as_str() };
                files.add(file.path(), units.resource(&file, resource));
            }
        }
    }
}

/// All units of a configuration, and what came with it.
struct Units<'a> {
    containers: &'a Containers,
    secrets: &'a Secrets,
    payload: &'a PayloadFacts,
}

impl Units<'_> {
    fn container(&self, file: &UnitFile<'_>, container: &Container) -> String {
        let written = |name: &str| container.sections.iter().find(|section| section.name == name);
        let mut text = self.head(file, &container.sections);

        text.section("Unit");
        self.section(&mut text, written("Unit"), file.mode);
        defaults(&mut text, written("Unit"), &[NO_START_LIMIT]);

        text.section("Container");
        self.section(&mut text, written("Container"), file.mode);
        network(&mut text, &container.network, &container.publish);
        let mut variables = false;
        for secret in &container.secrets {
            match &secret.target {
                SecretTarget::File(target) => {
                    let source = secrets::file(&secret.name, file.mode);
                    text.entry("Volume", format_args!("{source}:{target}:ro"));
                }
                SecretTarget::Variable(_) => variables = true,
            }
        }
        if variables {
            text.entry("EnvironmentFile", secrets::environment(file.name, file.mode));
        }

        text.section("Service");
        self.section(&mut text, written("Service"), file.mode);
        self.logins(&mut text, file.mode);
        defaults(&mut text, written("Service"), &[RESTART, RESTART_PAUSE, PULL_TIMEOUT]);
        self.install(&mut text, written("Install"), file.mode);
        text.finish()
    }

    fn pod(&self, file: &UnitFile<'_>, pod: &Pod) -> String {
        let written = |name: &str| pod.sections.iter().find(|section| section.name == name);
        let mut text = self.head(file, &pod.sections);
        text.section("Unit");
        self.section(&mut text, written("Unit"), file.mode);
        defaults(&mut text, written("Unit"), &[NO_START_LIMIT]);
        text.section("Pod");
        self.section(&mut text, written("Pod"), file.mode);
        network(&mut text, &pod.network, &pod.publish);
        text.section("Service");
        self.section(&mut text, written("Service"), file.mode);
        defaults(&mut text, written("Service"), &[RESTART, RESTART_PAUSE]);
        self.install(&mut text, written("Install"), file.mode);
        text.finish()
    }

    fn build(&self, file: &UnitFile<'_>, build: &Build) -> String {
        let own = &build.section;
        let mut text = self.head(file, std::slice::from_ref(own));
        // What it begins with stands in a file that nobody here reads: it may be any of them.
        for archive in &self.payload.images {
            text.comment(format_args!(
                "An image that came with the configuration: {}",
                archive.sha256.escape_default()
            ));
        }
        text.section("Unit");
        defaults(&mut text, None, &[NO_START_LIMIT]);
        text.section(own.name);
        self.section(&mut text, Some(own), file.mode);
        for name in &build.secrets {
            text.entry("Secret", format_args!("id={name},src={}", secrets::file(name, file.mode)));
        }
        text.section("Service");
        self.logins(&mut text, file.mode);
        defaults(&mut text, None, &[TEMPORARY_FILES, RESTART, RESTART_DIRECTLY, RESTART_PAUSE, PULL_TIMEOUT]);
        text.finish()
    }

    fn resource(&self, file: &UnitFile<'_>, resource: &Resource) -> String {
        let own = &resource.section;
        let mut text = self.head(file, std::slice::from_ref(own));
        text.section("Unit");
        defaults(&mut text, None, &[NO_START_LIMIT]);
        text.section(own.name);
        self.section(&mut text, Some(own), file.mode);
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
            self.logins(&mut text, file.mode);
            defaults(&mut text, None, &[PULL_TIMEOUT]);
        }
        text.finish()
    }

    fn head(&self, file: &UnitFile<'_>, sections: &[Section]) -> UnitText {
        let mut text = UnitText::new(&format!("# {}, from config.toml.", file.file_name()));
        let values = sections.iter().flat_map(|section| &section.entries).flat_map(|(_, values)| values);
        let mut values = values.filter(|value| value.contains(FILES_TOKEN) || value.contains(CONFIG_TOKEN));
        if let (Some(digest), true) = (&self.payload.digest, values.next().is_some()) {
            text.comment(format_args!("It uses files of the configuration: {}", digest.escape_default()));
        }
        let images: Vec<&str> = self.images(sections).collect();
        for archive in self.payload.images.iter().filter(|archive| archive.has_one_of(&images)) {
            text.comment(format_args!(
                "Its image came with the configuration: {}",
                archive.sha256.escape_default()
            ));
        }
        text
    }

    /// Names of the images that these sections use, whichever way they name them.
    fn images<'s>(&'s self, sections: &'s [Section]) -> impl Iterator<Item = &'s str> {
        let entries = sections.iter().flat_map(|section| &section.entries);
        let images = entries.flat_map(|(key, values)| {
            values.iter().filter_map(move |value| match key.as_str() {
                "Image" => Some(value.as_str()),
                "Mount" => mount_sources(value).find(|source| source.ends_with(".image")),
                _ => None,
            })
        });
        images.map(|image| self.image_of(image).unwrap_or(image))
    }

    /// The image behind the name of an image unit (`base.image`).
    fn image_of(&self, unit: &str) -> Option<&str> {
        let name = unit.strip_suffix(".image")?.parse::<ContainerName>().ok()?;
        let section = &self.containers.images.get(&name)?.section;
        let (_, values) = section.entries.iter().find(|(key, _)| key == "Image")?;
        values.last().map(String::as_str)
    }

    /// Whether the image of this unit came with the configuration.
    fn is_brought(&self, name: &ContainerName) -> bool {
        let Some(image) = self.image_of(&format!("{name}.image")) else { return false };
        self.payload.images.iter().any(|archive| !archive.tags.is_empty() && archive.has_one_of(&[image]))
    }

    /// The units of images that came with the configuration, as other units name them, and the images.
    fn brought(&self) -> BTreeMap<String, &str> {
        let brought = self.containers.images.keys().filter(|name| self.is_brought(name));
        brought
            .filter_map(|name| Some((name.to_string(), self.image_of(&format!("{name}.image"))?)))
            .collect()
    }

    fn section(&self, text: &mut UnitText, section: Option<&Section>, mode: Mode) {
        let Some(section) = section else { return };
        let brought = self.brought();
        for (key, values) in &section.entries {
            let option = OPTIONS.iter().find(|(of, own, _)| *of == section.name && own == key);
            for value in values {
                let value = match (section.name, key.as_str()) {
                    ("Unit", key) if names_units(key) => units_named(value, mode, &brought),
                    ("Install", _) if mode == Mode::Rootless => {
                        value.replace("multi-user.target", "default.target")
                    }
                    (_, "Image") => linked(value, &brought),
                    (_, "Mount") => {
                        value.split(',').map(|part| linked_part(part, &brought)).collect::<Vec<_>>().join(",")
                    }
                    _ => with_folders(value),
                };
                match option {
                    _ if value.is_empty() => {}
                    Some((_, _, option)) => drop(text.entry("PodmanArgs", format_args!("{option}={value}"))),
                    None => drop(text.entry(key, value)),
                }
            }
        }
    }

    /// Where Podman finds the logins at registries.
    fn logins(&self, text: &mut UnitText, mode: Mode) {
        if let Some(path) = secrets::logins(self.secrets, mode) {
            text.entry("Environment", format_args!("REGISTRY_AUTH_FILE={path}"));
        }
    }

    fn install(&self, text: &mut UnitText, install: Option<&Section>, mode: Mode) {
        if install.is_some() {
            text.section("Install");
            self.section(text, install, mode);
        }
    }
}

impl ArchiveFacts {
    fn has_one_of(&self, images: &[&str]) -> bool {
        let has =
            |image: &&str| self.tags.is_empty() || self.tags.iter().any(|tag| is_same_image(tag, image));
        images.iter().any(has)
    }
}

fn network(text: &mut UnitText, network: &ContainerNetwork, publish: &[Publish]) {
    match network {
        ContainerNetwork::Host => text.entry("Network", "host"),
        ContainerNetwork::Pasta => text.entry("Network", "pasta"),
        ContainerNetwork::None => text.entry("Network", "none"),
        ContainerNetwork::Joined(networks) => {
            text.entries("Network", networks.iter().map(|name| format!("{name}.network")))
        }
        ContainerNetwork::Pod(name) => text.entry("Pod", format_args!("{name}.pod")),
    };
    text.entries("PublishPort", publish.iter().map(Publish::as_str));
}

/// An `Image=` whose image came with the configuration is that image; every other stands as it is.
fn linked(value: &str, brought: &BTreeMap<String, &str>) -> String {
    let image = value.strip_suffix(".image").and_then(|name| brought.get(name));
    image.map_or_else(|| with_folders(value), |image| (*image).to_owned())
}

/// The same for `source=base.image` of a `Mount=`.
fn linked_part(part: &str, brought: &BTreeMap<String, &str>) -> String {
    match part.strip_prefix("source=") {
        Some(source) => format!("source={}", linked(source, brought)),
        None => with_folders(part),
    }
}

fn mount_sources(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').filter_map(|part| part.strip_prefix("source="))
}

fn names_units(key: &str) -> bool {
    const NAMING: [&str; 10] = [
        "After",
        "Before",
        "BindsTo",
        "OnFailure",
        "OnSuccess",
        "PartOf",
        "Requires",
        "Requisite",
        "Upholds",
        "Wants",
    ];
    NAMING.contains(&key)
}

/// Without what there is not. A user's systemd does not know the targets of the system's, and a unit that requires one would never
/// start: each of them is reached, or has been waited for, before the containers are started. And no unit pulls an image that came
/// with the configuration.
fn units_named(value: &str, mode: Mode, brought: &BTreeMap<String, &str>) -> String {
    const TARGETS: [&str; 5] =
        ["basic.target", "default.target", "paths.target", "sockets.target", "timers.target"];
    let known = |unit: &&str| {
        let image = unit.strip_suffix(".image").or_else(|| unit.strip_suffix("-image.service"));
        let target = mode == Mode::Rootless && unit.ends_with(".target") && !TARGETS.contains(unit);
        !target && !image.is_some_and(|name| brought.contains_key(name))
    };
    value.split_whitespace().filter(known).collect::<Vec<&str>>().join(" ")
}

/// Podman's name for the network, unless it is one that a command line cannot carry as it is.
fn network_name(unit: &str, section: &Section) -> Option<String> {
    let own =
        section.entries.iter().find(|(key, _)| key == "NetworkName").and_then(|(_, values)| values.last());
    let name = own.cloned().unwrap_or_else(|| format!("systemd-{unit}"));
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    (plain && !name.is_empty() && !name.starts_with('-')).then_some(name)
}
