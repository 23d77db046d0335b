//! What the build asks of the machine it runs on: two packages, room on the disk, a Debian mirror.

use crate::context::Context;
use crate::sh::{self, Log};
use anyhow::{Context as _, Result, bail};
use std::path::Path;

/// Programs the host must have, and the Debian/Ubuntu packages they come in.
const NEEDED: &[(&str, &str)] =
    &[("mmdebstrap", "mmdebstrap"), ("unshare", "util-linux"), ("setpriv", "util-linux")];
/// Programs that unit tests talk to, over real sockets in network namespaces, and their packages. None of these packages starts a
/// service by being installed.
const PEERS: &[(&str, &str)] = &[
    ("busybox", "busybox"),
    ("dhclient", "isc-dhcp-client"),
    ("dnsmasq", "dnsmasq-base"),
    ("perfdhcp", "kea-admin"),
    ("ip", "iproute2"),
    ("curl", "curl"),
    ("tftp", "tftp-hpa"),
    ("atftp", "atftp"),
];
/// The keys that Debian's archive is signed with. Part of Debian; on Ubuntu a package of the same name.
pub(crate) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Free space a first build needs: tools tree, package downloads, root file system, image.
const NEEDED_FREE: u64 = 20 << 30;
/// Free space a later build needs.
const NEEDED_FREE_WARM: u64 = 4 << 30;

/// Whether we may do what only root may.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Sees to it that the host's packages are there: installs them when we may, else says what to run.
pub(crate) fn ensure_packages(log: &Log) -> Result<()> {
    let mut missing: Vec<&str> =
        NEEDED.iter().filter(|(program, _)| !sh::installed(program)).map(|(_, package)| *package).collect();
    if !Path::new(KEYRING).exists() {
        missing.push("debian-archive-keyring");
    }
    if !is_root() && !sh::installed("newuidmap") {
        missing.push("uidmap");
    }
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_root() {
        bail!(
            "cannot build: {list} missing on this machine. Run `sudo apt-get install {list}`, then this command again"
        );
    }
    if !sh::installed("apt-get") {
        bail!(
            "cannot build: {list} missing on this machine, and it has no apt-get. Install them, then run this command again"
        );
    }
    eprintln!("installing {list} (this machine does not have them yet)");
    install(log, &missing).with_context(|| format!("cannot install {list}"))
}

/// Installs what tests talk to, when we may. A test whose peer is missing says so and is skipped.
pub(crate) fn ensure_peers(log: &Log) {
    let missing: Vec<&str> =
        PEERS.iter().filter(|(program, _)| !is_somewhere(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() || !is_root() || !sh::installed("apt-get") {
        return;
    }
    eprintln!("installing {} (tests talk to them)", missing.join(" "));
    if let Err(error) = install(log, &missing) {
        eprintln!("{error:#}; the tests that need them are skipped");
    }
}

/// Whether a program is in PATH or where Debian has those of the administrator.
fn is_somewhere(program: &str) -> bool {
    sh::installed(program)
        || ["/usr/sbin", "/sbin"].iter().any(|folder| Path::new(folder).join(program).exists())
}

fn install(log: &Log, packages: &[&str]) -> Result<()> {
    let install = || {
        log.run(
            sh::command("apt-get")
                .args(["install", "--yes", "--quiet", "--no-install-recommends"])
                .args(packages)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    // The lists of a fresh machine are empty or old; only then are they fetched.
    if install().is_err() {
        log.run(sh::command("apt-get").args(["update", "--quiet"]))
            .context("cannot fetch the package lists")?;
        install()?;
    }
    Ok(())
}

/// Refuses to begin what the disk has no room for.
pub(crate) fn ensure_space(context: &Context, first_build: bool) -> Result<()> {
    let needed = if first_build { NEEDED_FREE } else { NEEDED_FREE_WARM };
    for (what, path) in [("the cache", &context.cache), ("the output", &context.out)] {
        let status = rustix::fs::statvfs(path)
            .with_context(|| format!("cannot read the free space of {}", path.display()))?;
        let free = status.f_bavail.saturating_mul(status.f_frsize);
        if free < needed {
            bail!(
                "cannot build: {what} at {} has {} MiB free, {} MiB are needed{}. Free some; XDG_CACHE_HOME can put the cache on another disk",
                path.display(),
                free >> 20,
                needed >> 20,
                if first_build { " for a first build" } else { "" }
            );
        }
    }
    Ok(())
}

/// Where Debian packages come from: the archive and its security archive. `None` in both: let mmdebstrap choose.
#[derive(Clone, Default)]
pub(crate) struct Mirror {
    pub(crate) archive: Option<String>,
    pub(crate) security: Option<String>,
}

impl Mirror {
    /// The one asked for, else the host's own when the host is Debian, else mmdebstrap's default.
    pub(crate) fn choose(asked: Option<&str>) -> Mirror {
        if let Some(archive) = asked {
            return Mirror { archive: Some(archive.to_owned()), security: None };
        }
        let os_release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        if !os_release.lines().any(|line| line == "ID=debian") {
            return Mirror::default();
        }
        let mut text = std::fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
        let mut files: Vec<_> = std::fs::read_dir("/etc/apt/sources.list.d")
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        files.sort();
        for file in
            files.iter().filter(|file| file.extension().is_some_and(|e| e == "sources" || e == "list"))
        {
            text.push('\n');
            text.push_str(&std::fs::read_to_string(file).unwrap_or_default());
        }
        Mirror::from_apt_sources(&text)
    }

    /// Reads both formats of apt sources (one-line and deb822).
    fn from_apt_sources(text: &str) -> Mirror {
        let mut mirror = Mirror::default();
        let mut uri = None;
        let mut take = |uri: &str, suite: &str| {
            let uri = uri.trim_end_matches('/').to_owned();
            if suite.ends_with("-security") {
                mirror.security.get_or_insert(uri);
            } else if !suite.contains('-') && !suite.contains('/') {
                mirror.archive.get_or_insert(uri);
            }
        };
        for line in text.lines().map(str::trim) {
            if line.is_empty() {
                uri = None;
            } else if let Some(value) = line.strip_prefix("URIs:") {
                uri = value.split_whitespace().next().map(str::to_owned);
            } else if let Some(value) = line.strip_prefix("Suites:") {
                for suite in value.split_whitespace() {
                    if let Some(uri) = &uri {
                        take(uri, suite);
                    }
                }
            } else if let Some(rest) = line.strip_prefix("deb ") {
                let rest = match rest.trim_start().strip_prefix('[') {
                    Some(options) => options.split_once(']').map_or("", |(_, after)| after),
                    None => rest,
                };
                let mut words = rest.split_whitespace();
                if let (Some(uri), Some(suite)) = (words.next(), words.next()) {
                    take(uri, suite);
                }
            }
        }
        mirror
    }

    /// The `deb` lines for mmdebstrap: release, updates, security, and `extra` suites of the archive. Empty when
    /// mmdebstrap chooses.
    pub(crate) fn lines(
        &self,
        suite: &str,
        signed_by: Option<&str>,
        extra: &[String],
        sources: bool,
    ) -> Vec<String> {
        let Some(archive) = &self.archive else { return Vec::new() };
        let option = signed_by.map(|path| format!("[signed-by={path}] ")).unwrap_or_default();
        // Debian keeps the security archive beside the main one on every full mirror.
        let security = self.security.clone().unwrap_or_else(|| format!("{archive}-security"));
        let mut pairs = vec![
            (archive.clone(), suite.to_owned()),
            (archive.clone(), format!("{suite}-updates")),
            (security, format!("{suite}-security")),
        ];
        pairs.extend(extra.iter().map(|suite| (archive.clone(), suite.clone())));
        let kinds: &[&str] = if sources { &["deb", "deb-src"] } else { &["deb"] };
        pairs
            .iter()
            .flat_map(|(uri, suite)| kinds.iter().map(move |kind| (kind, uri, suite)))
            .map(|(kind, uri, suite)| format!("{kind} {option}{uri} {suite} main"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_mirror_is_read_from_both_formats() {
        let deb822 = "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n\
                      Types: deb\nURIs: http://mirror.example/sec/\nSuites: bookworm-security\n";
        let one_line = "deb http://mirror.example/debian bookworm main\n# deb http://no.example x main\n\
                        deb [signed-by=/k.gpg arch=amd64] http://mirror.example/sec bookworm-security main\n";
        for text in [deb822, one_line] {
            let mirror = Mirror::from_apt_sources(text);
            assert_eq!(mirror.archive.as_deref(), Some("http://mirror.example/debian"));
            assert_eq!(mirror.security.as_deref(), Some("http://mirror.example/sec"));
        }
    }

    #[test]
    fn a_host_without_debian_sources_leaves_the_choice_to_mmdebstrap() {
        assert!(Mirror::default().lines("trixie", None, &[], false).is_empty());
    }

    #[test]
    fn lines_have_release_updates_security_and_extras() {
        let mirror = Mirror { archive: Some("http://m.example/debian".into()), security: None };
        assert_eq!(
            mirror.lines("trixie", Some("/k.gpg"), &["trixie-backports".into()], false),
            [
                "deb [signed-by=/k.gpg] http://m.example/debian trixie main",
                "deb [signed-by=/k.gpg] http://m.example/debian trixie-updates main",
                "deb [signed-by=/k.gpg] http://m.example/debian-security trixie-security main",
                "deb [signed-by=/k.gpg] http://m.example/debian trixie-backports main",
            ]
        );
    }
}
