//! A configuration from wherever the operator has it: a file, a folder, a bundle, standard input.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use appliance_config::{Loaded, MAX_BYTES, Overlay, Problem, Problems, Sources, SystemFacts, load};
use artefact_render::{ArchiveFacts, PayloadFacts};
use config_store::{Bundle, BundleError, Limits, StagingFolder, Unpacked};
use host_files::read_bounded;

use super::answer::Answer;
use crate::arguments::SourceOptions;

/// A configuration that was taken out of what it came in. Its files are in the folder it was unpacked to.
pub(crate) struct Source {
    /// What problems call `config.toml`: where the operator finds it.
    config_name: String,
    pub(crate) unpacked: Unpacked,
    /// Laid over it in any case.
    overlay: Option<(String, Vec<u8>)>,
    /// Whether the folder's or bundle's own overlays are looked at, one after the other.
    all: bool,
}

/// Why there is none.
pub(crate) enum Unavailable {
    /// It is no configuration: refused.
    Refused(Answer),
    /// It could not be read.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Unavailable {
    fn from(error: anyhow::Error) -> Unavailable {
        Unavailable::Failed(error)
    }
}

impl Source {
    /// Opens what the options name, and unpacks it into `folder`, which is empty.
    pub(crate) fn open(options: &SourceOptions, folder: &Path) -> Result<Source, Unavailable> {
        let name = options.name();
        let given = if options.from == Path::new("-") { stdin_into(folder)? } else { options.from.clone() };
        // A link that the operator names is meant; links in bundles are not.
        let path = given.canonicalize().with_context(|| format!("cannot open {}", given.display()))?;
        let staging = folder.join("unpacked");
        fs::create_dir(&staging).with_context(|| format!("cannot create {}", staging.display()))?;
        let staging = StagingFolder::open(&staging).context("cannot unpack it")?;
        let all = options.device.is_empty() && options.overlay.is_none();
        let unpacked = Bundle::open(&path).and_then(|bundle| match all {
            true => bundle.unpack_for_all(&staging, &Limits::default()),
            false => bundle.unpack(&staging, &Limits::default(), &options.device),
        });
        let unpacked = unpacked.map_err(|error| match BundleError::is_refusal(&error) {
            true => Unavailable::Refused(Answer::refused(&name, error.to_string())),
            false => Unavailable::Failed(anyhow::Error::from(error).context(format!("cannot read {name}"))),
        })?;
        let overlay = options.overlay.as_deref().map(overlay).transpose()?;
        let config_name = match path.is_dir() {
            true => options.from.join("config.toml").display().to_string(),
            false => name,
        };
        Ok(Source { config_name, unpacked, overlay, all })
    }

    /// What is laid over the document: with several, one device after the other has each. The first is for a device that
    /// none of them is for.
    fn overlays(&self) -> Vec<Option<Overlay<'_>>> {
        let own = self.unpacked.devices.iter().map(|(name, bytes)| Some(Overlay { name, bytes }));
        match &self.overlay {
            Some((name, bytes)) => vec![Some(Overlay { name, bytes })],
            None if self.all => std::iter::once(None).chain(own).collect(),
            None if self.unpacked.devices.is_empty() => vec![None],
            None => own.collect(),
        }
    }

    /// All that is wrong, on whatever device.
    pub(crate) fn check(&self, facts: &SystemFacts) -> Answer {
        let found = self.overlays().into_iter().flat_map(|overlay| match self.load(overlay, facts) {
            Ok(loaded) => loaded.warnings,
            Err(problems) => problems.iter().cloned().collect(),
        });
        self.answer(found)
    }

    /// What it means on one device: the one asked for, or one that no overlay is for.
    pub(crate) fn one(&self, facts: &SystemFacts) -> Result<(Loaded, Answer), Answer> {
        match self.load(self.overlays().first().copied().flatten(), facts) {
            Ok(loaded) => {
                let answer = self.answer(loaded.warnings.iter().cloned());
                Ok((loaded, answer))
            }
            Err(problems) => Err(self.answer(problems.iter().cloned())),
        }
    }

    /// The overlay of [`Source::one`].
    pub(crate) fn overlay_bytes(&self) -> Option<&[u8]> {
        self.overlays().first().copied().flatten().map(|overlay| overlay.bytes)
    }

    /// What comes with the document.
    pub(crate) fn payload(&self) -> PayloadFacts {
        let images = self.unpacked.images.iter();
        let images =
            images.map(|image| ArchiveFacts { tags: image.tags.clone(), sha256: image.sha256.clone() });
        PayloadFacts { digest: self.unpacked.files_digest.clone(), images: images.collect() }
    }

    fn load(&self, overlay: Option<Overlay<'_>>, facts: &SystemFacts) -> Result<Loaded, Problems> {
        load(&Sources { config: &self.unpacked.config, overlay }, facts)
    }

    /// With the names under which the operator finds the files.
    fn answer(&self, found: impl IntoIterator<Item = Problem>) -> Answer {
        let renamed = found.into_iter().map(|mut problem| {
            if problem.file == "config.toml" {
                problem.file.clone_from(&self.config_name);
            }
            problem
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut texts: BTreeMap<String, String> =
            self.unpacked.devices.iter().map(|(name, bytes)| (name.clone(), text(bytes))).collect();
        texts.extend(self.overlay.iter().map(|(name, bytes)| (name.clone(), text(bytes))));
        texts.insert(self.config_name.clone(), text(&self.unpacked.config));
        Answer::new(renamed, texts)
    }
}

fn overlay(path: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    // One byte more is too large, and said so where the document is judged.
    Ok((path.display().to_string(), read_bounded(path, MAX_BYTES + 1)?))
}

/// Standard input, as a file: whether it is a bundle, its first bytes tell.
fn stdin_into(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("stdin");
    let mut file = fs::File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut limited = std::io::stdin().lock().take(Limits::default().unpacked + 1);
    std::io::copy(&mut limited, &mut file).context("cannot read standard input")?;
    Ok(path)
}
