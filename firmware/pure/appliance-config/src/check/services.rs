//! `[updates]`, `[os_upgrade]`, `[netboot]`, `[devices]`: what the appliance's own services are told.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use appliance_types::MacAddress;

use crate::nearest::nearest;
use crate::raw::{RawDevices, RawNetboot, RawOsUpgrade, RawUpdates};
use crate::report::{At, Report};
use crate::url::Url;
use crate::{Code, Devices, Netboot, NetbootMode, TimeOfDay, UpdateSource, Updates, Weekday, Window};

use super::in_range;

const INTERVAL_MINUTES: RangeInclusive<u64> = 5..=1440;
/// A kibibyte a second would take a week for an image; a gibibyte is more than any line.
const BANDWIDTH_KIB: RangeInclusive<u64> = 16..=1_048_576;
const POLL_SECONDS: RangeInclusive<u64> = 1..=3600;
/// With a hyphen and twelve digits it is one label of a host name.
const PREFIX_MAX: usize = 63 - 1 - 12;
const NAME_MAX: usize = 64;

pub(super) fn updates(
    raw: Option<&RawUpdates>,
    os_upgrade: Option<&RawOsUpgrade>,
    report: &Report<'_>,
) -> Updates {
    let mut updates = Updates::default();
    if let Some(raw) = raw {
        updates.source = raw.source.as_ref().and_then(|raw| source(raw, report));
        if let Some(minutes) = &raw.interval_minutes {
            updates.interval = Duration::from_secs(60 * in_range(minutes, &INTERVAL_MINUTES, " min", report));
        }
        if let Some(bandwidth) = &raw.bandwidth_kib_per_second {
            updates.bandwidth = Some(1024 * in_range(bandwidth, &BANDWIDTH_KIB, " KiB/s", report));
        }
        updates.window = window(raw, report);
    }
    if let Some(os_upgrade) = os_upgrade {
        if raw.is_some_and(|raw| raw.source.is_some()) {
            let message = "updates come from one source, and `updates.source` names another";
            report.hinted(&os_upgrade.spot, Code::Conflict, message, "remove one of the two");
        }
        updates.source = os_upgrade.server_url.as_ref().and_then(|raw| server(raw, report));
    }
    updates
}

fn source(raw: &At<String>, report: &Report<'_>) -> Option<UpdateSource> {
    if raw.value == "usb" {
        return Some(UpdateSource::Usb);
    }
    let hint = "write `https://updates.example/rock64`, the folder of channel.json, or `usb`";
    match Url::parse(&raw.value).and_then(|url| url.folder().ok_or("the address of a folder has no `?`")) {
        Ok(folder) => Some(UpdateSource::Channel(folder)),
        Err(why) => {
            report.hinted(&raw.spot, Code::BadValue, why, hint);
            None
        }
    }
}

/// What such a server sends is not signed before it is a bundle, so its certificate is what says who it is.
fn server(raw: &At<String>, report: &Report<'_>) -> Option<UpdateSource> {
    let url = Url::parse(&raw.value);
    let folder = match url {
        Ok(url) if !url.is_https => Err("the address of an update server begins with `https://`"),
        Ok(url) => url.folder().ok_or("the address of an update server has no `?`"),
        Err(why) => Err(why),
    };
    match folder {
        Ok(folder) => Some(UpdateSource::AtomixOs(folder)),
        Err(why) => {
            report.hinted(&raw.spot, Code::BadValue, why, "write `https://updates.example`");
            None
        }
    }
}

fn window(raw: &RawUpdates, report: &Report<'_>) -> Option<Window> {
    let days: BTreeSet<Weekday> = match &raw.days {
        None => Weekday::ALL.into(),
        Some(days) => {
            if days.value.is_empty() {
                report.problem(&days.spot, Code::BadValue, "on no day could an update be installed");
            }
            days.value.iter().filter_map(|raw| day(raw, report)).collect()
        }
    };
    let (start, end) = match (&raw.window, &raw.days) {
        (Some(window), _) => hours(window, report)?,
        (None, None) => return None,
        // Whole days: from midnight to the last minute.
        (None, Some(_)) => (TimeOfDay::parse("00:00")?, TimeOfDay::parse("23:59")?),
    };
    Some(Window { days, start, end })
}

fn hours(raw: &At<String>, report: &Report<'_>) -> Option<(TimeOfDay, TimeOfDay)> {
    let times = raw.value.split_once('-').and_then(|(start, end)| {
        Some((TimeOfDay::parse(start.trim())?, TimeOfDay::parse(end.trim())?))
            .filter(|(start, end)| start != end)
    });
    if times.is_none() {
        let hint = "write `02:00-04:30`; hours are UTC, and a window may go past midnight";
        report.hinted(&raw.spot, Code::BadValue, "it is not a part of the day", hint);
    }
    times
}

fn day(raw: &At<String>, report: &Report<'_>) -> Option<Weekday> {
    let day = Weekday::ALL.into_iter().find(|day| day.word() == raw.value);
    if day.is_none() {
        let words = Weekday::ALL.map(Weekday::word);
        let hint = match nearest(&raw.value, words) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("it is one of {}", words.join(", ")),
        };
        report.hinted(&raw.spot, Code::BadValue, "there is no such day", hint);
    }
    day
}

/// `dhcp`: whether the document says that the box hands out addresses.
pub(super) fn netboot(raw: &RawNetboot, dhcp: Option<bool>, report: &Report<'_>) -> Netboot {
    let mode = raw.mode.as_ref().map_or(NetbootMode::Off, |raw| match raw.value.as_str() {
        "off" => NetbootMode::Off,
        "server" => NetbootMode::Server,
        "proxy" => NetbootMode::Proxy,
        _ => {
            let hint =
                "`off`, `server` (this appliance gives addresses too) or `proxy` (another server does)";
            report.hinted(&raw.spot, Code::BadValue, "there is no such mode", hint);
            NetbootMode::Off
        }
    });
    if let Some(raw) = &raw.mode {
        let message = match (mode, dhcp) {
            (NetbootMode::Server, Some(false)) => {
                "with network.dnsmasq.enable = false another server gives out the addresses"
            }
            (NetbootMode::Proxy, Some(true)) => {
                "with network.dnsmasq.enable = true this appliance gives out the addresses itself"
            }
            _ => "",
        };
        if !message.is_empty() {
            report.hinted(&raw.spot, Code::Conflict, message, "change one of the two");
        }
    }
    let is = |raw: &Option<At<bool>>| raw.as_ref().is_some_and(|raw| raw.value);
    Netboot { mode, force: is(&raw.force), tftp_uploads: is(&raw.tftp_uploads) }
}

pub(super) fn devices(raw: &RawDevices, report: &Report<'_>) -> Devices {
    let mut devices = Devices::default();
    if let Some(prefix) = &raw.hostname_prefix {
        devices.hostname_prefix = hostname_prefix(prefix, report).unwrap_or(devices.hostname_prefix);
    }
    if let Some(seconds) = &raw.poll_seconds {
        devices.poll = Duration::from_secs(in_range(seconds, &POLL_SECONDS, " s", report));
    }
    let word = |at: &At<String>| word(at, report);
    devices.stages = raw
        .stages
        .iter()
        .filter_map(|(own, ours)| Some((word(own)?, word(ours)?)))
        .collect::<BTreeMap<_, _>>();
    devices.allowed_serials = raw.allowed_serials.iter().filter_map(word).collect();
    devices.allowed_macs = raw.allowed_macs.iter().filter_map(|raw| mac(raw, report)).collect();
    devices
}

fn hostname_prefix(raw: &At<String>, report: &Report<'_>) -> Option<String> {
    let text = raw.value.as_str();
    let label = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if label && !text.is_empty() && !text.starts_with('-') && text.len() <= PREFIX_MAX {
        return Some(text.to_owned());
    }
    let message = format!("it begins no host name: 1 to {PREFIX_MAX} of a-z, 0-9 and inner `-`");
    report.problem(&raw.spot, Code::BadValue, message);
    None
}

/// A stage or a serial number: what a machine says of itself, as one word.
fn word(raw: &At<String>, report: &Report<'_>) -> Option<String> {
    let text = raw.value.as_str();
    if !text.is_empty() && text.len() <= NAME_MAX && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(text.to_owned());
    }
    let message = format!("it is no word of 1 to {NAME_MAX} letters, digits and signs");
    report.problem(&raw.spot, Code::BadValue, message);
    None
}

fn mac(raw: &At<String>, report: &Report<'_>) -> Option<MacAddress> {
    match raw.value.parse() {
        Ok(mac) => Some(mac),
        Err(error) => {
            let error: appliance_types::InvalidWord = error;
            report.problem(&raw.spot, Code::BadValue, error.to_string());
            None
        }
    }
}

#[cfg(test)]
#[path = "services_tests.rs"]
mod tests;
