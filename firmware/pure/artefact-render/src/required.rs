//! What must be there before a configuration counts as working. Those who read it: apply-config, which waits for it, and
//! confirm-boot, which judges it at every boot.

use appliance_config::{Addressing, Config, Mode, Side};
use serde::Serialize;

use crate::artefacts::Files;
use crate::paths::{self, UnitFile, UnitKind};

#[derive(Serialize)]
struct Required {
    /// Addresses that LAN machines count on. One from a DHCP server may be any, or late.
    lan: Vec<LanAddress>,
    required: Vec<RequiredUnit>,
    timeout_s: u64,
    settle_s: u64,
}

#[derive(Serialize)]
struct LanAddress {
    interface: String,
    address: String,
}

#[derive(Serialize)]
struct RequiredUnit {
    unit: String,
    mode: &'static str,
}

pub(crate) fn render(config: &Config, files: &mut Files) {
    let lan = config.network.interfaces.iter().filter(|(_, interface)| interface.side == Side::Lan);
    let addresses = lan.filter_map(|(name, interface)| match interface.addressing {
        Addressing::Static { address, .. } => {
            Some(LanAddress { interface: name.to_string(), address: address.to_string() })
        }
        Addressing::Dhcp { .. } | Addressing::None => None,
    });
    let units = config.activation.required.iter().filter_map(|name| {
        let mode = config.containers.containers.get(name)?.mode;
        let unit = UnitFile { mode, kind: UnitKind::Container, name: name.as_str() }.service();
        Some(RequiredUnit { unit, mode: mode_word(mode) })
    });
    let required = Required {
        lan: addresses.collect(),
        required: units.collect(),
        timeout_s: config.activation.timeout.as_secs(),
        settle_s: config.activation.settle.as_secs(),
    };
    // Strings and numbers only: there is nothing that JSON could not say.
    let json = serde_json::to_string(&required).unwrap_or_default();
    files.add(paths::REQUIRED, json + "\n");
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Rootful => "rootful",
        Mode::Rootless => "rootless",
    }
}
