//! From the files that are in place to others, with everything running that goes with them.

use appliance_config::{Config, Mode};
use artefact_render::{Artefacts, UnitAction, actions};
use config_store::StoredImage;
use host_files::RequiredFacts;

use crate::actions::perform;
use crate::stage::{Failure, Stage, at};
use crate::system::System;
use crate::{images, installed, network, required};

/// Loads images, changes the files, tells everybody concerned, and waits until what must be there is there.
///
/// # Errors
/// The stage that failed. What was done before it stays done: going back is the caller's.
pub(crate) fn all(
    system: &System,
    config: &Config,
    artefacts: &Artefacts,
    archives: &[StoredImage],
    say: &dyn Fn(&str),
) -> Result<(), Failure> {
    if !archives.is_empty() && runs_rootless(config) {
        crate::actions::start_app_manager().map_err(at(Stage::Images))?;
    }
    images::load(config, archives, say).map_err(at(Stage::Images))?;
    files(system, artefacts, say)?;

    if !artefacts.files.contains_key(RequiredFacts::PATH) {
        return Ok(());
    }
    let required = installed::below(system.root(), RequiredFacts::PATH);
    let required = RequiredFacts::read(&required).map_err(at(Stage::Required))?;
    network::wait(&required).map_err(at(Stage::Network))?;
    required::wait(&required, say).map_err(at(Stage::Required))
}

/// Changes the files and tells everybody concerned, without waiting for what starts.
///
/// # Errors
/// The stage that failed.
pub(crate) fn files(system: &System, artefacts: &Artefacts, say: &dyn Fn(&str)) -> Result<(), Failure> {
    let present = installed::present(system.root()).map_err(at(Stage::Users))?;
    let list = actions(&present, artefacts);
    let (first, then): (Vec<&UnitAction>, Vec<&UnitAction>) =
        list.iter().partition(|action| action.is_before_files());
    for action in first {
        say(&in_words(action));
        perform(action)?;
    }
    installed::install(system.root(), &present, artefacts).map_err(at(Stage::Users))?;
    for action in then {
        say(&in_words(action));
        perform(action)?;
    }
    Ok(())
}

fn runs_rootless(config: &Config) -> bool {
    config.containers.containers.values().any(|container| container.mode == Mode::Rootless)
}

fn in_words(action: &UnitAction) -> String {
    match action {
        UnitAction::Stop(_, unit) => format!("stopping {unit}"),
        UnitAction::EndSessions(user) => format!("ending the sessions of {user}"),
        UnitAction::MakeHomes => "making homes".to_owned(),
        UnitAction::ReloadFirewall => "setting up the firewall".to_owned(),
        UnitAction::ReloadNetwork => "setting up the network".to_owned(),
        UnitAction::ReloadManager(Mode::Rootful) => "having the containers' units read".to_owned(),
        UnitAction::ReloadManager(Mode::Rootless) => "having the rootless containers' units read".to_owned(),
        UnitAction::Restart(_, unit) => format!("restarting {unit}"),
        UnitAction::Start(_, unit) => format!("starting {unit}"),
    }
}
