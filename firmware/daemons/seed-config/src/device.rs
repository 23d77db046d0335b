//! Who this device is.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use appliance_types::MacAddress;

use crate::seed::DeviceNames;

/// The card whose address is the device's id.
const WAN: &str = "eth0";
/// The cards by which a device is known.
const CARDS: [&str; 2] = [WAN, "eth1"];

/// How often a card that is not there yet is looked for.
const POLL: Duration = Duration::from_millis(200);

/// Where boards and PCs have their serial number, below `/`.
const SERIALS: [&str; 2] = ["proc/device-tree/serial-number", "sys/class/dmi/id/product_serial"];

/// Waits until the WAN card has its name; a device without one is known by the rest.
#[expect(clippy::disallowed_methods, reason = "the poll interval of a wait with a deadline")]
pub(crate) fn wait_for_cards(root: &Path, limit: Duration) {
    let deadline = Instant::now() + limit;
    while mac(root, WAN).is_none() && Instant::now() < deadline {
        std::thread::sleep(POLL);
    }
}

/// The names by which a stick may mean this device.
pub(crate) fn names(root: &Path) -> DeviceNames {
    DeviceNames {
        macs: CARDS.iter().filter_map(|card| mac(root, card)).collect(),
        serial: SERIALS.iter().find_map(|path| serial(&root.join(path))),
    }
}

/// The address of the WAN card.
pub(crate) fn wan(root: &Path) -> Option<MacAddress> {
    mac(root, WAN)
}

/// The id a device is claimed and updated under: the WAN card's address, or without that card the machine id.
pub(crate) fn id(root: &Path) -> anyhow::Result<String> {
    if let Some(mac) = wan(root) {
        return Ok(mac.bare());
    }
    let machine = fs::read_to_string(root.join("etc/machine-id"))?;
    Ok(machine.trim().parse::<appliance_types::MachineId>()?.to_string())
}

fn mac(root: &Path, card: &str) -> Option<MacAddress> {
    fs::read_to_string(root.join("sys/class/net").join(card).join("address")).ok()?.trim().parse().ok()
}

/// The device tree ends it with a zero byte.
fn serial(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_device_is_known_by_its_cards_and_its_serial_number() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(names(root), DeviceNames::default());
        assert!(id(root).is_err());
        put(root, "etc/machine-id", "6f1c2b1e3c7a4d5e9b201d2e3f405162\n");
        assert_eq!(id(root).unwrap(), "6f1c2b1e3c7a4d5e9b201d2e3f405162");
        put(root, "sys/class/dmi/id/product_serial", "PC-1\n");
        put(root, "proc/device-tree/serial-number", "ab12\0");
        for (card, address) in [
            ("eth0", "52:54:00:12:34:56\n"),
            ("eth1", "52:54:00:12:34:57\n"),
            ("eth2", "52:54:00:12:34:58\n"),
        ] {
            put(root, &format!("sys/class/net/{card}/address"), address);
        }
        wait_for_cards(root, Duration::ZERO);
        let names = names(root);
        assert_eq!(names.serial.as_deref(), Some("ab12"));
        let macs: Vec<String> = names.macs.iter().map(ToString::to_string).collect();
        assert_eq!(macs, ["52:54:00:12:34:56", "52:54:00:12:34:57"]);
        assert_eq!(id(root).unwrap(), "525400123456");
    }
}
