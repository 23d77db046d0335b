use std::time::Duration;

use appliance_types::{InterfaceName, Ipv4Cidr, SlotName};

/// The answer to a question about this machine: a fact, or in words why there is none (`cannot ask systemd: …`).
pub type Asked<T> = Result<T, String>;

/// What is known about this boot at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How the running slot stands.
    pub standing: Asked<Standing>,
    /// Whether there is a configuration.
    pub provisioning: Asked<Provisioning>,
    /// Whether all that is started at boot has had its turn.
    pub services: Services,
    /// What the appliance itself cannot do without.
    pub platform: Asked<Vec<UnitFact>>,
    /// What the configuration says must run.
    pub required: Asked<Vec<UnitFact>>,
    /// The fixed addresses that the configuration gives to LAN cards.
    pub lan: Asked<Vec<LanFact>>,
    /// How long the configuration gives what it requires to come up.
    pub activation_timeout: Duration,
    /// How long the configuration wants that to run before it counts as working.
    pub settle: Duration,
}

/// How the running slot stands in the boot state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The running slot.
    pub slot: SlotName,
    /// No good boot has confirmed it yet.
    pub on_trial: bool,
    /// Another slot of the boot order has tries left, so there is something to go back to.
    pub can_fall_back: bool,
}

/// Whether all that is started at boot has had its turn, well or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Services {
    /// It has.
    Up,
    /// It has not. These units are still starting, as far as that is known.
    Starting(Vec<String>),
}

/// Whether this device has a configuration. The texts are sentences for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provisioning {
    /// It has none.
    Unprovisioned(String),
    /// One was found and is being put in place.
    Importing(String),
    /// One is in force.
    Provisioned,
    /// One is in force that is older than it should be, or not all of it works.
    Degraded(String),
}

/// A unit of systemd, in systemd's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFact {
    /// Its full name: `web.service`.
    pub name: String,
    /// Why it is looked at.
    pub role: UnitRole,
    /// `ActiveState`: `active`, `activating`, `failed`, ….
    pub active: String,
    /// `SubState`: `running`, `auto-restart`, ….
    pub sub: String,
    /// `Result`: `success`, `exit-code`, ….
    pub result: String,
    /// How often systemd has restarted it (`NRestarts`).
    pub restarts: u32,
}

/// Why a unit is looked at, and whose service manager runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitRole {
    /// Part of the appliance.
    Platform,
    /// Required by the configuration, run by the system's service manager.
    Rootful,
    /// Required by the configuration, run by the application user's.
    Rootless,
}

/// A LAN card and the address it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanFact {
    /// The card.
    pub interface: InterfaceName,
    /// The address the configuration gives it.
    pub expected: Ipv4Cidr,
    /// The IPv4 addresses it has; `None` when there is no such card.
    pub found: Option<Vec<Ipv4Cidr>>,
}

impl Facts {
    /// What is not as it should be and is no reason to doubt the slot: a card that is not plugged in.
    pub fn warnings(&self) -> Vec<String> {
        let cards = self.lan.iter().flatten();
        let missing = cards.filter(|card| card.found.is_none());
        missing
            .map(|card| format!("there is no card {}, which is to have {}", card.interface, card.expected))
            .collect()
    }

    /// Whether giving this slot up would start another one that is worth trying.
    pub(crate) fn may_fall_back(&self) -> bool {
        self.standing.as_ref().is_ok_and(|standing| standing.on_trial && standing.can_fall_back)
    }

    /// Whether the slot is known to be confirmed.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.standing.as_ref().is_ok_and(|standing| !standing.on_trial)
    }
}
