//! `Unit`, `Service` and `Install`: a container's service among the others. It may wait for the system; it cannot start,
//! stop or hold up any of it.

use crate::nearest::nearest;
use crate::report::{At, Report};
use crate::{Code, Mode};

use super::names::{Declared, Kind};
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

/// Keys with which a unit that is not there keeps the container from starting.
const MUST_EXIST: &[&str] = &["BindsTo", "Requires", "Requisite"];

/// Targets that may want or require a container: the last ones of a boot.
const WANTING: &[&str] = &["default.target", "multi-user.target"];

const RESTART: &[&str] =
    &["no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog"];

/// `Unit`.
pub(super) fn check_unit(unit: &Clean<'_>, mode: Mode, declared: &Declared<'_>, report: &Report<'_>) {
    for entry in &unit.entries {
        let key = entry.key.value.as_str();
        if ["Description", "Documentation"].contains(&key) || key.starts_with("StartLimit") {
            continue;
        }
        for (at, name) in words(&entry.values) {
            match of_document(at, name, mode, declared, report) {
                Found::Declared | Found::Reported => {}
                Found::Other if key == "After" => {}
                Found::Other
                    if MUST_EXIST.contains(&key)
                        && mode == Mode::Rootless
                        && !USER_TARGETS.contains(&name) =>
                {
                    let message = format!(
                        "the application user's manager has no `{name}`: the container would not start"
                    );
                    report.hinted(&at.spot, Code::Conflict, message, "`After` and `Wants` bear that");
                }
                Found::Other if key != "Before" && TARGETS.contains(&name) => {}
                Found::Other => {
                    let message =
                        format!("`{key}` names a container of this document or a target, not `{name}`");
                    let hint = "a container may wait for other units with `After`; it does not start, stop or hold them up";
                    report.hinted(&at.spot, Code::NotAllowed, message, hint);
                }
            }
        }
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

/// `Install`.
pub(super) fn check_install(install: &Clean<'_>, mode: Mode, declared: &Declared<'_>, report: &Report<'_>) {
    for (at, name) in install.entries.iter().flat_map(|entry| words(&entry.values)) {
        if !WANTING.contains(&name) && matches!(of_document(at, name, mode, declared, report), Found::Other) {
            let message =
                format!("a container is wanted by the end of the boot or by another one, not by `{name}`");
            report.hinted(
                &at.spot,
                Code::NotAllowed,
                message,
                "write `multi-user.target` or `default.target`",
            );
        }
    }
}

enum Found {
    /// A unit of the document, in a mode that this one can see.
    Declared,
    /// Something else, that looks like a unit.
    Other,
    /// A mistake.
    Reported,
}

/// Looks a unit's name up among those of the document.
fn of_document(
    at: &At<String>,
    name: &str,
    mode: Mode,
    declared: &Declared<'_>,
    report: &Report<'_>,
) -> Found {
    let Some((stem, suffix)) = name.rsplit_once('.').filter(|(stem, _)| is_unit_name(stem)) else {
        let message = format!("`{name}` is not the name of a unit");
        match declared.has(Kind::Container, name) {
            true => report.hinted(&at.spot, Code::BadValue, message, format!("write `{name}.service`")),
            false => report.hinted(
                &at.spot,
                Code::BadValue,
                message,
                "a unit's name ends in `.service` or `.target`",
            ),
        }
        return Found::Reported;
    };
    let (kind, name) = match Kind::ALL.into_iter().find(|kind| kind.word() == suffix) {
        Some(kind) if declared.has(kind, stem) => (kind, stem),
        Some(kind) => {
            declared.missing(kind, at, stem, report);
            return Found::Reported;
        }
        None => match declared.of_service(stem).filter(|_| suffix == "service") {
            Some((kind, _)) => (kind, stem),
            None => return Found::Other,
        },
    };
    match declared.mode(name).filter(|other| kind == Kind::Container && *other != mode) {
        None => Found::Declared,
        Some(_) => {
            let message =
                format!("`{name}` runs under another manager: of the two, one is privileged and one is not");
            report.hinted(
                &at.spot,
                Code::Conflict,
                message,
                "remove it; each must bear that the other is not there yet",
            );
            Found::Reported
        }
    }
}

fn is_unit_name(stem: &str) -> bool {
    !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b":_.\\@-".contains(&b))
}

fn words(values: &[At<String>]) -> impl Iterator<Item = (&At<String>, &str)> {
    values.iter().flat_map(|at| at.value.split_whitespace().map(move |word| (at, word)))
}
