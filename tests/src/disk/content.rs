//! What goes onto a disk as whole folders: a seed beside the selector, and a root file system with changed files.

use super::{Disk, partitions};
use crate::Testbed;
use anyhow::{Context as _, Result, ensure};
use appliance_types::SlotName;
use std::fs::File;
use std::path::Path;

impl Disk {
    /// A copy of a raw disk.
    ///
    /// # Errors
    /// When a program or the disk under the test fails.
    pub fn copy_of(testbed: &Testbed, from: &Path, folder: &Path, name: &str) -> Result<Disk> {
        let path = folder.join(format!("{name}.img"));
        testbed.tool(&["cp", "--sparse=always", &from.to_string_lossy(), &path.to_string_lossy()])?;
        let partitions = partitions(testbed, &path)?;
        Ok(Disk { testbed: testbed.clone(), path, format: "raw", partitions })
    }

    /// The disk as one file that other tools can read: an overlay and what is below it.
    ///
    /// # Errors
    /// When `qemu-img` fails.
    pub fn flatten(&self, name: &str) -> Result<Disk> {
        let path = self.path.with_file_name(format!("{name}.img"));
        let (from, to) = (self.path.to_string_lossy(), path.to_string_lossy());
        self.testbed.tool(&["qemu-img", "convert", "-f", self.format, "-O", "raw", &from, &to])?;
        let partitions = partitions(&self.testbed, &path)?;
        Ok(Disk { testbed: self.testbed.clone(), path, format: "raw", partitions })
    }

    /// Puts everything in `folder` beside the selector, where an operator puts a configuration.
    ///
    /// # Errors
    /// When `mcopy` fails, for instance because the partition is full.
    pub fn seed(&self, folder: &Path) -> Result<()> {
        let target = self.bootsel()?;
        let script = "cd \"$1\" && mcopy -s -o -i \"$2\" -- * ::/";
        self.testbed.tool(&["sh", "-euc", script, "sh", &folder.to_string_lossy(), &target]).map(drop)
    }

    /// Puts one file there.
    ///
    /// # Errors
    /// As [`Disk::seed`].
    pub fn put_boot_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let copy = self.path.with_extension("put");
        std::fs::write(&copy, bytes).with_context(|| format!("cannot write {}", copy.display()))?;
        let target = format!("::/{name}");
        self.testbed
            .tool(&["mcopy", "-o", "-i", &self.bootsel()?, &copy.to_string_lossy(), &target])
            .map(drop)
    }

    /// Takes `data` out of the partition table, as somebody does who wants to begin anew. What is in it stays.
    ///
    /// # Errors
    /// When there is none, or `sfdisk` fails.
    pub fn delete_data(&mut self) -> Result<()> {
        let table = self.table()?;
        let list = table["partitiontable"]["partitions"].as_array().context("no partitions")?;
        let index = list.iter().position(|entry| entry["name"] == "data").context("no data partition")?;
        let number = (index + 1).to_string();
        self.testbed.tool(&["sfdisk", "--quiet", "--delete", &self.path.to_string_lossy(), &number])?;
        self.reread()
    }

    /// Packs the shipped root file system anew, after `change` has changed its files, into a slot. Takes half a minute: for
    /// faults that nothing but the system's own files can cause.
    ///
    /// # Errors
    /// When a tool or the change fails.
    pub fn repack_root(&self, slot: SlotName, change: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let root = self.path.with_extension("root");
        let squashfs = self.path.with_extension("squashfs");
        self.remove_tree(&root)?;
        let (from, folder, to) =
            (self.testbed.squashfs.to_string_lossy(), root.to_string_lossy(), squashfs.to_string_lossy());
        self.testbed.tool(&["unsquashfs", "-quiet", "-no-progress", "-dest", &folder, &from])?;
        change(&root)?;
        self.testbed.tool(&[
            "mksquashfs",
            &folder,
            &to,
            "-quiet",
            "-no-progress",
            "-noappend",
            "-comp",
            "zstd",
            "-Xcompression-level",
            "1",
        ])?;
        self.remove_tree(&root)?;
        let bytes = std::fs::read(&squashfs).context("cannot read the changed root")?;
        let _ = std::fs::remove_file(&squashfs);
        self.write(&format!("rootfs-{}", slot.lower()), 0, &bytes)
    }

    /// Cuts a partition off after `bytes`: the rest is zeros.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn truncate_partition(&self, name: &str, bytes: u64) -> Result<()> {
        let (start, sectors) = self.place(name)?;
        ensure!(bytes < sectors * super::SECTOR, "{name} is not longer than {bytes} bytes");
        let file = File::options().write(true).open(&self.path).context("cannot open the disk")?;
        rustix::fs::fallocate(
            &file,
            rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE,
            start * super::SECTOR + bytes,
            sectors * super::SECTOR - bytes,
        )
        .context("cannot punch a hole into the disk")
    }

    /// `FILE@@OFFSET`, as mtools names a file system inside a disk.
    fn bootsel(&self) -> Result<String> {
        let (start, _) = self.place("bootsel")?;
        Ok(format!("{}@@{}", self.path.display(), start * super::SECTOR))
    }

    /// Its files may belong to our sub-uids, so it is done inside the tools tree.
    fn remove_tree(&self, path: &Path) -> Result<()> {
        self.testbed.tool(&["rm", "-rf", "--one-file-system", &path.to_string_lossy()]).map(drop)
    }
}
