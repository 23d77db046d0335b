//! What the appliance's own services are told: one file for each, in TOML, and only where the configuration says something.

use std::collections::{BTreeMap, BTreeSet};

use appliance_config::{Config, Devices, UpdateSource, Updates};
use serde::Serialize;

use crate::artefacts::Files;
use crate::paths;

/// `/etc/slipway/updated.toml`.
#[derive(Serialize)]
struct UpdatedFile<'a> {
    /// `channel`, `atomixos` or `usb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    interval_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<WindowTable>,
}

/// `[window]`, in UTC.
#[derive(Serialize)]
struct WindowTable {
    days: Vec<&'static str>,
    start: String,
    end: String,
}

/// `/etc/slipway/deviced.toml`.
#[derive(Serialize)]
struct DevicedFile<'a> {
    hostname_prefix: &'a str,
    poll_s: u64,
    allowed_serials: &'a BTreeSet<String>,
    allowed_macs: Vec<String>,
    stages: &'a BTreeMap<String, String>,
}

pub(crate) fn render(config: &Config, files: &mut Files) {
    if config.updates != Updates::default() {
        files.add(paths::UPDATED, text("updates", &updated(&config.updates)));
    }
    if config.devices != Devices::default() {
        files.add(paths::DEVICED, text("devices", &deviced(&config.devices)));
    }
}

fn text(table: &str, value: &impl Serialize) -> String {
    // Strings, numbers, lists and tables: there is nothing that TOML could not say.
    format!("# From [{table}] of config.toml.\n{}", toml::to_string(value).unwrap_or_default())
}

fn updated(updates: &Updates) -> UpdatedFile<'_> {
    let (source, url) = match &updates.source {
        None => (None, None),
        Some(UpdateSource::Channel(url)) => (Some("channel"), Some(url.as_str())),
        Some(UpdateSource::AtomixOs(url)) => (Some("atomixos"), Some(url.as_str())),
        Some(UpdateSource::Usb) => (Some("usb"), None),
    };
    let window = updates.window.as_ref().map(|window| WindowTable {
        days: window.days.iter().map(|day| day.word()).collect(),
        start: window.start.to_string(),
        end: window.end.to_string(),
    });
    let (interval_s, bytes_per_second) = (updates.interval.as_secs(), updates.bandwidth);
    UpdatedFile { source, url, interval_s, bytes_per_second, window }
}

fn deviced(devices: &Devices) -> DevicedFile<'_> {
    DevicedFile {
        hostname_prefix: &devices.hostname_prefix,
        poll_s: devices.poll.as_secs(),
        allowed_serials: &devices.allowed_serials,
        allowed_macs: devices.allowed_macs.iter().map(ToString::to_string).collect(),
        stages: &devices.stages,
    }
}
