//! At every boot: the kept configuration, put in place again in memory.

use std::time::Duration;

use anyhow::Context;
use appliance_config::{Mode, Overlay, Sources};
use artefact_render::UserIds;
use config_store::{Generations, StoredGeneration, StoredGenerations};
use host_files::run_program;

use crate::actions;
use crate::candidate::{self, Candidate, Refusal};
use crate::installed;
use crate::outcome::Outcome;
use crate::stage::{Failure, Stage, at, one_line};
use crate::system::System;
use crate::voice::{self, Voice};

/// Nobody else changes the configuration so early.
const TURN: Duration = Duration::from_secs(10);

/// Folders of container units, and whose Podman runs what is in them.
const UNITS: [(&str, Mode); 2] =
    [("/etc/containers/systemd", Mode::Rootful), ("/etc/containers/systemd/users/900", Mode::Rootless)];

/// Puts the files of the current generation in place. Without one, nothing is done and that is said.
///
/// An image that cannot read the current generation, because a newer one wrote it, takes the newest older one that it can.
///
/// # Errors
/// When files cannot be written, or systemd does not read its units.
pub(crate) fn put_in_place(system: &System, voice: &Voice) -> anyhow::Result<()> {
    // What an earlier change left is tidied up. Where that fails, on a card that cannot be written any more for instance, what is
    // kept can still be read and put in place.
    match Generations::open(system.config(), TURN) {
        Ok(mut generations) => {
            if let Some(generation) = generations.given_up() {
                voice.step(
                    generation,
                    "was in force and had not proven itself when the power went; what was before is in force",
                );
            }
            // Nothing runs yet that could hold an older one's files.
            generations.forget_older().unwrap_or_else(|error| log::warn!("{error}"));
        }
        Err(error) => {
            voice.say(&format!("cannot tidy up the kept configurations: {}", one_line(&error.into())));
        }
    }
    match newest_readable(system, &StoredGenerations::at(system.config()), voice)? {
        Some((stored, candidate)) => install(system, &stored, &candidate, voice),
        None => {
            voice.report(&voice::nothing_in_force("No configuration has been accepted yet.".to_owned()));
            Ok(())
        }
    }
}

/// What is in force, told as the import that brought it would tell.
pub(crate) fn current(system: &System, voice: &Voice) -> anyhow::Result<Outcome> {
    let stored = StoredGenerations::at(system.config());
    let (stored, candidate) =
        newest_readable(system, &stored, voice)?.context("no configuration is in force")?;
    Ok(Outcome::current(stored.generation, &candidate))
}

/// Reads and renders a kept generation.
pub(crate) fn make(system: &System, stored: &StoredGeneration) -> Result<Candidate, Refusal> {
    let overlay = stored.overlay.as_ref().map(|(name, bytes)| Overlay { name, bytes });
    let sources = Sources { config: &stored.config, overlay };
    let payload = candidate::payload(stored.manifest.files_digest.as_ref(), &stored.manifest.images);
    let known = UserIds::try_from(stored.manifest.user_ids.clone()).unwrap_or_default();
    candidate::make(system, &sources, &known, &payload)
}

/// The generation in force, else the newest older one that this image understands.
fn newest_readable(
    system: &System,
    stored: &StoredGenerations,
    voice: &Voice,
) -> anyhow::Result<Option<(StoredGeneration, Candidate)>> {
    let Some(current) = stored.current_settled()?.or(stored.newest_settled()?) else { return Ok(None) };
    let older = stored.settled()?.into_iter().rev().filter(|&generation| generation < current);
    for generation in std::iter::once(current).chain(older) {
        let read = stored.read(generation).map_err(at(Stage::Store)).map_err(Refusal::from);
        match read.and_then(|kept| make(system, &kept).map(|candidate| (kept, candidate))) {
            Ok(found) => return Ok(Some(found)),
            Err(refusal) => {
                voice.step(generation, &format!("cannot be read by this image: {}", Failure::from(refusal)));
            }
        }
    }
    anyhow::bail!("none of the kept configurations can be read")
}

fn install(
    system: &System,
    stored: &StoredGeneration,
    candidate: &Candidate,
    voice: &Voice,
) -> anyhow::Result<()> {
    let present = installed::present(system.root())?;
    installed::install(system.root(), &present, &candidate.artefacts)?;
    actions::make_homes().context("cannot make the users' homes")?;
    // The application user's systemd reads its units when it starts, which is later.
    if !units(system, UNITS[0].0)?.is_empty() {
        actions::reload(Mode::Rootful).context("systemd does not read the containers' units")?;
    }
    let warnings = candidate.loaded.warnings.iter().map(ToString::to_string).collect();
    let newest = StoredGenerations::at(system.config()).current_settled().ok().flatten();
    let report = match newest {
        // What the owner asked for last is not what runs: no system on trial is confirmed with that.
        Some(newest) if newest != stored.generation => voice::went_wrong(format!(
            "Generation {newest} cannot be read by this image; generation {} is in force.",
            stored.generation
        )),
        _ => voice::in_force(stored.generation, &stored.manifest.source, warnings),
    };
    voice.report(&report);
    voice.provisioned(stored.generation, &stored.manifest.source);
    Ok(())
}

/// Starts the containers whose units are in place.
///
/// # Errors
/// When a systemd does not answer.
pub(crate) fn start_containers(system: &System) -> anyhow::Result<()> {
    // One systemd that does not answer keeps nobody else's containers from starting.
    let started = UNITS.map(|(folder, mode)| start_in(system, folder, mode));
    started.into_iter().collect()
}

fn start_in(system: &System, folder: &str, mode: Mode) -> anyhow::Result<()> {
    let units = units(system, folder)?;
    if units.is_empty() {
        return Ok(());
    }
    if mode == Mode::Rootless {
        actions::reload(mode)?;
    }
    let start = actions::manager(mode).systemctl().args(["start", "--no-block", "--"]).args(&units);
    run_program(&start).with_context(|| format!("cannot start {}", units.join(", ")))?;
    Ok(())
}

/// Services of the containers whose units are in `folder`.
fn units(system: &System, folder: &str) -> anyhow::Result<Vec<String>> {
    let paths = installed::present(system.root())?.into_keys();
    let names = paths.filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned));
    Ok(names
        .filter_map(|name| {
            name.strip_suffix(".container")
                .filter(|stem| !stem.contains('/'))
                .map(|stem| format!("{stem}.service"))
        })
        .collect())
}
