//! Which generation is in force on this image.

use config_store::{Generations, StoredGeneration, StoredGenerations};

use crate::candidate::{Candidate, Refusal};
use crate::stage::{Failure, Stage, at};
use crate::system::System;
use crate::voice::Voice;
use crate::{boot, voice};

/// The newest generation that worked as a whole and that this image understands: a newer image may have written one that it
/// does not. `None`: no configuration has ever been accepted.
///
/// # Errors
/// When there are some, and none of them can be read.
pub(crate) fn newest_readable(
    system: &System,
    stored: &StoredGenerations,
    voice: &Voice,
) -> anyhow::Result<Option<(StoredGeneration, Candidate)>> {
    let settled = stored.settled()?;
    if settled.is_empty() {
        return Ok(None);
    }
    for generation in settled.into_iter().rev() {
        let read = stored.read(generation).map_err(at(Stage::Store)).map_err(Refusal::from);
        match read.and_then(|kept| boot::make(system, &kept).map(|candidate| (kept, candidate))) {
            Ok(found) => return Ok(Some(found)),
            Err(refusal) => {
                voice.step(generation, &format!("cannot be read by this image: {}", Failure::from(refusal)));
            }
        }
    }
    anyhow::bail!("none of the kept configurations can be read")
}

/// As [`newest_readable`], and what it finds is what `current` names from here on: containers reach the files of what is in force
/// by that name.
///
/// # Errors
/// As there. That the name could not be changed is said, and no reason to have nothing in force.
pub(crate) fn agree(
    system: &System,
    generations: &mut Generations,
    voice: &Voice,
) -> anyhow::Result<Option<(StoredGeneration, Candidate)>> {
    let found = newest_readable(system, generations.stored(), voice)?;
    if let Some((stored, _)) = &found
        && let Err(error) = generations.put_in_force(stored.generation)
    {
        voice.say(&format!("containers may see the files of another generation: {error}"));
    }
    Ok(found)
}

/// What is said of the generation in force when this image comes up with it, or goes back to it.
pub(crate) fn report(
    stored: &StoredGeneration,
    candidate: &Candidate,
    newest: Option<appliance_types::Generation>,
) -> host_files::ProvisioningReport {
    let warnings = candidate.loaded.warnings.iter().map(ToString::to_string).collect();
    match newest {
        // What the owner asked for last is not what runs: no system on trial is confirmed with that.
        Some(newest) if newest > stored.generation => voice::went_wrong(format!(
            "Generation {newest} cannot be read by this image; generation {} is in force.",
            stored.generation
        )),
        _ => voice::in_force(stored.generation, &stored.manifest.source, warnings),
    }
}
