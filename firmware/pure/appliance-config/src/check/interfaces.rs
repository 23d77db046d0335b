use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use appliance_types::{InterfaceName, Ipv4Cidr};

use crate::nearest::nearest;
use crate::raw::{RawInterface, RawNetwork};
use crate::report::{At, Report, Spot};
use crate::{Addressing, Code, DomainName, Interface, Side};

const WAN: &str = "eth0";
const LAN: &str = "eth1";

/// The address of the LAN side where the document names none.
const LAN_ADDRESS: (Ipv4Addr, u8) = (Ipv4Addr::new(172, 20, 30, 1), 24);

pub(super) fn check(raw: &RawNetwork, report: &Report<'_>) -> BTreeMap<InterfaceName, Interface> {
    let mut interfaces = BTreeMap::new();
    let mut networks = Networks::default();
    for raw_interface in &raw.interfaces {
        let name = name(raw_interface, report);
        let interface = interface(raw_interface, report);
        if let (Some(interface), Some(address)) = (&interface, &raw_interface.address) {
            networks.add(&raw_interface.name.value, interface.addressing, Some(&address.spot));
        }
        interfaces.extend(name.zip(interface));
    }
    let written = |name: &str| raw.interfaces.iter().any(|raw| raw.name.value == name);
    let mut default = |name: &str, side, addressing| {
        if !written(name) {
            networks.add(name, addressing, None);
            let interface =
                Interface { side, addressing, dns_servers: Vec::new(), search_domains: Vec::new() };
            interfaces.extend(name.parse().ok().map(|name| (name, interface)));
        }
    };
    default(WAN, Side::Wan, Addressing::Dhcp { gateway: None });
    if let Some(address) = Ipv4Cidr::new(LAN_ADDRESS.0, LAN_ADDRESS.1) {
        default(LAN, Side::Lan, Addressing::Static { address, gateway: None });
    }
    networks.report_overlaps(report);
    let common = Common::new(raw, report);
    if let Some((_, wan)) = interfaces.iter_mut().find(|(name, _)| name.as_str() == WAN) {
        common.apply(raw.interfaces.iter().find(|raw| raw.name.value == WAN), wan, report);
    }
    interfaces
}

/// Static networks, to find two that overlap: a packet to the shared part would leave on one of the two, by chance.
#[derive(Default)]
struct Networks<'a>(Vec<(String, Ipv4Cidr, Option<&'a Spot>)>);

impl<'a> Networks<'a> {
    fn add(&mut self, name: &str, addressing: Addressing, spot: Option<&'a Spot>) {
        if let Addressing::Static { address, .. } = addressing {
            self.0.push((name.to_owned(), address, spot));
        }
    }

    fn report_overlaps(&self, report: &Report<'_>) {
        for (index, second) in self.0.iter().enumerate() {
            // One is enough to say for each interface.
            if let Some(first) = self.0[..index].iter().find(|first| first.1.overlaps(second.1)) {
                // A default is nobody's writing: the problem is at the other of the two.
                let (here, there) = if second.2.is_some() { (second, first) } else { (first, second) };
                let ((name, _, Some(spot)), (other, network, _)) = (here, there) else { continue };
                let message = format!("the network of {name} overlaps that of {other}, {network}");
                report.hinted(spot, Code::Conflict, message, "every interface needs a network of its own");
            }
        }
    }
}

fn name(raw: &RawInterface, report: &Report<'_>) -> Option<InterfaceName> {
    let At { spot, value } = &raw.name;
    let number = value.strip_prefix("eth").unwrap_or_default();
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let name = value.parse().ok().filter(|_| digits && (number == "0" || !number.starts_with('0')));
    if name.is_none() {
        let hint = "eth0 is WAN, eth1 LAN; further cards are eth2, eth3, …";
        report.hinted(spot, Code::BadValue, "there is no interface of this name", hint);
    }
    name
}

/// `None` where it was reported what is wrong.
fn interface(raw: &RawInterface, report: &Report<'_>) -> Option<Interface> {
    let side = if raw.name.value == WAN { Side::Wan } else { Side::Lan };
    let gateway = raw.gateway.as_ref().and_then(|raw| gateway(raw, report));
    let dns_servers = raw.dns_servers.as_ref().map(|raw| dns_servers(raw, report)).unwrap_or_default();
    let search_domains =
        raw.search_domains.as_ref().map(|raw| search_domains(raw, report)).unwrap_or_default();
    let address = raw.address.as_ref().and_then(|raw| address(raw, report));
    let mode = raw.mode.as_ref()?;
    let addressing = match mode.value.as_str() {
        "dhcp" if raw.name.value == LAN => {
            let message = "eth1 is the LAN side, whose address the other machines rely on: it is static";
            report.hinted(&mode.spot, Code::BadValue, message, "write `mode = \"static\"` and an `address`");
            return None;
        }
        "dhcp" => {
            if let Some(raw) = &raw.address {
                let message = "with `mode = \"dhcp\"` the DHCP server says the address";
                report.hinted(&raw.spot, Code::Conflict, message, "remove it, or write `mode = \"static\"`");
            }
            Addressing::Dhcp { gateway }
        }
        "static" => {
            if raw.address.is_none() {
                let spot = Spot { place: raw.spot.place, path: format!("{}.address", raw.spot.path) };
                let hint = "write `address = \"192.168.1.2/24\"` with your numbers";
                report.hinted(&spot, Code::MissingKey, "a static interface needs it", hint);
            }
            let address = address?;
            if let (Some(gateway), Some(raw)) = (gateway, &raw.gateway) {
                on_link(address, gateway, &raw.spot, report);
            }
            Addressing::Static { address, gateway }
        }
        other => {
            let hint = match nearest(other, ["dhcp", "static"]) {
                Some(mode) => format!("did you mean `{mode}`?"),
                None => "it is `dhcp` or `static`".to_owned(),
            };
            report.hinted(&mode.spot, Code::BadValue, "there is no such mode", hint);
            return None;
        }
    };
    Some(Interface { side, addressing, dns_servers, search_domains })
}

fn address(raw: &At<String>, report: &Report<'_>) -> Option<Ipv4Cidr> {
    let problem = |message: String| {
        report.problem(&raw.spot, Code::BadValue, message);
        None
    };
    let cidr: Ipv4Cidr = match raw.value.parse() {
        Ok(cidr) => cidr,
        Err(error) => return problem(error.to_string()),
    };
    match unusable(cidr.address()) {
        Some(why) => {
            problem(format!("{} is {why}, and cannot be the address of an interface", cidr.address()))
        }
        None if !(8..=30).contains(&cidr.prefix()) => {
            problem(format!("/{} leaves no usable network: a prefix has 8 to 30 bits", cidr.prefix()))
        }
        None if cidr.address() == cidr.network() => {
            problem(format!("{} is the network itself; a host in it begins one higher", cidr.address()))
        }
        None if !cidr.is_host() => problem(format!("{} is everybody in its network", cidr.address())),
        None => Some(cidr),
    }
}

/// Why no machine can have this address.
fn unusable(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("an address of \"this network\""),
        [127, ..] => Some("a loopback address"),
        [169, 254, ..] => Some("a link-local address"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

fn gateway(raw: &At<String>, report: &Report<'_>) -> Option<Ipv4Addr> {
    let problem = |message: String| {
        report.problem(&raw.spot, Code::BadValue, message);
        None
    };
    match raw.value.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => match unusable(address) {
            None => Some(address),
            Some(why) => problem(format!("{address} is {why}, and cannot be a gateway")),
        },
        Ok(IpAddr::V6(_)) => {
            problem("the gateway is an IPv4 address; IPv6 routers announce themselves".to_owned())
        }
        Err(_) => problem("it is not an IPv4 address such as 192.168.1.1".to_owned()),
    }
}

fn on_link(address: Ipv4Cidr, gateway: Ipv4Addr, spot: &Spot, report: &Report<'_>) {
    let message = if gateway == address.address() {
        "the gateway is the interface's own address".to_owned()
    } else if !address.contains(gateway) {
        format!("the gateway {gateway} is not in the network of {address}")
    } else if gateway == address.network() || gateway == address.broadcast() {
        format!("{gateway} is no machine in the network of {address}")
    } else {
        return;
    };
    report.problem(spot, Code::Conflict, message);
}

fn dns_servers(raw: &At<Vec<At<String>>>, report: &Report<'_>) -> Vec<IpAddr> {
    not_empty(raw, report);
    let server = |raw: &At<String>| match raw.value.parse::<IpAddr>() {
        Ok(address) if !address.is_unspecified() && !address.is_multicast() => Some(address),
        _ => {
            let hint = "write an address such as 9.9.9.9 or 2620:fe::fe";
            report.hinted(&raw.spot, Code::BadValue, "it is not the address of a name server", hint);
            None
        }
    };
    raw.value.iter().filter_map(server).collect()
}

fn search_domains(raw: &At<Vec<At<String>>>, report: &Report<'_>) -> Vec<DomainName> {
    not_empty(raw, report);
    let domain = |raw: &At<String>| match raw.value.parse::<DomainName>() {
        Ok(domain) => Some(domain),
        Err(error) => {
            report.problem(&raw.spot, Code::BadValue, error.to_string());
            None
        }
    };
    raw.value.iter().filter_map(domain).collect()
}

fn not_empty(raw: &At<Vec<At<String>>>, report: &Report<'_>) {
    if raw.value.is_empty() {
        report.hinted(&raw.spot, Code::BadValue, "the list is empty", "leave the key out for the default");
    }
}

/// `default_gateway` and `dns_*` of `[network]`. They are eth0's: written in both places, they say the same or the document
/// says two things.
struct Common<'a> {
    gateway: Option<(Ipv4Addr, &'a Spot)>,
    dns_servers: Option<(Vec<IpAddr>, &'a Spot)>,
    search_domains: Option<(Vec<DomainName>, &'a Spot)>,
}

impl<'a> Common<'a> {
    fn new(raw: &'a RawNetwork, report: &Report<'_>) -> Common<'a> {
        let gateway = raw.default_gateway.as_ref().and_then(|raw| Some((gateway(raw, report)?, &raw.spot)));
        let dns_servers = raw.dns_servers.as_ref().map(|raw| (dns_servers(raw, report), &raw.spot));
        let search_domains = raw.search_domains.as_ref().map(|raw| (search_domains(raw, report), &raw.spot));
        Common { gateway, dns_servers, search_domains }
    }

    fn apply(self, written: Option<&RawInterface>, wan: &mut Interface, report: &Report<'_>) {
        let conflict = |spot: &Spot, key: &str| {
            let message = format!("network.interfaces.eth0.{key} says something else");
            report.hinted(spot, Code::Conflict, message, "it is the same setting: keep one of the two");
        };
        if let Some((gateway, spot)) = self.gateway {
            let own = match &mut wan.addressing {
                Addressing::Dhcp { gateway } => gateway,
                Addressing::Static { address, gateway: own } => {
                    on_link(*address, gateway, spot, report);
                    own
                }
            };
            match own {
                Some(own) if *own != gateway => conflict(spot, "gateway"),
                _ => *own = Some(gateway),
            }
        }
        if let Some((servers, spot)) = self.dns_servers {
            match written.is_some_and(|raw| raw.dns_servers.is_some()) && wan.dns_servers != servers {
                true => conflict(spot, "dns_servers"),
                false => wan.dns_servers = servers,
            }
        }
        if let Some((domains, spot)) = self.search_domains {
            match written.is_some_and(|raw| raw.search_domains.is_some()) && wan.search_domains != domains {
                true => conflict(spot, "dns_search_domains"),
                false => wan.search_domains = domains,
            }
        }
    }
}

#[cfg(test)]
#[path = "interfaces_tests.rs"]
mod tests;
