//! From any files to any others: whoever does what the list says ends where a machine would be that has only ever had the new
//! files, and everything on the list was needed for that.
//!
//! The machine here is a model: what each reader of files read last, which units run and from which text they were started. It
//! knows nothing of how the list is made.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]

use std::collections::{BTreeMap, BTreeSet};

use appliance_config::Mode;
use artefact_render::{Artefact, Artefacts, Service, UnitAction, UserIds, actions, is_ours};
use proptest::prelude::*;

type Files = BTreeMap<String, Vec<u8>>;

const ROOTFUL: &str = "/etc/containers/systemd/";
const ROOTLESS: &str = "/etc/containers/systemd/users/900/";

/// What a machine has read and what runs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Machine {
    files: Files,
    firewall: Option<Vec<u8>>,
    network: Files,
    vlans: Files,
    /// What the image's services have read of theirs.
    told: Files,
    homes: BTreeSet<String>,
    /// People who are logged in, with whether they were administrators then.
    sessions: BTreeMap<String, bool>,
    /// What each systemd has read, by mode.
    units: BTreeMap<Mode, Files>,
    /// What runs, by mode and service: the text it was started with, and the texts of what it uses.
    running: BTreeMap<(Mode, String), Vec<Vec<u8>>>,
}

impl Machine {
    /// One that has come up with these files.
    fn with(files: &Files) -> Machine {
        let mut machine = Machine {
            files: files.clone(),
            firewall: files.get("/etc/nftables.conf").cloned(),
            network: pick(files, is_networkd),
            vlans: pick(files, is_netdev),
            told: pick(files, |path| of_a_service(path).is_some()),
            homes: people(files).into_keys().collect(),
            sessions: people(files),
            units: [Mode::Rootful, Mode::Rootless]
                .map(|mode| (mode, pick(files, |path| in_mode(path) == Some(mode))))
                .into(),
            running: BTreeMap::new(),
        };
        for path in files.keys() {
            if let Some((mode, service)) = service(path) {
                machine.start(mode, &service);
            }
        }
        machine
    }

    fn apply(&mut self, list: &[UnitAction], after: &Files) {
        let (before_files, after_files) =
            list.split_at(list.iter().take_while(|action| action.is_before_files()).count());
        before_files.iter().for_each(|action| self.perform(action));
        self.files = after.clone();
        after_files.iter().for_each(|action| self.perform(action));
    }

    fn perform(&mut self, action: &UnitAction) {
        match action {
            // systemd stops what it knows, and what requires it.
            UnitAction::Stop(mode, unit) => {
                for user in self.users_of(*mode, unit) {
                    self.running.remove(&(*mode, user));
                }
                if self.path_of(*mode, unit).is_some() {
                    self.running.remove(&(*mode, unit.clone()));
                }
            }
            UnitAction::EndSessions(user) => drop(self.sessions.remove(user.as_str())),
            UnitAction::MakeHomes => self.homes.extend(people(&self.files).into_keys()),
            UnitAction::PlaceSecrets => {}
            UnitAction::ReloadFirewall => self.firewall = self.files.get("/etc/nftables.conf").cloned(),
            UnitAction::DeleteVlan(name) => {
                drop(self.vlans.remove(&format!("/etc/systemd/network/25-slipway-{name}.netdev")));
            }
            // Makes what is missing, and changes nothing that is there.
            UnitAction::ReloadNetwork => {
                self.network = pick(&self.files, is_networkd);
                for (path, bytes) in pick(&self.files, is_netdev) {
                    self.vlans.entry(path).or_insert(bytes);
                }
            }
            UnitAction::Tell(service) => {
                let is_its = |path: &str| of_a_service(path) == Some(*service);
                self.told.retain(|path, _| !is_its(path));
                self.told.extend(pick(&self.files, is_its));
            }
            UnitAction::ReloadManager(mode) => {
                let read = pick(&self.files, |path| in_mode(path) == Some(*mode));
                self.units.insert(*mode, read);
            }
            UnitAction::Restart(mode, unit) => {
                // What runs and requires it is restarted with it.
                let users: Vec<String> = self
                    .users_of(*mode, unit)
                    .into_iter()
                    .filter(|user| self.running.contains_key(&(*mode, user.clone())))
                    .collect();
                self.start(*mode, unit);
                users.iter().for_each(|user| self.start(*mode, user));
            }
            UnitAction::Start(mode, unit) => {
                if !self.running.contains_key(&(*mode, unit.clone())) {
                    self.start(*mode, unit);
                }
            }
        }
    }

    /// Starts a unit as systemd knows it, and what it requires.
    fn start(&mut self, mode: Mode, unit: &str) {
        let Some(path) = self.path_of(mode, unit) else { return };
        let units = &self.units[&mode];
        let text = units[&path].clone();
        let used: Vec<(String, Vec<u8>)> = units
            .iter()
            .filter(|(other, _)| uses(&text, other))
            .map(|(other, bytes)| (service(other).unwrap().1, bytes.clone()))
            .collect();
        for (other, _) in &used {
            if !self.running.contains_key(&(mode, other.clone())) {
                self.start(mode, other);
            }
        }
        let texts = std::iter::once(text).chain(used.into_iter().map(|(_, bytes)| bytes)).collect();
        self.running.insert((mode, unit.to_owned()), texts);
    }

    fn path_of(&self, mode: Mode, unit: &str) -> Option<String> {
        let known = self.units[&mode].keys();
        known.into_iter().find(|path| service(path).unwrap().1 == unit).cloned()
    }

    /// What this systemd knows to require this unit.
    fn users_of(&self, mode: Mode, unit: &str) -> Vec<String> {
        let Some(path) = self.path_of(mode, unit) else { return Vec::new() };
        let users = self.units[&mode].iter().filter(|(_, text)| uses(text, &path));
        users.map(|(path, _)| service(path).unwrap().1).collect()
    }

    /// The same machine, with the sessions that may go on.
    fn end_of(
        files: &Files,
        sessions_before: &BTreeMap<String, bool>,
        homes_before: &BTreeSet<String>,
    ) -> Machine {
        let mut machine = Machine::with(files);
        let people = people(files);
        machine.sessions = sessions_before
            .iter()
            .filter(|(name, was_admin)| people.get(*name).is_some_and(|is_admin| *is_admin || !**was_admin))
            .map(|(name, was_admin)| (name.clone(), *was_admin))
            .collect();
        // Homes are memory; nobody removes one before a reboot.
        machine.homes.extend(homes_before.iter().cloned());
        machine
    }
}

fn pick(files: &Files, kind: impl Fn(&str) -> bool) -> Files {
    files.iter().filter(|(path, _)| kind(path)).map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}

fn is_networkd(path: &str) -> bool {
    path.starts_with("/etc/systemd/network/")
}

fn of_a_service(path: &str) -> Option<Service> {
    match path {
        "/etc/slipway/local-names.json" => Some(Service::LocalNames),
        "/etc/systemd/resolved.conf.d/30-slipway-lan.conf" => Some(Service::Resolver),
        "/etc/chrony/chrony.conf" => Some(Service::Clock),
        "/etc/ssh/sshd_config.d/20-slipway-listen.conf" => Some(Service::Ssh),
        "/etc/slipway/netbootd.toml" => Some(Service::Netboot),
        _ => None,
    }
}

fn is_netdev(path: &str) -> bool {
    path.ends_with(".netdev")
}

fn in_mode(path: &str) -> Option<Mode> {
    match path.strip_prefix(ROOTLESS) {
        Some(_) => Some(Mode::Rootless),
        None => path.strip_prefix(ROOTFUL).map(|_| Mode::Rootful),
    }
}

fn service(path: &str) -> Option<(Mode, String)> {
    let mode = in_mode(path)?;
    let (stem, kind) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some((
        mode,
        if kind == "container" { format!("{stem}.service") } else { format!("{stem}-{kind}.service") },
    ))
}

/// Whether a unit of this text has the file among its `Uses`.
fn uses(text: &[u8], path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap();
    let text = std::str::from_utf8(text).unwrap();
    text.lines().any(|line| line == format!("Uses={name}"))
}

/// People in passwd, and whether they are administrators.
fn people(files: &Files) -> BTreeMap<String, bool> {
    let text = |path: &str| String::from_utf8(files.get(path).cloned().unwrap_or_default()).unwrap();
    let group = text("/etc/group");
    let admins: BTreeSet<&str> = group
        .trim()
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .split(',')
        .filter(|name| !name.is_empty())
        .collect();
    let passwd = text("/etc/passwd");
    let names = passwd.lines().filter_map(|line| line.split(':').next());
    names.filter(|name| *name != "root").map(|name| (name.to_owned(), admins.contains(name))).collect()
}

/// Any files that a configuration could become, few enough that two of them have much in common.
fn files() -> impl Strategy<Value = Files> {
    let text = || (0u8..3).prop_map(|number| format!("# {number}\n").into_bytes());
    let users = prop::collection::btree_map("[a-c]", any::<bool>(), 0..3);
    let single = prop::sample::subsequence(
        vec![
            "/etc/nftables.conf",
            "/etc/slipway/authorized-keys/a",
            "/etc/slipway/health.json",
            "/etc/systemd/network/20-slipway-wan.network",
            "/etc/systemd/network/25-slipway-eth1.network",
            "/etc/systemd/network/25-slipway-tills.network",
            "/etc/systemd/network/25-slipway-tills.netdev",
        ],
        0..=7,
    );
    let single = single.prop_flat_map(move |paths| {
        let count = paths.len();
        (Just(paths), prop::collection::vec(text(), count))
    });
    let used = prop::sample::subsequence(vec!["n.network", "v.volume", "i.image"], 0..=3);
    let container = (0u8..3, prop::sample::subsequence(vec!["n.network", "v.volume", "i.image"], 0..=2));
    let containers = prop::collection::btree_map((any::<bool>(), "[x-z]"), container, 0..4);
    let resources = (used, prop::collection::vec(0u8..2, 3));
    (users, single, containers, resources).prop_map(|(users, (paths, texts), containers, (used, numbers))| {
        let mut files = Files::new();
        let passwd: String = users
            .keys()
            .enumerate()
            .map(|(number, name)| format!("{name}:x:{id}:{id}::/home:/bin/sh\n", id = 1000 + number))
            .collect();
        let admins: Vec<&str> =
            users.iter().filter(|(_, admin)| **admin).map(|(name, _)| name.as_str()).collect();
        files.insert("/etc/passwd".into(), format!("root:x:0:0::/root:/bin/sh\n{passwd}").into_bytes());
        files.insert("/etc/group".into(), format!("slipway-admin:x:901:{}\n", admins.join(",")).into_bytes());
        files.insert("/etc/tmpfiles.d/slipway-homes.conf".into(), passwd.into_bytes());
        files.extend(paths.into_iter().map(str::to_owned).zip(texts));
        for (name, number) in used.iter().zip(numbers) {
            for folder in [ROOTFUL, ROOTLESS] {
                files.insert(format!("{folder}{name}"), format!("# {number}\n").into_bytes());
            }
        }
        for ((rootful, name), (number, uses)) in containers {
            let folder = if rootful { ROOTFUL } else { ROOTLESS };
            // What is used is there: a configuration that names something else is refused.
            let uses: String =
                uses.iter().filter(|name| used.contains(name)).map(|name| format!("Uses={name}\n")).collect();
            files.insert(format!("{folder}{name}.container"), format!("# {number}\n{uses}").into_bytes());
        }
        files
    })
}

fn artefacts(files: &Files) -> Artefacts {
    let files =
        files.iter().map(|(path, bytes)| (path.clone(), Artefact { bytes: bytes.clone(), mode: 0o644 }));
    Artefacts { files: files.collect(), user_ids: UserIds::default() }
}

/// Whether systemd would stop this with what it uses. It is stopped by its own name before that: so that its own failure has a name.
fn stops_with_another(action: &UnitAction, before: &Files, list: &[UnitAction]) -> bool {
    let UnitAction::Stop(mode, unit) = action else { return false };
    let path =
        before.keys().find(|path| service(path).is_some_and(|found| found == (*mode, unit.clone()))).unwrap();
    let mut used = before.keys().filter(|other| in_mode(other) == Some(*mode) && uses(&before[path], other));
    used.any(|other| list.contains(&UnitAction::Stop(*mode, service(other).unwrap().1)))
}

/// A start that finds its unit running already does nothing, and is on the list for two reasons that the model does not have. What
/// uses something that came or was restarted is started once more, in case it had failed for want of it: the model's units never
/// fail. And what is used is started before what uses it, though that would start it, too: so that its own failure has a name.
fn may_find_it_running(action: &UnitAction, before: &Files, after: &Files, list: &[UnitAction]) -> bool {
    let UnitAction::Start(mode, unit) = action else { return false };
    let path =
        after.keys().find(|path| service(path).is_some_and(|found| found == (*mode, unit.clone()))).unwrap();
    let differs = |other: &String| in_mode(other) == Some(*mode) && before.get(other) != after.get(other);
    let second_chance =
        before.contains_key(path) && after.keys().any(|other| uses(&after[path], other) && differs(other));
    let users = after.iter().filter(|(other, text)| in_mode(other) == Some(*mode) && uses(text, path));
    let mut users = users.map(|(other, _)| service(other).unwrap().1);
    second_chance
        || users.any(|user| {
            let (start, restart) = (UnitAction::Start(*mode, user.clone()), UnitAction::Restart(*mode, user));
            list.contains(&start) || list.contains(&restart)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a06_q02_part_any_change_ends_where_it_should_and_does_nothing_in_vain(before in files(), after in files()) {
        prop_assert!(before.keys().chain(after.keys()).all(|path| is_ours(path)), "the model is about other files");
        let list = actions(&before, &artefacts(&after));
        let machine = Machine::with(&before);
        let wanted = Machine::end_of(&after, &machine.sessions, &machine.homes);

        let mut done = machine.clone();
        done.apply(&list, &after);
        prop_assert_eq!(&done, &wanted, "{:?}", list);

        for (at, left_out) in list.iter().enumerate() {
            if may_find_it_running(left_out, &before, &after, &list) || stops_with_another(left_out, &before, &list)
            {
                continue;
            }
            let mut rest = list.clone();
            rest.remove(at);
            let mut done = machine.clone();
            done.apply(&rest, &after);
            prop_assert_ne!(&done, &wanted, "{:?} is on the list in vain: {:?}", left_out, list);
        }
        prop_assert_eq!(actions(&after, &artefacts(&after)), []);
    }
}
