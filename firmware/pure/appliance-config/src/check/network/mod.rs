//! `[network]`: interfaces, what LAN machines are given, and the firewall.

mod addresses;
mod firewall;
mod interfaces;
mod lan;
mod names;
mod overlaps;
mod pool;
mod reservations;
mod vlans;
mod wan;

use crate::raw::{RawList, RawNetwork};
use crate::report::Report;
use crate::{Network, TimeServer};

/// What `raw` means. Where something was reported, with a default in its place.
pub(super) fn check(raw: &RawNetwork, report: &Report<'_>) -> Network {
    let home = lan::Home::of(raw, report);
    let interfaces = interfaces::check(raw, &home, report);
    Network {
        lan: lan::check(raw, &home, &interfaces, report),
        interfaces,
        time_servers: time_servers(&raw.time_servers, report),
        nat: raw.nat.as_ref().is_some_and(|raw| raw.value),
        firewall: firewall::check(raw, report),
    }
}

fn time_servers(raw: &RawList, report: &Report<'_>) -> Vec<TimeServer> {
    raw.as_ref().map(|raw| addresses::list(raw, "a time server", report)).unwrap_or_default()
}
