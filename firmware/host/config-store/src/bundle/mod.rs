//! What an owner hands us: a folder, a tar archive, compressed or not, or a lone `config.toml`.
//!
//! ```text
//! config.toml            the configuration; must be there
//! devices/NAME.toml      what is different on one device; NAME is its MAC address or serial number
//! files/…                what containers get to see
//! files/images/N.tar     container images, for Podman; also .tar.gz, .tar.zst
//! ```
//!
//! Whoever wrote it is not trusted: it may be a bomb, and its names may lead anywhere. All is bounded ([`Limits`]), nothing
//! but regular files and folders is taken, and a bundle that is refused leaves nothing behind.

mod archive;
mod budget;
mod compression;
mod error;
mod folder;
mod image_archive;
mod intake;
mod kept;
mod limits;
mod name;
mod pack;
mod source;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

pub use error::{BundleError, BundleFault, MemberFault};
pub use limits::{CONFIG_LIMIT, DEPTH_LIMIT, Limits};
pub use pack::{ArchiveKind, PackError, Packing};

use budget::{Budget, Metered, Side};
use compression::{Compression, read_head};
use intake::{Devices, FileFacts, Intake};
use name::MemberName;
use source::Source;

use crate::staging_folder::StagingFolder;

/// A bundle that was opened and not yet read.
#[derive(Debug)]
pub struct Bundle {
    file: File,
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Archive(Compression),
    Plain,
}

/// What was in a bundle. `files/` and `images/` are in the staging folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// The bytes of `config.toml`.
    pub config: Vec<u8>,
    /// The files for the devices asked for, by name: `devices/525400123456.toml`. Two spellings of one device are two.
    pub devices: BTreeMap<String, Vec<u8>>,
    /// SHA-256 over names, execute bits and contents below `files/`, images aside; `None` when nothing is there.
    pub files_digest: Option<String>,
    /// The archives of container images, as `images/NAME` in the staging folder.
    pub images: Vec<ImageArchive>,
}

/// An archive of container images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageArchive {
    /// Its file name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The names of the images in it, as it says itself: `docker.io/library/nginx:1.29`.
    pub tags: Vec<String>,
}

impl Bundle {
    /// Opens a folder, an archive or a lone `config.toml`. Which of these it is, its first bytes tell, not its name.
    pub fn open(path: &Path) -> Result<Bundle, BundleError> {
        let failed = |source| BundleError::Source { action: "open", path: path.to_owned(), source };
        // Before it is opened: opening a device or a pipe can do things.
        let found = std::fs::symlink_metadata(path).map_err(failed)?.file_type();
        if !found.is_dir() && !found.is_file() {
            return Err(BundleFault::Kind.into());
        }
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let file = File::options().read(true).custom_flags(flags).open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        let kind = if found.is_dir() {
            Kind::Folder
        } else if found.is_file() {
            kind_of(&file).map_err(|source| BundleError::Source {
                action: "read",
                path: path.to_owned(),
                source,
            })?
        } else {
            return Err(BundleFault::Kind.into());
        };
        Ok(Bundle { file, path: path.to_owned(), kind })
    }

    /// Takes everything out: `files/` and `images/` into the staging folder, the rest into memory. Of `devices/` only the
    /// files for `devices` (MAC addresses or serial numbers, with or without separators) are read.
    ///
    /// When it fails, the staging folder is empty. Nothing is synced yet.
    pub fn unpack(
        &self,
        into: &StagingFolder,
        limits: &Limits,
        devices: &[String],
    ) -> Result<Unpacked, BundleError> {
        self.unpack_wanted(into, limits, Devices::Named(devices))
    }

    /// As [`Bundle::unpack`], with the files of all devices: to look at a bundle that is for many.
    pub fn unpack_for_all(&self, into: &StagingFolder, limits: &Limits) -> Result<Unpacked, BundleError> {
        self.unpack_wanted(into, limits, Devices::All)
    }

    fn unpack_wanted(
        &self,
        into: &StagingFolder,
        limits: &Limits,
        devices: Devices<'_>,
    ) -> Result<Unpacked, BundleError> {
        let unpacked = self.unpack_or_leave_debris(into, limits, devices);
        if unpacked.is_err() {
            // The first error is the one to report; what cannot be removed now is removed with the staging folder.
            let _cleared = into.clear();
        }
        unpacked
    }

    fn unpack_or_leave_debris(
        &self,
        into: &StagingFolder,
        limits: &Limits,
        devices: Devices<'_>,
    ) -> Result<Unpacked, BundleError> {
        let budget = Budget::new(limits);
        let source = match self.kind {
            Kind::Folder => Source::Folder(&self.path),
            Kind::Archive(_) | Kind::Plain => Source::Archive(&self.path),
        };
        let mut intake = Intake::new(into, limits, &budget, source, devices);
        match self.kind {
            Kind::Folder => folder::read(self.file.as_fd(), &self.path, &budget, &mut intake)?,
            Kind::Archive(compression) => self.read_archive(compression, &budget, &mut intake)?,
            Kind::Plain => self.read_plain(&budget, &mut intake)?,
        }
        intake.finish()
    }

    fn read_archive(
        &self,
        compression: Compression,
        budget: &Rc<Budget>,
        intake: &mut Intake<'_>,
    ) -> Result<(), BundleError> {
        let side = if compression == Compression::None { Side::Plain } else { Side::Compressed };
        let decoder = compression
            .decoder(Metered::new(self.rewound()?, side, budget))
            .map_err(|error| budget.explain(&self.path, &error))?;
        archive::read(Metered::new(decoder, Side::Unpacked, budget), &self.path, budget, intake)
    }

    fn read_plain(&self, budget: &Rc<Budget>, intake: &mut Intake<'_>) -> Result<(), BundleError> {
        let bytes = self.file.metadata().map_err(|source| self.failed("read", source))?.len();
        if bytes > CONFIG_LIMIT {
            return Err(BundleFault::NotABundle.into());
        }
        let Ok(Some(name)) = MemberName::parse(b"config.toml") else {
            return Err(BundleFault::NoConfig.into());
        };
        let mut content = Metered::new(self.rewound()?, Side::Plain, budget);
        intake.file(&name, FileFacts { bytes, executable: false }, &mut content)
    }

    fn rewound(&self) -> Result<&File, BundleError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(|source| self.failed("read", source))?;
        Ok(&self.file)
    }

    fn failed(&self, action: &'static str, source: io::Error) -> BundleError {
        BundleError::Source { action, path: self.path.clone(), source }
    }
}

fn kind_of(file: &File) -> io::Result<Kind> {
    let mut head = [0; 512];
    let filled = read_head(&mut &*file, &mut head)?;
    Ok(match Compression::of(&head[..filled]) {
        Compression::None if filled == head.len() && is_tar(&head) => Kind::Archive(Compression::None),
        Compression::None => Kind::Plain,
        compression => Kind::Archive(compression),
    })
}

/// Whether this is the first header of a tar archive: its checksum is right, or it is the empty archive.
fn is_tar(head: &[u8; 512]) -> bool {
    let header = tar::Header::from_byte_slice(head);
    let sum: u32 = head
        .iter()
        .enumerate()
        .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u32::from(byte) })
        .sum();
    head.iter().all(|&byte| byte == 0) || header.cksum().is_ok_and(|written| written == sum)
}
