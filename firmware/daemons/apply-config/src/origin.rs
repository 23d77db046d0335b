//! What a new generation is made from: something an owner hands us, or a generation that is kept.

use appliance_config::{Overlay, Sources};
use appliance_types::Generation;
use artefact_render::UserIds;
use config_store::{Bundle, ImageArchive, Limits, ReplacedImage, StagingFolder, StoredGenerations, Unpacked};

use crate::arguments::SourceOptions;
use crate::candidate::{self, Candidate, Refusal};
use crate::images;
use crate::stage::{Failure, Stage, at};
use crate::system::System;

/// Where a configuration comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A folder, a config.toml or an archive.
    Bundle(&'a SourceOptions),
    /// An older generation, whose content comes back under a new number.
    Kept(Generation),
}

impl Origin<'_> {
    /// In words, for its owner.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Origin::Bundle(options) => options.source.clone(),
            Origin::Kept(generation) => format!("going back to generation {generation}"),
        }
    }

    /// Takes its files into `folder`, and reads and renders the rest.
    ///
    /// # Errors
    /// All problems of the document, or what kept us from reading it.
    pub(crate) fn take(
        &self,
        system: &System,
        stored: &StoredGenerations,
        folder: &StagingFolder,
        known_ids: &UserIds,
    ) -> Result<(Unpacked, Candidate), Refusal> {
        let mut unpacked = match self {
            Origin::Bundle(options) => {
                let bundle = Bundle::open(&options.from).map_err(at(Stage::Source))?;
                let mut unpacked =
                    bundle.unpack(folder, &Limits::default(), &options.devices).map_err(at(Stage::Source))?;
                // What is not brought again is in Podman's stores as it was.
                let still = images::still_there(&unpacked.images, &images_in_force(stored));
                unpacked.images.extend(still);
                unpacked
            }
            Origin::Kept(generation) => {
                let kept = stored.read(*generation).map_err(at(Stage::Store))?;
                Unpacked::from_kept(stored, &kept, folder).map_err(at(Stage::Store))?
            }
        };
        if let [first, second, ..] = unpacked.devices.keys().collect::<Vec<_>>()[..] {
            let error = anyhow::anyhow!("{first} and {second} are both for this device; keep one of them");
            return Err(Failure { stage: Stage::Config, error }.into());
        }
        let overlay = unpacked.devices.iter().next().map(|(name, bytes)| Overlay { name, bytes });
        let sources = Sources { config: &unpacked.config, overlay };
        let payload = candidate::payload(unpacked.files_digest.as_ref(), &unpacked.images);
        let candidate = candidate::make(system, &sources, known_ids, &payload)?;
        // Of those that nothing uses any more, nothing is remembered either, once they are loaded.
        let brought = |archive: &ImageArchive| folder.path().join("images").join(&archive.name).exists();
        let config = &candidate.loaded.config;
        unpacked.images.retain(|archive| brought(archive) || images::is_used(config, archive));
        Ok((unpacked, candidate))
    }

    /// The names of images as they were when it was in force.
    ///
    /// # Errors
    /// When what is kept cannot be listed.
    pub(crate) fn images(&self, stored: &StoredGenerations) -> Result<Vec<ReplacedImage>, Failure> {
        match self {
            Origin::Bundle(_) => Ok(Vec::new()),
            Origin::Kept(generation) => stored.images_as_of(*generation).map_err(at(Stage::Store)),
        }
    }
}

/// The archives whose images the configuration in force was made with.
fn images_in_force(stored: &StoredGenerations) -> Vec<ImageArchive> {
    let current = stored.current_settled().ok().flatten();
    let manifest = current.and_then(|current| stored.manifest(current).ok());
    manifest.map(|manifest| manifest.images).unwrap_or_default()
}
