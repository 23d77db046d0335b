//! What all tests of this crate render, and with what.

#![expect(clippy::disallowed_methods, reason = "goldens are files")]
#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::path::{Path, PathBuf};

use appliance_config::{Config, Sources, SystemFacts};
use artefact_render::{ArchiveFacts, ImageFacts, PayloadFacts};

/// Account files as the image has them, shortened.
pub(crate) const IMAGE: ImageFacts<'static> = ImageFacts::USUAL;

/// A digest of files that come with a configuration, and an archive with one image.
pub(crate) fn payload() -> PayloadFacts {
    let shop = ArchiveFacts { tags: vec!["localhost/shop:3".to_owned()], sha256: "cd".repeat(32) };
    PayloadFacts { digest: Some(format!("sha256:{}", "ab".repeat(32))), images: vec![shop] }
}

/// The folders of the goldens.
pub(crate) fn cases() -> Vec<PathBuf> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases: Vec<PathBuf> = fs::read_dir(golden).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// The files in a folder, not those in folders below it.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

/// A configuration from its document.
pub(crate) fn load(path: &Path) -> Config {
    let document = fs::read(path).unwrap();
    let sources = Sources { config: &document, overlay: None };
    match appliance_config::load(&sources, &SystemFacts::of_image()) {
        Ok(loaded) => loaded.config,
        Err(problems) => panic!("{}:\n{problems}", path.display()),
    }
}
