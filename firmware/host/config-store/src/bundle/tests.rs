//! Every rule broken once, every bound reached once, and the good bundles that must not be refused.

mod archives;
mod bombs;
mod folders;
mod images;
mod packing;
mod random;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::staging_folder::StagingFolder;

use super::{Bundle, BundleError, Limits, Unpacked};

/// A staging folder with something beside it that must never change.
struct Target {
    root: tempfile::TempDir,
    staging: StagingFolder,
}

impl Target {
    fn new() -> Target {
        Target::at(tempfile::tempdir().unwrap())
    }

    /// For thousands of small files.
    fn in_memory() -> Target {
        Target::at(crate::testing::folder())
    }

    fn at(root: tempfile::TempDir) -> Target {
        let path = root.path().join("staging");
        fs::create_dir(&path).unwrap();
        fs::write(root.path().join("neighbour"), "untouched").unwrap();
        let staging = StagingFolder::open(&path).unwrap();
        Target { root, staging }
    }

    /// The folder the staging folder is in, for sources.
    fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn unpack(&self, bundle: &[u8]) -> Result<Unpacked, BundleError> {
        self.unpack_within(bundle, &patient())
    }

    fn unpack_within(&self, bundle: &[u8], limits: &Limits) -> Result<Unpacked, BundleError> {
        let path = self.beside("bundle");
        fs::write(&path, bundle).unwrap();
        let result = self.unpack_path(&path, limits);
        fs::remove_file(&path).unwrap();
        self.check_neighbours();
        result
    }

    fn unpack_path(&self, path: &Path, limits: &Limits) -> Result<Unpacked, BundleError> {
        let devices = ["52:54:00:12:34:56".to_owned()];
        let result = Bundle::open(path).and_then(|bundle| bundle.unpack(&self.staging, limits, &devices));
        if result.is_err() {
            assert_eq!(self.names(), [""; 0], "a refused bundle left something");
        }
        result
    }

    /// The message of a refusal.
    fn refusal(&self, bundle: &[u8]) -> String {
        let error = self.unpack(bundle).unwrap_err();
        assert!(error.is_refusal(), "{error}");
        error.to_string()
    }

    /// All that is below the staging folder.
    fn names(&self) -> Vec<String> {
        fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
                assert!(!entry.file_type().unwrap().is_symlink(), "{name} is a link");
                if entry.file_type().unwrap().is_dir() {
                    names.push(format!("{name}/"));
                    collect(&entry.path(), &format!("{name}/"), names);
                } else {
                    names.push(name);
                }
            }
        }
        let mut names = Vec::new();
        collect(self.staging.path(), "", &mut names);
        names.sort();
        names
    }

    fn check_neighbours(&self) {
        let mut names: Vec<String> = fs::read_dir(self.root.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["neighbour", "staging"]);
        assert_eq!(fs::read(self.beside("neighbour")).unwrap(), b"untouched");
    }
}

/// The limits, but for the time: a busy machine is no bomb.
fn patient() -> Limits {
    Limits { time: Duration::from_secs(600), ..Limits::default() }
}

const CONFIG: &[u8] = b"version = 1\n";

/// A tar archive under construction. Its names and kinds are written as told, however bad.
struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    /// With a `config.toml`.
    fn new() -> Tar {
        Tar::empty().file("config.toml", CONFIG)
    }

    fn empty() -> Tar {
        Tar(tar::Builder::new(Vec::new()))
    }

    fn file(self, name: &str, content: &[u8]) -> Tar {
        self.member(name.as_bytes(), tar::EntryType::Regular, 0o644, content)
    }

    fn folder(self, name: &str) -> Tar {
        self.member(name.as_bytes(), tar::EntryType::Directory, 0o755, b"")
    }

    fn member(mut self, name: &[u8], kind: tar::EntryType, mode: u32, content: &[u8]) -> Tar {
        let header = header(name, kind, mode, content.len() as u64);
        self.0.append(&header, content).unwrap();
        self
    }

    fn link(mut self, name: &str, kind: tar::EntryType, target: &str) -> Tar {
        let mut header = header(name.as_bytes(), kind, 0o777, 0);
        header.set_link_name(target).unwrap();
        header.set_cksum();
        self.0.append(&header, &b""[..]).unwrap();
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

fn header(name: &[u8], kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_cksum();
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}
