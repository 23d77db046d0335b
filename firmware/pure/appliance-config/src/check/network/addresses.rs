//! Addresses: of interfaces, of gateways, of servers.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use appliance_types::Ipv4Cidr;

use crate::report::{At, Report, Spot};
use crate::{Code, DomainName};

/// The address of an interface.
pub(super) fn interface(raw: &At<String>, report: &Report<'_>) -> Option<Ipv4Cidr> {
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

/// The address of a gateway.
pub(super) fn gateway(raw: &At<String>, report: &Report<'_>) -> Option<Ipv4Addr> {
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

/// Reports a gateway that is not another machine in the network of `address`.
pub(super) fn check_on_link(address: Ipv4Cidr, gateway: Ipv4Addr, spot: &Spot, report: &Report<'_>) {
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

/// An address that another machine in the network of `lan` may have.
pub(super) fn of_a_machine(raw: &At<String>, lan: Ipv4Cidr, report: &Report<'_>) -> Option<Ipv4Addr> {
    let Ok(address) = raw.value.parse::<Ipv4Addr>() else {
        let hint = format!("write one in the network of {lan}");
        report.hinted(&raw.spot, Code::BadValue, "it is not an IPv4 address", hint);
        return None;
    };
    let message = if !lan.contains(address) {
        format!("{address} is not in the network of {lan}")
    } else if address == lan.network() {
        format!("{address} is the network of {lan} itself, not a machine in it")
    } else if address == lan.broadcast() {
        format!("{address} is everybody in the network of {lan}")
    } else if address == lan.address() {
        format!("{address} is the address of this box")
    } else {
        return Some(address);
    };
    report.problem(&raw.spot, Code::Conflict, message);
    None
}

/// Name servers.
pub(super) fn dns_servers(raw: &At<Vec<At<String>>>, report: &Report<'_>) -> Vec<IpAddr> {
    check_not_empty(raw, report);
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

/// Domains to search.
pub(super) fn search_domains(raw: &At<Vec<At<String>>>, report: &Report<'_>) -> Vec<DomainName> {
    list(raw, "a domain", report)
}

/// A list with something in it. `what` one of them is, for who repeats one.
pub(super) fn list<T>(raw: &At<Vec<At<String>>>, what: &str, report: &Report<'_>) -> Vec<T>
where
    T: FromStr<Err: Display> + PartialEq,
{
    check_not_empty(raw, report);
    let mut list = Vec::new();
    for raw in &raw.value {
        match raw.value.parse::<T>() {
            Ok(item) if list.contains(&item) => {
                report.problem(&raw.spot, Code::Warning, format!("{what} that was named before"));
            }
            Ok(item) => list.push(item),
            Err(error) => report.problem(&raw.spot, Code::BadValue, error.to_string()),
        }
    }
    list
}

fn check_not_empty(raw: &At<Vec<At<String>>>, report: &Report<'_>) {
    if raw.value.is_empty() {
        report.hinted(&raw.spot, Code::BadValue, "the list is empty", "leave the key out for the default");
    }
}
