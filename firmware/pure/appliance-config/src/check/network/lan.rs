//! `[network.dnsmasq]`: what the machines on LAN are given.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::Duration;

use appliance_types::{HostnamePattern, InterfaceName, Ipv4Cidr};

use super::interfaces::WAN;
use super::names::{self, Names};
use super::{addresses, pool, reservations};
use crate::nearest::nearest;
use crate::raw::{RawDnsmasq, RawNetwork};
use crate::report::{At, Report, Spot};
use crate::{Addressing, Code, Interface, Lan, LanDhcp, Side};

/// eth1.
const CARD: u8 = 1;

/// The box's address on LAN where the document names none.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 20, 30, 1);

/// In seconds: a day; from 2 minutes, below which machines would do little else than ask, to 30 days.
const LEASE: (i64, RangeInclusive<i64>) = (86_400, 120..=2_592_000);

/// Networks that addresses are handed out in. Larger ones are a mistake in the number.
const PREFIXES: RangeInclusive<u8> = 16..=30;

/// Where the LAN machines are, before the interfaces were looked at.
pub(super) struct Home<'a> {
    /// The interface: eth1, or the one that `interface` names and the document declares.
    pub(super) interface: InterfaceName,
    /// What it gets when the document has no table for it.
    pub(super) address: Ipv4Cidr,
    /// Where `address` was written; `None`: it is the default.
    pub(super) spot: Option<&'a Spot>,
}

impl<'a> Home<'a> {
    pub(super) fn of(raw: &'a RawNetwork, report: &Report<'_>) -> Home<'a> {
        let written = raw.dnsmasq.gateway_cidr.as_ref();
        let found = written.and_then(|raw| Some((addresses::interface(raw, report)?, &raw.spot)));
        let default = Ipv4Cidr::slash_24(ADDRESS);
        Home {
            interface: interface(raw, report),
            address: found.map_or(default, |(address, _)| address),
            spot: found.map(|(_, spot)| spot),
        }
    }
}

/// The interface that LAN machines are on.
fn interface(raw: &RawNetwork, report: &Report<'_>) -> InterfaceName {
    let default = InterfaceName::card(CARD);
    let Some(written) = raw.dnsmasq.interface.as_ref() else { return default };
    let declared = raw.interfaces.iter().map(|raw| raw.name.value.as_str()).chain([default.as_str()]);
    let declared: Vec<&str> = declared.filter(|name| *name != WAN).collect();
    if written.value == WAN {
        let message = "eth0 is WAN: what LAN machines are given is not for the outside";
        report.hinted(&written.spot, Code::NotAllowed, message, "leave it out for eth1");
    } else if declared.contains(&written.value.as_str()) {
        return written.value.parse().unwrap_or(default);
    } else {
        let hint = match nearest(&written.value, declared.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("declared: {}", declared.join(", ")),
        };
        report.hinted(&written.spot, Code::Conflict, "no interface of this name is declared", hint);
    }
    default
}

/// What `raw` means. `interfaces` has been checked.
pub(super) fn check(
    raw: &RawNetwork,
    home: &Home<'_>,
    interfaces: &BTreeMap<InterfaceName, Interface>,
    report: &Report<'_>,
) -> Lan {
    let dnsmasq = &raw.dnsmasq;
    let addressing = interfaces.get(&home.interface).map(|interface| interface.addressing);
    // Without one, what is wrong was reported at the interface.
    let address = match addressing {
        Some(Addressing::Static { address, .. }) => Some(address),
        _ => None,
    };
    check_same(home, address, report);
    check_side(raw, home, interfaces, report);
    let domain = names::domain(dnsmasq.domain.as_ref(), report);
    let mut taken = Names::new(&domain);
    let gateway_names = taken.of_the_gateway(dnsmasq.gateway_aliases.as_ref(), report);
    let hosts = taken.hosts(&raw.hosts, report);
    let enabled = dnsmasq.enable.as_ref().is_none_or(|raw| raw.value);
    let dhcp = match enabled {
        true => address.map(|address| dhcp(raw, home, address, &mut taken, report)),
        false => check_nothing_to_hand_out(dnsmasq, report),
    };
    Lan {
        interface: home.interface.clone(),
        address: address.unwrap_or(home.address),
        dhcp,
        gateway_names,
        hostname_pattern: dnsmasq.hostname_pattern.as_ref().and_then(|raw| pattern(raw, report)),
        hosts,
        domain,
    }
}

/// `gateway_cidr` and the address of the interface are one setting.
fn check_same(home: &Home<'_>, address: Option<Ipv4Cidr>, report: &Report<'_>) {
    if let (Some(spot), Some(address)) = (home.spot, address)
        && home.address != address
    {
        let name = &home.interface;
        let message = format!("network.interfaces.{name}.address says something else, {address}");
        report.hinted(spot, Code::Conflict, message, "it is the same setting: keep one of the two");
    }
}

/// A VLAN may have come to WAN through its card.
fn check_side(
    raw: &RawNetwork,
    home: &Home<'_>,
    interfaces: &BTreeMap<InterfaceName, Interface>,
    report: &Report<'_>,
) {
    let written = raw.interfaces.iter().find(|raw| raw.name.value == home.interface.as_str());
    let on_wan = interfaces.get(&home.interface).is_some_and(|interface| interface.side == Side::Wan);
    if let (Some(written), true) = (written.filter(|raw| raw.side.is_none()), on_wan) {
        let message = format!("{} is on a card of WAN, and LAN machines are on it", home.interface);
        report.hinted(&written.spot, Code::Conflict, message, "write `side = \"lan\"` if they are");
    }
}

fn dhcp(
    raw: &RawNetwork,
    home: &Home<'_>,
    address: Ipv4Cidr,
    taken: &mut Names<'_>,
    report: &Report<'_>,
) -> LanDhcp {
    let dnsmasq = &raw.dnsmasq;
    if !PREFIXES.contains(&address.prefix()) {
        let own = raw.interfaces.iter().find(|raw| raw.name.value == home.interface.as_str());
        let spot = own.and_then(|raw| raw.address.as_ref()).map(|raw| &raw.spot).or(home.spot);
        if let Some(spot) = spot {
            let message = format!(
                "addresses are handed out in networks from /{} to /{}, not in a /{}",
                PREFIXES.start(),
                PREFIXES.end(),
                address.prefix()
            );
            let hint = "take a smaller part of it, or write `network.dnsmasq.enable = false`";
            report.hinted(spot, Code::BadValue, message, hint);
        }
    }
    let (first, last) = pool::check(dnsmasq, address, report);
    let reserved = dnsmasq.static_leases.as_ref().map(|raw| &raw.value[..]).unwrap_or_default();
    LanDhcp {
        first,
        last,
        lease_time: lease_time(dnsmasq.lease_seconds.as_ref(), report),
        reservations: reservations::check(reserved, address, taken, report),
    }
}

fn lease_time(raw: Option<&At<i64>>, report: &Report<'_>) -> Duration {
    let (default, range) = LEASE;
    let seconds = raw.map_or(default, |raw| raw.value);
    if let Some(raw) = raw.filter(|_| !range.contains(&seconds)) {
        let message = format!(
            "{seconds} s is out of range: {} (2 minutes) to {} (30 days)",
            range.start(),
            range.end()
        );
        report.problem(&raw.spot, Code::BadValue, message);
    }
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// Always `None`: nobody hands out what is written here.
fn check_nothing_to_hand_out(raw: &RawDnsmasq, report: &Report<'_>) -> Option<LanDhcp> {
    let texts = [&raw.dhcp_start, &raw.dhcp_end].into_iter().flatten().map(|raw| &raw.spot);
    let lease = raw.lease_seconds.as_ref().map(|raw| &raw.spot);
    let reserved = raw.static_leases.as_ref().map(|raw| &raw.spot);
    for spot in texts.chain(lease).chain(reserved) {
        let message = "with `enable = false` this box hands out no addresses";
        report.hinted(spot, Code::Conflict, message, "remove it, or write `enable = true`");
    }
    None
}

/// An empty pattern is none: it is the default of the format.
fn pattern(raw: &At<String>, report: &Report<'_>) -> Option<HostnamePattern> {
    if raw.value.is_empty() {
        return None;
    }
    let pattern = raw.value.parse();
    pattern.map_err(|error| report.problem(&raw.spot, Code::BadValue, format!("{error}"))).ok()
}

#[cfg(test)]
#[path = "lan_tests.rs"]
mod tests;
