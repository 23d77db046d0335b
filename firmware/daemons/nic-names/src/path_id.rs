//! udev's `ID_PATH` of a device, computed from its chain of parents. No IO.
//!
//! The rule is systemd's `src/udev/udev-builtin-path_id.c` (version 257), for the buses a network card can
//! be on. Computed here and not taken from udev's database, because the cards this run must tell apart may
//! still be waiting for their own udev event.

/// One device on the way from the network interface up to the root of sysfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    /// Its directory's name, e.g. `0000:00:08.0`, `ff540000.ethernet`, `1-1.4:1.0`.
    pub(crate) name: String,
    /// Its bus or class, e.g. `pci`, `platform`, `usb`, `virtio`, `net`; `None` for a device without one.
    pub(crate) subsystem: Option<String>,
}

/// The path of the device `chain[0]`; each following entry is the parent of the one before it.
///
/// `None` when no parent gives a place that stays the same over a reboot.
pub(crate) fn path_id(chain: &[Device]) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut has_fixed_parent = false;
    let mut rest = chain;
    while let Some(device) = rest.first() {
        let name = &device.name;
        let part = match device.subsystem.as_deref() {
            Some(bus @ ("pci" | "platform" | "amba" | "acpi")) => {
                has_fixed_parent = true;
                Some(format!("{bus}-{name}"))
            }
            // The number of the host controller before the hyphen depends on the order of discovery; the
            // port numbers after it do not. A root hub ("usb1") has no hyphen and no part of its own.
            Some("usb") => name.split_once('-').map(|(_, ports)| format!("usb-0:{ports}")),
            // A virtio device is where the device that carries it is.
            Some("virtio") => {
                rest = skip_bus(rest);
                continue;
            }
            _ => None,
        };
        rest = match part {
            // Of several devices of one bus in a row (PCI bridges, USB hubs) the nearest one says it all.
            Some(part) => {
                parts.push(part);
                skip_bus(rest)
            }
            None => &rest[1..],
        };
    }
    parts.reverse();
    (has_fixed_parent && !parts.is_empty()).then(|| parts.join("-"))
}

/// The chain after the devices at its front that share one bus.
fn skip_bus(chain: &[Device]) -> &[Device] {
    let bus = &chain[0].subsystem;
    let end = chain.iter().position(|device| device.subsystem != *bus).unwrap_or(chain.len());
    &chain[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `"eth0/net virtio1/virtio"` → a chain; `-` for no bus.
    fn chain(text: &str) -> Vec<Device> {
        text.split_whitespace()
            .map(|word| {
                let (name, subsystem) = word.rsplit_once('/').unwrap();
                let subsystem = (subsystem != "-").then(|| subsystem.to_owned());
                Device { name: name.to_owned(), subsystem }
            })
            .collect()
    }

    #[test]
    fn table() {
        let rows = [
            (
                "the onboard port of a Rock64",
                "eth0/net ff540000.ethernet/platform platform/-",
                Some("platform-ff540000.ethernet"),
            ),
            (
                "virtio on QEMU's arm64 board: the PCI bridge is a platform device",
                "eth0/net virtio1/virtio 0000:00:08.0/pci pci0000:00/- 4010000000.pcie/platform platform/-",
                Some("platform-4010000000.pcie-pci-0000:00:08.0"),
            ),
            (
                "virtio on a PC",
                "eth0/net virtio2/virtio 0000:00:03.0/pci pci0000:00/-",
                Some("pci-0000:00:03.0"),
            ),
            (
                "behind two PCI bridges: the nearest device",
                "eth0/net 0000:03:00.0/pci 0000:02:01.0/pci 0000:00:1c.0/pci pci0000:00/-",
                Some("pci-0000:03:00.0"),
            ),
            (
                "a USB adapter behind a hub, on a platform controller",
                "eth0/net 5-1.4:1.0/usb 5-1.4/usb 5-1/usb usb5/usb xhci-hcd.0.auto/platform \
                 ff600000.usb/platform platform/-",
                Some("platform-xhci-hcd.0.auto-usb-0:1.4:1.0"),
            ),
            (
                "the same adapter when the controller got another number",
                "eth0/net 2-1.4:1.0/usb 2-1.4/usb 2-1/usb usb2/usb xhci-hcd.0.auto/platform \
                 ff600000.usb/platform platform/-",
                Some("platform-xhci-hcd.0.auto-usb-0:1.4:1.0"),
            ),
            (
                "virtio without PCI",
                "eth0/net virtio0/virtio a003e00.virtio_mmio/platform platform/-",
                Some("platform-a003e00.virtio_mmio"),
            ),
            ("USB/IP: ports alone are not a place", "eth0/net 1-1:1.0/usb 1-1/usb usb1/usb", None),
            ("no parent at all", "dummy0/net", None),
            ("nothing", "", None),
        ];
        for (what, devices, expected) in rows {
            assert_eq!(path_id(&chain(devices)).as_deref(), expected, "{what}");
        }
    }
}
