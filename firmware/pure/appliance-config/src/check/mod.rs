//! What was written against its rules, and against the rest of the document. Every check goes on after a problem and says
//! nothing about what was already reported: a value that is not there was missed where it was read.

mod activation;
mod containers;
mod health;
mod network;
mod secrets;
mod services;
mod users;

use std::ops::RangeInclusive;

use crate::raw::RawV1;
use crate::report::{At, Report};
use crate::{Code, Config, SystemFacts};

/// The configuration that `raw` means. Whole only where nothing was reported.
pub(crate) fn check(raw: &RawV1, facts: &SystemFacts, report: &Report<'_>) -> Config {
    let network = network::check(&raw.network, report);
    let secrets = secrets::check(&raw.secrets, report);
    let containers = containers::check(&raw.containers, &raw.secrets, &network, facts, report);
    let raw_dhcp = raw.network.dnsmasq.enable.as_ref().map(|raw| raw.value);
    Config {
        users: raw.users.as_ref().map(|raw| users::check(raw, facts, report)).unwrap_or_default(),
        activation: activation::check(raw.activation.as_ref(), &raw.containers, report),
        health: health::check(&raw.health, &raw.containers, &containers, report),
        updates: services::updates(raw.updates.as_ref(), raw.os_upgrade.as_ref(), report),
        netboot: raw.netboot.as_ref().map(|raw| services::netboot(raw, raw_dhcp, report)).unwrap_or_default(),
        devices: raw.devices.as_ref().map(|raw| services::devices(raw, report)).unwrap_or_default(),
        containers,
        secrets,
        network,
    }
}

/// A number within bounds; the lowest where it is not.
fn in_range(raw: &At<i64>, range: &RangeInclusive<u64>, unit: &str, report: &Report<'_>) -> u64 {
    let number = u64::try_from(raw.value).ok().filter(|number| range.contains(number));
    number.unwrap_or_else(|| {
        let message = format!("{}{unit} is out of range: {} to {}", raw.value, range.start(), range.end());
        report.problem(&raw.spot, Code::BadValue, message);
        *range.start()
    })
}
