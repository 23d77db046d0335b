//! `Unit`, `Service` and `Install`: a container's service among the others. It may wait for the system; it cannot start,
//! stop or hold up any of it.

use crate::nearest::nearest;
use crate::report::{At, Report};
use crate::{Code, Mode};

use super::names::{Declared, Kind};
use super::references::Uses;
use super::section::Clean;

/// Targets that a container may name: those that are reached at every boot.
#[rustfmt::skip]
const TARGETS: &[&str] = &[
    "basic.target", "default.target", "local-fs.target", "multi-user.target", "network-online.target", "network.target",
    "nss-lookup.target", "paths.target", "remote-fs.target", "sockets.target", "sysinit.target", "time-set.target",
    "time-sync.target", "timers.target",
];

/// Those of them that the application user's own manager has.
const USER_TARGETS: &[&str] =
    &["basic.target", "default.target", "paths.target", "sockets.target", "timers.target"];

/// Keys whose values are names of units.
const NAMING: &[&str] = &[
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

/// Keys with which a unit that is not there keeps the container from starting.
const MUST_EXIST: &[&str] = &["BindsTo", "Requires", "Requisite"];

/// Targets that may want or require a container: the last ones of a boot.
const WANTING: &[&str] = &["default.target", "multi-user.target"];

const RESTART: &[&str] =
    &["no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog"];

/// `Unit`. What it names is used: it must be there for the manager that runs the container.
pub(super) fn check_unit(
    unit: &Clean<'_>,
    mode: Mode,
    declared: &Declared<'_>,
    uses: &mut Uses,
    report: &Report<'_>,
) {
    for entry in &unit.entries {
        let key = entry.key.value.as_str();
        if !NAMING.contains(&key) {
            continue;
        }
        for (at, name) in words(&entry.values) {
            match of_document(at, name, mode, declared, report) {
                Found::Declared(kind, name) => {
                    uses.0.insert((kind, name.to_owned()));
                }
                Found::Other => check_other(key, at, name, mode, report),
                Found::Reported => {}
            }
        }
    }
}

/// A unit of the system. Every one can be waited for.
fn check_other(key: &str, at: &At<String>, name: &str, mode: Mode, report: &Report<'_>) {
    let target = TARGETS.contains(&name) && key != "Before";
    if key == "After" || target && (mode == Mode::Rootful || USER_TARGETS.contains(&name)) {
        return;
    }
    if target && MUST_EXIST.contains(&key) {
        let message =
            format!("the application user's manager has no `{name}`: the container would not start");
        report.hinted(&at.spot, Code::Conflict, message, "`After` and `Wants` bear that");
    } else if !target {
        let message = format!("`{key}` names a unit of this document or a target, not `{name}`");
        let hint =
            "a container may wait for other units with `After`; it does not start, stop or hold them up";
        report.hinted(&at.spot, Code::NotAllowed, message, hint);
    }
}

/// `Service`. Its keys are the rule; the values are systemd's to judge, but for the one everybody writes.
pub(super) fn check_service(service: &Clean<'_>, report: &Report<'_>) {
    for value in service.values("Restart").filter(|value| !RESTART.contains(&value.value.as_str())) {
        let hint = match nearest(&value.value, RESTART.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("it is one of {}", RESTART.join(", ")),
        };
        report.hinted(&value.spot, Code::BadValue, "systemd knows no such value", hint);
    }
}

/// `Install`. Quadlet takes its names as they are, so only services can be meant.
pub(super) fn check_install(install: &Clean<'_>, mode: Mode, declared: &Declared<'_>, report: &Report<'_>) {
    const HINT: &str = "write `multi-user.target`, `default.target` or `NAME.service`";
    for (at, name) in install.entries.iter().flat_map(|entry| words(&entry.values)) {
        if WANTING.contains(&name) {
            continue;
        }
        match of_document(at, name, mode, declared, report) {
            Found::Declared(..) if name.ends_with(".service") => {}
            Found::Declared(..) | Found::Other => {
                let message = format!(
                    "a container is wanted by the end of the boot or by another one, not by `{name}`"
                );
                report.hinted(&at.spot, Code::NotAllowed, message, HINT);
            }
            Found::Reported => {}
        }
    }
}

enum Found<'t> {
    /// A unit of the document, in a mode that this one can see.
    Declared(Kind, &'t str),
    /// Something else, that looks like a unit.
    Other,
    /// A mistake.
    Reported,
}

/// Looks a unit's name up among those of the document.
fn of_document<'t>(
    at: &At<String>,
    text: &'t str,
    mode: Mode,
    declared: &Declared<'_>,
    report: &Report<'_>,
) -> Found<'t> {
    let Some((stem, suffix)) = text.rsplit_once('.').filter(|(stem, _)| is_unit_name(stem)) else {
        let hint = match declared.has(Kind::Container, text) {
            true => format!("write `{text}.service`"),
            false => "a unit's name ends in `.service` or `.target`".to_owned(),
        };
        report.hinted(&at.spot, Code::BadValue, format!("`{text}` is not the name of a unit"), hint);
        return Found::Reported;
    };
    let (kind, name) = match Kind::ALL.into_iter().find(|kind| kind.word() == suffix) {
        Some(kind) if declared.has(kind, stem) => (kind, stem),
        Some(kind) => {
            declared.missing(kind, at, stem, report);
            return Found::Reported;
        }
        None => match declared.of_service(stem).filter(|_| suffix == "service") {
            Some(found) => found,
            None => return Found::Other,
        },
    };
    // Resources are made for every manager that needs them; a container or pod has one.
    if declared.mode(kind, name).is_some_and(|other| other != mode) {
        let message =
            format!("`{name}` runs under another manager: of the two, one is privileged and one is not");
        let hint = "remove it; each must bear that the other is not there yet";
        report.hinted(&at.spot, Code::Conflict, message, hint);
        return Found::Reported;
    }
    Found::Declared(kind, name)
}

fn is_unit_name(stem: &str) -> bool {
    !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b":_.\\@-".contains(&b))
}

fn words(values: &[At<String>]) -> impl Iterator<Item = (&At<String>, &str)> {
    values.iter().flat_map(|at| at.value.split_whitespace().map(move |word| (at, word)))
}
