//! A private copy of the shipped image: faults are written into it, and what a boot left is read back with other
//! people's tools.

mod content;

use crate::Testbed;
use anyhow::{Context as _, Result, ensure};
use appliance_types::SlotName;
use disk_image::boot_state::BootEnv;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const SECTOR: u64 = 512;
/// A script image is its text behind a 64-byte header and a list of one length.
const SCRIPT_HEADER: usize = 72;

/// The two copies of the boot state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvCopy {
    /// What Linux writes.
    Env0,
    /// Its spare.
    Env1,
}

impl EnvCopy {
    fn partition(self) -> &'static str {
        match self {
            EnvCopy::Env0 => "env0",
            EnvCopy::Env1 => "env1",
        }
    }
}

/// A disk with the image on it.
pub struct Disk {
    testbed: Testbed,
    path: PathBuf,
    format: &'static str,
    /// Start and size in sectors, by name, as `sfdisk` reads them.
    partitions: BTreeMap<String, (u64, u64)>,
}

impl Disk {
    /// A disk of `bytes`, flashed with the shipped image, in `folder`.
    ///
    /// # Errors
    /// When a program or the disk under the test fails.
    pub fn flash(testbed: &Testbed, folder: &Path, name: &str, bytes: u64) -> Result<Disk> {
        let path = folder.join(format!("{name}.img"));
        let (from, to) = (testbed.image.to_string_lossy(), path.to_string_lossy());
        testbed.tool(&["cp", "--sparse=always", &from, &to])?;
        let file = File::options()
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        file.set_len(bytes).with_context(|| format!("cannot make {} {bytes} bytes large", path.display()))?;
        let partitions = partitions(testbed, &path)?;
        Ok(Disk { testbed: testbed.clone(), path, format: "raw", partitions })
    }

    /// As [`Disk::flash`], with room for `data`.
    ///
    /// # Errors
    /// As [`Disk::flash`].
    pub fn flash_4g(testbed: &Testbed, folder: &Path, name: &str) -> Result<Disk> {
        Disk::flash(testbed, folder, name, 4 << 30)
    }

    /// A disk whose slots hold the shipped kernel and early-boot, and instead of the system the PID 1 of `tests/guest-init`: a boot
    /// of ten seconds. Both slots are installed.
    ///
    /// # Errors
    /// As [`Disk::flash`].
    pub fn with_test_slots(testbed: &Testbed, folder: &Path, name: &str) -> Result<Disk> {
        let disk = Disk::flash_4g(testbed, folder, name)?;
        let root = folder.join("test-root");
        let systemd = root.join("usr/lib/systemd");
        std::fs::create_dir_all(&systemd).with_context(|| format!("cannot create {}", systemd.display()))?;
        for empty in ["dev", "proc", "sys", "run", "tmp", "etc", "data", "boot"] {
            std::fs::create_dir_all(root.join(empty)).with_context(|| format!("cannot create {empty}"))?;
        }
        std::fs::copy(&testbed.guest_init, systemd.join("systemd")).context("cannot copy guest-init")?;
        let build_json = root.join("usr/share/slipway");
        std::fs::create_dir_all(&build_json).context("cannot create usr/share/slipway")?;
        let facts = format!(
            "{{\"build\": \"{}\", \"version\": \"0.0.0\", \"board\": \"test\", \"time\": 1767225600}}",
            testbed.build_id
        );
        std::fs::write(build_json.join("build.json"), facts).context("cannot write build.json")?;
        let squashfs = folder.join("test-root.squashfs");
        let (from, to) = (root.to_string_lossy(), squashfs.to_string_lossy());
        testbed.tool(&["mksquashfs", &from, &to, "-quiet", "-no-progress", "-noappend", "-comp", "zstd"])?;
        let bytes = std::fs::read(&squashfs).context("cannot read the test root")?;
        disk.write("rootfs-a", 0, &bytes)?;
        disk.install_b()?;
        Ok(disk)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its format, as QEMU names it.
    #[must_use]
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// A throw-away layer over this disk that can hold snapshots of the machine.
    ///
    /// # Errors
    /// When `qemu-img` fails.
    pub fn overlay(&self, name: &str) -> Result<Disk> {
        let path = self.path.with_file_name(format!("{name}.qcow2"));
        let (base, over) = (self.path.to_string_lossy(), path.to_string_lossy());
        self.testbed.tool(&[
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            &base,
            "-F",
            self.format,
            &over,
        ])?;
        Ok(Disk {
            testbed: self.testbed.clone(),
            path: path.clone(),
            format: "qcow2",
            partitions: self.partitions.clone(),
        })
    }

    /// A raw disk that is there.
    ///
    /// # Errors
    /// When `sfdisk` cannot read it.
    pub fn at(testbed: &Testbed, path: &Path) -> Result<Disk> {
        let partitions = partitions(testbed, path)?;
        Ok(Disk { testbed: testbed.clone(), path: path.to_owned(), format: "raw", partitions })
    }

    /// A copy, at `to`, of an overlay over this disk, with the snapshots in it.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn overlay_from(&self, from: &Path, to: &Path) -> Result<Disk> {
        self.testbed.tool(&["cp", "--sparse=always", &from.to_string_lossy(), &to.to_string_lossy()])?;
        Ok(Disk {
            testbed: self.testbed.clone(),
            path: to.to_owned(),
            format: "qcow2",
            partitions: self.partitions.clone(),
        })
    }

    /// Copies slot A into slot B, as an install would leave it. The boot state stays as it is.
    ///
    /// # Errors
    /// When the disk cannot be read or written.
    pub fn install_b(&self) -> Result<()> {
        for (from, to) in [("boot-a", "boot-b"), ("rootfs-a", "rootfs-b")] {
            let bytes = self.read_all(from)?;
            self.write(to, 0, &bytes)?;
        }
        Ok(())
    }

    /// Writes both copies of the boot state with these keys and no others.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn set_boot_state(&self, keys: &[(&str, &str)]) -> Result<()> {
        self.set_env(EnvCopy::Env0, keys)?;
        self.set_env(EnvCopy::Env1, keys)
    }

    /// Writes one copy of the boot state.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn set_env(&self, copy: EnvCopy, keys: &[(&str, &str)]) -> Result<()> {
        let mut env = BootEnv::default();
        for (key, value) in keys {
            env.set(key, value).context("cannot make a boot state")?;
        }
        self.write(copy.partition(), 0, &env.encode())
    }

    /// Leaves in one copy what a write cut short leaves: half of the sector is another's.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn tear_env(&self, copy: EnvCopy) -> Result<()> {
        self.write(copy.partition(), 0, &[0xA5; 256])
    }

    /// The keys of one copy, as libubootenv reads them; empty when its checksum is wrong.
    ///
    /// # Errors
    /// When `fw_printenv` cannot run.
    pub fn env(&self, copy: EnvCopy) -> Result<BTreeMap<String, String>> {
        self.printenv(copy.partition())
    }

    /// The selector's record in the black box.
    ///
    /// # Errors
    /// When `fw_printenv` cannot run.
    pub fn selector_record(&self) -> Result<BTreeMap<String, String>> {
        self.printenv("blackbox")
    }

    /// Everything in the black box, as text with other bytes left out: to look for a word in.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn black_box_text(&self) -> Result<String> {
        let bytes = self.read_all("blackbox")?;
        Ok(bytes
            .iter()
            .map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '\n' })
            .collect())
    }

    /// Whether a breadcrumb of this kind, by its number on the disk, is in the black box: `SWBC` at byte 4 of a sector, the kind at
    /// byte 10.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn has_breadcrumb(&self, kind: u8) -> Result<bool> {
        let bytes = self.read_all("blackbox")?;
        Ok(bytes.chunks_exact(512).any(|sector| &sector[4..8] == b"SWBC" && sector[10] == kind))
    }

    /// Adds words to the kernel command line of a slot.
    ///
    /// # Errors
    /// When a tool fails, or slot.scr no longer sets the command line in the way this expects.
    pub fn add_to_command_line(&self, slot: SlotName, words: &str) -> Result<()> {
        self.change_slot_script(slot, |text| {
            ensure!(text.matches(" panic=").count() == 1, "slot.scr does not set panic= exactly once");
            Ok(text.replace(" panic=", &format!(" {words} panic=")))
        })
    }

    /// Puts a command before a slot's own script.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn add_to_slot_script(&self, slot: SlotName, command: &str) -> Result<()> {
        self.change_slot_script(slot, |text| Ok(format!("{command}\n{text}")))
    }

    fn change_slot_script(&self, slot: SlotName, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
        let script = self.take_file(slot, "slot.scr")?;
        let text = String::from_utf8_lossy(script.get(SCRIPT_HEADER..).context("slot.scr is too short")?)
            .into_owned();
        let (source, result) = (self.path.with_extension("cmd"), self.path.with_extension("scr"));
        std::fs::write(&source, change(&text)?).context("cannot write a script")?;
        let (from, to) = (source.to_string_lossy(), result.to_string_lossy());
        self.testbed.tool(&["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", &from, &to])?;
        self.put_file(slot, "slot.scr", &std::fs::read(&result).context("cannot read a script")?)
    }

    /// Puts a file into a slot's root file system, which is unpacked and packed anew for it.
    ///
    /// # Errors
    /// When a tool fails, or the slot has no room.
    pub fn add_to_root(&self, slot: SlotName, name: &str, text: &str) -> Result<()> {
        let partition = format!("rootfs-{}", slot.lower());
        let (tree, packed) = (self.path.with_extension("root"), self.path.with_extension("squashfs"));
        let (folder, file) = (tree.to_string_lossy(), packed.to_string_lossy());
        std::fs::write(&packed, self.read_all(&partition)?).context("cannot write a squashfs")?;
        self.testbed.tool(&["unsquashfs", "-no-progress", "-quiet", "-dest", &folder, &file])?;
        let added = tree.join(name);
        std::fs::create_dir_all(added.parent().context("a file without a folder")?)
            .with_context(|| format!("cannot create the folder of {name}"))?;
        std::fs::write(&added, text).with_context(|| format!("cannot write {name}"))?;
        let zstd = ["-comp", "zstd", "-Xcompression-level", "3"];
        self.testbed.tool(
            &[&["mksquashfs", &folder, &file, "-noappend", "-no-progress", "-quiet"], zstd.as_slice()]
                .concat(),
        )?;
        let bytes = std::fs::read(&packed).context("cannot read a squashfs")?;
        std::fs::remove_dir_all(&tree).with_context(|| format!("cannot remove {}", tree.display()))?;
        std::fs::remove_file(&packed).with_context(|| format!("cannot remove {}", packed.display()))?;
        self.write(&partition, 0, &bytes)
    }

    /// Removes a file from a slot's boot partition.
    ///
    /// # Errors
    /// When `mdel` fails.
    pub fn remove_file(&self, slot: SlotName, name: &str) -> Result<()> {
        let image = self.fat(slot)?;
        self.testbed.tool(&["mdel", "-i", &image, &format!("::/{name}")]).map(drop)
    }

    /// Turns over one bit in the middle of a file of a slot's boot partition.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn damage_file(&self, slot: SlotName, name: &str) -> Result<()> {
        let mut bytes = self.take_file(slot, name)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        self.put_file(slot, name, &bytes)
    }

    /// Overwrites the first `bytes` bytes of a partition with what no format begins with.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn damage_partition(&self, name: &str, bytes: usize) -> Result<()> {
        self.write(name, 0, &vec![0xA5; bytes])
    }

    /// Writes into a partition.
    ///
    /// # Errors
    /// When the disk cannot be written, or the partition has no room.
    pub fn write(&self, partition: &str, offset: u64, bytes: &[u8]) -> Result<()> {
        let (start, sectors) = self.place(partition)?;
        ensure!(
            offset + bytes.len() as u64 <= sectors * SECTOR,
            "{partition} has no room for {} bytes",
            bytes.len()
        );
        let file = File::options().write(true).open(&self.path).context("cannot open the disk")?;
        // Zeros stay holes where they were: a slot is mostly empty.
        for (index, block) in bytes.chunks(1 << 20).enumerate() {
            let at = start * SECTOR + offset + (index << 20) as u64;
            let mut before = vec![0; block.len()];
            File::open(&self.path)?.read_exact_at(&mut before, at).context("cannot read the disk")?;
            if before != block {
                file.write_all_at(block, at).context("cannot write the disk")?;
            }
        }
        Ok(())
    }

    /// Reads from a partition.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn read(&self, partition: &str, offset: u64, length: usize) -> Result<Vec<u8>> {
        let (start, _) = self.place(partition)?;
        let mut bytes = vec![0; length];
        let file = File::open(&self.path).context("cannot open the disk")?;
        file.read_exact_at(&mut bytes, start * SECTOR + offset).context("cannot read the disk")?;
        Ok(bytes)
    }

    /// Reads a whole partition.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn read_all(&self, partition: &str) -> Result<Vec<u8>> {
        let (_, sectors) = self.place(partition)?;
        self.read(partition, 0, usize::try_from(sectors * SECTOR).context("a partition larger than memory")?)
    }

    /// Learns of partitions that a boot has made.
    ///
    /// # Errors
    /// When `sfdisk` fails.
    pub fn reread(&mut self) -> Result<()> {
        self.partitions = partitions(&self.testbed, &self.path)?;
        Ok(())
    }

    /// The partition table as `sfdisk` reads it now.
    ///
    /// # Errors
    /// When `sfdisk` fails.
    pub fn table(&self) -> Result<serde_json::Value> {
        table(&self.testbed, &self.path)
    }

    /// The loader's partition, byte for byte.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn loader(&self) -> Result<Vec<u8>> {
        self.read_all("loader")
    }

    fn place(&self, partition: &str) -> Result<(u64, u64)> {
        self.partitions
            .get(partition)
            .copied()
            .with_context(|| format!("the disk has no partition {partition}"))
    }

    fn printenv(&self, partition: &str) -> Result<BTreeMap<String, String>> {
        let (start, _) = self.place(partition)?;
        let config = self.path.with_extension("fw_env.config");
        std::fs::write(&config, format!("{} 0x{:x} 0x200\n", self.path.display(), start * SECTOR))
            .context("cannot write fw_env.config")?;
        let config = config.to_string_lossy();
        // A wrong checksum is no failure to it: it says so and prints nothing, or defaults it does not have here.
        let text = self.testbed.tool(&["sh", "-c", "fw_printenv -c \"$1\" 2>&1 || true", "sh", &config])?;
        Ok(text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect())
    }

    /// `FILE@@OFFSET`, as mtools names a file system inside a disk.
    fn fat(&self, slot: SlotName) -> Result<String> {
        let (start, _) = self.place(&format!("boot-{}", slot.lower()))?;
        Ok(format!("{}@@{}", self.path.display(), start * SECTOR))
    }

    fn take_file(&self, slot: SlotName, name: &str) -> Result<Vec<u8>> {
        let copy = self.path.with_extension("taken");
        let _ = std::fs::remove_file(&copy);
        self.testbed.tool(&[
            "mcopy",
            "-i",
            &self.fat(slot)?,
            &format!("::/{name}"),
            &copy.to_string_lossy(),
        ])?;
        std::fs::read(&copy).with_context(|| format!("cannot read {}", copy.display()))
    }

    fn put_file(&self, slot: SlotName, name: &str, bytes: &[u8]) -> Result<()> {
        let copy = self.path.with_extension("put");
        std::fs::write(&copy, bytes).with_context(|| format!("cannot write {}", copy.display()))?;
        self.testbed
            .tool(&["mcopy", "-o", "-i", &self.fat(slot)?, &copy.to_string_lossy(), &format!("::/{name}")])
            .map(drop)
    }
}

impl Disk {
    /// Leaves the file where it is: other stories start from it.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A failed story leaves its disk for the person who looks into it.
        if !std::thread::panicking() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn table(testbed: &Testbed, path: &Path) -> Result<serde_json::Value> {
    let text = testbed.tool(&["sfdisk", "--json", &path.to_string_lossy()])?;
    serde_json::from_str(&text).context("sfdisk printed what is not JSON")
}

fn partitions(testbed: &Testbed, path: &Path) -> Result<BTreeMap<String, (u64, u64)>> {
    let table = table(testbed, path)?;
    let list =
        table["partitiontable"]["partitions"].as_array().context("sfdisk found no partitions")?.clone();
    list.iter()
        .map(|entry| {
            let name = entry["name"].as_str().context("a partition without a name")?;
            let start = entry["start"].as_u64().context("a partition without a start")?;
            let size = entry["size"].as_u64().context("a partition without a size")?;
            Ok((name.to_owned(), (start, size)))
        })
        .collect()
}
