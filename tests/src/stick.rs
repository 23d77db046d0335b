//! USB sticks: a partition table and one file system, as they are sold.

use crate::Testbed;
use anyhow::{Context as _, Result, ensure};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// FAT32 wants more than 32 MiB.
const BYTES: u64 = 64 << 20;
/// Where the only partition begins.
const START: u64 = 1 << 20;

/// The file system of a stick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StickFormat {
    /// FAT32.
    Vfat,
    /// What larger sticks are sold with. No tool here writes into one, so it begins empty and a running machine fills it.
    Exfat,
    /// Linux's own.
    Ext4,
}

/// A stick. Plugged in, it can be read here while the machine does not have it mounted.
pub struct Stick {
    testbed: Testbed,
    path: PathBuf,
    format: StickFormat,
}

impl Stick {
    /// A stick named `name` in `folder`, with the files of `content`.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn new(
        testbed: &Testbed,
        folder: &Path,
        name: &str,
        format: StickFormat,
        content: &Path,
    ) -> Result<Stick> {
        ensure!(format != StickFormat::Exfat, "no tool here writes into an exFAT file system");
        let stick = Stick { testbed: testbed.clone(), path: folder.join(format!("{name}.img")), format };
        stick.make(Some(content))?;
        Ok(stick)
    }

    /// A stick without files.
    ///
    /// # Errors
    /// As [`Stick::new`].
    pub fn blank(testbed: &Testbed, folder: &Path, name: &str, format: StickFormat) -> Result<Stick> {
        let stick = Stick { testbed: testbed.clone(), path: folder.join(format!("{name}.img")), format };
        stick.make(None)?;
        Ok(stick)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files below the folder `name` of the stick, by name; empty when there is no such folder.
    ///
    /// # Errors
    /// When a tool cannot read the file system.
    pub fn list(&self, name: &str) -> Result<Vec<String>> {
        let text = match self.format {
            StickFormat::Vfat => {
                let script = "mdir -b -i \"$1\" \"::/$2\" 2>/dev/null || true";
                self.testbed.tool(&["sh", "-c", script, "sh", &self.mtools(), name])?
            }
            _ => {
                let script = "debugfs -R \"ls -p /$2\" \"$1\" 2>/dev/null || true";
                self.testbed.tool(&["sh", "-c", script, "sh", &self.extracted()?, name])?
            }
        };
        let names = text.lines().filter_map(|line| match self.format {
            // ::/slipway-receipts/525400123456.txt
            StickFormat::Vfat => line.trim_end_matches('/').rsplit('/').next(),
            // /12/100644/0/0/525400123456.txt/300/
            _ => line.split('/').nth(5),
        });
        Ok(names.filter(|name| !name.is_empty() && !name.starts_with('.')).map(str::to_owned).collect())
    }

    /// A file of the stick.
    ///
    /// # Errors
    /// When it is not there, or a tool fails.
    pub fn read(&self, name: &str) -> Result<String> {
        match self.format {
            StickFormat::Vfat => {
                self.testbed.tool(&["mcopy", "-i", &self.mtools(), &format!("::/{name}"), "-"])
            }
            _ => self.testbed.tool(&["debugfs", "-R", &format!("cat /{name}"), &self.extracted()?]),
        }
    }

    /// The only receipt on it.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn receipt(&self) -> Result<String> {
        let receipts = self.list("slipway-receipts")?;
        ensure!(receipts.len() == 1, "the receipts on the stick are {receipts:?}");
        self.read(&format!("slipway-receipts/{}", receipts[0]))
    }

    fn make(&self, content: Option<&Path>) -> Result<()> {
        let image = self.path.to_string_lossy().into_owned();
        let inner = self.inner().to_string_lossy().into_owned();
        for (path, bytes) in [(&self.path, BYTES), (&self.inner(), BYTES - START)] {
            let _ = std::fs::remove_file(path);
            File::create_new(path)
                .and_then(|file| file.set_len(bytes))
                .with_context(|| format!("cannot make {}", path.display()))?;
        }
        let (kind, make): (&str, &[&str]) = match self.format {
            StickFormat::Vfat => ("c", &["mkfs.vfat", "-F", "32", "-n", "STICK"]),
            StickFormat::Exfat => ("7", &["mkfs.exfat", "-L", "STICK"]),
            StickFormat::Ext4 => ("83", &["mke2fs", "-q", "-t", "ext4", "-L", "STICK"]),
        };
        let table = format!("echo 'start={}, type={kind}' | sfdisk --quiet --label dos \"$1\"", START / 512);
        self.testbed.tool(&["sh", "-euc", &table, "sh", &image])?;
        let mut program = make.to_vec();
        let content = content.map(|folder| folder.to_string_lossy().into_owned());
        if let (StickFormat::Ext4, Some(folder)) = (self.format, &content) {
            program.extend(["-d", folder.as_str()]);
        }
        program.push(&inner);
        self.testbed.tool(&program)?;
        if let (StickFormat::Vfat, Some(folder)) = (self.format, &content) {
            let script = "cd \"$1\" && mcopy -s -i \"$2\" -- * ::/";
            self.testbed.tool(&["sh", "-euc", script, "sh", folder, &inner])?;
        }
        self.testbed.tool(&[
            "dd",
            &format!("if={inner}"),
            &format!("of={image}"),
            "bs=1M",
            "seek=1",
            "conv=notrunc,sparse",
            "status=none",
        ])?;
        let _ = std::fs::remove_file(self.inner());
        Ok(())
    }

    /// `FILE@@OFFSET`, as mtools names a file system inside a disk.
    fn mtools(&self) -> String {
        format!("{}@@{START}", self.path.display())
    }

    fn inner(&self) -> PathBuf {
        self.path.with_extension("inner")
    }

    /// A copy of the file system alone, for a tool that wants it so.
    fn extracted(&self) -> Result<String> {
        ensure!(self.format == StickFormat::Ext4, "no tool here reads an exFAT file system");
        let mut bytes = vec![0; usize::try_from(BYTES - START).context("a stick larger than memory")?];
        let file = File::open(&self.path).with_context(|| format!("cannot open {}", self.path.display()))?;
        file.read_exact_at(&mut bytes, START).context("cannot read the stick")?;
        std::fs::write(self.inner(), bytes).context("cannot copy the stick")?;
        Ok(self.inner().to_string_lossy().into_owned())
    }
}
