//! A bundle on its way out: what [`super::Bundle`] takes in again, and finds to be the same.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

/// What goes into a bundle.
#[derive(Debug, Clone, Copy)]
pub struct Packing<'a> {
    /// `config.toml`.
    pub config: &'a [u8],
    /// A file for a device: its name (`devices/525400123456.toml`) and its bytes.
    pub device: Option<(&'a str, &'a [u8])>,
    /// The folder that becomes `files/`, if it is there. Regular files and folders in it are taken, with their execute bits.
    pub files: &'a Path,
}

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveKind {
    /// `.tar`
    Tar,
    /// `.tar.gz`, `.tgz`
    Gzip,
    /// `.tar.zst`, `.tzst`
    Zstd,
}

/// A bundle could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
pub struct PackError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl ArchiveKind {
    /// What a file name promises; `None` where it is no archive's.
    pub fn of_name(name: &str) -> Option<ArchiveKind> {
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        match () {
            () if ends(&[".tar"]) => Some(ArchiveKind::Tar),
            () if ends(&[".tar.gz", ".tgz"]) => Some(ArchiveKind::Gzip),
            () if ends(&[".tar.zst", ".tar.zstd", ".tzst"]) => Some(ArchiveKind::Zstd),
            () => None,
        }
    }
}

impl Packing<'_> {
    /// Writes an archive. The same content makes the same bytes: no times, no owners, names in order.
    ///
    /// # Errors
    /// What could not be read or written.
    pub fn archive(&self, kind: ArchiveKind, path: &Path, into: &mut dyn Write) -> Result<(), PackError> {
        let failed = |source| PackError { action: "write", path: path.to_owned(), source };
        match kind {
            ArchiveKind::Tar => self.tar(path, into),
            ArchiveKind::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(into, flate2::Compression::default());
                self.tar(path, &mut encoder)?;
                encoder.finish().map(drop).map_err(failed)
            }
            ArchiveKind::Zstd => {
                let mut encoder = zstd::Encoder::new(into, 0).map_err(failed)?;
                self.tar(path, &mut encoder)?;
                encoder.finish().map(drop).map_err(failed)
            }
        }
    }

    /// Writes a folder, which must be there.
    ///
    /// # Errors
    /// What could not be read or written.
    pub fn folder(&self, into: &Path) -> Result<(), PackError> {
        self.each(&mut |name, member| {
            let path = into.join(name);
            let failed = |action| move |source| PackError { action, path: path.clone(), source };
            let path = into.join(name);
            match member {
                Member::Folder => fs::create_dir_all(&path).map_err(failed("create")),
                Member::Bytes(bytes) => {
                    let parent = path.parent().unwrap_or(into);
                    fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes)).map_err(failed("write"))
                }
                Member::File { from, executable } => {
                    let mode = fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 });
                    fs::copy(from, &path)
                        .and_then(|_| fs::set_permissions(&path, mode))
                        .map_err(failed("write"))
                }
            }
        })
    }

    fn tar(&self, path: &Path, into: &mut dyn Write) -> Result<(), PackError> {
        let failed = |source| PackError { action: "write", path: path.to_owned(), source };
        let mut builder = Builder::new(into);
        self.each(&mut |name, member| match member {
            Member::Folder => {
                let mut header = header(EntryType::Directory, 0o755, 0);
                builder.append_data(&mut header, format!("{name}/"), io::empty()).map_err(failed)
            }
            Member::Bytes(bytes) => {
                let mut header = header(EntryType::Regular, 0o644, bytes.len() as u64);
                builder.append_data(&mut header, name, bytes).map_err(failed)
            }
            Member::File { from, executable } => {
                let unreadable = |source| PackError { action: "read", path: from.to_owned(), source };
                let file = File::open(from).map_err(unreadable)?;
                let bytes = file.metadata().map_err(unreadable)?.len();
                let mode = if executable { 0o755 } else { 0o644 };
                let mut header = header(EntryType::Regular, mode, bytes);
                builder.append_data(&mut header, name, file).map_err(failed)
            }
        })?;
        builder.finish().map_err(failed)
    }

    /// Every member, in an order that depends on nothing but the names.
    fn each(&self, take: &mut dyn FnMut(&str, Member<'_>) -> Result<(), PackError>) -> Result<(), PackError> {
        take("config.toml", Member::Bytes(self.config))?;
        if let Some((name, bytes)) = self.device {
            take(name, Member::Bytes(bytes))?;
        }
        if self.files.is_dir() { walk(self.files, "files", take) } else { Ok(()) }
    }
}

enum Member<'a> {
    Folder,
    Bytes(&'a [u8]),
    File { from: &'a Path, executable: bool },
}

fn walk(
    folder: &Path,
    name: &str,
    take: &mut dyn FnMut(&str, Member<'_>) -> Result<(), PackError>,
) -> Result<(), PackError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| PackError { action, path, source }
    };
    take(name, Member::Folder)?;
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = entries.map_err(failed("list", folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let found = fs::symlink_metadata(&path).map_err(failed("look at", &path))?;
        let last = entry.file_name();
        // What was unpacked here has names that are text, and is nothing but files and folders.
        let Some(last) = last.to_str() else { continue };
        let name = format!("{name}/{last}");
        if found.is_dir() {
            walk(&path, &name, take)?;
        } else if found.is_file() {
            take(&name, Member::File { from: &path, executable: found.permissions().mode() & 0o111 != 0 })?;
        }
    }
    Ok(())
}

fn header(kind: EntryType, mode: u32, bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes);
    header
}
