//! What must hold between the parts of a policy.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use super::file::{BootRuleTable, PolicyFile, SubnetTable};
use super::{DhcpMode, Policy};
use crate::client::ClientClass;

/// A Raspberry Pi and the first try of a PXE ROM wait for 4 s. The rest is for the disk and the wire.
const LONGEST_PROBE_MS: u32 = 2000;

/// One thing that is wrong with a policy: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    place: String,
    text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

pub(super) fn check(file: PolicyFile) -> Result<Policy, Vec<Problem>> {
    let mut problems = Problems(Vec::new());
    interfaces(&file, &mut problems);
    for (index, subnet) in file.subnets.iter().enumerate() {
        check_subnet(&file, index, subnet, &mut problems);
    }
    if file.dhcp.offer_s == 0 {
        problems.add("dhcp.offer_s", "an offer must stay reserved for a while: 60 is usual");
    }
    if file.dhcp.probe_ms > LONGEST_PROBE_MS {
        problems.add(
            "dhcp.probe_ms",
            format!("firmware does not wait that long for an offer: {LONGEST_PROBE_MS} at most"),
        );
    }
    let mut policy =
        Policy { file, by_mac: BTreeMap::new(), by_client_id: BTreeMap::new(), by_address: BTreeMap::new() };
    reservations(&mut policy, &mut problems);
    for (index, rule) in policy.file.boot.rules.iter().enumerate() {
        boot_rule(&policy.file, index, rule, &mut problems);
    }
    if problems.0.is_empty() { Ok(policy) } else { Err(problems.0) }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push(Problem { place: place.into(), text: text.into() });
    }
}

fn interfaces(file: &PolicyFile, problems: &mut Problems) {
    if file.interfaces.is_empty() {
        problems.add("interfaces", "none is named, so nothing would be served");
    }
    for (name, interface) in &file.interfaces {
        let place = format!("interfaces.{name}.address");
        if !interface.address.is_host() {
            problems.add(&place, format!("{} is no address that a host can have", interface.address));
        }
        let twin = |(other, table): &(_, &super::InterfaceTable)| {
            *other < name && table.address.overlaps(interface.address)
        };
        if let Some((other, _)) = file.interfaces.iter().find(twin) {
            problems.add(
                &place,
                format!("the network is {other}'s as well; a reply could not be told from which"),
            );
        }
        let has_subnet =
            file.subnets.iter().any(|subnet| subnet.network.contains(interface.address.address()));
        if interface.dhcp == DhcpMode::Server && !has_subnet {
            problems.add(
                format!("interfaces.{name}.dhcp"),
                "a server needs a [[subnet]] with this network; or let it be \"proxy\" or \"off\"",
            );
        }
    }
}

fn check_subnet(file: &PolicyFile, index: usize, subnet: &SubnetTable, problems: &mut Problems) {
    let place = |key: &str| format!("subnet[{index}].{key}");
    let network = subnet.network;
    if network.address() != network.network() {
        let whole = network.network();
        problems.add(
            place("network"),
            format!("{network} is one address of it; write {whole}/{}", network.prefix()),
        );
    }
    if network.prefix() == 0 || network.prefix() > 30 {
        problems.add(
            place("network"),
            format!("{network} is no network that addresses are given out in: /1 to /30"),
        );
    }
    if file.subnets.iter().take(index).any(|other| other.network.overlaps(network)) {
        problems.add(place("network"), format!("{network} overlaps another subnet"));
    }
    for pool in &subnet.pools {
        if !network.contains(pool.first()) || !network.contains(pool.last()) {
            problems.add(place("pools"), format!("{pool} is not inside of {network}"));
        } else if pool.contains(network.network()) || pool.contains(network.broadcast()) {
            problems.add(
                place("pools"),
                format!("{pool} has the first or last address of {network} in it, which no host has"),
            );
        }
        let ours = file.interfaces.iter().find(|(_, interface)| pool.contains(interface.address.address()));
        if let Some((name, interface)) = ours {
            problems.add(
                place("pools"),
                format!("{pool} has {name}'s own address {} in it", interface.address.address()),
            );
        }
        if let Some(router) = subnet.routers.iter().find(|router| pool.contains(**router)) {
            problems.add(place("pools"), format!("{pool} has the router {router} in it"));
        }
    }
    for (position, pool) in subnet.pools.iter().enumerate() {
        let overlaps =
            |other: &super::AddressRange| other.first() <= pool.last() && pool.first() <= other.last();
        if subnet.pools.iter().take(position).any(overlaps) {
            problems.add(place("pools"), format!("{pool} overlaps another pool"));
        }
    }
    for (key, seconds) in [("lease_s", subnet.lease_s), ("boot_lease_s", subnet.boot_lease_s)] {
        // Below, a client renews faster than it can be answered; above, RFC 2131's 0xffffffff means for ever.
        if !(60..=31_536_000).contains(&seconds) {
            problems.add(place(key), format!("{seconds} s is not from a minute to a year"));
        }
    }
    if let Some(router) = subnet.routers.iter().find(|router| !network.contains(**router)) {
        problems.add(place("routers"), format!("{router} cannot be reached from {network}"));
    }
}

fn reservations(policy: &mut Policy, problems: &mut Problems) {
    for index in 0..policy.file.reservations.len() {
        let Some(entry) = policy.file.reservations.get(index).cloned() else { continue };
        let place = |key: &str| format!("reservation[{index}].{key}");
        let address = entry.address;
        match policy.subnet_of(address) {
            None => problems.add(place("address"), format!("{address} is in no subnet")),
            Some(subnet) if !is_host(subnet, address) || policy.is_ours(address) => {
                problems.add(place("address"), format!("{address} is no address that a client can have"));
            }
            Some(_) => {}
        }
        if policy.by_address.insert(address, index).is_some() {
            problems.add(place("address"), format!("{address} is reserved twice"));
        }
        if entry.mac.is_none() && entry.client_id.is_none() {
            problems.add(format!("reservation[{index}]"), "it names neither `mac` nor `client_id`");
        }
        if let Some(mac) = entry.mac
            && policy.by_mac.insert(mac, index).is_some()
        {
            problems.add(place("mac"), format!("{mac} has two reservations"));
        }
        match entry.client_id.as_deref().map(hex) {
            Some(None) => problems.add(place("client_id"), "it is not an even number of hexadecimal digits"),
            Some(Some(id)) => {
                let earlier = policy.by_client_id.insert(id, index);
                if earlier.is_some() {
                    problems.add(place("client_id"), "it has two reservations");
                }
            }
            None => {}
        }
    }
}

fn is_host(subnet: &SubnetTable, address: Ipv4Addr) -> bool {
    address != subnet.network.network() && address != subnet.network.broadcast()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|&c| c != ':').collect();
    let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
        &[high, low] => {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            Some(digit(high)? << 4 | digit(low)?)
        }
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().filter(|bytes| bytes.len() >= 2 && bytes.len() <= 255)
}

fn boot_rule(file: &PolicyFile, index: usize, rule: &BootRuleTable, problems: &mut Problems) {
    let place = |key: &str| format!("boot.rule[{index}].{key}");
    if rule.local {
        if rule.tree.is_some() || rule.file.is_some() || rule.url.is_some() {
            problems.add(
                place("local"),
                "what boots from its own disk loads nothing: remove `tree`, `file` and `url`",
            );
        }
        return;
    }
    if rule.tree.is_none() && rule.url.is_none() {
        problems.add(format!("boot.rule[{index}]"), "it says neither `tree` nor `url` nor `local = true`");
    }
    if rule.tree.is_some() && file.boot.root.is_none() {
        problems.add("boot.root", "it is needed: rules name folders below it");
    }
    for (key, value) in [("tree", &rule.tree), ("file", &rule.file)] {
        if let Some(value) = value
            && !is_relative_path(value)
        {
            problems
                .add(place(key), format!("{value:?} is no path below a folder: names with / between them"));
        }
    }
    if rule.file.is_some() && rule.tree.is_none() {
        problems.add(place("file"), "a file is one of a tree: name the `tree`");
    }
    if let Some(url) = &rule.url {
        let speaks_http = |classes: &Vec<ClientClass>| {
            classes.iter().all(|class| matches!(class, ClientClass::Ipxe | ClientClass::HttpBoot))
        };
        if !rule.class.as_ref().is_some_and(speaks_http) {
            problems.add(place("url"), "only iPXE and HTTP boot load from a URL: let `class` be of those");
        }
        if !(url.starts_with("http://") || url.starts_with("https://"))
            || !url.bytes().all(|b| b.is_ascii_graphic())
        {
            problems.add(place("url"), format!("{url:?} is no http:// or https:// URL"));
        }
    }
    for (key, value, longest) in [
        ("file", &rule.file, 127),
        ("url", &rule.url, 255),
        ("pxelinux_config", &rule.pxelinux_config, 255),
        ("pxelinux_prefix", &rule.pxelinux_prefix, 255),
    ] {
        if value.as_ref().is_some_and(|value| value.is_empty() || value.len() > longest) {
            problems.add(place(key), format!("it has 1 to {longest} bytes: firmware reads no more"));
        }
    }
}

fn is_relative_path(text: &str) -> bool {
    let name = |name: &str| {
        !name.is_empty()
            && name != "."
            && name != ".."
            && name.bytes().all(|b| !b.is_ascii_control() && b != b'\\')
    };
    text.split('/').all(name)
}
