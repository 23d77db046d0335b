use std::collections::{BTreeMap, BTreeSet};

use appliance_config::Mode;
use appliance_types::{InterfaceName, UserName};

use crate::accounts::ADMIN_GROUP;
use crate::paths::{self, UnitFile};
use crate::required::restarts;
use crate::{Artefacts, UserIds, secrets};

/// Something to do about changed files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitAction {
    /// Stop a unit whose file goes away. Before the files are installed: once systemd does not know the file any more, it
    /// does not know how to stop the container either.
    Stop(Mode, String),
    /// End all that this user has running: the user goes away, or is no administrator any more. Before the files are
    /// installed: afterwards the name means nobody.
    EndSessions(UserName),
    /// Make the homes of the users.
    MakeHomes,
    /// Put the secrets of containers in place, and remove those that are none any more.
    PlaceSecrets,
    /// Let nftables load its file.
    ReloadFirewall,
    /// Delete a VLAN that goes away or becomes another one. networkd makes devices, and never changes or deletes one.
    DeleteVlan(InterfaceName),
    /// Let networkd read its files again.
    ReloadNetwork,
    /// Let a service of the image read what changed.
    Tell(Service),
    /// Let this systemd read its units again, which runs Quadlet.
    ReloadManager(Mode),
    /// Stop a unit if it runs, and start it.
    Restart(Mode, String),
    /// Start a unit if it does not run.
    Start(Mode, String),
}

/// A service of the image that a configuration has a file for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Makes `/etc/hosts`.
    LocalNames,
    /// systemd-resolved.
    Resolver,
    /// chrony.
    Clock,
    /// sshd. Who is logged in stays.
    Ssh,
    /// netbootd.
    Netboot,
}

impl Service {
    /// In the order in which they are told: names are there before somebody asks for them.
    const FILES: [(&str, Service); 5] = [
        (paths::LOCAL_NAMES, Service::LocalNames),
        (paths::RESOLVED, Service::Resolver),
        (paths::CHRONY, Service::Clock),
        (paths::SSHD, Service::Ssh),
        (paths::NETBOOTD, Service::Netboot),
    ];
}

impl UnitAction {
    /// Whether this is to be done before the files are installed. In a list, all that are come first.
    pub fn is_before_files(&self) -> bool {
        matches!(self, UnitAction::Stop(..) | UnitAction::EndSessions(_))
    }
}

/// What has to be done for `after` to be true where `before` is: the files that are there now, of those that are
/// [ours](crate::is_ours). Only what changed is touched; the same files again, and there is nothing to do.
///
/// **The order of the list is the order of execution.** Those that are [before the files](UnitAction::is_before_files)
/// come first; then the files are installed and the stale ones removed; then the others are done. The firewall is reloaded
/// before the network, so that no address is up without its rules.
///
/// A file of keys or of what is required needs nothing: it is read when it is needed.
pub fn actions(before: &BTreeMap<String, Vec<u8>>, after: &Artefacts) -> Vec<UnitAction> {
    let changes = Changes { before, after };
    let mut list: Vec<UnitAction> = stops(&changes).collect();
    list.extend(changes.sessions_to_end());

    if changes.any(|path| path == paths::HOMES) && !changes.users_added().is_empty() {
        list.push(UnitAction::MakeHomes);
    }
    if changes.any(|path| path == paths::SECRETS) {
        list.push(UnitAction::PlaceSecrets);
    }
    if changes.any(|path| path == paths::FIREWALL) {
        list.push(UnitAction::ReloadFirewall);
    }
    list.extend(changes.vlans_to_delete());
    if changes.any(paths::is_network) {
        list.push(UnitAction::ReloadNetwork);
    }
    let told = Service::FILES.into_iter().filter(|(file, _)| changes.any(|path| path == *file));
    list.extend(told.map(|(_, service)| UnitAction::Tell(service)));
    for mode in [Mode::Rootful, Mode::Rootless] {
        if changes.any(|path| paths::unit_at(path).is_some_and(|unit| unit.mode == mode)) {
            list.push(UnitAction::ReloadManager(mode));
        }
    }
    list.extend(starts(&changes));
    let restarts = changes.restarts(&list);
    list.extend(restarts);
    list
}

/// The two sets of files.
struct Changes<'a> {
    before: &'a BTreeMap<String, Vec<u8>>,
    after: &'a Artefacts,
}

impl<'a> Changes<'a> {
    fn before(&self, path: &str) -> Option<&'a [u8]> {
        self.before.get(path).map(Vec::as_slice)
    }

    fn after(&self, path: &str) -> Option<&'a [u8]> {
        self.after.files.get(path).map(|file| file.bytes.as_slice())
    }

    /// Every path that is in one of them.
    fn paths(&self) -> BTreeSet<&'a str> {
        self.before.keys().chain(self.after.files.keys()).map(String::as_str).collect()
    }

    /// Whether a file of this kind came, went or changed.
    fn any(&self, kind: impl Fn(&str) -> bool) -> bool {
        self.paths().into_iter().any(|path| kind(path) && self.before(path) != self.after(path))
    }

    fn vlans_to_delete(&self) -> impl Iterator<Item = UnitAction> {
        let changed = self.before.iter().filter(|(path, bytes)| self.after(path) != Some(bytes.as_slice()));
        changed.filter_map(|(path, _)| paths::vlan_of(path)).map(UnitAction::DeleteVlan)
    }

    /// What is restarted at every change, in this order, but for what the list restarts or starts already.
    fn restarts(&self, list: &[UnitAction]) -> Vec<UnitAction> {
        if !self.any(|_| true) {
            return Vec::new();
        }
        let units = restarts(self.after(paths::REQUIRED).unwrap_or_default()).into_iter();
        let restart = units.map(|unit| (UnitAction::Start(unit.mode, unit.unit.clone()), unit));
        let restart = restart.filter(|(start, _)| !list.contains(start));
        let restart = restart.map(|(_, unit)| UnitAction::Restart(unit.mode, unit.unit));
        restart.filter(|restart| !list.contains(restart)).collect()
    }

    fn users_added(&self) -> Vec<UserName> {
        let before = people(self.before(paths::PASSWD));
        people(self.after(paths::PASSWD)).into_iter().filter(|name| !before.contains(name)).collect()
    }

    fn sessions_to_end(&self) -> impl Iterator<Item = UnitAction> {
        let stay = people(self.after(paths::PASSWD));
        let admins = members(self.after(paths::GROUP));
        let were = members(self.before(paths::GROUP));
        let before = people(self.before(paths::PASSWD)).into_iter();
        let end = before.filter(move |user| {
            !stay.contains(user) || (were.contains(user.as_str()) && !admins.contains(user.as_str()))
        });
        end.map(UnitAction::EndSessions)
    }
}

/// Names in a passwd file that have a person's number.
fn people(passwd: Option<&[u8]>) -> BTreeSet<UserName> {
    let text = String::from_utf8_lossy(passwd.unwrap_or_default());
    let users = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.parse().ok()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (UserIds::FIRST..=UserIds::LAST).contains(&id).then_some(name)
    });
    users.collect()
}

/// Members of the administrators' group.
fn members(group: Option<&[u8]>) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(group.unwrap_or_default());
    let line = text.lines().find(|line| line.split(':').next() == Some(ADMIN_GROUP));
    line.and_then(|line| line.split(':').nth(3))
        .into_iter()
        .flat_map(|m| m.split(','))
        .map(str::to_owned)
        .collect()
}

/// Unit files that went, by kind: users before what they use.
fn stops(changes: &Changes<'_>) -> impl Iterator<Item = UnitAction> {
    let units: BTreeSet<UnitFile<'_>> = changes.paths().into_iter().filter_map(paths::unit_at).collect();
    let gone = units.into_iter().rev().filter(|unit| changes.after(&unit.path()).is_none());
    gone.map(|unit| UnitAction::Stop(unit.mode, unit.service()))
}

/// Unit files that came, changed, or use one that did: what is used comes before what uses it.
///
/// Restarting a network, volume or image makes systemd restart the running containers that require it, which is why those
/// are only to be started: one that has just been restarted runs, and one that had failed gets its chance.
fn starts(changes: &Changes<'_>) -> Vec<UnitAction> {
    let units: BTreeSet<UnitFile<'_>> =
        changes.after.files.keys().filter_map(|path| paths::unit_at(path)).collect();
    let (mut list, mut come, mut restarted) = (Vec::new(), Vec::new(), Vec::new());
    let secrets = secrets::changed(changes.before(paths::SECRETS), changes.after(paths::SECRETS));
    for unit in units {
        let path = unit.path();
        let (before, after) = (changes.before(&path), changes.after(&path));
        let text = String::from_utf8_lossy(after.unwrap_or_default());
        let uses = |others: &[UnitFile<'_>]| {
            others.iter().any(|other| other.mode == unit.mode && names(&text, &other.file_name()))
        };
        let start = UnitAction::Start(unit.mode, unit.service());
        if before.is_none() {
            list.push(start);
            come.push(unit);
        } else if uses(&restarted) {
            list.push(start);
            restarted.push(unit);
        } else if before != after || secrets.iter().any(|secret| names(&text, secret)) {
            list.push(UnitAction::Restart(unit.mode, unit.service()));
            restarted.push(unit);
        } else if uses(&come) {
            list.push(start);
        }
    }
    list
}

/// Whether a unit's text names this file: as a value or a part of one, not as the end of a longer name.
pub(crate) fn names(text: &str, file: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    text.lines().filter_map(|line| line.split_once('=')).any(|(_, value)| {
        value.match_indices(file).any(|(at, _)| {
            !value[..at].ends_with(part_of_name) && !value[at + file.len()..].starts_with(part_of_name)
        })
    })
}
