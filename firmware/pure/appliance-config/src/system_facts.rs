//! What the system already has under its names.

use std::collections::BTreeSet;

/// Accounts and units of the image a configuration is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemFacts {
    /// Names in the image's `passwd` and `group`.
    pub accounts: BTreeSet<String>,
    /// Services of the image, without `.service`.
    pub units: BTreeSet<String>,
}

/// Accounts that an image has or may get, whatever the facts say: a name that a later image needs must not be a person's.
#[rustfmt::skip]
const ACCOUNTS: &[&str] = &[
    "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data", "backup",
    "list", "irc", "nobody", "nogroup", "adm", "audio", "cdrom", "clock", "dialout", "dip", "disk", "fax", "floppy", "input",
    "kmem", "kvm", "operator", "plugdev", "render", "sasl", "sgx", "shadow", "src", "staff", "sudo", "tape", "tty", "users",
    "utmp", "video", "voice", "wheel", "messagebus", "polkitd", "sshd", "_apt", "_chrony", "_ssh", "chrony",
    "dnsmasq", "rauc", "appsvc",
];

/// Services that an image has or may get.
#[rustfmt::skip]
const UNITS: &[&str] = &[
    "ssh", "sshd", "sshd-keygen", "chrony", "chronyd", "chrony-wait", "dnsmasq", "nftables", "rauc", "dbus", "dbus-broker",
    "udev", "polkit", "podman", "podman-restart", "podman-auto-update", "podman-clean-transient",
    "podman-user-wait-network-online", "netavark-firewalld-reload", "netavark-dhcp-proxy", "modprobe", "kmod", "procps",
    "getty-static", "console-getty", "debug-shell", "emergency", "rescue", "quotaon-root", "ldconfig", "fstrim", "hwclock",
    "initrd-cleanup", "initrd-parse-etc", "initrd-switch-root", "initrd-udevadm-cleanup-db", "kmod-static-nodes",
    "system-update-cleanup", "rc-local", "cryptdisks", "cryptdisks-early", "provisiond", "deviced", "netbootd", "updated",
];

/// What names of the system begin with.
const PREFIXES: &[&str] = &["systemd-", "slipway-"];

impl SystemFacts {
    /// The names of a usual image, for a check away from the appliance.
    pub fn of_image() -> SystemFacts {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        SystemFacts { accounts: names(ACCOUNTS), units: names(UNITS) }
    }

    /// And the names that one image really has: `passwd` and `group` are its files, `units` its services without `.service`.
    #[must_use]
    pub fn and(mut self, passwd: &str, group: &str, units: impl IntoIterator<Item = String>) -> SystemFacts {
        let names = passwd.lines().chain(group.lines()).filter_map(|line| line.split(':').next());
        self.accounts.extend(names.map(str::to_owned));
        self.units.extend(units);
        self
    }

    /// Whether an account of the system has, or may get, this name.
    pub(crate) fn is_account(&self, name: &str) -> bool {
        is_reserved(name, &self.accounts, ACCOUNTS)
    }

    /// Whether a service of the system has, or may get, this name.
    pub(crate) fn is_unit(&self, stem: &str) -> bool {
        is_reserved(stem, &self.units, UNITS)
    }
}

fn is_reserved(name: &str, facts: &BTreeSet<String>, list: &[&str]) -> bool {
    facts.contains(name) || list.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_reserved_by_the_image_and_for_later_ones() {
        let facts = SystemFacts::default().and("ops:x:1:1:::\n", "team:x:2:\n", ["frobd".to_owned()]);
        assert!(facts.is_account("team"));
        assert!(facts.is_account("ops") && facts.is_account("root") && facts.is_account("slipway-app"));
        assert!(facts.is_unit("frobd") && facts.is_unit("sshd") && facts.is_unit("systemd-networkd"));
        assert!(!facts.is_account("frobd") && !facts.is_unit("ops") && !facts.is_unit("web"));
    }
}
