//! One file system on a USB disk: what it is called, and mounting it.

use std::ffi::CStr;
use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use crate::attempts::Plugged;

/// No more than is needed, and no link on a stick leads anywhere: what lies on it is a stranger's until it is checked.
const CAREFUL: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC)
    .union(MountFlags::NOSYMFOLLOW)
    .union(MountFlags::SILENT);

/// A file system on a USB disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stick {
    /// Its device node.
    pub(crate) node: PathBuf,
    /// Its identity while it is plugged in.
    pub(crate) plugged: Plugged,
    /// Where it is plugged in: the order of sticks, whatever the kernel calls them this time.
    pub(crate) port: String,
    /// The kernel's name of the whole disk.
    pub(crate) disk: String,
    /// Its maker's name.
    pub(crate) maker: String,
}

/// A kind of file system that sticks have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileSystem {
    /// FAT with long names: what small sticks are sold with.
    Vfat,
    /// What large ones are sold with.
    Exfat,
    /// Linux's own; the same driver reads ext2 and ext3.
    Ext4,
}

/// A mounted stick. Unmounted when dropped, whatever happened.
#[derive(Debug)]
pub(crate) struct Mounted {
    at: PathBuf,
}

impl Stick {
    /// In words: `USB stick KINGSTON (sda1)`.
    pub(crate) fn in_words(&self) -> String {
        match self.maker.as_str() {
            "" => format!("USB stick ({})", self.plugged.name),
            maker => format!("USB stick {maker} ({})", self.plugged.name),
        }
    }

    /// What is known about the device `name` of the system at `root`; `None` when it is gone.
    pub(crate) fn read(root: &Path, name: &str) -> Option<Stick> {
        let device = fs::canonicalize(root.join("sys/class/block").join(name)).ok()?;
        // The disk is the folder itself, or, of a partition, the folder above.
        let disk = if device.join("partition").exists() { device.parent()? } else { &device };
        let line = |path: &str| fs::read_to_string(disk.join(path)).unwrap_or_default().trim().to_owned();
        Some(Stick {
            node: root.join("dev").join(name),
            plugged: Plugged { name: name.to_owned(), sequence: line("diskseq").parse().ok() },
            port: device.to_string_lossy().into_owned(),
            disk: disk.file_name()?.to_string_lossy().into_owned(),
            maker: plain(&line("device/vendor")),
        })
    }

    /// Mounts it read-only at `at`.
    pub(crate) fn mount(&self, at: &Path) -> anyhow::Result<Mounted> {
        let mut start = Vec::new();
        File::open(&self.node)
            .and_then(|node| node.take(FileSystem::PROBE_BYTES).read_to_end(&mut start))
            .with_context(|| format!("cannot read {}", self.node.display()))?;
        let kind = FileSystem::probe(&start)
            .with_context(|| format!("{} holds none of vfat, exfat and ext4", self.node.display()))?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(at)
            .with_context(|| format!("cannot create {}", at.display()))?;
        unmount_all(at);
        mount(&self.node, at, kind.name(), CAREFUL | MountFlags::RDONLY, kind.options())
            .with_context(|| format!("cannot mount {}", self.node.display()))?;
        Ok(Mounted { at: at.to_owned() })
    }
}

impl Mounted {
    /// Lets `work` write on it, and makes it read-only again, which brings everything onto the stick.
    pub(crate) fn while_writable<T>(&self, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let remount = |flags| {
            mount_remount(&self.at, CAREFUL | flags, c"")
                .with_context(|| format!("cannot change how {} is mounted", self.at.display()))
        };
        remount(MountFlags::empty())?;
        let done = work();
        remount(MountFlags::RDONLY)?;
        done
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        unmount_all(&self.at);
    }
}

impl FileSystem {
    /// As much of a device as it takes to tell.
    const PROBE_BYTES: u64 = 2048;

    /// Tells by the bytes that say so at fixed places.
    fn probe(start: &[u8]) -> Option<FileSystem> {
        let has = |at: usize, bytes: &[u8]| start.get(at..at + bytes.len()) == Some(bytes);
        if has(3, b"EXFAT   ") {
            return Some(FileSystem::Exfat);
        }
        if has(0x438, &[0x53, 0xef]) {
            return Some(FileSystem::Ext4);
        }
        let fat = has(54, b"FAT12   ") || has(54, b"FAT16   ") || has(82, b"FAT32   ");
        (fat && has(510, &[0x55, 0xaa])).then_some(FileSystem::Vfat)
    }

    fn name(self) -> &'static str {
        match self {
            FileSystem::Vfat => "vfat",
            FileSystem::Exfat => "exfat",
            FileSystem::Ext4 => "ext4",
        }
    }

    /// Names on it are UTF-8, and root's alone: a configuration holds secrets. And what an ext4 says itself is to be done
    /// about errors does not count: it may ask for a panic of this device.
    fn options(self) -> &'static CStr {
        match self {
            FileSystem::Vfat => c"utf8,umask=0077",
            FileSystem::Exfat => c"umask=0077",
            FileSystem::Ext4 => c"errors=remount-ro",
        }
    }
}

/// Unmounts what is mounted at `at`, that of an earlier run that was killed, too. A stick that was pulled out, or that
/// something still reads, disappears from sight at once and for good when the last reader is done.
pub(crate) fn unmount_all(at: &Path) {
    loop {
        match unmount(at, UnmountFlags::NOFOLLOW) {
            Ok(()) => {}
            Err(Errno::BUSY | Errno::IO) => {
                if unmount(at, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).is_err() {
                    return;
                }
            }
            Err(_nothing_mounted) => return,
        }
    }
}

/// What a device says about itself, fit for a line of text.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || " -_.".contains(*c)).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut start = vec![0; 2048];
        start[510..512].copy_from_slice(&[0x55, 0xaa]);
        start[at..at + bytes.len()].copy_from_slice(bytes);
        start
    }

    #[test]
    fn file_systems_are_told_apart_by_their_marks() {
        let rows = [
            (with(3, b"EXFAT   "), Some(FileSystem::Exfat)),
            (with(0x438, &[0x53, 0xef]), Some(FileSystem::Ext4)),
            (with(54, b"FAT12   "), Some(FileSystem::Vfat)),
            (with(54, b"FAT16   "), Some(FileSystem::Vfat)),
            (with(82, b"FAT32   "), Some(FileSystem::Vfat)),
            (with(3, b"NTFS    "), None),
            (with(0, b"\xeb\x58\x90"), None),
            (vec![], None),
        ];
        for (start, expected) in rows {
            assert_eq!(FileSystem::probe(&start), expected);
        }
    }

    #[test]
    fn no_stick_decides_what_an_error_on_it_does_to_the_device() {
        let options = |kind: FileSystem| kind.options().to_str().unwrap();
        assert_eq!(options(FileSystem::Ext4), "errors=remount-ro");
        for kind in [FileSystem::Vfat, FileSystem::Exfat] {
            // Their drivers go on read-only unless they are asked for something else.
            assert!(!options(kind).contains("errors="), "{kind:?}");
        }
    }

    #[test]
    fn a_stick_is_read_from_sysfs_as_a_disk_or_as_a_partition() {
        let folder = tempfile::tempdir().unwrap();
        let sys = folder.path().join("sys");
        let disk = sys.join("devices/usb1/1-1/block/sda");
        fs::create_dir_all(disk.join("sda1")).unwrap();
        fs::create_dir_all(disk.join("device")).unwrap();
        fs::create_dir_all(sys.join("class/block")).unwrap();
        fs::write(disk.join("diskseq"), "9\n").unwrap();
        fs::write(disk.join("device/vendor"), "KING\x1b[2J  \n").unwrap();
        fs::write(disk.join("sda1/partition"), "1\n").unwrap();
        for (name, target) in [("sda", &disk), ("sda1", &disk.join("sda1"))] {
            std::os::unix::fs::symlink(target, sys.join("class/block").join(name)).unwrap();
        }
        for (name, words) in [("sda", "USB stick KING2J (sda)"), ("sda1", "USB stick KING2J (sda1)")] {
            let stick = Stick::read(folder.path(), name).unwrap();
            assert_eq!(stick.plugged, Plugged { name: name.to_owned(), sequence: Some(9) });
            assert_eq!((stick.in_words().as_str(), stick.disk.as_str()), (words, "sda"));
            assert_eq!(stick.node, folder.path().join("dev").join(name));
        }
        assert_eq!(Stick::read(folder.path(), "sdb"), None);
    }
}
