//! A new configuration, from what it came in to what runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use appliance_config::{Overlay, Sources};
use appliance_types::{Generation, UserName};
use artefact_render::{Artefacts, UserIds};
use config_store::{
    Active, Bundle, Generations, Limits, NewGeneration, StagingFolder, StoredGenerations, Unpacked,
};
use host_files::{BuildFacts, ProvisioningReport, wall_clock_ms};

use crate::arguments::SourceOptions;
use crate::candidate::{self, Candidate, Refusal};
use crate::outcome::{Ending, Outcome};
use crate::stage::{Failure, Stage, at};
use crate::system::System;
use crate::voice::{self, Voice};
use crate::{boot, bring_up, installed, validators};

/// Another import may be loading images from a slow stick.
const TURN: Duration = Duration::from_secs(60);

/// The whole way. Whatever happens, the answer says what became of it, and what was in effect before is again unless it
/// worked.
pub(crate) fn run(system: &System, options: &SourceOptions, voice: &Voice) -> Outcome {
    let outcome = import(system, options, voice).unwrap_or_else(Outcome::from);
    match &outcome.reason {
        Some(reason) => {
            voice.say(&format!("failed at {}: {reason}", outcome.stage.map_or("", Stage::as_str)));
        }
        None => log::info!("{:?}", outcome.outcome),
    }
    outcome
}

fn import(system: &System, options: &SourceOptions, voice: &Voice) -> Result<Outcome, Refusal> {
    let mut generations = open(system)?;
    let known_ids = known_ids(generations.stored());
    let staging = generations.begin().map_err(at(Stage::Store))?;
    let generation = staging.generation();
    voice.step(generation, &format!("reading {}", options.source));
    let (unpacked, candidate) = unpack(system, options, staging.folder(), &known_ids)?;

    let build = BuildFacts::read(&system.build_facts()).map_err(at(Stage::Store))?.build;
    let overlay = unpacked.devices.iter().next();
    let staged = staging
        .finish(&NewGeneration {
            config: &unpacked.config,
            overlay: overlay.map(|(name, bytes)| config_store::Overlay { name, bytes }),
            source: &options.source,
            build: &build,
            accepted_unix_ms: wall_clock_ms(),
            files_digest: unpacked.files_digest.as_deref(),
            images: &unpacked.images,
            user_ids: &numbers(&candidate),
        })
        .map_err(at(Stage::Store))?;
    if staged.is_current() {
        return Ok(Outcome::good(Ending::Unchanged, None, &candidate));
    }
    voice.importing(&options.source);
    voice.step(generation, "checking it with the system's own tools");
    let checked = staged.check(|_| validators::check(system, &candidate.artefacts))?;
    let active = checked.activate().map_err(at(Stage::Store))?;
    Ok(settle(system, options, active, &candidate, voice))
}

/// Reads, checks and renders, and changes nothing.
pub(crate) fn check(system: &System, options: &SourceOptions) -> Outcome {
    let work = || -> Result<Outcome, Refusal> {
        let folder = tempfile_in(system)?;
        let folder = StagingFolder::open(&folder).map_err(at(Stage::Store))?;
        let ids = known_ids(&StoredGenerations::at(system.config()));
        let checked = unpack(system, options, &folder, &ids).and_then(|(_, candidate)| {
            validators::check(system, &candidate.artefacts)?;
            Ok(Outcome::good(Ending::Unchanged, None, &candidate))
        });
        let _ = std::fs::remove_dir_all(folder.path());
        checked
    };
    work().unwrap_or_else(Outcome::from)
}

/// From in effect to known to work, or back.
fn settle(
    system: &System,
    options: &SourceOptions,
    mut active: Active<'_>,
    candidate: &Candidate,
    voice: &Voice,
) -> Outcome {
    let generation = active.generation();
    let say = |step: &str| voice.step(generation, step);
    let worked = active.images().map_err(at(Stage::Store)).and_then(|archives| {
        bring_up::all(system, &candidate.loaded.config, &candidate.artefacts, &archives, &say)?;
        // Podman has them, on the disk. That they could not be removed is no reason to take back what works.
        active.remove_images().unwrap_or_else(|error| log::warn!("{error}"));
        Ok(())
    });
    match worked {
        Ok(()) => match active.settle() {
            Ok(settled) => {
                voice.step(generation, "is in place");
                let warnings = candidate.loaded.warnings.iter().map(ToString::to_string).collect();
                voice.report(&voice::in_force(generation, &options.source, warnings));
                Outcome::good(Ending::Settled, Some(settled.generation), candidate)
            }
            // The store has gone back by itself.
            Err(error) => undone(system, &at(Stage::Store)(error), voice, generation_before(system)),
        },
        Err(failure) => {
            voice.step(generation, &format!("does not work, going back: {failure}"));
            let previous = active.back().map_err(at(Stage::Store));
            undone(system, &failure, voice, previous)
        }
    }
}

type Previous = Result<Option<Generation>, Failure>;

fn generation_before(system: &System) -> Previous {
    StoredGenerations::at(system.config()).current_settled().map_err(at(Stage::Store))
}

/// Puts what is in force now in place again.
fn undone(system: &System, failure: &Failure, voice: &Voice, previous: Previous) -> Outcome {
    let back = previous.and_then(|previous| {
        let (artefacts, report) = in_force_before(system, failure, previous)?;
        // Also when it does not work: what is in force is what should be.
        voice.report(&report);
        bring_up::back(system, &artefacts, &|step| voice.say(&format!("going back: {step}")))?;
        Ok(previous)
    });
    match back {
        Ok(generation) => Outcome::not(Ending::Failed, generation, failure),
        Err(second) => {
            voice.say(&format!("going back failed at {second}"));
            voice.report(&voice::went_wrong(format!(
                "A configuration failed at {failure}; going back failed at {second}."
            )));
            Outcome::not(Ending::FailedTwice, None, failure)
        }
    }
}

fn in_force_before(
    system: &System,
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
    let kept = StoredGenerations::at(system.config()).read(generation).map_err(at(Stage::Store))?;
    let candidate = boot::make(system, &kept).map_err(Failure::from)?;
    let warnings = candidate.loaded.warnings.iter().map(ToString::to_string).collect();
    Ok((candidate.artefacts, voice::in_force(generation, &kept.manifest.source, warnings)))
}

fn open(system: &System) -> Result<Generations, Failure> {
    Generations::open(system.config(), TURN).map_err(at(Stage::Store))
}

fn unpack(
    system: &System,
    options: &SourceOptions,
    folder: &StagingFolder,
    known_ids: &UserIds,
) -> Result<(Unpacked, Candidate), Refusal> {
    let bundle = Bundle::open(&options.from).map_err(at(Stage::Source))?;
    let unpacked = bundle.unpack(folder, &Limits::default(), &options.devices).map_err(at(Stage::Source))?;
    if let [first, second, ..] = unpacked.devices.keys().collect::<Vec<_>>()[..] {
        let error = anyhow::anyhow!("{first} and {second} are both for this device; keep one of them");
        return Err(Failure { stage: Stage::Config, error }.into());
    }
    let overlay = unpacked.devices.iter().next().map(|(name, bytes)| Overlay { name, bytes });
    let sources = Sources { config: &unpacked.config, overlay };
    let payload = candidate::payload(unpacked.files_digest.as_ref(), &unpacked.images);
    let candidate = candidate::make(system, &sources, known_ids, &payload)?;
    Ok((unpacked, candidate))
}

/// The numbers of users of the generation in force. What cannot be read has given none.
fn known_ids(stored: &StoredGenerations) -> UserIds {
    let current = stored.current_settled().ok().flatten();
    let manifest = current.and_then(|generation| stored.manifest(generation).ok());
    manifest.and_then(|manifest| UserIds::try_from(manifest.user_ids).ok()).unwrap_or_default()
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
