//! `boot-policy.json`: the answer for each device, as whoever keeps track of devices publishes it.
//!
//! It is replaced whole and watched. When the policy of `netbootd` names such a file, it decides; while it is missing or cannot be
//! read, every device is told to boot from its own disk: a machine must never be installed again because a file was late.
//!
//! ```json
//! {
//!   "version": 1,
//!   "unknown": "rules",
//!   "devices": {
//!     "52:54:00:12:34:56": "local",
//!     "52:54:00:12:34:57": { "boot": { "tree": "agent", "file": "agent.efi", "intent": "7" } }
//!   }
//! }
//! ```

use std::collections::BTreeMap;

use appliance_types::MacAddress;
use serde::{Deserialize, Serialize};

/// The version of the format that is written, and the only one that is read.
pub const BOOT_POLICY_VERSION: u32 = 1;

/// What is answered to devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootPolicy {
    /// [`BOOT_POLICY_VERSION`].
    pub version: u32,
    /// Devices that are not named.
    #[serde(default)]
    pub unknown: UnknownDevices,
    /// By the MAC address of the card that boots.
    #[serde(default)]
    pub devices: BTreeMap<MacAddress, BootAnswer>,
}

/// What devices get that are not named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownDevices {
    /// They boot from their own disk.
    #[default]
    Local,
    /// The boot rules of `netbootd`'s own configuration hold for them.
    Rules,
}

/// The answer for one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootAnswer {
    /// It boots from its own disk: nothing to load is named or served.
    Local,
    /// It loads from here.
    Boot(BootTarget),
}

/// What a device loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootTarget {
    /// The folder below the root of boot files that it sees, and nothing else.
    pub tree: String,
    /// The file in it that DHCP names. A Raspberry Pi needs none: it knows what it wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The order that this answer carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
}

impl BootPolicy {
    /// The answer for the device with this address; `None`: the boot rules decide.
    pub fn answer(&self, mac: Option<MacAddress>) -> Option<&BootAnswer> {
        match (mac.and_then(|mac| self.devices.get(&mac)), self.unknown) {
            (Some(answer), _) => Some(answer),
            (None, UnknownDevices::Local) => Some(&BootAnswer::Local),
            (None, UnknownDevices::Rules) => None,
        }
    }

    /// What holds while the file is missing or not to be understood: everybody boots from their own disk.
    pub fn nobody_boots() -> BootPolicy {
        BootPolicy { version: BOOT_POLICY_VERSION, unknown: UnknownDevices::Local, devices: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_above_is_read_and_decides() {
        let text = r#"{ "version": 1, "unknown": "rules", "devices": {
            "52:54:00:12:34:56": "local",
            "52:54:00:12:34:57": { "boot": { "tree": "agent", "file": "agent.efi", "intent": "7" } } } }"#;
        let policy: BootPolicy = serde_json::from_str(text).unwrap();
        let mac = |last: u8| Some(MacAddress::from_bytes([0x52, 0x54, 0, 0x12, 0x34, last]));
        assert_eq!(policy.answer(mac(0x56)), Some(&BootAnswer::Local));
        assert!(matches!(policy.answer(mac(0x57)), Some(BootAnswer::Boot(target)) if target.tree == "agent"));
        assert_eq!(policy.answer(mac(0x58)), None);
        assert_eq!(
            serde_json::from_str::<BootPolicy>(&serde_json::to_string(&policy).unwrap()).unwrap(),
            policy
        );
    }

    #[test]
    fn without_a_policy_nobody_boots_from_here() {
        let mac = MacAddress::from_bytes([2, 0, 0, 0, 0, 1]);
        assert_eq!(BootPolicy::nobody_boots().answer(Some(mac)), Some(&BootAnswer::Local));
        assert_eq!(BootPolicy::nobody_boots().answer(None), Some(&BootAnswer::Local));
        assert!(serde_json::from_str::<BootPolicy>(r#"{ "version": 1, "device": {} }"#).is_err());
    }
}
