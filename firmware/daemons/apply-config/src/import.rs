//! A new configuration, from what it came in to what runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use appliance_types::UserName;
use artefact_render::UserIds;
use config_store::{
    Active, Deadline, Generations, NewGeneration, ReplacedImage, StagingFolder, StoredGenerations,
};
use host_files::{BootMoment, BuildFacts, wall_clock_ms};

use crate::arguments::{RollbackOptions, SourceOptions};
use crate::candidate::{Candidate, Refusal};
use crate::origin::Origin;
use crate::outcome::{Ending, Outcome};
use crate::stage::{Failure, Stage, at};
use crate::system::System;
use crate::undo::{self, Previous, Trial};
use crate::voice::{self, Voice};
use crate::{bring_up, images, trial, unfinished, validators};

/// Another import may be loading images from a slow stick.
pub(crate) const TURN: Duration = Duration::from_secs(60);

/// The whole way. Whatever happens, the answer says what became of it, and what was in effect before is again unless it
/// worked. With a `window` it is on trial so long, and is taken back after that unless it is confirmed.
pub(crate) fn run(system: &System, origin: &Origin<'_>, window: Option<Duration>, voice: &Voice) -> Outcome {
    let outcome = import(system, origin, window, voice).unwrap_or_else(Outcome::from);
    match &outcome.reason {
        Some(reason) => {
            voice.say(&format!("failed at {}: {reason}", outcome.stage.map_or("", Stage::as_str)));
        }
        None => log::info!("{:?}", outcome.outcome),
    }
    outcome
}

/// Puts a kept configuration in force, or ends a trial.
pub(crate) fn rollback(system: &System, options: &RollbackOptions, voice: &Voice) -> Outcome {
    let target = || -> Result<Option<Origin<'static>>, Failure> {
        if let Some(generation) = options.generation {
            return Ok(Some(Origin::Kept(generation)));
        }
        let stored = StoredGenerations::at(system.config());
        let now = BootMoment::now().map_err(at(Stage::Store))?;
        if stored.on_trial(&now).map_err(at(Stage::Store))?.is_some() {
            return Ok(None);
        }
        let current = stored.current().map_err(at(Stage::Store))?;
        let settled = stored.settled().map_err(at(Stage::Store))?;
        let before = settled.into_iter().rev().find(|&generation| Some(generation) < current);
        let before = before.ok_or_else(|| anyhow::anyhow!("there is no generation to go back to"));
        Ok(Some(Origin::Kept(before.map_err(at(Stage::Store))?)))
    };
    match target() {
        Ok(Some(origin)) => run(system, &origin, options.trial.window(), voice),
        Ok(None) => undo::revert(system, Trial::EndsNow, voice),
        Err(failure) => Outcome::nothing_done(&failure),
    }
}

fn import(
    system: &System,
    origin: &Origin<'_>,
    window: Option<Duration>,
    voice: &Voice,
) -> Result<Outcome, Refusal> {
    let mut generations = open(system)?;
    // What an earlier one took and could not give back must not be given back over this one.
    images::give_back(&mut generations, &|step| voice.say(step)).map_err(at(Stage::Images))?;
    let stored = generations.stored().clone();
    let known_ids = known_ids(&stored);
    let staging = generations.begin().map_err(at(Stage::Store))?;
    let (generation, source) = (staging.generation(), origin.in_words());
    voice.step(generation, &format!("reading {source}"));
    let (unpacked, candidate) = origin.take(system, &stored, staging.folder(), &known_ids)?;

    let build = BuildFacts::read(&system.build_facts()).map_err(at(Stage::Store))?.build;
    let overlay = unpacked.devices.iter().next();
    let staged = staging
        .finish(&NewGeneration {
            config: &unpacked.config,
            overlay: overlay.map(|(name, bytes)| config_store::Overlay { name, bytes }),
            source: &source,
            build: &build,
            accepted_unix_ms: wall_clock_ms(),
            files_digest: unpacked.files_digest.as_deref(),
            images: &unpacked.images,
            user_ids: &numbers(&candidate),
        })
        .map_err(at(Stage::Store))?;
    if staged.is_current() && unfinished::left_over(system).is_none() {
        return Ok(Outcome::good(Ending::Unchanged, None, &candidate));
    }
    voice.importing(&source);
    voice.step(generation, "checking it with the system's own tools");
    let checked = staged.check(|_| validators::check(system, &candidate.artefacts))?;
    let wanted = origin.images(&stored)?;
    let active = checked.activate().map_err(at(Stage::Store))?;
    let change = Change { system, candidate: &candidate, source: &source, window, voice };
    Ok(match change.settle(active, &wanted) {
        Ok(outcome) => outcome,
        Err((failure, previous)) => undo::undone(system, &mut generations, &failure, previous, voice),
    })
}

/// A configuration on its way from in effect to known to work.
struct Change<'a> {
    system: &'a System,
    candidate: &'a Candidate,
    source: &'a str,
    window: Option<Duration>,
    voice: &'a Voice,
}

impl Change<'_> {
    /// Brings everything up. `wanted` are names of images that are to be as they were once.
    ///
    /// # Errors
    /// What failed, and which generation is in force instead.
    fn settle(
        &self,
        mut active: Active<'_>,
        wanted: &[ReplacedImage],
    ) -> Result<Outcome, (Failure, Previous)> {
        let generation = active.generation();
        match self.bring_up(&mut active, wanted) {
            Ok(()) => self.keep(active),
            Err(failure) => {
                self.voice.step(generation, &format!("does not work, going back: {failure}"));
                let previous = active.back().map_err(at(Stage::Store));
                Err((failure, previous))
            }
        }
    }

    fn bring_up(&self, active: &mut Active<'_>, wanted: &[ReplacedImage]) -> Result<(), Failure> {
        let generation = active.generation();
        let archives = active.images().map_err(at(Stage::Store))?;
        let images = bring_up::Images { archives: &archives, wanted };
        let note = |replaced: &[ReplacedImage]| active.note_replaced(replaced).map_err(at(Stage::Store));
        let say = |step: &str| self.voice.step(generation, step);
        bring_up::all(self.system, self.candidate, &images, note, &say)?;
        // Podman has them, on the disk. That they could not be removed is no reason to take back what works.
        active.remove_images().unwrap_or_else(|error| log::warn!("{error}"));
        Ok(())
    }

    fn keep(&self, active: Active<'_>) -> Result<Outcome, (Failure, Previous)> {
        let generation = active.generation();
        let warnings = self.candidate.loaded.warnings.iter().map(ToString::to_string).collect();
        let Some(window) = self.window else {
            // When it cannot be settled, the store has gone back by itself.
            let failed = |error| (at(Stage::Store)(error), before(self.system));
            active.settle().map_err(failed)?;
            self.voice.step(generation, "is in place");
            self.voice.report(&voice::in_force(generation, self.source, warnings));
            return Ok(Outcome::good(Ending::Settled, Some(generation), self.candidate));
        };
        // The timer is made after the deadline is known, so that it does not come before it; and before anything is on trial.
        let deadline = BootMoment::now().map_err(at(Stage::Store)).map(|now| Deadline::after(window, &now));
        let armed = deadline.and_then(|deadline| {
            trial::arm(window).map_err(at(Stage::Trial))?;
            Ok(deadline)
        });
        match armed {
            Ok(deadline) => {
                let failed = |error| (at(Stage::Store)(error), before(self.system));
                active.provisional(deadline).map_err(failed)?;
            }
            Err(failure) => {
                let previous = active.back().map_err(at(Stage::Store));
                return Err((failure, previous));
            }
        }
        let seconds = window.as_secs();
        self.voice.step(generation, &format!("is in place on trial: confirm it within {seconds} s"));
        self.voice.report(&voice::on_trial(generation, self.source, seconds, warnings));
        Ok(Outcome::provisional(generation, seconds, self.candidate))
    }
}

/// What is in force after the store has gone back by itself.
fn before(system: &System) -> Previous {
    StoredGenerations::at(system.config()).current_settled().map_err(at(Stage::Store))
}

/// Reads, checks and renders, and changes nothing.
pub(crate) fn check(system: &System, options: &SourceOptions) -> Outcome {
    let work = || -> Result<Outcome, Refusal> {
        let folder = tempfile_in(system)?;
        let folder = StagingFolder::open(&folder).map_err(at(Stage::Store))?;
        let stored = StoredGenerations::at(system.config());
        let taken = Origin::Bundle(options).take(system, &stored, &folder, &known_ids(&stored));
        let checked = taken.and_then(|(_, candidate)| {
            validators::check(system, &candidate.artefacts)?;
            Ok(Outcome::good(Ending::Unchanged, None, &candidate))
        });
        let _ = std::fs::remove_dir_all(folder.path());
        checked
    };
    work().unwrap_or_else(Outcome::from)
}

pub(crate) fn open(system: &System) -> Result<Generations, Failure> {
    open_within(system, TURN)
}

/// Waits as long as that for another change to end.
pub(crate) fn open_within(system: &System, turn: Duration) -> Result<Generations, Failure> {
    Generations::open(system.config(), turn).map_err(at(Stage::Store))
}

/// The numbers that users were ever given. What cannot be read has given none.
fn known_ids(stored: &StoredGenerations) -> UserIds {
    let newest_first = stored.settled().unwrap_or_default().into_iter().rev();
    let mut manifests = newest_first.filter_map(|generation| stored.manifest(generation).ok());
    let known = manifests.find_map(|manifest| UserIds::try_from(manifest.user_ids).ok());
    known.unwrap_or_default()
}

fn numbers(candidate: &Candidate) -> BTreeMap<UserName, u32> {
    candidate.artefacts.user_ids.iter().map(|(name, number)| (name.clone(), number)).collect()
}

/// A folder for a check: on the data partition, because files may be large.
fn tempfile_in(system: &System) -> Result<PathBuf, Failure> {
    let folder = system.config().join(format!("check-{}.partial", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|error| anyhow::Error::from(error).context(format!("cannot create {}", folder.display())))
        .map_err(at(Stage::Store))?;
    Ok(folder)
}
