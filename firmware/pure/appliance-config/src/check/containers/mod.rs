//! Containers, networks, volumes and images: Quadlet units, with everything that decides isolation taken out of the text.

mod keys;
mod names;
mod network;
mod publish;
mod references;
mod section;
#[cfg(test)]
mod tests;
mod unit;

use std::collections::{BTreeMap, BTreeSet};

use appliance_types::{ContainerName, Ipv4Cidr};

use self::keys::{CONTAINER, IMAGE, INSTALL, NETWORK, SERVICE, UNIT, VOLUME};
use self::names::{Declared, Kind};
use self::publish::Taken;
use self::references::Uses;
use self::section::Clean;
use crate::raw::{RawContainer, RawContainers, RawResource};
use crate::report::{At, Report, Spot};
use crate::{
    Addressing, Code, Container, ContainerNetwork, Containers, Mode, Network, Resource, Section, SystemFacts,
};

pub(super) fn check(
    raw: &RawContainers,
    network: &Network,
    facts: &SystemFacts,
    report: &Report<'_>,
) -> Containers {
    names::check(raw, facts, report);
    let mut checker = Checker {
        declared: Declared::new(raw),
        report,
        users: BTreeMap::new(),
        taken: Vec::new(),
        container_names: BTreeMap::new(),
    };
    // What uses something is read before it, so that its modes are known.
    let containers = raw.containers.iter().filter_map(|raw| checker.container(raw)).collect();
    let volumes = raw.volumes.iter().filter_map(|raw| checker.volume(raw)).collect();
    let networks = raw.networks.iter().filter_map(|raw| checker.network(raw, network)).collect();
    let images = raw.images.iter().filter_map(|raw| checker.image(raw)).collect();
    publish::check_taken(checker.taken, report);
    Containers { containers, networks, volumes, images }
}

struct Checker<'c> {
    declared: Declared<'c>,
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
        let unit = raw.unit.as_ref().map(|raw| Clean::new(raw, &UNIT, report));
        let service = raw.service.as_ref().map(|raw| Clean::new(raw, &SERVICE, report));
        let install = raw.install.as_ref().map(|raw| Clean::new(raw, &INSTALL, report));
        let container = raw.container.as_ref().map(|raw| Clean::new(raw, &CONTAINER, report));
        service.iter().for_each(|service| unit::check_service(service, report));
        let container = container?;
        let mode = if raw.privileged.as_ref()?.value { Mode::Rootful } else { Mode::Rootless };
        let mut uses = Uses::default();
        unit.iter().for_each(|unit| unit::check_unit(unit, mode, &self.declared, &mut uses, report));
        install.iter().for_each(|install| unit::check_install(install, mode, &self.declared, report));

        let network = network::check(&container, mode, &self.declared, report);
        network::check_addresses(&container, &network, report);
        let publish =
            publish::check(container.values("PublishPort"), mode, &network, &mut self.taken, report);
        self.name_in_podman(&raw.name.value, &container, mode);
        let section = self.container_section(&container, &mut uses);
        if let ContainerNetwork::Joined(joined) = &network {
            uses.0.extend(joined.iter().map(|name| (Kind::Network, name.as_str().to_owned())));
        }
        self.note(&uses, &BTreeSet::from([mode]));

        let as_written = |clean: Clean<'_>| clean.section(|_, value| Some(value.value.clone()));
        let sections =
            [unit.map(as_written), Some(section), service.map(as_written), install.map(as_written)];
        let sections = sections.into_iter().flatten().collect();
        Some((name?, Container { mode, network, publish, sections }))
    }

    fn container_section(&self, container: &Clean<'_>, uses: &mut Uses) -> Section {
        let (declared, report) = (&self.declared, self.report);
        if container.key("Image").is_none() {
            missing(container, "Image", "write `Image = \"registry.example/name:tag\"`", report);
        }
        for value in container.values("EnvironmentFile") {
            references::path(value, report);
        }
        container.section(|key, value| match key {
            // The network and its ports are fields of their own.
            "Network" | "PublishPort" => None,
            "Image" => references::image(value, declared, uses, report),
            "Volume" => references::volume(value, declared, uses, report),
            "Mount" => references::mount(value, declared, uses, report),
            _ => Some(value.value.clone()),
        })
    }

    /// `ContainerName=`, or the name that Quadlet gives.
    fn name_in_podman(&mut self, name: &str, container: &Clean<'_>, mode: Mode) {
        let value = container.values("ContainerName").next();
        if let Some(value) = value.filter(|value| !references::is_name(&value.value)) {
            return not_a_name(value, self.report);
        }
        let (named, spot) = match value {
            Some(value) => (value.value.clone(), &value.spot),
            None => (format!("systemd-{name}"), container.spot),
        };
        if let Some(other) = self.container_names.insert((mode, named.clone()), name.to_owned()) {
            let message = format!("container `{other}` has the name `{named}` in Podman too");
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
        if clean.key("Image").is_none() {
            missing(&clean, "Image", "write `Image = \"registry.example/name:tag\"`", self.report);
        }
        for value in clean.values("Image").chain(clean.values("ImageTag")) {
            references::is_image(value, self.report);
        }
        Some((name?, self.resource(Kind::Image, raw, clean.section(|_, value| Some(value.value.clone())))))
    }

    fn resource(&self, kind: Kind, raw: &RawResource, section: Section) -> Resource {
        let modes = self.users.get(&(kind, raw.name.value.clone()));
        Resource { modes: modes.cloned().unwrap_or_else(|| BTreeSet::from([Mode::Rootful])), section }
    }

    fn note(&mut self, uses: &Uses, modes: &BTreeSet<Mode>) {
        for used in &uses.0 {
            self.users.entry(used.clone()).or_default().extend(modes);
        }
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
