//! What is kept, for readers: no lock, and nothing is changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use appliance_types::Generation;
use host_files::read_bounded;

use super::error::{GenerationsError, failed};
use super::images::{ReplacedImage, first_of_each};
use super::manifest::Manifest;
use super::trial::Deadline;
use crate::bundle::{CONFIG_LIMIT, ImageArchive};
use crate::hex::sha256_hex;

/// The largest manifest that is read, in bytes: all user numbers ever given, and 4096 images.
const MANIFEST_LIMIT: usize = 8 * 1024 * 1024;

pub(crate) const SOURCE: &str = "source.toml";
pub(crate) const OVERLAY: &str = "overlay.toml";
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SETTLED: &str = "settled";
pub(crate) const TRIAL: &str = "trial.json";
pub(crate) const REPLACED: &str = "replaced-images.json";

/// The folder of configurations, to look into. A program that changes the configuration holds a lock all the while; what
/// it starts, and who asks for the state, looks through this.
#[derive(Debug, Clone)]
pub struct StoredGenerations {
    root: PathBuf,
}

/// A generation that was read, and is what was accepted: the checksums are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGeneration {
    /// Its number.
    pub generation: Generation,
    /// Its `config.toml`, as it was written.
    pub config: Vec<u8>,
    /// The file for this device: its name in the bundle and its bytes.
    pub overlay: Option<(String, Vec<u8>)>,
    /// What else is known of it.
    pub manifest: Manifest,
}

/// An archive of container images that Podman does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    /// What it is.
    pub archive: ImageArchive,
    /// Where it is.
    pub path: PathBuf,
}

impl StoredGenerations {
    /// Where they are.
    pub const PATH: &str = "/data/config";

    /// Those below `root`, which need not exist: then there are none.
    pub fn at(root: &Path) -> StoredGenerations {
        StoredGenerations { root: root.to_owned() }
    }

    /// The generation in force, settled or not; `None` when there is none, or when the link leads nowhere.
    pub fn current(&self) -> Result<Option<Generation>, GenerationsError> {
        let path = self.current_link();
        let target = match fs::read_link(&path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // Not a link: somebody has put something there.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(None),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let number = target.strip_prefix("generations").ok().and_then(Path::to_str);
        let generation = number.and_then(|number| number.parse().ok());
        Ok(generation.filter(|&generation| self.folder(generation).is_dir()))
    }

    /// The generation in force, once it worked as a whole.
    pub fn current_settled(&self) -> Result<Option<Generation>, GenerationsError> {
        Ok(self.current()?.filter(|&generation| self.is_settled(generation)))
    }

    /// All generations that worked as a whole, oldest first.
    pub fn settled(&self) -> Result<Vec<Generation>, GenerationsError> {
        let mut found = self.all()?;
        found.retain(|&generation| self.is_settled(generation));
        Ok(found)
    }

    /// The newest generation that worked as a whole.
    pub fn newest_settled(&self) -> Result<Option<Generation>, GenerationsError> {
        Ok(self.settled()?.pop())
    }

    /// Whether a generation worked as a whole.
    pub fn is_settled(&self, generation: Generation) -> bool {
        self.folder(generation).join(SETTLED).exists()
    }

    /// Reads a generation, and compares it with what was accepted: flash memory forgets, and a configuration that is not
    /// the one that was checked is none.
    pub fn read(&self, generation: Generation) -> Result<StoredGeneration, GenerationsError> {
        let folder = self.folder(generation);
        if !folder.is_dir() {
            return Err(GenerationsError::Missing(generation));
        }
        let manifest = self.manifest(generation)?;
        let config = read_checked(&folder.join(SOURCE), &manifest.config_sha256)?;
        let overlay = match &manifest.overlay {
            Some(overlay) => {
                Some((overlay.name.clone(), read_checked(&folder.join(OVERLAY), &overlay.sha256)?))
            }
            None => None,
        };
        Ok(StoredGeneration { generation, config, overlay, manifest })
    }

    /// Reads what is known of a generation.
    pub fn manifest(&self, generation: Generation) -> Result<Manifest, GenerationsError> {
        let path = self.folder(generation).join(MANIFEST);
        let bytes = read_bounded(&path, MANIFEST_LIMIT)?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|source| GenerationsError::Manifest { path: path.clone(), source })?;
        if manifest.generation == generation { Ok(manifest) } else { Err(GenerationsError::Damaged { path }) }
    }

    /// The archives of container images of a generation that are still here, and so not in Podman's stores yet.
    pub fn images(&self, generation: Generation) -> Result<Vec<StoredImage>, GenerationsError> {
        let folder = self.folder(generation).join("images");
        let images = self.manifest(generation)?.images.into_iter();
        let images = images.map(|archive| StoredImage { path: folder.join(&archive.name), archive });
        Ok(images.filter(|image| image.path.exists()).collect())
    }

    /// The names of images as they were when `generation` was in force, those that later ones have given to other images.
    ///
    /// What a generation did not note, or what cannot be read of it, is as it is.
    pub fn images_as_of(&self, generation: Generation) -> Result<Vec<ReplacedImage>, GenerationsError> {
        let later = self.settled()?.into_iter().filter(|&later| later > generation);
        // The first that took a name away knows whose it was.
        Ok(first_of_each(later.flat_map(|later| self.replaced(later))))
    }

    /// The names of images that this generation has given to others, and whose they were before.
    pub(crate) fn replaced(&self, generation: Generation) -> Vec<ReplacedImage> {
        read_json(&self.folder(generation).join(REPLACED)).unwrap_or_default()
    }

    /// The deadline beside a generation.
    pub(crate) fn deadline(&self, generation: Generation) -> Option<Deadline> {
        read_json(&self.folder(generation).join(TRIAL))
    }

    /// The folder of a generation.
    pub fn folder(&self, generation: Generation) -> PathBuf {
        self.generations().join(generation.to_string())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn generations(&self) -> PathBuf {
        self.root.join("generations")
    }

    pub(crate) fn current_link(&self) -> PathBuf {
        self.root.join("current")
    }

    /// The folder of a generation that is being made, or removed.
    pub(crate) fn partial(&self, generation: Generation) -> PathBuf {
        self.generations().join(format!("{generation}.partial"))
    }

    /// All generations that are there, in order.
    pub(crate) fn all(&self) -> Result<Vec<Generation>, GenerationsError> {
        let mut found: Vec<Generation> = self.names()?.iter().filter_map(|name| name.parse().ok()).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// All names in the folder of generations that are text; none when there is no folder.
    pub(crate) fn names(&self) -> Result<Vec<String>, GenerationsError> {
        let path = self.generations();
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("list", &path)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed("list", &path))?;
            names.extend(entry.file_name().into_string());
        }
        Ok(names)
    }
}

/// What is not there, or not what it should be, is nothing.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&read_bounded(path, MANIFEST_LIMIT).ok()?).ok()
}

fn read_checked(path: &Path, sha256: &str) -> Result<Vec<u8>, GenerationsError> {
    let limit = usize::try_from(CONFIG_LIMIT).unwrap_or(usize::MAX);
    let bytes = read_bounded(path, limit)?;
    if sha256_hex(&bytes) == sha256 {
        Ok(bytes)
    } else {
        Err(GenerationsError::Damaged { path: path.to_owned() })
    }
}
