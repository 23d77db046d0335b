//! What the keys are that the readers beside this folder ask for: one line for each. A reader's new key gets its line here; the
//! test `the_readers_ask_for_the_keys_that_are_described` names what is missing.

mod activation;
mod containers;
mod health;
mod network;
mod secrets;
mod services;
mod users;

use crate::reference::{Kind, TableDoc, integer, key, pattern, text};

pub(crate) static ROOT: TableDoc = TableDoc {
    help: "A configuration is one TOML document. Unknown keys are refused, so that a slip of the pen never goes unnoticed.",
    keys: &[
        key("version", integer(1, 1), "The version of the format.").required().example("1"),
        key(
            "users",
            Kind::Names(&users::USERS),
            "The people who may log in. At least one is an administrator with a key.",
        )
        .required(),
        key("network", Kind::Table(&network::NETWORK), "Interfaces, what LAN machines are given, firewall.")
            .default(
                "WAN (`eth0`) asks a DHCP server; LAN (`eth1`) is 172.20.30.1/24; WAN is closed, LAN open",
            ),
        key("containers", Kind::Table(&containers::CONTAINERS), "What runs in containers.").default("none"),
        key(
            "activation",
            Kind::Table(&activation::ACTIVATION),
            "When a configuration counts as working, and what happens when not.",
        )
        .default("nothing must run"),
        key("health", Kind::Table(&health::HEALTH), "What must work, beyond running.").default("nothing"),
        key("secrets", Kind::Table(&secrets::SECRETS), "What nobody but its user may read.").default("none"),
        key(
            "updates",
            Kind::Table(&services::UPDATES),
            "Where updates of the appliance come from, and when.",
        )
        .default("none come by themselves"),
        key("os_upgrade", Kind::Table(&services::OS_UPGRADE), "The update server of AtomixOS.")
            .default("none"),
        key("netboot", Kind::Table(&services::NETBOOT), "What machines on LAN are offered to boot.")
            .default("nothing"),
        key("devices", Kind::Table(&services::DEVICES), "The machines that this appliance looks after.")
            .default("none is accepted unasked"),
    ],
};

/// An IPv4 address.
pub(crate) const IPV4: Kind = pattern("an IPv4 address", r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$");

/// An IPv4 address with the length of its network's prefix.
pub(crate) const IPV4_CIDR: Kind =
    pattern("an IPv4 address with prefix length", r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$");

/// An address of either family.
pub(crate) const IP: Kind = pattern("an IP address", r"^[0-9A-Fa-f:.]+$");

/// A domain.
pub(crate) const DOMAIN: Kind = text("a domain name");

/// A port number.
pub(crate) const PORT: Kind = integer(1, 65535);
