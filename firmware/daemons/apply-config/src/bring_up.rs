//! From the files that are in place to others, with everything running that goes with them.

use std::collections::BTreeMap;

use appliance_config::{Config, Mode};
use appliance_types::HealthSet;
use artefact_render::{Artefacts, Service, UnitAction, actions};
use config_store::{ReplacedImage, StoredImage};
use host_files::RequiredFacts;

use crate::actions::perform;
use crate::candidate::Candidate;
use crate::stage::{Failure, Stage, at};
use crate::system::System;
use crate::unfinished::{self, Unfinished, Way};
use crate::{images, installed, network, required, stores};

/// What is to be done to the stores of images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Images<'a> {
    /// Archives to load.
    pub(crate) archives: &'a [StoredImage],
    /// Names that are to be as they were once.
    pub(crate) wanted: &'a [ReplacedImage],
}

/// Loads images, changes the files, tells everybody concerned, and waits until what must be there is there. Whose names images take
/// is handed to `note` before they do.
///
/// # Errors
/// The stage that failed. What was done before it stays done: going back is the caller's.
pub(crate) fn all(
    system: &System,
    candidate: &Candidate,
    images: &Images<'_>,
    note: impl FnMut(&[ReplacedImage]) -> Result<(), Failure>,
    say: &dyn Fn(&str),
) -> Result<(), Failure> {
    let touched = !images.archives.is_empty() || !images.wanted.is_empty();
    if touched && runs_rootless(&candidate.loaded.config) {
        crate::actions::start_app_manager().map_err(at(Stage::Images))?;
    }
    let stores = stores::open(say).map_err(at(Stage::Images))?;
    let loaded = if touched { load(candidate, images, note, say) } else { Ok(()) };
    let up = loaded.and_then(|()| start(system, &candidate.artefacts, say));
    // What Podman wrote is on the disk, before this counts as working or as taken back.
    let closed = stores.close().map_err(at(Stage::Images));
    up.and(closed)
}

fn load(
    candidate: &Candidate,
    images: &Images<'_>,
    mut note: impl FnMut(&[ReplacedImage]) -> Result<(), Failure>,
    say: &dyn Fn(&str),
) -> Result<(), Failure> {
    let config = &candidate.loaded.config;
    let replaced = images::about_to_be_replaced(config, images.archives, images.wanted);
    note(&replaced.map_err(at(Stage::Images))?)?;
    images::load(config, images.archives, say).map_err(at(Stage::Images))?;
    images::rename(images.wanted, say).map_err(at(Stage::Images))?;
    // What is started next must not be what a power cut takes away again.
    crate::actions::sync_data().map_err(at(Stage::Images))
}

fn start(system: &System, artefacts: &Artefacts, say: &dyn Fn(&str)) -> Result<(), Failure> {
    files(system, artefacts, say)?;
    let required = installed::below(system.root(), RequiredFacts::PATH);
    let required = RequiredFacts::read(&required).map_err(at(Stage::Required))?;
    network::wait(&required).map_err(at(Stage::Network))?;
    let health = installed::below(system.root(), HealthSet::PATH);
    let wanted = required::Wanted::new(&required, &health).map_err(at(Stage::Health))?;
    required::wait(&wanted, say)
}

/// Changes the files and tells everybody concerned, without waiting for what starts. Ends at the first failure.
fn files(system: &System, artefacts: &Artefacts, say: &dyn Fn(&str)) -> Result<(), Failure> {
    let change = Change::to(system, artefacts)?;
    let unfinished = Unfinished::begin(system, Way::There)?;
    change.before_files().try_for_each(|action| told(action, say))?;
    change.install(system, artefacts)?;
    change.after_files().try_for_each(|action| told(action, say))?;
    unfinished.finish()
}

/// Puts `artefacts` in place again after something else did not work. Does all that can be done, whatever fails on the way: half
/// of the way back is better than none of it.
///
/// # Errors
/// The first failure.
pub(crate) fn back(system: &System, artefacts: &Artefacts, say: &dyn Fn(&str)) -> Result<(), Failure> {
    let change = Change::to(system, artefacts)?;
    let unfinished = Unfinished::begin(system, Way::Back)?;
    let mut failures: Vec<Failure> =
        change.before_files().filter_map(|action| told(action, say).err()).collect();
    failures.extend(change.install(system, artefacts).err());
    failures.extend(change.after_files().filter_map(|action| told(action, say).err()));
    failures.into_iter().next().map_or_else(|| unfinished.finish(), Err)
}

/// From the files that are there to others.
struct Change {
    present: BTreeMap<String, Vec<u8>>,
    actions: Vec<UnitAction>,
}

impl Change {
    fn to(system: &System, artefacts: &Artefacts) -> Result<Change, Failure> {
        let present = installed::present(system.root()).map_err(at(Stage::Users))?;
        let actions = unfinished::completed(system, actions(&present, artefacts), artefacts);
        Ok(Change { present, actions })
    }

    fn before_files(&self) -> impl Iterator<Item = &UnitAction> {
        self.actions.iter().filter(|action| action.is_before_files())
    }

    fn install(&self, system: &System, artefacts: &Artefacts) -> Result<(), Failure> {
        installed::install(system.root(), &self.present, artefacts).map_err(at(Stage::Users))
    }

    fn after_files(&self) -> impl Iterator<Item = &UnitAction> {
        self.actions.iter().filter(|action| !action.is_before_files())
    }
}

fn told(action: &UnitAction, say: &dyn Fn(&str)) -> Result<(), Failure> {
    say(&in_words(action));
    perform(action)
}

fn runs_rootless(config: &Config) -> bool {
    config.containers.containers.values().any(|container| container.mode == Mode::Rootless)
}

/// What it does, for people.
pub(crate) fn in_words(action: &UnitAction) -> String {
    match action {
        UnitAction::Stop(_, unit) => format!("stopping {unit}"),
        UnitAction::EndSessions(user) => format!("ending the sessions of {user}"),
        UnitAction::MakeHomes => "making homes".to_owned(),
        UnitAction::PlaceSecrets => "putting secrets in place".to_owned(),
        UnitAction::ReloadFirewall => "setting up the firewall".to_owned(),
        UnitAction::DeleteVlan(name) => format!("deleting the VLAN {name}"),
        UnitAction::ReloadNetwork => "setting up the network".to_owned(),
        UnitAction::Tell(Service::LocalNames) => "making the names of LAN machines".to_owned(),
        UnitAction::Tell(Service::Resolver) => "restarting the name service".to_owned(),
        UnitAction::Tell(Service::Clock) => "restarting the time service".to_owned(),
        UnitAction::Tell(Service::Netboot) => "restarting DHCP and network boot".to_owned(),
        UnitAction::Tell(Service::Ssh) => "having SSH listen anew".to_owned(),
        UnitAction::ReloadManager(Mode::Rootful) => "having the containers' units read".to_owned(),
        UnitAction::ReloadManager(Mode::Rootless) => "having the rootless containers' units read".to_owned(),
        UnitAction::Restart(_, unit) => format!("restarting {unit}"),
        UnitAction::Start(_, unit) => format!("starting {unit}"),
    }
}
