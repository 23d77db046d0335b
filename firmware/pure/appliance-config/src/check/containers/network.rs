//! `Network=`: which network a container sees. The mode decides what is possible, and a container never gets more than that.

use std::collections::BTreeSet;

use appliance_types::ContainerName;

use crate::report::{At, Report};
use crate::{Code, ContainerNetwork, Mode};

use super::names::{Declared, Kind, Reference};
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
            let message = "a container of the application user does not get the device's own network";
            let hint = "leave `Network` out and publish ports, join a declared network, or write `privileged = true`";
            report.hinted(spot, Code::NotAllowed, message, hint);
        }
        ("container" | "ns", Some(_), _) => others_network(value, report),
        (word, None, _) if word.ends_with(".container") => others_network(value, report),
        (word, _, Mode::Rootless) if WORDS.contains(&word) => {
            let message = "a container of the application user has a private connection (pasta) instead";
            report.hinted(spot, Code::Warning, message, "leave `Network` out, or join a declared network");
        }
        (word, _, Mode::Rootful) if WORDS.contains(&word) => {
            let message = "a privileged container has the device's own network instead";
            report.hinted(spot, Code::Warning, message, "leave `Network` out, or join a declared network");
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

fn others_network(value: &At<String>, report: &Report<'_>) {
    let message = "a container has no network of another one";
    report.hinted(&value.spot, Code::NotAllowed, message, "let both join a declared network");
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

/// Keys that only mean something in a joined network.
pub(super) fn check_addresses(container: &Clean<'_>, network: &ContainerNetwork, report: &Report<'_>) {
    let joined = match network {
        ContainerNetwork::Joined(joined) => joined.len(),
        _ => 0,
    };
    for name in ["IP", "IP6", "NetworkAlias"] {
        let Some(key) = container.key(name) else { continue };
        if joined == 0 {
            report.problem(&key.spot, Code::Conflict, "it needs a declared network that the container joins");
        } else if joined > 1 && name != "NetworkAlias" {
            report.problem(&key.spot, Code::Conflict, "an address needs exactly one joined network");
        }
    }
}
