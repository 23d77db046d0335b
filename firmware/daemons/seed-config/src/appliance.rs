//! The appliance as this program sees it: where things are, the facts, and what a plan comes to.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use host_files::{
    BlackBox, BootReport, Console, FreshMarker, ProvisioningReport, ProvisioningState, read_bounded,
};

use crate::attempts::{Attempts, Place};
use crate::closing::{self, Owner};
use crate::device;
use crate::import::Importer;
use crate::search::{Idle, Imported, Look, Search};
use crate::seed::{self, Seed};
use crate::situation::{BootSeed, Facts, Kept, Recorded};
use crate::voice::Voice;
use crate::watch::{Watched, plugged_in};

/// Network cards have their names some seconds after power-on, or are not there.
const CARDS_LIMIT: Duration = Duration::from_secs(10);

/// No configuration is larger; it is only compared here.
const CONFIG_LIMIT: usize = 1 << 20;

/// Where things are. Tests have a folder in place of each.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// `/`, for what is asked about the device.
    pub(crate) root: PathBuf,
    /// The data partition.
    pub(crate) data: PathBuf,
    /// The boot partition.
    pub(crate) boot: PathBuf,
    /// What early-boot left about this boot.
    pub(crate) boot_report: PathBuf,
    /// The black box, where the boot report does not say.
    pub(crate) black_box: PathBuf,
    /// The marker of a fresh flash.
    pub(crate) fresh_marker: PathBuf,
    /// The console.
    pub(crate) console: Console,
    /// udev's links to file systems on USB disks, and the report to watch.
    pub(crate) watched: Watched,
    /// Where sticks are mounted.
    pub(crate) mount_point: PathBuf,
    /// The program that imports.
    pub(crate) importer: Importer,
}

/// The open appliance.
pub(crate) struct Appliance {
    places: Places,
    voice: Voice,
    boot: Option<BootReport>,
    black_box: Option<BlackBox>,
    found: Found,
}

/// What the facts leave to be said.
#[derive(Debug, Default)]
struct Found {
    /// Why nothing can be kept.
    without_data: Option<String>,
    /// The kept configuration can be used.
    provisioned: bool,
    /// The kept configuration cannot be used.
    unusable: Option<Unusable>,
}

/// A kept configuration that cannot be used.
#[derive(Debug)]
struct Unusable {
    /// Where the link to what is in force leads.
    target: PathBuf,
    /// What is wrong with it.
    why: String,
}

/// What is known about the data partition.
#[derive(Debug)]
struct OnData {
    mounted: bool,
    settled: bool,
    has_generations: bool,
    marker: bool,
}

impl Places {
    /// Where they are on the box.
    pub(crate) fn of_the_appliance() -> Places {
        Places {
            root: "/".into(),
            data: "/data".into(),
            boot: "/boot".into(),
            boot_report: BootReport::PATH.into(),
            black_box: "/dev/slipway/blackbox".into(),
            fresh_marker: FreshMarker::PATH.into(),
            console: Console::default(),
            watched: Watched { sticks: "/dev/slipway/usb".into(), report: ProvisioningReport::PATH.into() },
            mount_point: "/run/slipway/seed".into(),
            importer: Importer { program: "/usr/lib/slipway/apply-config".into() },
        }
    }
}

impl Appliance {
    /// Opens what can be opened. What cannot is said; it costs what depends on it.
    pub(crate) fn open(places: Places) -> Appliance {
        let boot = BootReport::read(&places.boot_report).map_err(anyhow::Error::from);
        let path =
            boot.as_ref().ok().and_then(|boot| boot.black_box.clone()).unwrap_or(places.black_box.clone());
        let open = || BlackBox::open(&path).map_err(anyhow::Error::from);
        let (for_notes, black_box) = (open(), open());
        let voice =
            Voice::new(places.console.clone(), &places.watched.report, for_notes.ok(), boot.as_ref().ok());
        for error in [boot.as_ref().err(), black_box.as_ref().err()].into_iter().flatten() {
            voice.say(&format!("{error:#}"));
        }
        Appliance { voice, boot: boot.ok(), black_box: black_box.ok(), places, found: Found::default() }
    }

    /// The facts of this moment.
    pub(crate) fn facts(&mut self) -> Facts {
        let on_data = self.on_data().unwrap_or_else(|error| {
            self.found.without_data = Some(one_line(&error));
            OnData { mounted: false, settled: false, has_generations: false, marker: false }
        });
        let kept = self.kept(on_data.settled);
        let Places { data, boot, .. } = &self.places;
        let records = self.black_box.as_ref().map(BlackBox::records);
        if let Some(Err(error)) = &records {
            self.voice.say(&format!("the records of the black box say nothing: {error}"));
        }
        let recorded = records
            .and_then(Result::ok)
            .map(|records| Recorded { seed_closed: records.seed_closed, claimed: records.claim.is_some() });
        match is_mount_point(boot) {
            Ok(true) => {}
            Ok(false) => {
                self.voice.say(&format!("{} is not mounted: a seed on it is not seen", boot.display()));
            }
            Err(error) => self.voice.say(&one_line(&error)),
        }
        Facts {
            data_usable: on_data.mounted,
            kept,
            has_generations: on_data.has_generations,
            marker: on_data.marker,
            fresh_at_boot: self.boot.as_ref().is_some_and(|boot| boot.fresh_flash),
            recorded,
            boot_seed: boot_seed(boot, &data.join("config/current/source.toml")),
        }
    }

    /// Only what is known not to be there is not there: nothing may follow from data that cannot be read.
    fn on_data(&self) -> anyhow::Result<OnData> {
        let data = &self.places.data;
        Ok(OnData {
            mounted: is_mount_point(data)?,
            settled: is_settled(data)?,
            has_generations: has_entries(&data.join("config/generations"))?,
            marker: self.marker().exists()?,
        })
    }

    fn kept(&mut self, settled: bool) -> Kept {
        if !settled {
            return Kept::Nothing;
        }
        let Err(error) = self.places.importer.current() else {
            self.found.provisioned = true;
            return Kept::Usable;
        };
        let why = one_line(&error);
        self.voice.say(&format!("the kept configuration cannot be used: {why}"));
        self.voice.check(&format!("the kept configuration cannot be used: {why}"));
        let target = in_force(&self.places.data).unwrap_or_default();
        self.found.unusable = Some(Unusable { target, why });
        Kept::Unusable
    }

    /// Without `/data` there is nothing to keep a configuration on. A system on trial is not good with that.
    pub(crate) fn say_that_nothing_can_be_kept(&self) {
        let why = match &self.found.without_data {
            Some(why) => why.clone(),
            None => format!("{} is not mounted", self.places.data.display()),
        };
        let message = format!("nothing is imported: {why}");
        self.voice.say(&message);
        self.voice.report(&ProvisioningReport {
            state: ProvisioningState::Degraded,
            generation: None,
            source: None,
            message,
            problems: Vec::new(),
            warnings: Vec::new(),
        });
    }

    /// A seed without effect is never passed over in silence.
    pub(crate) fn say_what_is_ignored(&self, why: Option<&str>) {
        let Some(why) = why else { return };
        let warning = self.ignored(why);
        self.voice.say(&warning);
        if self.found.provisioned {
            self.voice.warn_in_report(&warning);
        }
    }

    /// The data is new: whose device it was is over.
    pub(crate) fn forget_claim(&self) -> anyhow::Result<()> {
        self.voice.say("the data partition is new: this device belongs to nobody");
        self.black_box.as_ref().map_or(Ok(()), closing::forget_claim)
    }

    /// Does again what a power cut has prevented.
    pub(crate) fn close_again(&mut self) {
        self.voice.note("the import of this configuration is not closed yet");
        match self.places.importer.current() {
            Ok(outcome) => self.close(&outcome.admin_keys),
            Err(error) => self.could_not_close(&error),
        }
    }

    /// Looks until there is a configuration, for ever if need be.
    pub(crate) fn search(&mut self, boot_partition: bool, ignored: Option<&str>) -> anyhow::Result<()> {
        match self.look_everywhere(boot_partition, ignored)? {
            Some(imported) => {
                self.close(&imported.outcome.admin_keys);
                self.voice.provisioned(&imported.in_words());
            }
            None => self.close_again(),
        }
        Ok(())
    }

    /// `None` when a configuration came from elsewhere meanwhile.
    fn look_everywhere(
        &mut self,
        boot_partition: bool,
        ignored: Option<&str>,
    ) -> anyhow::Result<Option<Imported>> {
        let warnings = ignored.map(|why| self.ignored(why)).into_iter().collect();
        // From before the first look on, so that nothing is missed in between.
        let mut watch = self.places.watched.begin()?;
        device::wait_for_cards(&self.places.root, CARDS_LIMIT);
        let own = self.boot.as_ref().and_then(|boot| Some(boot.disk.file_name()?.to_str()?.to_owned()));
        let mut search = Search {
            voice: &mut self.voice,
            importer: &self.places.importer,
            device: device::names(&self.places.root),
            mount_point: &self.places.mount_point,
            root: &self.places.root,
            warnings,
            attempts: Attempts::default(),
            idle: match &self.found.unusable {
                Some(Unusable { why, .. }) => {
                    Idle::Degraded(format!("The kept configuration cannot be used: {why}."))
                }
                None => Idle::Empty,
            },
        };
        let passed_over = self.found.unusable.as_ref().map(|unusable| unusable.target.as_path());
        let (mut refused, mut say_so) = (false, true);
        loop {
            let mut there = Vec::new();
            if boot_partition {
                there.push(Place::BootPartition);
                match search.boot_partition(&self.places.boot) {
                    Look::Imported(imported) => return Ok(Some(imported)),
                    Look::Useless => (refused, say_so) = (true, true),
                    Look::Nothing => {}
                }
            }
            for stick in plugged_in(&self.places.watched.sticks, &self.places.root, own.as_deref()) {
                there.push(Place::Stick(stick.plugged.clone()));
                match search.stick(&stick) {
                    Look::Imported(imported) => return Ok(Some(imported)),
                    Look::Useless => (refused, say_so) = (true, true),
                    Look::Nothing => {}
                }
            }
            if say_so {
                search.told_to_wait(refused);
                say_so = false;
            }
            watch.wait(search.attempts.next(&there, Instant::now()))?;
            // What was there before and cannot be used is not asked about again.
            let data = &self.places.data;
            let is_new = is_settled(data)? && in_force(data).as_deref() != passed_over;
            if is_new && search.importer.current().is_ok() {
                return Ok(None);
            }
        }
    }

    /// That it could not be closed is said, and done again at the next boot: the configuration works all the same.
    fn close(&mut self, admin_keys: &[String]) {
        match self.try_to_close(admin_keys) {
            Ok(0) => {}
            Ok(left_out) => {
                let warning = format!(
                    "{left_out} of {} administrator keys do not fit into the black box: they work, \
                     but not for repairing a damaged data partition",
                    admin_keys.len()
                );
                self.voice.say(&warning);
                self.voice.warn_in_report(&warning);
            }
            Err(error) => self.could_not_close(&error),
        }
    }

    fn try_to_close(&self, admin_keys: &[String]) -> anyhow::Result<usize> {
        let black_box = self.black_box.as_ref().context("there is no black box to close the seed in")?;
        let device_id = device::id(&self.places.root).context("this device has no id")?;
        closing::close(black_box, &self.marker(), Owner { device_id: &device_id, admin_keys })
    }

    fn could_not_close(&mut self, error: &anyhow::Error) {
        let warning = format!("the import is not closed, and will be at the next boot: {error:#}");
        self.voice.say(&warning);
        self.voice.check(&warning);
        self.voice.warn_in_report(&warning);
    }

    fn marker(&self) -> FreshMarker {
        FreshMarker::at(&self.places.fresh_marker)
    }

    fn ignored(&self, why: &str) -> String {
        format!("the configuration on {} is not looked at: {why}", self.places.boot.display())
    }
}

/// A configuration worked as a whole and is in force; the link is there from the moment it is.
fn is_settled(data: &Path) -> anyhow::Result<bool> {
    let mark = data.join("config/current/settled");
    Ok(unless_missing(&mark, fs::metadata(&mark))?.is_some())
}

/// Where the link to what is in force leads.
fn in_force(data: &Path) -> Option<PathBuf> {
    fs::read_link(data.join("config/current")).ok()
}

fn is_mount_point(path: &Path) -> anyhow::Result<bool> {
    let device = |path: &Path| {
        Ok::<u64, anyhow::Error>(
            fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?.dev(),
        )
    };
    Ok(device(path)? != device(&path.join(".."))?)
}

fn has_entries(folder: &Path) -> anyhow::Result<bool> {
    let first = |mut entries: fs::ReadDir| entries.next().transpose();
    Ok(unless_missing(folder, fs::read_dir(folder).and_then(first))?.flatten().is_some())
}

/// `None` for what is not there, and for nothing else.
fn unless_missing<T>(path: &Path, looked: io::Result<T>) -> anyhow::Result<Option<T>> {
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}

/// An error with its causes, as part of a sentence.
fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().collect::<Vec<_>>().join("; ")
}

/// What lies on the boot partition; a folder that cannot be read holds something, and the reading says what is wrong.
fn boot_seed(boot: &Path, in_force: &Path) -> BootSeed {
    match seed::look(boot) {
        Ok(Seed::Nothing) => BootSeed::Absent,
        Ok(Seed::At(_)) if same(&boot.join(seed::CONFIG), in_force) => BootSeed::InForce,
        _ => BootSeed::Present,
    }
}

fn same(one: &Path, other: &Path) -> bool {
    match (read_bounded(one, CONFIG_LIMIT), read_bounded(other, CONFIG_LIMIT)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
#[path = "appliance_tests.rs"]
mod tests;
