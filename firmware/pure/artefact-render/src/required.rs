//! What must be there before a configuration counts as working. Those who read it: apply-config, which waits for it, and
//! confirm-boot, which judges it at every boot.

use appliance_config::{Addressing, Config, Side};
use appliance_types::{ContainerName, Mode};
use serde::{Deserialize, Serialize};

use crate::artefacts::Files;
use crate::paths::{self, UnitFile, UnitKind};

#[derive(Serialize)]
struct Required {
    /// Addresses that LAN machines count on. One from a DHCP server may be any, or late.
    lan: Vec<LanAddress>,
    /// At a change and at every boot.
    required: Vec<RequiredUnit>,
    /// At a change, beside the required ones: all that `allow_degraded` does not let fail.
    required_at_change: Vec<RequiredUnit>,
    /// Restarted at every change, in this order.
    restart: Vec<RequiredUnit>,
    timeout_s: u64,
    settle_s: u64,
}

#[derive(Serialize)]
struct LanAddress {
    interface: String,
    address: String,
}

/// A unit, and whose service manager runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequiredUnit {
    pub(crate) unit: String,
    pub(crate) mode: Mode,
}

/// What is restarted at every change, of a file that was rendered.
pub(crate) fn restarts(required: &[u8]) -> Vec<RequiredUnit> {
    #[derive(Deserialize)]
    struct Restarts {
        restart: Vec<RequiredUnit>,
    }
    serde_json::from_slice::<Restarts>(required).map(|required| required.restart).unwrap_or_default()
}

pub(crate) fn render(config: &Config, files: &mut Files) {
    let lan = config.network.interfaces.iter().filter(|(_, interface)| interface.side == Side::Lan);
    let addresses = lan.filter_map(|(name, interface)| match interface.addressing {
        Addressing::Static { address, .. } => {
            Some(LanAddress { interface: name.to_string(), address: address.to_string() })
        }
        Addressing::Dhcp { .. } | Addressing::None => None,
    });
    let activation = &config.activation;
    let unit = |name: &ContainerName| {
        let mode = config.containers.containers.get(name)?.mode;
        let unit = UnitFile { mode, kind: UnitKind::Container, name: name.as_str() }.service();
        Some(RequiredUnit { unit, mode })
    };
    let at_change = activation.allow_degraded.iter().flat_map(|degraded| {
        let all = config.containers.containers.keys();
        all.filter(|name| !degraded.contains(*name) && !activation.required.contains(*name))
    });
    let required = Required {
        lan: addresses.collect(),
        required: activation.required.iter().filter_map(unit).collect(),
        required_at_change: at_change.filter_map(unit).collect(),
        restart: activation.restart.iter().filter_map(unit).collect(),
        timeout_s: activation.timeout.as_secs(),
        settle_s: activation.settle.as_secs(),
    };
    // Strings and numbers only: there is nothing that JSON could not say.
    let json = serde_json::to_string(&required).unwrap_or_default();
    files.add(paths::REQUIRED, json + "\n");
}
