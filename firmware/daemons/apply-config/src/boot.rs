//! At every boot: the kept configuration, put in place again in memory.

use std::time::Duration;

use anyhow::Context;
use appliance_config::{Mode, Overlay, Sources};
use artefact_render::UserIds;
use config_store::{Generations, StoredGeneration, StoredGenerations};
use host_files::{BootMoment, Manager, run_program};

use crate::candidate::{self, Candidate, Refusal};
use crate::outcome::Outcome;
use crate::stage::{Failure, one_line};
use crate::system::System;
use crate::voice::{self, Voice};
use crate::{actions, in_force, installed, trial};

/// Nobody else changes the configuration so early.
const TURN: Duration = Duration::from_secs(10);

/// Both Podmans are asked, and what they wrote is written out.
const GIVE_BACK_LIMIT: Duration = Duration::from_secs(90);

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
    let found = match Generations::open_at_boot(system.config(), TURN) {
        Ok(mut generations) => {
            if let Some(generation) = generations.given_up() {
                voice.step(
                    generation,
                    "was in force, and neither proven nor confirmed before the reboot; what was before is in force",
                );
            }
            let found = in_force::agree(system, &mut generations, voice)?;
            // Nothing runs yet that could hold an older one's files.
            generations.forget_older().unwrap_or_else(|error| log::warn!("{error}"));
            found
        }
        Err(error) => {
            voice.say(&format!("cannot tidy up the kept configurations: {}", one_line(&error.into())));
            in_force::newest_readable(system, &StoredGenerations::at(system.config()), voice)?
        }
    };
    match found {
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
    if let Some(trial) = stored.on_trial(&BootMoment::now()?)? {
        let candidate = make(system, &stored.read(trial.generation)?).map_err(Failure::from);
        return Ok(Outcome::current(trial.generation, &candidate.map_err(|failure| failure.error)?));
    }
    let (stored, candidate) =
        in_force::newest_readable(system, &stored, voice)?.context("no configuration is in force")?;
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

fn install(
    system: &System,
    stored: &StoredGeneration,
    candidate: &Candidate,
    voice: &Voice,
) -> anyhow::Result<()> {
    let present = installed::present(system.root())?;
    installed::install(system.root(), &present, &candidate.artefacts)?;
    actions::make_homes().context("cannot make the users' homes")?;
    // What needs one of them will not run, and that is seen. The rest does not wait for it.
    actions::place_secrets().unwrap_or_else(|error| voice.say(&one_line(&error)));
    // It started long before there was a data partition, and read its files then.
    actions::tell_resolver().unwrap_or_else(|error| log::warn!("LAN machines get no names: {error:#}"));
    // The application user's systemd reads its units when it starts, which is later.
    if !units(system, UNITS[0].0)?.is_empty() {
        actions::reload(Mode::Rootful).context("systemd does not read the containers' units")?;
    }
    let newest = StoredGenerations::at(system.config()).newest_settled().ok().flatten();
    voice.report(&in_force::report(stored, candidate, newest));
    voice.provisioned(stored.generation, &stored.manifest.source);
    Ok(())
}

/// Starts the containers whose units are in place.
///
/// # Errors
/// When a systemd does not answer.
pub(crate) fn start_containers(system: &System) -> anyhow::Result<()> {
    give_back_images(system);
    // One systemd that does not answer keeps nobody else's containers from starting.
    let started = UNITS.map(|(folder, mode)| start_in(system, folder, mode));
    started.into_iter().collect()
}

/// Has names of images given back that a configuration has taken which was not in force any more after the reboot: before any
/// container starts from them. In a service of its own, because rootless Podman leaves a process behind that the next one joins,
/// and ours is shut off from much of the system.
fn give_back_images(system: &System) {
    if StoredGenerations::at(system.config()).to_give_back().is_empty() {
        return;
    }
    let start = Manager::System.systemctl().args(["start", trial::SERVICE]).timeout(GIVE_BACK_LIMIT);
    run_program(&start)
        .map_or_else(|error| log::warn!("containers may start from newer images: {error}"), drop);
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
