//! `Network=`: which network a container sees. The mode decides what is possible, and a container never gets more than that.

use std::collections::BTreeSet;

use appliance_types::ContainerName;

use crate::report::{At, Report};
use crate::{Code, ContainerNetwork, Mode};

use super::names::{Declared, Kind, Reference};
use super::references::Uses;
use super::section::Clean;

/// Podman's own words for networks. None can be the name of a declared one: it would mean both.
pub(super) const WORDS: &[&str] =
    &["host", "none", "bridge", "private", "pasta", "slirp4netns", "default", "podman"];

/// The network of a container. On a problem, the mode's default.
pub(super) fn check(
    container: &Clean<'_>,
    mode: Mode,
    declared: &Declared<'_>,
    report: &Report<'_>,
) -> ContainerNetwork {
    let default = match mode {
        Mode::Rootful => ContainerNetwork::Host,
        Mode::Rootless => ContainerNetwork::Pasta,
    };
    let values: Vec<&At<String>> = container.values("Network").collect();
    let (mut joined, mut seen) = (Vec::new(), BTreeSet::new());
    for value in &values {
        match declared.reference(Kind::Network, &value.value) {
            Reference::To(name) => match name.parse::<ContainerName>() {
                Ok(name) if !seen.insert(name.clone()) => {
                    report.problem(&value.spot, Code::Conflict, format!("`{name}` is joined twice"));
                }
                Ok(name) => joined.push(name),
                // Reported where it is declared.
                Err(_) => {}
            },
            Reference::Missing => {
                let name = value.value.trim_end_matches(".network");
                declared.missing(Kind::Network, value, name, report);
            }
            Reference::Other if values.len() > 1 => alone(value, declared, report),
            Reference::Other => return word(value, mode, declared, report).unwrap_or(default),
        }
    }
    if joined.is_empty() { default } else { ContainerNetwork::Joined(joined) }
}

/// One value that is no declared network. `None`: the default of the mode.
fn word(
    value: &At<String>,
    mode: Mode,
    declared: &Declared<'_>,
    report: &Report<'_>,
) -> Option<ContainerNetwork> {
    let spot = &value.spot;
    let (word, options) =
        value.value.split_once(':').map_or((value.value.as_str(), None), |(a, b)| (a, Some(b)));
    match (word, options, mode) {
        ("none", None, _) => return Some(ContainerNetwork::None),
        ("host", None, Mode::Rootful) | ("pasta", None, Mode::Rootless) => {}
        ("host", _, Mode::Rootless) => {
            let message = "a container of the application user has a private connection (pasta) instead of the device's network";
            let hint = "publish ports, join a declared network, or write `privileged = true`";
            report.hinted(spot, Code::Warning, message, hint);
        }
        ("container" | "ns", Some(_), _) => others_network(value, mode, report),
        (word, None, _) if word.ends_with(".container") => others_network(value, mode, report),
        (word, _, _) if WORDS.contains(&word) => {
            report.hinted(
                spot,
                Code::Warning,
                instead(mode),
                "leave `Network` out, or join a declared network",
            );
        }
        (word, Some(_), _) if !matches!(declared.reference(Kind::Network, word), Reference::Other) => {
            let message = "options of a joined network cannot be set here";
            report.hinted(
                spot,
                Code::NotSupported,
                message,
                "the keys `IP`, `IP6` and `NetworkAlias` say the same",
            );
        }
        (word, ..) => declared.missing(Kind::Network, value, word, report),
    }
    None
}

/// What a container gets in place of a network that it does not.
fn instead(mode: Mode) -> &'static str {
    match mode {
        Mode::Rootful => "a privileged container has the device's own network instead",
        Mode::Rootless => "a container of the application user has a private connection (pasta) instead",
    }
}

fn others_network(value: &At<String>, mode: Mode, report: &Report<'_>) {
    let hint = "to share one, let both join a declared network or a pod";
    report.hinted(&value.spot, Code::Warning, instead(mode), hint);
}

fn alone(value: &At<String>, declared: &Declared<'_>, report: &Report<'_>) {
    match WORDS.contains(&value.value.as_str()) {
        true => {
            let message =
                format!("`{}` stands alone: only declared networks can be joined together", value.value);
            report.problem(&value.spot, Code::Conflict, message);
        }
        false => declared.missing(Kind::Network, value, &value.value, report),
    }
}

/// `Network=` of a build: what its steps see. `None` where it was reported what is wrong.
pub(super) fn of_build(
    value: &At<String>,
    modes: &BTreeSet<Mode>,
    declared: &Declared<'_>,
    uses: &mut Uses,
    report: &Report<'_>,
) -> Option<String> {
    match declared.reference(Kind::Network, &value.value) {
        Reference::To(name) => {
            uses.0.insert((Kind::Network, name.to_owned()));
            return Some(format!("{name}.network"));
        }
        Reference::Missing => {
            declared.missing(Kind::Network, value, value.value.trim_end_matches(".network"), report);
        }
        Reference::Other => match value.value.as_str() {
            "host" if modes.contains(&Mode::Rootless) => {
                let message = "what the application user builds does not get the device's own network";
                report.hinted(
                    &value.spot,
                    Code::NotAllowed,
                    message,
                    "leave it out, or join a declared network",
                );
            }
            word @ ("none" | "private" | "host") => return Some(word.to_owned()),
            word => {
                let message =
                    format!("a build's network is `none`, `private` or a declared one, not `{word}`");
                report.hinted(
                    &value.spot,
                    Code::BadValue,
                    message,
                    "leave it out, or join a declared network",
                );
            }
        },
    }
    None
}

/// Keys that are a pod's, and not those of a container in it.
const OF_THE_POD: &[&str] = &[
    "AddHost",
    "DNS",
    "DNSOption",
    "DNSSearch",
    "HostName",
    "IP",
    "IP6",
    "Network",
    "NetworkAlias",
    "PublishPort",
    "UserNS",
];

/// `Pod=`: the pod whose network a container has. `None` where the container is in none, or what is wrong was reported.
pub(super) fn pod(
    container: &Clean<'_>,
    mode: Mode,
    declared: &Declared<'_>,
    report: &Report<'_>,
) -> Option<ContainerName> {
    let Some(value) = container.values("Pod").next() else {
        if let Some(key) = container.key("StartWithPod") {
            report.problem(&key.spot, Code::Conflict, "it needs `Pod`");
        }
        return None;
    };
    let name = match declared.reference(Kind::Pod, &value.value) {
        Reference::To(name) => name,
        Reference::Missing | Reference::Other => {
            declared.missing(Kind::Pod, value, value.value.trim_end_matches(".pod"), report);
            return None;
        }
    };
    if declared.mode(Kind::Pod, name).is_some_and(|other| other != mode) {
        let message = format!("pod `{name}` and this container are not both `privileged`, or both not");
        report.hinted(&value.spot, Code::Conflict, message, "one Podman runs a pod and all that is in it");
    }
    for key in OF_THE_POD.iter().filter_map(|key| container.key(key)) {
        let message = format!("it is the pod's: all containers of `{name}` share it");
        report.hinted(&key.spot, Code::Conflict, message, format!("write it into containers.pod.{name}.Pod"));
    }
    // A name that is none was reported where it is declared.
    name.parse().ok()
}

/// Keys that only mean something in a joined network.
pub(super) fn check_addresses(container: &Clean<'_>, network: &ContainerNetwork, report: &Report<'_>) {
    let joined = match network {
        ContainerNetwork::Joined(joined) => joined.len(),
        _ => 0,
    };
    for name in ["IP", "IP6", "NetworkAlias"] {
        let Some(key) = container.key(name) else { continue };
        if matches!(network, ContainerNetwork::Pod(_)) {
            // Reported as the pod's.
        } else if joined == 0 {
            report.problem(&key.spot, Code::Conflict, "it needs a declared network that the container joins");
        } else if joined > 1 && name != "NetworkAlias" {
            report.problem(&key.spot, Code::Conflict, "an address needs exactly one joined network");
        }
    }
}
