//! What the configuration in force wants to see running: written when it is rendered, read by what waits for it and by
//! what judges the boot.

use std::path::Path;
use std::time::Duration;

use appliance_types::{InterfaceName, Ipv4Cidr};
use serde::{Deserialize, Serialize};

use crate::facts::{FactsError, read_json};

/// `/etc/slipway/required.json`. The file is rendered with everything else; this is its reader. Keys not listed here are
/// passed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RequiredFacts {
    /// The fixed addresses LAN cards must have.
    pub lan: Vec<LanAddress>,
    /// The units that must run.
    pub required: Vec<RequiredUnit>,
    /// Those that must run as well when the configuration is changed, and not at every boot.
    #[serde(default)]
    pub required_at_change: Vec<RequiredUnit>,
    /// How long they have to come up, in seconds.
    pub timeout_s: u64,
    /// How long they must then keep running, in seconds.
    pub settle_s: u64,
}

/// A card and its address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LanAddress {
    /// The card.
    pub interface: InterfaceName,
    /// Its address.
    pub address: Ipv4Cidr,
}

/// A unit and the service manager that runs it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RequiredUnit {
    /// Its full name: `web.service`.
    pub unit: String,
    /// Whose it is.
    pub mode: UnitMode,
}

/// Whose service manager runs a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitMode {
    /// The system's.
    Rootful,
    /// The application user's.
    Rootless,
}

impl RequiredFacts {
    /// Where it is, while a configuration is in force.
    pub const PATH: &str = "/etc/slipway/required.json";

    /// Reads it.
    pub fn read(path: &Path) -> Result<RequiredFacts, FactsError> {
        read_json(path)
    }

    /// How long the units have to come up.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// How long they must then keep running.
    pub fn settle(&self) -> Duration {
        Duration::from_secs(self.settle_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_json_is_read_and_later_keys_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("required.json");
        let text = concat!(
            r#"{"lan":[{"interface":"eth1","address":"172.20.30.1/24"}],"#,
            r#""required":[{"unit":"web.service","mode":"rootful","later":1},{"unit":"db.service","mode":"rootless"}],"#,
            r#""timeout_s":300,"settle_s":0,"later":{}}"#,
        );
        std::fs::write(&path, text).unwrap();
        let unit = |unit: &str, mode| RequiredUnit { unit: unit.to_owned(), mode };
        let expected = RequiredFacts {
            lan: vec![LanAddress {
                interface: "eth1".parse().unwrap(),
                address: "172.20.30.1/24".parse().unwrap(),
            }],
            required: vec![unit("web.service", UnitMode::Rootful), unit("db.service", UnitMode::Rootless)],
            required_at_change: Vec::new(),
            timeout_s: 300,
            settle_s: 0,
        };
        assert_eq!(RequiredFacts::read(&path).unwrap(), expected);
        assert_eq!(expected.timeout(), Duration::from_secs(300));
        assert_eq!(expected.settle(), Duration::ZERO);
    }
}
