//! Where a configuration may write: a closed set, so that what lies there and was not rendered is known to be stale.

use appliance_config::Mode;
use appliance_types::{ContainerName, InterfaceName, SecretName, UserName};

pub(crate) const PASSWD: &str = "/etc/passwd";
pub(crate) const GROUP: &str = "/etc/group";
pub(crate) const SHADOW: &str = "/etc/shadow";
pub(crate) const GSHADOW: &str = "/etc/gshadow";
pub(crate) const HOMES: &str = "/etc/tmpfiles.d/slipway-homes.conf";
pub(crate) const FIREWALL: &str = "/etc/nftables.conf";
pub(crate) const REQUIRED: &str = "/etc/slipway/required.json";
/// Makes the secrets of containers; holds them, so it is root's alone.
pub(crate) const SECRETS: &str = "/etc/tmpfiles.d/slipway-secrets.conf";
pub(crate) const HEALTH: &str = appliance_types::HealthSet::PATH;
pub(crate) const UPDATED: &str = "/etc/slipway/updated.toml";
pub(crate) const DEVICED: &str = "/etc/slipway/deviced.toml";
pub(crate) const LOCAL_NAMES: &str = "/etc/slipway/local-names.json";
pub(crate) const NETBOOTD: &str = "/etc/slipway/netbootd.toml";
/// After the image's 20-slipway.conf, which it adds to.
pub(crate) const RESOLVED: &str = "/etc/systemd/resolved.conf.d/30-slipway-lan.conf";
/// The image has this file as well.
pub(crate) const CHRONY: &str = "/etc/chrony/chrony.conf";
/// Beside the image's 10-slipway.conf.
pub(crate) const SSHD: &str = "/etc/ssh/sshd_config.d/20-slipway-listen.conf";
/// The image has a file of this name in /usr/lib; this one replaces it.
pub(crate) const WAN: &str = "/etc/systemd/network/20-slipway-wan.network";

const SINGLE: &[&str] = &[
    PASSWD,
    GROUP,
    SHADOW,
    GSHADOW,
    HOMES,
    SECRETS,
    FIREWALL,
    REQUIRED,
    HEALTH,
    UPDATED,
    DEVICED,
    LOCAL_NAMES,
    NETBOOTD,
    RESOLVED,
    CHRONY,
    SSHD,
    WAN,
];

/// Where systemd looks for the credential `slipway.NAME` of a unit that asks for it.
const CREDENTIALS: &str = "/etc/credstore/slipway.";
const KEYS: &str = "/etc/slipway/authorized-keys/";
/// Sorts before the image's 30-slipway-lan.network, which keeps cards off that nobody configured.
const LINK: &str = "/etc/systemd/network/25-slipway-";
const ROOTFUL: &str = "/etc/containers/systemd/";
/// Quadlet reads it for the user with this number only: the application user's.
const ROOTLESS: &str = "/etc/containers/systemd/users/900/";

/// Folders that hold files of ours, and files of others or none: whoever looks for stale ones lists these, without their
/// sub-folders, and asks [`is_ours`].
pub const FOLDERS: &[&str] = &[
    "/etc",
    "/etc/chrony",
    "/etc/containers/systemd",
    "/etc/containers/systemd/users/900",
    "/etc/credstore",
    "/etc/slipway",
    "/etc/slipway/authorized-keys",
    "/etc/ssh/sshd_config.d",
    "/etc/systemd/network",
    "/etc/systemd/resolved.conf.d",
    "/etc/tmpfiles.d",
];

/// Whether a configuration may write this path, and so whether a file that is there without being rendered is stale.
pub fn is_ours(path: &str) -> bool {
    SINGLE.contains(&path)
        || path.strip_prefix(KEYS).is_some_and(|name| name.parse::<UserName>().is_ok())
        || link_of(path).is_some()
        || path.strip_prefix(CREDENTIALS).is_some_and(|name| name.parse::<SecretName>().is_ok())
        || unit_at(path).is_some()
}

/// Whether networkd reads this file.
pub(crate) fn is_network(path: &str) -> bool {
    path == WAN || link_of(path).is_some()
}

/// The VLAN that networkd makes of this file.
pub(crate) fn vlan_of(path: &str) -> Option<InterfaceName> {
    link_of(path).filter(|(_, kind)| *kind == NETDEV).map(|(name, _)| name)
}

const NETDEV: &str = "netdev";

/// The interface that a file of networkd is about, and what kind of file it is.
fn link_of(path: &str) -> Option<(InterfaceName, &str)> {
    let (name, kind) = path.strip_prefix(LINK)?.rsplit_once('.')?;
    // As a checked configuration has them: names that mean nothing else in a file, or as the name of one.
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let plain = plain && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let name = name.parse().ok().filter(|name| plain && !is_wan(name))?;
    matches!(kind, "network" | NETDEV).then_some((name, kind))
}

/// Whether this is the card towards the outside, whose file the image has, too.
pub(crate) fn is_wan(name: &InterfaceName) -> bool {
    name.as_str() == "eth0"
}

/// A file that Quadlet makes a unit of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnitFile<'a> {
    pub(crate) mode: Mode,
    pub(crate) kind: UnitKind,
    pub(crate) name: &'a str,
}

/// In the order in which they are started: what is used comes before what uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum UnitKind {
    Image,
    Network,
    Volume,
    Build,
    Pod,
    Container,
}

impl UnitKind {
    const ALL: [UnitKind; 6] = [
        UnitKind::Image,
        UnitKind::Network,
        UnitKind::Volume,
        UnitKind::Build,
        UnitKind::Pod,
        UnitKind::Container,
    ];

    fn suffix(self) -> &'static str {
        match self {
            UnitKind::Image => ".image",
            UnitKind::Network => ".network",
            UnitKind::Volume => ".volume",
            UnitKind::Build => ".build",
            UnitKind::Pod => ".pod",
            UnitKind::Container => ".container",
        }
    }
}

impl UnitFile<'_> {
    /// `web.container`.
    pub(crate) fn file_name(&self) -> String {
        format!("{}{}", self.name, self.kind.suffix())
    }

    pub(crate) fn path(&self) -> String {
        let folder = match self.mode {
            Mode::Rootful => ROOTFUL,
            Mode::Rootless => ROOTLESS,
        };
        format!("{folder}{}", self.file_name())
    }

    /// The unit that Quadlet makes of it: `web.service`, `data-volume.service`.
    pub(crate) fn service(&self) -> String {
        match self.kind {
            UnitKind::Container => format!("{}.service", self.name),
            kind => format!("{}-{}.service", self.name, kind.suffix().trim_start_matches('.')),
        }
    }
}

/// The unit file that this path names, if it does.
pub(crate) fn unit_at(path: &str) -> Option<UnitFile<'_>> {
    let (mode, file) = match path.strip_prefix(ROOTLESS) {
        Some(file) => (Mode::Rootless, file),
        None => (Mode::Rootful, path.strip_prefix(ROOTFUL)?),
    };
    let (kind, name) =
        UnitKind::ALL.iter().find_map(|kind| Some((*kind, file.strip_suffix(kind.suffix())?)))?;
    name.parse::<ContainerName>().ok()?;
    Some(UnitFile { mode, kind, name })
}

pub(crate) fn network_file(name: &InterfaceName) -> String {
    match is_wan(name) {
        true => WAN.to_owned(),
        false => format!("{LINK}{name}.network"),
    }
}

pub(crate) fn netdev_file(name: &InterfaceName) -> String {
    format!("{LINK}{name}.{NETDEV}")
}

pub(crate) fn credential_file(secret: &SecretName) -> String {
    format!("{CREDENTIALS}{secret}")
}

pub(crate) fn keys_file(user: &UserName) -> String {
    format!("{KEYS}{user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_closed() {
        for path in [
            "/etc/passwd",
            "/etc/gshadow",
            "/etc/slipway/authorized-keys/alice",
            "/etc/slipway/required.json",
            "/etc/slipway/health.json",
            "/etc/slipway/updated.toml",
            "/etc/slipway/deviced.toml",
            "/etc/tmpfiles.d/slipway-secrets.conf",
            "/etc/credstore/slipway.oidc-client",
            "/etc/slipway/local-names.json",
            "/etc/slipway/netbootd.toml",
            "/etc/chrony/chrony.conf",
            "/etc/ssh/sshd_config.d/20-slipway-listen.conf",
            "/etc/systemd/resolved.conf.d/30-slipway-lan.conf",
            "/etc/systemd/network/20-slipway-wan.network",
            "/etc/systemd/network/25-slipway-eth1.network",
            "/etc/systemd/network/25-slipway-eth12.network",
            "/etc/systemd/network/25-slipway-vlan.30.network",
            "/etc/systemd/network/25-slipway-vlan.30.netdev",
            "/etc/containers/systemd/web.container",
            "/etc/containers/systemd/users/900/data.volume",
            "/etc/containers/systemd/shop.pod",
            "/etc/containers/systemd/app.build",
        ] {
            assert!(is_ours(path), "{path}");
            assert!(FOLDERS.contains(&path.rsplit_once('/').unwrap().0), "{path}");
        }
        for path in [
            "",
            "passwd",
            "/etc/passwd-",
            "/etc/subuid",
            "/etc/hosts",
            "/etc/ssh/sshd_config.d/10-slipway.conf",
            "/etc/slipway/authorized-keys/",
            "/etc/slipway/authorized-keys/../../passwd",
            "/etc/slipway/authorized-keys/Alice",
            "/etc/systemd/network/25-slipway-eth0.network",
            "/etc/systemd/network/25-slipway-eth0.netdev",
            "/etc/systemd/network/25-slipway-.network",
            "/etc/systemd/network/25-slipway-.x.network",
            "/etc/systemd/network/25-slipway-..network",
            "/etc/systemd/network/25-slipway-a b.network",
            "/etc/systemd/network/25-slipway-a/b.network",
            "/etc/systemd/network/25-slipway-eth1.link",
            "/etc/systemd/network/30-slipway-lan.network",
            "/etc/containers/systemd/web.kube",
            "/etc/credstore/slipway.",
            "/etc/credstore/slipway.../x",
            "/etc/credstore/other",
            "/etc/containers/systemd/web.service",
            "/etc/containers/systemd/.container",
            "/etc/containers/systemd/a/b.container",
            "/etc/containers/systemd/users/web.container",
            "/etc/containers/systemd/users/1000/web.container",
            "/etc/containers/systemd/users/900/../web.container",
            "/usr/lib/systemd/network/20-slipway-wan.network",
        ] {
            assert!(!is_ours(path), "{path}");
        }
    }

    #[test]
    fn units_are_named_as_quadlet_names_them() {
        for (file, service) in [
            ("web.container", "web.service"),
            ("back.network", "back-network.service"),
            ("data.volume", "data-volume.service"),
            ("base.image", "base-image.service"),
            ("app.build", "app-build.service"),
            ("shop.pod", "shop-pod.service"),
        ] {
            for (folder, mode) in [(ROOTFUL, Mode::Rootful), (ROOTLESS, Mode::Rootless)] {
                let path = format!("{folder}{file}");
                let unit = unit_at(&path).unwrap();
                assert_eq!((unit.mode, unit.service().as_str()), (mode, service));
                assert_eq!((unit.path(), unit.file_name().as_str()), (path.clone(), file));
            }
        }
    }
}
