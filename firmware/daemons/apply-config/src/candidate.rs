//! From the bytes of a configuration to the files it becomes on this image.

use appliance_config::{Loaded, Problems, Sources};
use artefact_render::{ArchiveFacts, Artefacts, PayloadFacts, UserIds, render};
use config_store::ImageArchive;

use crate::stage::{Failure, Stage, at};
use crate::system::System;

/// A configuration that was understood, and its files.
pub(crate) struct Candidate {
    pub(crate) loaded: Loaded,
    pub(crate) artefacts: Artefacts,
    /// The name of the file for this device, if there was one.
    pub(crate) overlay: Option<String>,
}

/// Why there is none, or why it was not put in place.
pub(crate) enum Refusal {
    /// The document is not right.
    Problems(Problems),
    /// Something else is in the way.
    Failure(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        Refusal::Failure(failure)
    }
}

impl From<Refusal> for Failure {
    /// For those to whom all that matters is that it cannot be used.
    fn from(refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Failure(failure) => failure,
            Refusal::Problems(problems) => {
                Failure { stage: Stage::Config, error: anyhow::anyhow!("{problems}") }
            }
        }
    }
}

/// What comes with a configuration beside its document.
pub(crate) fn payload(files_digest: Option<&String>, images: &[ImageArchive]) -> PayloadFacts {
    let images =
        images.iter().map(|image| ArchiveFacts { tags: image.tags.clone(), sha256: image.sha256.clone() });
    PayloadFacts { digest: files_digest.cloned(), images: images.collect() }
}

/// Reads and renders. Changes nothing anywhere.
///
/// # Errors
/// All problems of the document, or what kept us from looking.
pub(crate) fn make(
    system: &System,
    sources: &Sources<'_>,
    known_ids: &UserIds,
    payload: &PayloadFacts,
) -> Result<Candidate, Refusal> {
    let image = system.accounts().map_err(at(Stage::Users))?;
    let facts = system.facts(&image).map_err(at(Stage::Users))?;
    let loaded = appliance_config::load(sources, &facts).map_err(Refusal::Problems)?;
    let artefacts = render(&loaded.config, &image.facts(), known_ids, payload);
    let overlay = sources.overlay.map(|overlay| overlay.name.to_owned());
    Ok(Candidate { loaded, artefacts, overlay })
}
