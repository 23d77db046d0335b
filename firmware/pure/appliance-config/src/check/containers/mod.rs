//! Containers, pods, networks, volumes, images and builds: Quadlet units, with everything that decides isolation taken out of the text.

mod keys;
#[cfg(test)]
mod linked_tests;
mod names;
mod network;
mod publish;
mod references;
mod secrets;
mod section;
#[cfg(test)]
mod tests;
mod unit;

use std::collections::{BTreeMap, BTreeSet};

use appliance_types::{ContainerName, Ipv4Cidr};

use self::keys::{BUILD, CONTAINER, IMAGE, INSTALL, NETWORK, POD, SERVICE, UNIT, VOLUME};
use self::names::{Declared, Kind};
use self::publish::Taken;
use self::references::Uses;
use self::section::Clean;
use crate::raw::{RawContainer, RawContainers, RawPod, RawResource, RawSecrets, RawSection};
use crate::report::{At, Report, Spot};
use crate::{
    Addressing, Build, Code, Container, ContainerNetwork, Containers, Mode, Network, Pod, Resource,
    SecretUse, Section, SystemFacts,
};

pub(super) fn check(
    raw: &RawContainers,
    secrets: &RawSecrets,
    network: &Network,
    facts: &SystemFacts,
    report: &Report<'_>,
) -> Containers {
    names::check(raw, facts, report);
    let mut checker = Checker {
        declared: Declared::new(raw),
        secrets: secrets::Declared::new(secrets),
        report,
        users: BTreeMap::new(),
        taken: Vec::new(),
        container_names: BTreeMap::new(),
    };
    // What uses something is read before it, so that its modes are known.
    let containers = raw.containers.iter().filter_map(|raw| checker.container(raw)).collect();
    let pods = raw.pods.iter().filter_map(|raw| checker.pod(raw)).collect();
    let builds = raw.builds.iter().filter_map(|raw| checker.build(raw)).collect();
    let volumes = raw.volumes.iter().filter_map(|raw| checker.volume(raw)).collect();
    let networks = raw.networks.iter().filter_map(|raw| checker.network(raw, network)).collect();
    let images = raw.images.iter().filter_map(|raw| checker.image(raw)).collect();
    publish::check_taken(checker.taken, report);
    Containers { containers, networks, volumes, images, builds, pods }
}

struct Checker<'c> {
    declared: Declared<'c>,
    secrets: secrets::Declared<'c>,
    report: &'c Report<'c>,
    /// In which modes each resource is used.
    users: BTreeMap<(Kind, String), BTreeSet<Mode>>,
    taken: Vec<Taken>,
    /// Names in Podman, by mode.
    container_names: BTreeMap<(Mode, String), String>,
}

impl Checker<'_> {
    /// `None` where it was reported what is wrong.
    fn container(&mut self, raw: &RawContainer) -> Option<(ContainerName, Container)> {
        let report = self.report;
        let name = name(&raw.name, report);
        let beside = Beside::new(raw.unit.as_ref(), raw.service.as_ref(), raw.install.as_ref(), report);
        let container = Clean::new(raw.container.as_ref()?, &CONTAINER, report);
        let mode = mode(raw.privileged.as_ref()?);
        let mut uses = Uses::default();
        beside.check(mode, &self.declared, &mut uses, report);

        let network = match network::pod(&container, mode, &self.declared, report) {
            Some(pod) => ContainerNetwork::Pod(pod),
            None => network::check(&container, mode, &self.declared, report),
        };
        network::check_addresses(&container, &network, report);
        let publish =
            publish::check(container.values("PublishPort"), mode, &network, &mut self.taken, report);
        self.name_in_podman(&raw.name.value, &container, "ContainerName", mode);
        let mut secrets = Vec::new();
        let section = self.container_section(&container, &mut uses, &mut secrets);
        joined(&network, &mut uses);
        self.note(&uses, &BTreeSet::from([mode]));
        Some((name?, Container { mode, network, publish, secrets, sections: beside.around(section) }))
    }

    /// `None` where it was reported what is wrong.
    fn pod(&mut self, raw: &RawPod) -> Option<(ContainerName, Pod)> {
        let report = self.report;
        let name = name(&raw.name, report);
        let beside = Beside::new(raw.unit.as_ref(), raw.service.as_ref(), raw.install.as_ref(), report);
        let pod = Clean::new(raw.pod.as_ref()?, &POD, report);
        let mode = mode(raw.privileged.as_ref()?);
        let mut uses = Uses::default();
        beside.check(mode, &self.declared, &mut uses, report);
        let network = network::check(&pod, mode, &self.declared, report);
        network::check_addresses(&pod, &network, report);
        let publish = publish::check(pod.values("PublishPort"), mode, &network, &mut self.taken, report);
        self.name_in_podman(&raw.name.value, &pod, "PodName", mode);
        let section = pod.section(|key, value| match key {
            "Network" | "PublishPort" => None,
            "Volume" => references::volume(value, &self.declared, &mut uses, report),
            _ => Some(value.value.clone()),
        });
        joined(&network, &mut uses);
        self.note(&uses, &BTreeSet::from([mode]));
        Some((name?, Pod { mode, network, publish, sections: beside.around(section) }))
    }

    fn container_section(
        &self,
        container: &Clean<'_>,
        uses: &mut Uses,
        secrets: &mut Vec<SecretUse>,
    ) -> Section {
        let (declared, report) = (&self.declared, self.report);
        if container.values("Image").next().is_none() {
            missing(container, "Image", "write `Image = \"registry.example/name:tag\"`", report);
        }
        for value in container.values("EnvironmentFile") {
            references::path(value, report);
        }
        let mut targets = BTreeSet::new();
        container.section(|key, value| match key {
            // The network, its ports, the pod and the secrets are fields of their own.
            "Network" | "PublishPort" | "Pod" => None,
            "Image" => references::image(value, declared, uses, report),
            "Volume" => references::volume(value, declared, uses, report),
            "Mount" => references::mount(value, declared, uses, report),
            "Secret" => match secrets::of_container(value, &self.secrets, &mut targets, report) {
                Ok(secret) => {
                    secrets.extend(secret);
                    None
                }
                Err(of_podman) => Some(of_podman),
            },
            _ => Some(value.value.clone()),
        })
    }

    /// `None` where it was reported what is wrong.
    fn build(&mut self, raw: &RawResource) -> Option<(ContainerName, Build)> {
        let report = self.report;
        let name = name(&raw.name, report);
        let clean = Clean::new(raw.section.as_ref()?, &BUILD, report);
        if clean.values("ImageTag").next().is_none() {
            missing(
                &clean,
                "ImageTag",
                "write `ImageTag = \"localhost/name:1\"`: what it makes needs a name",
                report,
            );
        }
        clean.values("ImageTag").for_each(|value| {
            references::is_image(value, report);
        });
        if clean.key("File").is_none() && clean.key("SetWorkingDirectory").is_none() {
            missing(
                &clean,
                "File",
                "write `File = \"${FILES_DIR}/Containerfile\"`, or `SetWorkingDirectory`",
                report,
            );
        }
        clean.values("File").for_each(|value| references::build_file(value, report));
        clean.values("SetWorkingDirectory").for_each(|value| references::build_folder(value, report));
        let modes = self.modes(Kind::Build, raw);
        let (mut uses, mut secrets) = (Uses::default(), BTreeSet::new());
        let section = clean.section(|key, value| match key {
            "Volume" => references::volume(value, &self.declared, &mut uses, report),
            "Network" => network::of_build(value, &modes, &self.declared, &mut uses, report),
            "Secret" => match secrets::of_build(value, &self.secrets) {
                Some(name) => {
                    secrets.insert(name);
                    None
                }
                None => Some(value.value.clone()),
            },
            _ => Some(value.value.clone()),
        });
        self.note(&uses, &modes);
        Some((name?, Build { modes, secrets, section }))
    }

    /// `ContainerName=` or `PodName=`, or the name that Quadlet gives. Podman has one list for both.
    fn name_in_podman(&mut self, name: &str, container: &Clean<'_>, key: &str, mode: Mode) {
        let value = container.values(key).next();
        if let Some(value) = value.filter(|value| !references::is_name(&value.value)) {
            return not_a_name(value, self.report);
        }
        let (named, spot) = match value {
            Some(value) => (value.value.clone(), &value.spot),
            None => (format!("systemd-{name}"), container.spot),
        };
        if let Some(other) = self.container_names.insert((mode, named.clone()), name.to_owned()) {
            let message = format!("`{other}` has the name `{named}` in Podman too");
            self.report.problem(spot, Code::Conflict, message);
        }
    }

    fn network(&self, raw: &RawResource, network: &Network) -> Option<(ContainerName, Resource)> {
        let name = name(&raw.name, self.report);
        if network::WORDS.contains(&raw.name.value.as_str()) {
            let message = "Podman has another meaning for this name";
            self.report.hinted(&raw.name.spot, Code::Conflict, message, "choose another name");
        }
        let clean = Clean::new(raw.section.as_ref()?, &NETWORK, self.report);
        for value in clean.values("Driver").filter(|value| value.value != "bridge") {
            let message = "this driver would put containers onto the wire itself, past the firewall";
            let hint = "leave it out: the driver is `bridge`";
            self.report.hinted(&value.spot, Code::NotAllowed, message, hint);
        }
        for value in clean.values("NetworkName") {
            if !references::is_name(&value.value) {
                not_a_name(value, self.report);
            } else if network::WORDS.contains(&value.value.as_str()) {
                // As the name of a joined network, `host` would be the device's own.
                let message = "Podman has another meaning for this name";
                self.report.hinted(&value.spot, Code::NotAllowed, message, "choose another name");
            }
        }
        for value in clean.values("Options").filter(|value| value.value.contains("bridge.name")) {
            self.report.problem(&value.spot, Code::NotAllowed, keys::BRIDGE_NAME);
        }
        for value in clean.values("Subnet") {
            self.subnet(value, network);
        }
        Some((name?, self.resource(Kind::Network, raw, clean.section(|_, value| Some(value.value.clone())))))
    }

    /// A subnet that an interface has too would take that interface's packets.
    fn subnet(&self, value: &At<String>, network: &Network) {
        let Ok(subnet) = value.value.parse::<Ipv4Cidr>() else { return };
        for (name, interface) in &network.interfaces {
            if let Addressing::Static { address, .. } = interface.addressing
                && address.overlaps(subnet)
            {
                let message = format!("it overlaps the network of {name}, {address}");
                let hint = "choose another subnet, or leave it out";
                self.report.hinted(&value.spot, Code::Conflict, message, hint);
            }
        }
    }

    fn volume(&mut self, raw: &RawResource) -> Option<(ContainerName, Resource)> {
        let name = name(&raw.name, self.report);
        let clean = Clean::new(raw.section.as_ref()?, &VOLUME, self.report);
        clean
            .values("VolumeName")
            .filter(|v| !references::is_name(&v.value))
            .for_each(|v| not_a_name(v, self.report));
        let mut uses = Uses::default();
        let section = clean.section(|key, value| match key {
            "Image" => references::image(value, &self.declared, &mut uses, self.report),
            _ => Some(value.value.clone()),
        });
        let resource = self.resource(Kind::Volume, raw, section);
        self.note(&uses, &resource.modes);
        Some((name?, resource))
    }

    fn image(&self, raw: &RawResource) -> Option<(ContainerName, Resource)> {
        let name = name(&raw.name, self.report);
        let clean = Clean::new(raw.section.as_ref()?, &IMAGE, self.report);
        if clean.values("Image").next().is_none() {
            missing(&clean, "Image", "write `Image = \"registry.example/name:tag\"`", self.report);
        }
        for value in clean.values("Image").chain(clean.values("ImageTag")) {
            references::is_image(value, self.report);
        }
        Some((name?, self.resource(Kind::Image, raw, clean.section(|_, value| Some(value.value.clone())))))
    }

    fn resource(&self, kind: Kind, raw: &RawResource, section: Section) -> Resource {
        Resource { modes: self.modes(kind, raw), section }
    }

    fn modes(&self, kind: Kind, raw: &RawResource) -> BTreeSet<Mode> {
        let modes = self.users.get(&(kind, raw.name.value.clone()));
        modes.cloned().unwrap_or_else(|| BTreeSet::from([Mode::Rootful]))
    }

    fn note(&mut self, uses: &Uses, modes: &BTreeSet<Mode>) {
        for used in &uses.0 {
            self.users.entry(used.clone()).or_default().extend(modes);
        }
    }
}

/// The sections of systemd's, around that of Podman's.
struct Beside<'a> {
    unit: Option<Clean<'a>>,
    service: Option<Clean<'a>>,
    install: Option<Clean<'a>>,
}

impl<'a> Beside<'a> {
    fn new(
        unit: Option<&'a RawSection>,
        service: Option<&'a RawSection>,
        install: Option<&'a RawSection>,
        report: &Report<'_>,
    ) -> Beside<'a> {
        let beside = Beside {
            unit: unit.map(|raw| Clean::new(raw, &UNIT, report)),
            service: service.map(|raw| Clean::new(raw, &SERVICE, report)),
            install: install.map(|raw| Clean::new(raw, &INSTALL, report)),
        };
        beside.service.iter().for_each(|service| unit::check_service(service, report));
        beside
    }

    fn check(&self, mode: Mode, declared: &Declared<'_>, uses: &mut Uses, report: &Report<'_>) {
        self.unit.iter().for_each(|unit| unit::check_unit(unit, mode, declared, uses, report));
        self.install.iter().for_each(|install| unit::check_install(install, mode, declared, report));
    }

    /// All sections, in the order of a unit's file.
    fn around(self, own: Section) -> Vec<Section> {
        let as_written = |clean: Clean<'_>| clean.section(|_, value| Some(value.value.clone()));
        let sections = [
            self.unit.map(as_written),
            Some(own),
            self.service.map(as_written),
            self.install.map(as_written),
        ];
        sections.into_iter().flatten().collect()
    }
}

fn mode(privileged: &At<bool>) -> Mode {
    if privileged.value { Mode::Rootful } else { Mode::Rootless }
}

fn joined(network: &ContainerNetwork, uses: &mut Uses) {
    if let ContainerNetwork::Joined(joined) = network {
        uses.0.extend(joined.iter().map(|name| (Kind::Network, name.as_str().to_owned())));
    }
}

fn name(raw: &At<String>, report: &Report<'_>) -> Option<ContainerName> {
    match raw.value.parse::<ContainerName>() {
        Ok(name) => Some(name),
        Err(error) => {
            report.problem(&raw.spot, Code::BadValue, error.to_string());
            None
        }
    }
}

fn missing(section: &Clean<'_>, key: &str, hint: &str, report: &Report<'_>) {
    let spot = Spot { place: section.spot.place, path: format!("{}.{key}", section.spot.path) };
    report.hinted(&spot, Code::MissingKey, "it is missing", hint);
}

fn not_a_name(value: &At<String>, report: &Report<'_>) {
    let hint = "letters, digits, `_`, `.` and `-`, the first a letter or digit";
    report.hinted(&value.spot, Code::BadValue, "it is not a name that Podman takes", hint);
}
