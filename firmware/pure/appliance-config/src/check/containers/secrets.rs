//! `Secret=`: which secrets a container reads, and where. One that the document declares is given to it by us; any other is for
//! Podman to find in its own store.

use std::collections::{BTreeMap, BTreeSet};

use appliance_types::SecretName;

use crate::raw::RawSecrets;
use crate::report::{At, Report};
use crate::{Code, SecretTarget, SecretUse};

/// Secrets that the document declares, with whether each is one line.
pub(super) struct Declared<'a> {
    names: BTreeMap<&'a str, bool>,
}

impl<'a> Declared<'a> {
    pub(super) fn new(raw: &'a RawSecrets) -> Declared<'a> {
        let one_line =
            |value: &Option<At<String>>| value.as_ref().is_none_or(|v| !v.value.contains(['\n', '\r']));
        Declared { names: raw.values.iter().map(|(name, v)| (name.value.as_str(), one_line(v))).collect() }
    }

    fn is_one_line(&self, name: &str) -> Option<bool> {
        self.names.get(name).copied()
    }
}

/// `Ok`: a declared secret, or `None` where something is wrong with it and was reported. `Err`: Podman's.
pub(super) fn of_container(
    value: &At<String>,
    declared: &Declared<'_>,
    seen: &mut BTreeSet<SecretTarget>,
    report: &Report<'_>,
) -> Result<Option<SecretUse>, String> {
    let mut parts = value.value.split(',').map(str::trim);
    let word = parts.next().unwrap_or_default();
    let Some(is_one_line) = declared.is_one_line(word) else {
        let message = format!("`{word}` is not in [secrets.values]: Podman must have it in its own store");
        report.hinted(
            &value.spot,
            Code::Warning,
            message,
            "declare it, and it is there before the container starts",
        );
        return Err(value.value.clone());
    };
    // A name that is none was reported where it is declared.
    let Ok(name) = word.parse::<SecretName>() else { return Ok(None) };
    let Some(options) = Options::read(parts, value, report) else { return Ok(None) };
    let problem = |message: &str, hint: &str| {
        report.hinted(&value.spot, Code::BadValue, message, hint);
        Ok(None)
    };
    let target = match (options.variable, options.target) {
        (false, None) => SecretTarget::File(format!("/run/secrets/{name}")),
        (false, Some(path)) if path.starts_with('/') => SecretTarget::File(path.to_owned()),
        (false, Some(file)) => SecretTarget::File(format!("/run/secrets/{file}")),
        (true, target) => SecretTarget::Variable(target.unwrap_or(name.as_str()).to_owned()),
    };
    match &target {
        SecretTarget::File(path) if !is_path(path) => {
            return problem(
                "the path in the container has other signs than letters, digits and `._/-`",
                "choose another",
            );
        }
        SecretTarget::Variable(variable) if !is_variable(variable) => {
            return problem("it is not the name of a variable", "write `target=CLIENT_SECRET`");
        }
        SecretTarget::Variable(_) if !is_one_line => {
            return problem(
                "a variable is one line, and this secret has more",
                "leave `type=env` out: then it is a file",
            );
        }
        _ => {}
    }
    if !seen.insert(target.clone()) {
        return problem("another secret of this container is there", "give each its own `target=`");
    }
    Ok(Some(SecretUse { name, target }))
}

/// A build's secret: `id=NAME,src=PATH` as Podman takes it, or the name of a declared one.
pub(super) fn of_build(value: &At<String>, declared: &Declared<'_>) -> Option<SecretName> {
    declared.is_one_line(&value.value)?;
    value.value.parse().ok()
}

/// What stands behind the name.
struct Options<'v> {
    variable: bool,
    target: Option<&'v str>,
}

impl<'v> Options<'v> {
    fn read(
        parts: impl Iterator<Item = &'v str>,
        value: &At<String>,
        report: &Report<'_>,
    ) -> Option<Options<'v>> {
        const HINT: &str = "write `NAME`, `NAME,target=/path` or `NAME,type=env,target=VARIABLE`";
        let mut options = Options { variable: false, target: None };
        for part in parts {
            match part.split_once('=') {
                Some(("type", "mount")) => options.variable = false,
                Some(("type", "env")) => options.variable = true,
                Some(("target", target)) if !target.is_empty() => options.target = Some(target),
                Some(("uid" | "gid" | "mode", _)) => {
                    let message =
                        "a declared secret can be read by every user of its container, and by nobody else";
                    report.hinted(&value.spot, Code::NotSupported, message, HINT);
                    return None;
                }
                _ => {
                    report.hinted(
                        &value.spot,
                        Code::BadValue,
                        format!("`{part}` is no option of a secret"),
                        HINT,
                    );
                    return None;
                }
            }
        }
        Some(options)
    }
}

fn is_path(path: &str) -> bool {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b));
    plain && !path.ends_with('/') && !path.split('/').any(|part| part == "..")
}

fn is_variable(name: &str) -> bool {
    let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    word && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}
