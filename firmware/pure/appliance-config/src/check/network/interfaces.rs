//! `[network.interfaces]`: cards and VLANs, each with an address or without.

use std::collections::BTreeMap;

use appliance_types::{InterfaceName, Ipv4Cidr};

use super::addresses;
use super::lan::Home;
use super::overlaps::Networks;
use super::vlans::{self, Vlans};
use super::wan::Common;
use crate::nearest::nearest;
use crate::raw::{RawInterface, RawNetwork};
use crate::report::{At, Report, Spot};
use crate::{Addressing, Code, Interface, Side};

/// The card towards the outside.
pub(super) const WAN: &str = "eth0";

pub(super) fn check(
    raw: &RawNetwork,
    home: &Home<'_>,
    report: &Report<'_>,
) -> BTreeMap<InterfaceName, Interface> {
    let mut interfaces = BTreeMap::new();
    let (mut networks, mut vlans) = (Networks::default(), Vlans::default());
    for raw_interface in &raw.interfaces {
        let name = name(raw_interface, report);
        let interface = interface(raw_interface, home, report);
        if let (Some(interface), Some(address)) = (&interface, &raw_interface.address) {
            networks.add(&raw_interface.name.value, interface.addressing, Some(&address.spot));
        }
        if let (Some(name), Some(vlan)) = (&name, &raw_interface.vlan) {
            vlans.add(name, vlan, raw_interface.side.is_some());
        }
        interfaces.extend(name.zip(interface));
    }
    let written = |name: &str| raw.interfaces.iter().any(|raw| raw.name.value == name);
    let mut default = |name: &str, side, addressing, spot| {
        if !written(name) {
            networks.add(name, addressing, spot);
            interfaces.extend(name.parse().ok().map(|name| (name, plain(side, addressing))));
        }
    };
    default(WAN, Side::Wan, Addressing::Dhcp { gateway: None }, None);
    let address = Addressing::Static { address: home.address, gateway: None };
    default(home.interface.as_str(), Side::Lan, address, home.spot);
    networks.report_overlaps(report);
    vlans.settle(&mut interfaces, report);
    let common = Common::new(raw, report);
    if let Some((_, wan)) = interfaces.iter_mut().find(|(name, _)| name.as_str() == WAN) {
        common.apply(raw.interfaces.iter().find(|raw| raw.name.value == WAN), wan, report);
    }
    interfaces
}

fn plain(side: Side, addressing: Addressing) -> Interface {
    Interface { side, vlan: None, addressing, dns_servers: Vec::new(), search_domains: Vec::new() }
}

/// Names begin with a letter or digit and have letters, digits, `.`, `_` and `-`: they are put into files where other signs
/// mean something.
fn name(raw: &RawInterface, report: &Report<'_>) -> Option<InterfaceName> {
    const CARDS: &str = "eth0 is WAN, eth1 LAN; further cards are eth2, eth3, …";
    let At { spot, value } = &raw.name;
    let problem = |message: &str| {
        report.hinted(spot, Code::BadValue, message, CARDS);
        None
    };
    let name: InterfaceName = match value.parse() {
        Ok(name) => name,
        Err(error) => return problem(&error.to_string()),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !value.bytes().all(plain) || !value.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return problem("a name begins with a letter or digit, and has letters, digits, dots, '_' and '-'");
    }
    if value == "lo" || ["podman", "veth"].iter().any(|prefix| value.starts_with(prefix)) {
        return problem("the system has interfaces of this name");
    }
    let is_card = is_card(value);
    match raw.vlan.is_some() {
        true if is_card => {
            return problem("this is the name of a card; a VLAN needs another one, as in `vlan10`");
        }
        false if value.to_ascii_lowercase().starts_with("eth") && !is_card => {
            return problem("there is no interface of this name");
        }
        false if !is_card => {
            let message = "no card is called so, unless its driver does; the settings wait for one that is";
            report.hinted(spot, Code::Warning, message, CARDS);
        }
        _ => {}
    }
    Some(name)
}

/// Cards are ethN, whatever the kernel or systemd would call them.
pub(super) fn is_card(name: &str) -> bool {
    let number = name.strip_prefix("eth").unwrap_or_default();
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits && (number == "0" || !number.starts_with('0'))
}

/// `None` where it was reported what is wrong.
fn interface(raw: &RawInterface, home: &Home<'_>, report: &Report<'_>) -> Option<Interface> {
    let is_home = raw.name.value == home.interface.as_str();
    let side = raw.side.as_ref().and_then(|raw| side(raw, report));
    check_fixed_side(raw, side, is_home, report);
    let default = match raw.name.value.as_str() {
        WAN => Side::Wan,
        _ => vlans::SIDE,
    };
    let list =
        |raw: Option<&_>, of: fn(&_, &Report<'_>) -> _| raw.map(|raw| of(raw, report)).unwrap_or_default();
    let dns_servers = list(raw.dns_servers.as_ref(), addresses::dns_servers);
    let search_domains = raw.search_domains.as_ref().map(|raw| addresses::search_domains(raw, report));
    let vlan = raw.vlan.as_ref().map(|raw| vlans::check(raw, report));
    let addressing = addressing(raw, is_home, report)?;
    // A VLAN that could not be read is no card either.
    let vlan = match vlan {
        Some(vlan) => Some(vlan?),
        None => None,
    };
    let search_domains = search_domains.unwrap_or_default();
    Some(Interface { side: side.unwrap_or(default), vlan, addressing, dns_servers, search_domains })
}

/// `None` where it was reported what is wrong.
fn addressing(raw: &RawInterface, is_home: bool, report: &Report<'_>) -> Option<Addressing> {
    let gateway = raw.gateway.as_ref().and_then(|raw| addresses::gateway(raw, report));
    let address = raw.address.as_ref().and_then(|raw| addresses::interface(raw, report));
    let mode = raw.mode.as_ref()?;
    match mode.value.as_str() {
        "dhcp" | "none" if is_home => {
            let name = &raw.name.value;
            let message =
                format!("{name} is the LAN side, whose address the other machines rely on: it is static");
            report.hinted(&mode.spot, Code::BadValue, message, "write `mode = \"static\"` and an `address`");
            None
        }
        "dhcp" => {
            if let Some(raw) = &raw.address {
                let message = "with `mode = \"dhcp\"` the DHCP server says the address";
                report.hinted(&raw.spot, Code::Conflict, message, "remove it, or write `mode = \"static\"`");
            }
            Some(Addressing::Dhcp { gateway })
        }
        "static" => {
            if raw.address.is_none() {
                let spot = Spot { place: raw.spot.place, path: format!("{}.address", raw.spot.path) };
                let hint = "write `address = \"192.168.1.2/24\"` with your numbers";
                report.hinted(&spot, Code::MissingKey, "a static interface needs it", hint);
            }
            let address: Ipv4Cidr = address?;
            if let (Some(gateway), Some(raw)) = (gateway, &raw.gateway) {
                addresses::check_on_link(address, gateway, &raw.spot, report);
            }
            Some(Addressing::Static { address, gateway })
        }
        "none" => {
            let unused = [&raw.address, &raw.gateway].into_iter().flatten().map(|raw| &raw.spot);
            let lists = [&raw.dns_servers, &raw.search_domains].into_iter().flatten().map(|raw| &raw.spot);
            for spot in unused.chain(lists) {
                let message = "with `mode = \"none\"` the interface has no address, and asks nobody";
                report.hinted(spot, Code::Conflict, message, "remove it, or write another mode");
            }
            Some(Addressing::None)
        }
        other => {
            let hint = match nearest(other, ["dhcp", "static", "none"]) {
                Some(mode) => format!("did you mean `{mode}`?"),
                None => "it is `dhcp`, `static` or `none`".to_owned(),
            };
            report.hinted(&mode.spot, Code::BadValue, "there is no such mode", hint);
            None
        }
    }
}

fn side(raw: &At<String>, report: &Report<'_>) -> Option<Side> {
    match raw.value.as_str() {
        "wan" => Some(Side::Wan),
        "lan" => Some(Side::Lan),
        _ => {
            report.hinted(&raw.spot, Code::BadValue, "there is no such side", "it is `wan` or `lan`");
            None
        }
    }
}

/// eth0 is WAN and the interface of the LAN services is LAN, whatever is said about it.
fn check_fixed_side(raw: &RawInterface, side: Option<Side>, is_home: bool, report: &Report<'_>) {
    let Some((spot, side)) = raw.side.as_ref().map(|raw| &raw.spot).zip(side) else { return };
    let name = &raw.name.value;
    if name == WAN && side == Side::Lan {
        report.hinted(spot, Code::NotAllowed, "eth0 is WAN", "use another card for LAN machines");
    } else if is_home && side == Side::Wan {
        let message = format!("{name} is the interface that LAN machines are on");
        report.hinted(spot, Code::NotAllowed, message, "use another interface for WAN");
    }
}

#[cfg(test)]
#[path = "interfaces_tests.rs"]
mod tests;
