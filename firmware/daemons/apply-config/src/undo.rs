//! Going back: after a configuration that did not work, and after one on trial that nobody confirmed.

use std::time::Duration;

use appliance_types::Generation;
use artefact_render::Artefacts;
use config_store::{Generations, StoredGenerations};
use host_files::ProvisioningReport;

use crate::candidate::Candidate;
use crate::outcome::{Ending, Outcome, Rollback};
use crate::stage::{Failure, Stage, at};
use crate::system::System;
use crate::voice::{self, Voice};
use crate::{boot, bring_up, images, import, in_force, installed, trial};

/// What became of the generation in force when it was taken back: the one before, `None` where there was none.
pub(crate) type Previous = Result<Option<Generation>, Failure>;

/// What is done about a trial that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    /// It goes on.
    UntilItsEnd,
    /// It ends now.
    EndsNow,
}

/// Puts what is in force now in place again, after a new configuration has failed.
pub(crate) fn undone(
    system: &System,
    generations: &mut Generations,
    failure: &Failure,
    previous: Previous,
    voice: &Voice,
) -> Outcome {
    let back = previous.and_then(|previous| {
        let (artefacts, report) = in_force_before(system, generations.stored(), failure, previous)?;
        // Also when it does not work: what is in force is what should be.
        voice.report(&report);
        put_back(system, generations, &artefacts, voice)?;
        Ok(previous)
    });
    match back {
        Ok(to) => Outcome::not(Ending::Failed, to, failure).with_rollback(Rollback::done(to)),
        Err(second) => {
            voice.say(&format!("going back failed at {second}"));
            voice.report(&voice::went_wrong(format!(
                "A configuration failed at {failure}; going back failed at {second}."
            )));
            Outcome::not(Ending::FailedTwice, None, failure).with_rollback(Rollback::failed(&second))
        }
    }
}

/// Takes back what is on trial, if its time is over or it is to end now, and puts everything in place that belongs to what is in
/// force, whatever an earlier change has left behind. Where all of it is there already, nothing is done.
pub(crate) fn revert(system: &System, trial: Trial, voice: &Voice) -> Outcome {
    take_back(system, trial, voice).unwrap_or_else(|failure| {
        voice.say(&format!("going back failed at {failure}"));
        voice.report(&voice::went_wrong(format!("Going back failed at {failure}.")));
        Outcome::not(Ending::FailedTwice, None, &failure).with_rollback(Rollback::failed(&failure))
    })
}

/// The timer may go off while somebody goes back by hand, which may take as long as containers take to end. Below the unit's own limit.
const TIMER_TURN: Duration = Duration::from_secs(1200);

fn take_back(system: &System, trial: Trial, voice: &Voice) -> Result<Outcome, Failure> {
    let turn = if trial == Trial::UntilItsEnd { TIMER_TURN } else { import::TURN };
    let mut generations = import::open_within(system, turn)?;
    let mut gone = generations.given_up();
    if let Some(on_trial) = generations.provisional() {
        let generation = on_trial.generation();
        if trial == Trial::UntilItsEnd {
            voice.step(generation, "is still on trial");
            return Ok(Outcome::unchanged(Some(generation)));
        }
        on_trial.back().map_err(at(Stage::Store))?;
        gone = Some(generation);
    }
    if let Some(generation) = gone {
        voice.step(generation, "was not confirmed, going back");
    }
    let newest = generations.stored().newest_settled().map_err(at(Stage::Store))?;
    let found = in_force::agree(system, &mut generations, voice).map_err(at(Stage::Store))?;
    let (generation, artefacts, report) = match &found {
        Some((stored, candidate)) => (
            Some(stored.generation),
            candidate.artefacts.clone(),
            in_force::report(stored, candidate, newest),
        ),
        None => {
            let artefacts = installed::of_the_image(system.base()).map_err(at(Stage::Store))?;
            (None, artefacts, voice::nothing_in_force("No configuration is in force.".to_owned()))
        }
    };
    put_back(system, &mut generations, &artefacts, voice)?;
    voice.report(&report);
    let Some(gone) = gone else { return Ok(Outcome::unchanged(generation)) };
    trial::disarm();
    match generation {
        Some(generation) => voice.step(generation, "is in force again"),
        None => voice.say(&format!("nothing is in force, as before generation {gone}")),
    }
    Ok(Outcome::taken_back(generation))
}

/// Gives names of images back and puts files in place, as much as can be done of it.
fn put_back(
    system: &System,
    generations: &mut Generations,
    artefacts: &Artefacts,
    voice: &Voice,
) -> Result<(), Failure> {
    let say = |step: &str| voice.say(&format!("going back: {step}"));
    // First: what is restarted takes the image that has the name then.
    let images = images::give_back(generations, &say).map_err(at(Stage::Images));
    bring_up::back(system, artefacts, &say).and(images)
}

fn in_force_before(
    system: &System,
    stored: &StoredGenerations,
    failure: &Failure,
    previous: Option<Generation>,
) -> Result<(Artefacts, ProvisioningReport), Failure> {
    let Some(generation) = previous else {
        let artefacts = installed::of_the_image(system.base()).map_err(at(Stage::Store))?;
        return Ok((
            artefacts,
            voice::nothing_in_force(format!("The last configuration failed at {failure}.")),
        ));
    };
    let kept = stored.read(generation).map_err(at(Stage::Store))?;
    let candidate: Candidate = boot::make(system, &kept).map_err(Failure::from)?;
    let warnings = candidate.loaded.warnings.iter().map(ToString::to_string).collect();
    Ok((candidate.artefacts, voice::in_force(generation, &kept.manifest.source, warnings)))
}
