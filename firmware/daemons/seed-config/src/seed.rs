//! What lies in a folder that may hold a configuration: on the boot partition, on a stick.
//!
//! Only regular files and real folders count: what a link on a stick points at is not the stick's.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use appliance_types::MacAddress;
use sha2::{Digest, Sha256};

/// The configuration itself.
pub(crate) const CONFIG: &str = "config.toml";
/// The files that containers see, beside it.
const FILES: &str = "files";
/// What is different from device to device, beside it.
const DEVICES: &str = "devices";
/// All of it in one file.
const BUNDLES: [&str; 4] = ["config.tar", "config.tar.gz", "config.tgz", "config.tar.zst"];

/// As much of each file as is looked at to tell whether a stick has changed; with its size and time that is enough.
const FINGERPRINT_BYTES: u64 = 64 << 10;
/// As many files; apply-config accepts no more.
const FINGERPRINT_FILES: usize = 4096;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seed {
    /// Nothing that could be a configuration.
    Nothing,
    /// One: the folder itself, or a bundle in it.
    At(PathBuf),
    /// More than one; none is preferred.
    Several(Vec<&'static str>),
}

/// Tells contents apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint([u8; 32]);

/// By what a file below `devices/` may name this device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeviceNames {
    /// The hardware addresses of its cards.
    pub(crate) macs: Vec<MacAddress>,
    /// Its serial number.
    pub(crate) serial: Option<String>,
}

impl DeviceNames {
    /// Each of them, as a file in `devices/` may be called.
    pub(crate) fn words(&self) -> Vec<String> {
        self.macs.iter().map(ToString::to_string).chain(self.serial.clone()).collect()
    }
}

impl Fingerprint {
    /// Of what cannot be read.
    pub(crate) const UNREADABLE: Fingerprint = Fingerprint([0; 32]);

    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(bytes).into())
    }

    /// Of everything in `folder` that an import would look at.
    pub(crate) fn of_folder(folder: &Path) -> io::Result<Fingerprint> {
        let mut hash = Sha256::new();
        let mut left = FINGERPRINT_FILES;
        for name in [CONFIG, FILES, DEVICES].iter().chain(&BUNDLES) {
            add(&mut hash, &folder.join(name), &mut left)?;
        }
        Ok(Fingerprint(hash.finalize().into()))
    }
}

/// What is in `folder`.
pub(crate) fn look(folder: &Path) -> io::Result<Seed> {
    let mut found = Vec::new();
    for name in [CONFIG].iter().chain(&BUNDLES) {
        if is_file(&folder.join(name))? {
            found.push(*name);
        }
    }
    Ok(match found.as_slice() {
        [] => Seed::Nothing,
        [CONFIG] => Seed::At(folder.to_owned()),
        [bundle] => Seed::At(folder.join(bundle)),
        _ => Seed::Several(found),
    })
}

fn is_file(path: &Path) -> io::Result<bool> {
    Ok(kind_of(path)?.is_some_and(|kind| kind.is_file()))
}

/// `None` when there is nothing. Links are not followed.
fn kind_of(path: &Path) -> io::Result<Option<fs::FileType>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds a file, or a folder with all that is in it, in the order of names.
fn add(hash: &mut Sha256, path: &Path, left: &mut usize) -> io::Result<()> {
    let Some(kind) = kind_of(path)? else { return Ok(()) };
    if *left == 0 {
        return Ok(());
    }
    *left -= 1;
    hash.update(path.as_os_str().as_encoded_bytes());
    hash.update([0]);
    if kind.is_dir() {
        let mut entries =
            fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| add(hash, entry, left));
    }
    if kind.is_file() {
        let file = fs::File::open(path)?;
        let metadata = file.metadata()?;
        hash.update(metadata.len().to_le_bytes());
        hash.update(metadata.mtime().to_le_bytes());
        let mut bytes = Vec::new();
        file.take(FINGERPRINT_BYTES).read_to_end(&mut bytes)?;
        hash.update(&bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_or_one_bundle_is_a_seed_and_two_are_none() {
        /// Where it is in the folder, or how many there are.
        type Found<'a> = Result<Option<&'a str>, usize>;
        let rows: [(&[&str], Found<'_>); 8] = [
            (&[], Ok(None)),
            (&["photo.jpg", "._config.toml", "old/config.toml"], Ok(None)),
            (&["config.toml"], Ok(Some(""))),
            (&["config.toml", "files/a", "devices/x.toml", "photo.jpg"], Ok(Some(""))),
            (&["config.tar.zst", "photo.jpg"], Ok(Some("config.tar.zst"))),
            (&["config.tgz"], Ok(Some("config.tgz"))),
            (&["config.toml", "config.tar.gz"], Err(2)),
            (&["config.tar", "config.tgz"], Err(2)),
        ];
        for (files, expected) in rows {
            let folder = folder(files);
            let found = match look(folder.path()).unwrap() {
                Seed::Nothing => Ok(None),
                Seed::At(path) => Ok(Some(path)),
                Seed::Several(names) => Err(names.len()),
            };
            let expected = expected.map(|path| {
                path.map(|path| match path {
                    "" => folder.path().to_owned(),
                    name => folder.path().join(name),
                })
            });
            assert_eq!(found, expected, "{files:?}");
        }
    }

    #[test]
    fn a_link_is_no_seed() {
        let secret = folder(&["config.toml"]);
        let stick = folder(&[]);
        std::os::unix::fs::symlink(secret.path().join(CONFIG), stick.path().join(CONFIG)).unwrap();
        assert_eq!(look(stick.path()).unwrap(), Seed::Nothing);
    }

    #[test]
    fn the_fingerprint_follows_what_an_import_would_read_and_nothing_else() {
        let folder = folder(&["config.toml", "files/web/index.html", "photo.jpg"]);
        let print = || Fingerprint::of_folder(folder.path()).unwrap();
        let first = print();
        fs::write(folder.path().join("photo.jpg"), "another").unwrap();
        fs::create_dir(folder.path().join("slipway-receipts")).unwrap();
        assert_eq!(print(), first, "what is not ours does not count");
        fs::write(folder.path().join("files/web/index.html"), "changed").unwrap();
        let second = print();
        assert_ne!(second, first);
        fs::write(folder.path().join("devices"), "not a folder").unwrap();
        assert_ne!(print(), second);
    }
}
