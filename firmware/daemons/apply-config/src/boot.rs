//! At every boot: the kept configuration, put in place again in memory.

use anyhow::Context;
use appliance_config::{Mode, Overlay, Sources};
use artefact_render::{PayloadFacts, UserIds};
use config_store::{Generations, Stored};
use host_files::{Console, Manager, ProvisioningReport, run_program};

use crate::actions;
use crate::candidate::{self, Candidate, Refusal};
use crate::installed;
use crate::stage::one_line;
use crate::system::System;

/// Folders of container units, and whose Podman runs what is in them.
const UNITS: [(&str, Mode); 2] =
    [("/etc/containers/systemd", Mode::Rootful), ("/etc/containers/systemd/users/900", Mode::Rootless)];

/// Puts the files of the current generation in place. Without one, nothing is done and that is said.
///
/// An image that cannot read the current generation, because a newer one wrote it, takes the newest older one that it can.
///
/// # Errors
/// When files cannot be written, or systemd does not read its units.
pub(crate) fn put_in_place(system: &System) -> anyhow::Result<()> {
    let generations = Generations::open(system.config())?;
    for stored in generations.settled_newest_first()? {
        match make(system, &stored) {
            Ok(candidate) => return install(system, &stored, &candidate),
            Err(refusal) => {
                let why = in_words(refusal);
                Console::say("apply", &format!("this image cannot read generation {}: {why}", stored.manifest.generation));
            }
        }
    }
    ProvisioningReport::unprovisioned("no configuration has been accepted yet").write()?;
    Ok(())
}

/// Reads and renders a kept generation.
pub(crate) fn make(system: &System, stored: &Stored) -> Result<Candidate, Refusal> {
    let overlay = stored.overlay.as_ref().map(|(name, bytes)| Overlay { name, bytes });
    let sources = Sources { config: &stored.source, overlay };
    let payload = PayloadFacts { digest: stored.manifest.files_digest.clone() };
    candidate::make(system, &sources, &UserIds::from(stored.manifest.user_ids.clone()), &payload)
}

pub(crate) fn in_words(refusal: Refusal) -> String {
    match refusal {
        Refusal::Problems(problems) => problems.first().map(ToString::to_string).unwrap_or_default(),
        Refusal::Failure(failure) => failure.to_string(),
    }
}

fn install(system: &System, stored: &Stored, candidate: &Candidate) -> anyhow::Result<()> {
    let present = installed::present(system.root())?;
    installed::install(system.root(), &present, &candidate.artefacts)?;
    run_program(&actions::homes()).context("cannot make the users' homes")?;
    // The application user's systemd reads its units when it starts, which is later.
    if !units(system, UNITS[0].0)?.is_empty() {
        actions::reload(Mode::Rootful).context("systemd does not read the containers' units")?;
    }
    let warnings = candidate.loaded.warnings.iter().map(ToString::to_string).collect();
    let generation = stored.manifest.generation;
    ProvisioningReport::provisioned(generation, &stored.manifest.source, warnings).write()?;
    log::info!("generation {generation} is in place");
    Ok(())
}

/// Starts the containers whose units are in place.
///
/// # Errors
/// When a systemd does not answer.
pub(crate) fn start_containers(system: &System) -> anyhow::Result<()> {
    for (folder, mode) in UNITS {
        let units = units(system, folder)?;
        if units.is_empty() {
            continue;
        }
        if mode == Mode::Rootless {
            actions::reload(mode)?;
        }
        let start = actions::manager(mode).systemctl().args(["start", "--no-block", "--"]).args(&units);
        run_program(&start).with_context(|| format!("cannot start {}", units.join(", ")))?;
    }
    Ok(())
}

/// Services of the containers whose units are in `folder`.
fn units(system: &System, folder: &str) -> anyhow::Result<Vec<String>> {
    let paths = installed::present(system.root())?.into_keys();
    let names = paths.filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned));
    Ok(names.filter_map(|name| name.strip_suffix(".container").filter(|stem| !stem.contains('/')).map(|stem| format!("{stem}.service"))).collect())
}
