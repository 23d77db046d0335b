//! The names of a document's units: what is declared, and that each becomes a unit of its own.

use std::collections::BTreeMap;

use crate::nearest::nearest;
use crate::raw::{RawContainers, RawResource, RawValue};
use crate::report::{At, Report};
use crate::{Code, Mode, SystemFacts};

/// A kind of unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Container,
    Network,
    Volume,
    Image,
    Build,
    Pod,
}

impl Kind {
    pub(super) const ALL: [Kind; 6] =
        [Kind::Container, Kind::Network, Kind::Volume, Kind::Image, Kind::Build, Kind::Pod];

    /// The word for it, which is also what a unit's file ends in.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Container => "container",
            Kind::Network => "network",
            Kind::Volume => "volume",
            Kind::Image => "image",
            Kind::Build => "build",
            Kind::Pod => "pod",
        }
    }

    /// The service that Quadlet makes, without `.service`.
    fn service(self, name: &str) -> String {
        match self {
            Kind::Container => name.to_owned(),
            _ => format!("{name}-{}", self.word()),
        }
    }
}

/// All names of a document, with the mode of containers and pods. Also names that are no names: those were reported where they are,
/// and what refers to them is right.
pub(super) struct Declared<'a> {
    names: BTreeMap<(Kind, &'a str), Option<Mode>>,
    /// Builds, by the names of the images they make.
    tags: BTreeMap<&'a str, &'a str>,
}

/// What a text refers to.
pub(super) enum Reference<'t> {
    /// A unit that is declared, by its name or as the file Quadlet would read (`data.volume`).
    To(&'t str),
    /// The file of a unit that is not declared.
    Missing,
    /// Neither.
    Other,
}

impl<'a> Declared<'a> {
    pub(super) fn new(raw: &'a RawContainers) -> Declared<'a> {
        let mode = |privileged: &At<bool>| if privileged.value { Mode::Rootful } else { Mode::Rootless };
        let containers = raw.containers.iter().map(|container| {
            let name = container.name.value.as_str();
            ((Kind::Container, name), container.privileged.as_ref().map(mode))
        });
        let pods = raw
            .pods
            .iter()
            .map(|pod| ((Kind::Pod, pod.name.value.as_str()), pod.privileged.as_ref().map(mode)));
        let resources = resources(raw).map(|(kind, resource)| ((kind, resource.name.value.as_str()), None));
        Declared { names: containers.chain(pods).chain(resources).collect(), tags: tags(raw) }
    }

    /// The declared build that makes an image of this name.
    pub(super) fn build_of(&self, tag: &str) -> Option<&'a str> {
        self.tags.get(tag).copied()
    }

    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        self.names.contains_key(&(kind, name))
    }

    /// What `text` refers to among units of `kind`.
    pub(super) fn reference<'t>(&self, kind: Kind, text: &'t str) -> Reference<'t> {
        let stem = text.strip_suffix(kind.word()).and_then(|text| text.strip_suffix('.'));
        match stem {
            Some(stem) if self.has(kind, stem) => Reference::To(stem),
            Some(_) => Reference::Missing,
            None if self.has(kind, text) => Reference::To(text),
            None => Reference::Other,
        }
    }

    /// The declared container or resource whose service this is.
    pub(super) fn of_service<'t>(&self, stem: &'t str) -> Option<(Kind, &'t str)> {
        Kind::ALL.into_iter().find_map(|kind| {
            let name = match kind {
                Kind::Container => stem,
                _ => stem.strip_suffix(kind.word())?.strip_suffix('-')?,
            };
            self.has(kind, name).then_some((kind, name))
        })
    }

    /// The mode of a container or pod.
    pub(super) fn mode(&self, kind: Kind, name: &str) -> Option<Mode> {
        self.names.get(&(kind, name)).copied().flatten()
    }

    /// Reports that nothing of this name is declared.
    pub(super) fn missing(&self, kind: Kind, at: &At<String>, name: &str, report: &Report<'_>) {
        if report.is_full() {
            return;
        }
        let message = format!("no {} `{name}` is declared", kind.word());
        let names = self.names.keys().filter(|(other, _)| *other == kind).map(|(_, name)| *name);
        match nearest(name, names) {
            Some(name) => report.hinted(&at.spot, Code::Conflict, message, format!("did you mean `{name}`?")),
            None => {
                let hint = format!("declare it: [containers.{}.NAME]", kind.word());
                report.hinted(&at.spot, Code::Conflict, message, hint);
            }
        }
    }
}

/// Reports names that would give a unit of the system, or the same unit twice.
pub(super) fn check(raw: &RawContainers, facts: &SystemFacts, report: &Report<'_>) {
    let mut services: BTreeMap<String, &At<String>> = BTreeMap::new();
    let containers = raw.containers.iter().map(|container| (Kind::Container, &container.name));
    let pods = raw.pods.iter().map(|pod| (Kind::Pod, &pod.name));
    let resources = resources(raw).map(|(kind, resource)| (kind, &resource.name));
    for (kind, name) in containers.chain(pods).chain(resources) {
        let service = kind.service(&name.value);
        if facts.is_unit(&service) {
            let message = format!("{service}.service is a service of the system");
            report.hinted(&name.spot, Code::Conflict, message, "choose another name");
        }
        if let Some(other) = services.insert(service.clone(), name) {
            let message = format!("{} would be {service}.service as well", other.spot.path);
            report.hinted(&name.spot, Code::Conflict, message, "choose another name");
        }
    }
}

fn resources(raw: &RawContainers) -> impl Iterator<Item = (Kind, &RawResource)> {
    let kinds = [
        (Kind::Network, &raw.networks),
        (Kind::Volume, &raw.volumes),
        (Kind::Image, &raw.images),
        (Kind::Build, &raw.builds),
    ];
    kinds.into_iter().flat_map(|(kind, raw)| raw.iter().map(move |resource| (kind, resource)))
}

fn tags(raw: &RawContainers) -> BTreeMap<&str, &str> {
    let tags = raw.builds.iter().flat_map(|build| {
        let entries = build.section.iter().flat_map(|section| &section.entries);
        let values = entries.filter(|entry| entry.key.value == "ImageTag").flat_map(|entry| &entry.values);
        values.filter_map(|value| match &value.value {
            RawValue::Text(tag) => Some((tag.trim(), build.name.value.as_str())),
            _ => None,
        })
    });
    tags.collect()
}
