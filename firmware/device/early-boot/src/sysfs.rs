//! Disks and their partitions, as the kernel lists them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use host_files::read_text_bounded;

/// A disk with its named partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disk {
    /// The kernel's name: `vda`, `mmcblk0`.
    pub(crate) name: String,
    /// Its device node.
    pub(crate) node: PathBuf,
    /// Device nodes of its partitions by GPT name. Of several with one name, the first on the disk.
    pub(crate) partitions: BTreeMap<String, PathBuf>,
}

impl Disk {
    /// The device node of a partition.
    pub(crate) fn partition(&self, name: &str) -> Option<&Path> {
        self.partitions.get(name).map(PathBuf::as_path)
    }
}

/// The disks under `sys`, by name, with device nodes under `dev`.
///
/// Partitions count by the name the kernel read from the partition table (`PARTNAME`), so nothing has to be read from a
/// disk, and nothing depends on udev. What goes away while we look is not there.
pub(crate) fn read_disks(sys: &Path, dev: &Path) -> Vec<Disk> {
    let Ok(entries) = fs::read_dir(sys.join("class/block")) else { return Vec::new() };
    let mut found: Vec<(String, u32, String, PathBuf)> = Vec::new();
    for entry in entries.flatten() {
        let folder = entry.path();
        let Some(number) = attribute(&folder, "partition").and_then(|number| number.parse().ok()) else {
            continue;
        };
        let uevent = attribute(&folder, "uevent").unwrap_or_default();
        let value = |key: &str| uevent.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let (Some(name), Some(node)) = (value("PARTNAME"), value("DEVNAME")) else { continue };
        // /sys/class/block/vda1 -> …/block/vda/vda1
        let Some(disk) =
            folder.canonicalize().ok().and_then(|real| Some(real.parent()?.file_name()?.to_owned()))
        else {
            continue;
        };
        found.push((disk.to_string_lossy().into_owned(), number, name.to_owned(), dev.join(node)));
    }
    found.sort();

    let mut disks: Vec<Disk> = Vec::new();
    for (disk, _, name, node) in found {
        if disks.last().is_none_or(|last| last.name != disk) {
            disks.push(Disk { node: dev.join(&disk), name: disk, partitions: BTreeMap::new() });
        }
        let partitions = &mut disks.last_mut().expect("one was just pushed").partitions;
        partitions.entry(name).or_insert(node);
    }
    disks
}

fn attribute(folder: &Path, name: &str) -> Option<String> {
    /// The size of a sysfs file: one page.
    const LIMIT: usize = 4096;
    Some(read_text_bounded(&folder.join(name), LIMIT).ok()?.trim().to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Makes a disk with partitions of these names in a sysfs under `sys`.
    pub(crate) fn add_disk(sys: &Path, name: &str, partitions: &[&str]) {
        fs::create_dir_all(sys.join("class/block")).unwrap();
        let disk = sys.join("devices/platform/bus/block").join(name);
        fs::create_dir_all(&disk).unwrap();
        fs::write(disk.join("uevent"), format!("DEVNAME={name}\nDEVTYPE=disk\n")).unwrap();
        symlink(&disk, sys.join("class/block").join(name)).unwrap();
        for (number, partition) in (1..).zip(partitions) {
            let part = format!("{name}{number}");
            fs::create_dir(disk.join(&part)).unwrap();
            fs::write(disk.join(&part).join("partition"), format!("{number}\n")).unwrap();
            let uevent = format!("DEVNAME={part}\nDEVTYPE=partition\nPARTN={number}\nPARTNAME={partition}\n");
            fs::write(disk.join(&part).join("uevent"), uevent).unwrap();
            symlink(disk.join(&part), sys.join("class/block").join(&part)).unwrap();
        }
    }

    #[test]
    fn partitions_are_found_by_name_on_their_disk() {
        let sys = tempfile::tempdir().unwrap();
        add_disk(sys.path(), "vdb", &["env0", "blackbox"]);
        add_disk(sys.path(), "vda", &["env0"]);
        add_disk(sys.path(), "loop0", &[]);
        let disks = read_disks(sys.path(), Path::new("/dev"));
        assert_eq!(disks.iter().map(|disk| disk.name.as_str()).collect::<Vec<_>>(), ["vda", "vdb"]);
        assert_eq!(disks[1].node, Path::new("/dev/vdb"));
        assert_eq!(disks[1].partition("blackbox"), Some(Path::new("/dev/vdb2")));
        assert_eq!(disks[0].partition("blackbox"), None);
    }

    #[test]
    fn of_two_partitions_with_one_name_the_first_counts() {
        let sys = tempfile::tempdir().unwrap();
        let names = ["x", "data", "y", "z", "a", "b", "c", "d", "e", "data"];
        add_disk(sys.path(), "vda", &names);
        assert_eq!(
            read_disks(sys.path(), Path::new("/dev"))[0].partition("data"),
            Some(Path::new("/dev/vda2"))
        );
    }

    #[test]
    fn no_sysfs_is_no_disk() {
        assert!(read_disks(Path::new("/nonexistent"), Path::new("/dev")).is_empty());
    }
}
