//! From the bytes of a configuration to the files it becomes on this image.

use appliance_config::{Loaded, Problems, Sources};
use artefact_render::{Artefacts, PayloadFacts, UserIds, render};

use crate::stage::{Failure, Stage, at};
use crate::system::System;

/// A configuration that was understood, and its files.
pub(crate) struct Candidate {
    pub(crate) loaded: Loaded,
    pub(crate) artefacts: Artefacts,
}

/// Why there is none.
pub(crate) enum Refusal {
    /// The document is not right.
    Problems(Problems),
    /// This image could not be asked what to keep clear of.
    Failure(Failure),
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
    let image = system.accounts().map_err(at(Stage::Users)).map_err(Refusal::Failure)?;
    let facts = system.facts(&image).map_err(at(Stage::Users)).map_err(Refusal::Failure)?;
    let loaded = appliance_config::load(sources, &facts).map_err(Refusal::Problems)?;
    let artefacts = render(&loaded.config, &image.facts(), known_ids, payload);
    Ok(Candidate { loaded, artefacts })
}
