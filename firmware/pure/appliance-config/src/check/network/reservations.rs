//! `static_leases`: machines that always get the same address.

use std::collections::{BTreeMap, BTreeSet};

use appliance_types::{Ipv4Cidr, MacAddress};

use super::addresses;
use super::names::Names;
use crate::raw::RawStaticLease;
use crate::report::{At, Report};
use crate::{Code, Reservation};

/// By MAC address. Left out: what was reported.
pub(super) fn check(
    raw: &[RawStaticLease],
    lan: Ipv4Cidr,
    names: &mut Names<'_>,
    report: &Report<'_>,
) -> BTreeMap<MacAddress, Reservation> {
    let mut reservations = BTreeMap::new();
    let (mut macs, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for lease in raw {
        let mac = lease.mac.as_ref().and_then(|raw| mac(raw, &mut macs, report));
        let address = lease.address.as_ref().and_then(|raw| {
            let address = addresses::of_a_machine(raw, lan, report)?;
            let free = taken.insert(address);
            if !free {
                report.problem(
                    &raw.spot,
                    Code::Conflict,
                    format!("{address} is reserved for another machine"),
                );
            }
            free.then_some(address)
        });
        let hostname = lease.hostname.as_ref().and_then(|raw| names.of_a_machine(raw, report));
        if let (Some(mac), Some(address)) = (mac, address) {
            reservations.insert(mac, Reservation { address, hostname });
        }
    }
    reservations
}

fn mac(raw: &At<String>, seen: &mut BTreeSet<MacAddress>, report: &Report<'_>) -> Option<MacAddress> {
    let mac: MacAddress = match raw.value.parse() {
        Ok(mac) => mac,
        Err(error) => {
            report.problem(&raw.spot, Code::BadValue, error.to_string());
            return None;
        }
    };
    let [first, ..] = mac.bytes();
    if first & 1 == 1 || mac.bytes() == [0; 6] {
        report.problem(&raw.spot, Code::BadValue, format!("{mac} is no machine's address"));
        return None;
    }
    let new = seen.insert(mac);
    if !new {
        report.problem(&raw.spot, Code::Conflict, format!("{mac} has an address reserved already"));
    }
    new.then_some(mac)
}

#[cfg(test)]
#[path = "reservations_tests.rs"]
mod tests;
