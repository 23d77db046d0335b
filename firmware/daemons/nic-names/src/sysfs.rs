//! Reading the network interfaces out of sysfs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use host_files::read_text_bounded;

use crate::path_id::{Device, path_id};
use crate::plan::{Nic, Place};

/// The interfaces of this machine (or of a network namespace).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// The physical ethernet cards.
    pub cards: Vec<Nic>,
    /// The names of everything else: loopback, bridges, containers' ends, Wi-Fi.
    pub others: BTreeSet<String>,
}

/// Reads the interfaces under `sys` (`/sys` on the appliance).
///
/// An interface that goes away while it is read is left out: its own removal needs no rename, and what
/// takes its place has an event of its own.
pub fn read_interfaces(sys: &Path) -> anyhow::Result<Interfaces> {
    let class = sys.join("class/net");
    let entries = fs::read_dir(&class).with_context(|| format!("cannot list {}", class.display()))?;
    let mut interfaces = Interfaces::default();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", class.display()))?;
        // `bonding_masters` is a plain file in this directory.
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        match read_card(sys, &entry.path(), &name) {
            Some(card) => interfaces.cards.push(card),
            None => {
                interfaces.others.insert(name);
            }
        }
    }
    Ok(interfaces)
}

/// The interface as a card, or `None` when it is not a physical ethernet port.
fn read_card(sys: &Path, link: &Path, name: &str) -> Option<Nic> {
    const ARPHRD_ETHER: u32 = 1; // linux/if_arp.h
    const IFF_UP: u32 = 1; // linux/if.h

    let folder = link.canonicalize().ok()?;
    let is_ethernet = number(&folder.join("type"))? == ARPHRD_ETHER;
    // Virtual interfaces have no device behind them. Wi-Fi, bridges, VLANs and the like say what they
    // are; a plain ethernet port says nothing.
    let has_device = folder.join("device").exists();
    let says_its_kind = attribute(&folder.join("uevent"))?.lines().any(|line| line.starts_with("DEVTYPE="));
    if !is_ethernet || !has_device || says_its_kind {
        return None;
    }
    Some(Nic {
        name: name.to_owned(),
        place: Place {
            path: path_id(&parents(sys, &folder)).unwrap_or_else(|| folder.to_string_lossy().into_owned()),
            port: number(&folder.join("dev_port")).unwrap_or(0),
            index: number(&folder.join("ifindex")).unwrap_or(0),
        },
        in_use: number(&folder.join("flags"))? & IFF_UP != 0,
    })
}

/// The device and its parents, nearest first. As udev does, only directories with a `uevent` file count:
/// the others (`net`, `devices`) merely group.
fn parents(sys: &Path, folder: &Path) -> Vec<Device> {
    let root = sys.canonicalize().unwrap_or_else(|_| sys.to_owned());
    folder
        .ancestors()
        .take_while(|ancestor| ancestor.starts_with(&root) && *ancestor != root)
        .filter(|ancestor| ancestor.join("uevent").exists())
        .map(|device| Device { name: file_name(device), subsystem: subsystem(device) })
        .collect()
}

fn subsystem(device: &Path) -> Option<String> {
    fs::read_link(device.join("subsystem")).ok().map(|target| file_name(&target))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A number in a sysfs file: decimal, or hexadecimal with `0x` (`flags`).
fn number(path: &Path) -> Option<u32> {
    let text = attribute(path)?;
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn attribute(path: &Path) -> Option<String> {
    /// The size of a sysfs file: one page.
    const LIMIT: usize = 4096;
    Some(read_text_bounded(path, LIMIT).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    /// A sysfs in a temporary directory, built from device paths.
    struct Sys(tempfile::TempDir);

    impl Sys {
        fn new() -> Sys {
            let sys = Sys(tempfile::tempdir().unwrap());
            fs::create_dir_all(sys.0.path().join("class/net")).unwrap();
            sys
        }

        /// Makes `path` a device (all its parents exist) on `subsystem` ("" for none).
        fn device(&self, path: &str, subsystem: &str) -> PathBuf {
            let folder = self.0.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("uevent"), "").unwrap();
            if !subsystem.is_empty() {
                symlink(format!("/anywhere/{subsystem}"), folder.join("subsystem")).unwrap();
            }
            folder
        }

        /// Makes the interface `name` below the device `parent`, as the kernel does.
        fn interface(&self, parent: &str, name: &str, index: u32, flags: &str) -> PathBuf {
            let folder = self.device(&format!("{parent}/net/{name}"), "net");
            for (file, content) in
                [("type", "1"), ("flags", flags), ("ifindex", &index.to_string()), ("dev_port", "0")]
            {
                fs::write(folder.join(file), format!("{content}\n")).unwrap();
            }
            if !parent.starts_with("devices/virtual") {
                symlink("../..", folder.join("device")).unwrap();
            }
            symlink(&folder, self.0.path().join("class/net").join(name)).unwrap();
            folder
        }
    }

    #[test]
    fn cards_are_read_with_their_places_and_everything_else_by_name() {
        let sys = Sys::new();
        sys.device("devices/platform", "");
        sys.device("devices/platform/4010000000.pcie", "platform");
        sys.device("devices/platform/4010000000.pcie/pci0000:00", "");
        sys.device("devices/platform/4010000000.pcie/pci0000:00/0000:00:08.0", "pci");
        sys.device("devices/platform/4010000000.pcie/pci0000:00/0000:00:08.0/virtio1", "virtio");
        let parent = "devices/platform/4010000000.pcie/pci0000:00/0000:00:08.0/virtio1";
        sys.interface(parent, "eth1", 3, "0x1003");
        sys.device("devices/platform/ff540000.ethernet", "platform");
        sys.interface("devices/platform/ff540000.ethernet", "eth0", 2, "0x1002");
        let wifi = sys.interface("devices/platform/ff540000.ethernet", "wlan0", 4, "0x1002");
        fs::write(wifi.join("uevent"), "DEVTYPE=wlan\nINTERFACE=wlan0\n").unwrap();
        sys.interface("devices/virtual", "br-lan", 5, "0x1003");
        let can = sys.interface("devices/platform/ff540000.ethernet", "can0", 6, "0x1002");
        fs::write(can.join("type"), "280\n").unwrap();
        fs::write(sys.0.path().join("class/net/bonding_masters"), "").unwrap();

        let mut interfaces = read_interfaces(sys.0.path()).unwrap();
        interfaces.cards.sort_by(|a, b| a.name.cmp(&b.name));
        let place = |path: &str, index| Place { path: path.to_owned(), port: 0, index };
        assert_eq!(
            interfaces.cards,
            [
                Nic { name: "eth0".into(), place: place("platform-ff540000.ethernet", 2), in_use: false },
                Nic {
                    name: "eth1".into(),
                    place: place("platform-4010000000.pcie-pci-0000:00:08.0", 3),
                    in_use: true
                },
            ]
        );
        assert_eq!(interfaces.others, ["br-lan", "can0", "wlan0"].map(String::from).into());
    }

    #[test]
    fn a_card_without_a_fixed_place_is_known_by_its_sysfs_path() {
        let sys = Sys::new();
        sys.device("devices/odd", "oddbus");
        let folder = sys.interface("devices/odd", "eth0", 2, "0x1002");
        let interfaces = read_interfaces(sys.0.path()).unwrap();
        assert_eq!(interfaces.cards[0].place.path, folder.canonicalize().unwrap().to_string_lossy());
    }

    #[test]
    fn this_machine_can_be_read() {
        let interfaces = read_interfaces(Path::new("/sys")).unwrap();
        assert!(interfaces.others.contains("lo"), "{interfaces:?}");
    }

    #[test]
    fn a_missing_sysfs_is_named() {
        let error = read_interfaces(Path::new("/nonexistent")).unwrap_err();
        assert_eq!(error.to_string(), "cannot list /nonexistent/class/net");
    }
}
