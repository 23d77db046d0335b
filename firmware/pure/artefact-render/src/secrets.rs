//! Secrets: for the containers that name them, for registries, and for the appliance's own services.
//!
//! A container gets its secrets as files in memory, which systemd-tmpfiles makes from a file that only root can read. They are not
//! put into Podman's own store: that would keep them on the data partition, outside of the configuration, also when they are gone
//! from it. They lie in a folder that nobody else can enter, one for each Podman, and can be read by every user of the container:
//! which number that user has on the device is the container's affair. A variable, other than a file, is also in Podman's record of the
//! container, on the data partition for as long as the container is there.
//!
//! A service of the appliance asks for the credential `slipway.NAME` (`ImportCredential=`, systemd.exec(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use appliance_config::{Config, Containers, SecretTarget, SecretText, Secrets};
use appliance_types::{ContainerName, Mode, SecretName};
use serde_json::json;

use crate::artefacts::Files;
use crate::base64::encode;
use crate::paths;

/// In memory, and gone with a reboot.
const FOLDER: &str = "/run/slipway-secrets";

/// A secret that is a file of its own.
pub(crate) fn file(name: &SecretName, mode: Mode) -> String {
    format!("{FOLDER}/{}/files/{name}", mode.word())
}

/// The secrets that are variables of a container.
pub(crate) fn environment(container: &str, mode: Mode) -> String {
    format!("{FOLDER}/{}/env/{container}", mode.word())
}

/// Logins at registries, where there are any: containers-auth.json(5).
pub(crate) fn logins(secrets: &Secrets, mode: Mode) -> Option<String> {
    (!secrets.registries.is_empty()).then(|| format!("{FOLDER}/{}/auth.json", mode.word()))
}

pub(crate) fn render(config: &Config, files: &mut Files) {
    for (name, text) in &config.secrets.values {
        files.add_with_mode(paths::credential_file(name), text.reveal().to_owned(), 0o600);
    }
    files.add_with_mode(paths::SECRETS, tmpfiles(&config.containers, &config.secrets), 0o600);
}

/// Lines of tmpfiles.d(5). All is removed first, so that what is none any more is gone.
fn tmpfiles(containers: &Containers, secrets: &Secrets) -> String {
    let mut text =
        String::from("# Secrets of config.toml, in memory, for the containers that may read them.\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "R {FOLDER}\nd {FOLDER} 0711 root root");
    for mode in Mode::ALL {
        let (folder, user) = (format!("{FOLDER}/{}", mode.word()), owner(mode));
        let _ = writeln!(text, "d {folder} 0700 {user} {user}");
        let _ = writeln!(text, "d {folder}/files 0700 {user} {user}\nd {folder}/env 0700 {user} {user}");
        for (name, secret) in
            used(containers, mode).iter().filter_map(|name| secrets.values.get_key_value(name))
        {
            let bits = if is_file(containers, mode, name) { "0444" } else { "0400" };
            line(&mut text, &file(name, mode), bits, mode, secret.reveal().as_bytes());
        }
        for (container, variables) in variables(containers, secrets, mode) {
            line(&mut text, &environment(container.as_str(), mode), "0400", mode, variables.as_bytes());
        }
        if let Some(path) = logins(secrets, mode) {
            line(&mut text, &path, "0400", mode, auth_json(secrets).as_bytes());
        }
    }
    text
}

/// A file with these bytes. They are given in Base64, in which nothing has a meaning for systemd-tmpfiles.
fn line(text: &mut String, path: &str, bits: &str, mode: Mode, bytes: &[u8]) {
    let user = owner(mode);
    let _ = writeln!(text, "f+~ {path} {bits} {user} {user} - {}", encode(bytes));
}

fn owner(mode: Mode) -> &'static str {
    match mode {
        Mode::Rootful => "root",
        Mode::Rootless => "slipway-app",
    }
}

/// Secrets that something of this Podman reads as files.
fn used(containers: &Containers, mode: Mode) -> BTreeSet<&SecretName> {
    let of_mode = containers.containers.values().filter(|container| container.mode == mode);
    let files = of_mode.flat_map(|container| &container.secrets);
    let files =
        files.filter(|secret| matches!(secret.target, SecretTarget::File(_))).map(|secret| &secret.name);
    let builds = containers.builds.values().filter(|build| build.modes.contains(&mode));
    files.chain(builds.flat_map(|build| &build.secrets)).collect()
}

/// Whether a container, and not only a build, reads it.
fn is_file(containers: &Containers, mode: Mode, name: &SecretName) -> bool {
    let of_mode = containers.containers.values().filter(|container| container.mode == mode);
    let mut secrets = of_mode.flat_map(|container| &container.secrets);
    secrets.any(|secret| secret.name == *name && matches!(secret.target, SecretTarget::File(_)))
}

/// `VARIABLE=text` lines, by container. Podman takes all that follows the first `=` as it is; that it is one line was checked.
fn variables<'a>(
    containers: &'a Containers,
    secrets: &Secrets,
    mode: Mode,
) -> BTreeMap<&'a ContainerName, String> {
    let mut all: BTreeMap<&ContainerName, String> = BTreeMap::new();
    for (name, container) in containers.containers.iter().filter(|(_, container)| container.mode == mode) {
        for secret in &container.secrets {
            let text = secrets.values.get(&secret.name).map(SecretText::reveal);
            if let (SecretTarget::Variable(variable), Some(text)) = (&secret.target, text) {
                let _ = writeln!(all.entry(name).or_default(), "{variable}={text}");
            }
        }
    }
    all
}

fn auth_json(secrets: &Secrets) -> String {
    let login = |(registry, login): (&String, &appliance_config::RegistryLogin)| {
        let text = format!("{}:{}", login.username, login.password.reveal());
        (registry.clone(), json!({ "auth": encode(text.as_bytes()) }))
    };
    let auths: serde_json::Map<String, serde_json::Value> = secrets.registries.iter().map(login).collect();
    json!({ "auths": auths }).to_string() + "\n"
}

/// Files of secrets that came or changed between two of our tmpfiles.d files. Logins are not among them: what runs has its image.
pub(crate) fn changed(before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<String> {
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let before: BTreeSet<&str> = before.lines().collect();
    let changed = after.lines().filter(|line| !before.contains(line));
    let paths = changed.filter_map(|line| line.strip_prefix("f+~ ")?.split(' ').next());
    paths.filter(|path| !path.ends_with("/auth.json")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_that_changed_are_named() {
        let before =
            "d /run/x 0700 root root\nf+~ /run/a 0444 root root - QQ==\nf+~ /run/b 0444 root root - Qg==\n";
        let after = "f+~ /run/a 0444 root root - QQ==\nf+~ /run/b 0444 root root - Qw==\nf+~ /run/c 0444 root root - RA==\n\
                     f+~ /run/auth.json 0400 root root - RQ==\n";
        assert_eq!(changed(Some(before.as_bytes()), Some(after.as_bytes())), ["/run/b", "/run/c"]);
        assert_eq!(changed(Some(before.as_bytes()), Some(before.as_bytes())), [""; 0]);
        assert_eq!(changed(None, Some(before.as_bytes())), ["/run/a", "/run/b"]);
    }
}
