use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};

use appliance_types::{DomainName, HostLabel, HostnamePattern, InterfaceName, Ipv4Cidr, MacAddress};
use serde::{Deserialize, Serialize};

use crate::Leases;

/// What a configuration says of names on LAN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalNames {
    /// The interface that LAN machines are on.
    pub interface: InterfaceName,
    /// The box's address there.
    pub address: Ipv4Cidr,
    /// The domain of local names.
    pub domain: DomainName,
    /// Names of the box. A short one is also one in the domain.
    pub gateway_names: Vec<DomainName>,
    /// One more, with the MAC address of the interface in it.
    pub hostname_pattern: Option<HostnamePattern>,
    /// Names that the owner wrote down. A short one is also one in the domain.
    pub hosts: BTreeMap<DomainName, IpAddr>,
    /// Names in the domain of machines with an address reserved, whether they are there or not.
    pub reserved: BTreeMap<HostLabel, Ipv4Addr>,
}

const HEAD: &str = "\
127.0.0.1 localhost
";

const TAIL: &str = "\
::1 localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
";

/// What the box calls itself.
const HOSTNAME: &str = "slipway";

/// Where browsers and Windows look for a proxy or a tunnel by themselves, and what every machine is to itself. A machine that takes
/// one of these names would be asked for its neighbours' traffic.
const NEVER: [&str; 3] = ["localhost", "wpad", "isatap"];

/// The text of `/etc/hosts`. Without `names` it is the image's own.
///
/// Names of the configuration come before names of leases, and among leases the one that ends last has a name: it was seen last.
pub fn hosts(names: Option<&LocalNames>, mac: Option<MacAddress>, leases: &Leases) -> String {
    let Some(names) = names else { return format!("{HEAD}127.0.1.1 {HOSTNAME}\n{TAIL}") };
    let mut text =
        "# The configuration's names and those of the leases in force. Made by `slipway local-names`.\n"
            .to_owned();
    text.push_str(HEAD);
    text.push_str(TAIL);
    let mut lines = Lines { names, taken: BTreeSet::new(), text };
    lines.the_box(mac);
    lines.written_down();
    lines.leased(leases);
    lines.text
}

struct Lines<'a> {
    names: &'a LocalNames,
    /// Whole names that have an address.
    taken: BTreeSet<String>,
    text: String,
}

impl Lines<'_> {
    fn the_box(&mut self, mac: Option<MacAddress>) {
        let pattern = self.names.hostname_pattern.as_ref().zip(mac);
        let by_mac = pattern.and_then(|(pattern, mac)| pattern.name(mac).ok());
        // What it calls itself, it is: resolved would make up its other addresses, WAN's among them.
        let itself = HOSTNAME.parse().ok().filter(|name| !self.names.hosts.contains_key(name));
        let all: Vec<String> = self
            .names
            .gateway_names
            .iter()
            .chain(&by_mac)
            .chain(&itself)
            .flat_map(|name| self.forms(name))
            .collect();
        self.line(self.names.address.address(), &all);
    }

    fn written_down(&mut self) {
        for (name, address) in &self.names.hosts {
            let forms = self.forms(name);
            self.line(address, &forms);
        }
        for (label, address) in &self.names.reserved {
            let name = self.names.domain.child(label);
            self.line(address, &name.into_iter().map(String::from).collect::<Vec<_>>());
        }
    }

    fn leased(&mut self, leases: &Leases) {
        let network = self.names.address;
        let mut leases: Vec<_> =
            leases.leases.iter().filter(|lease| network.contains(lease.address)).collect();
        leases.sort_by_key(|lease| (std::cmp::Reverse(lease.expires_ms), lease.address));
        let mut lines = BTreeMap::new();
        for lease in leases {
            let label = lease.hostname.as_ref().and_then(|name| name.parse::<HostLabel>().ok());
            let label = label.filter(|label| !NEVER.contains(&label.as_str()));
            let name = label.and_then(|label| self.names.domain.child(&label)).map(String::from);
            if let Some(name) = name.filter(|name| self.taken.insert(name.clone())) {
                lines.entry(lease.address).or_insert(name);
            }
        }
        for (address, name) in lines {
            self.text.push_str(&format!("{address} {name}\n"));
        }
    }

    /// The name, and where it is short, first the whole one: what an address is called is the first of its names.
    fn forms(&self, name: &DomainName) -> Vec<String> {
        match name.is_short() {
            true => vec![format!("{name}.{}", self.names.domain), name.to_string()],
            false => vec![name.to_string()],
        }
    }

    /// Those of the names that have no address yet get this one.
    fn line(&mut self, address: impl Display, names: &[String]) {
        let new: Vec<&str> =
            names.iter().filter(|name| self.taken.insert((*name).clone())).map(String::as_str).collect();
        if !new.is_empty() {
            self.text.push_str(&format!("{address} {}\n", new.join(" ")));
        }
    }
}

#[cfg(test)]
#[path = "hosts_tests.rs"]
mod tests;
