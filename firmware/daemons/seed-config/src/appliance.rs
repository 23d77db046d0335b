//! The appliance as this program sees it: where things are, the facts, and what a plan comes to.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use host_files::{
    BlackBox, BootReport, Console, FreshMarker, ProvisioningReport, ProvisioningState, read_bounded,
};

use crate::attempts::Attempts;
use crate::closing::{self, Owner};
use crate::device;
use crate::import::Importer;
use crate::search::{Imported, Look, Search};
use crate::seed::{self, Seed};
use crate::situation::{BootSeed, Facts, Recorded};
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
        Appliance { voice, boot: boot.ok(), black_box: black_box.ok(), places }
    }

    /// The facts of this moment.
    pub(crate) fn facts(&self) -> anyhow::Result<Facts> {
        let Places { data, boot, .. } = &self.places;
        let provisioned = self.is_provisioned();
        let records = self.black_box.as_ref().map(BlackBox::records);
        if let Some(Err(error)) = &records {
            self.voice.say(&format!("the records of the black box say nothing: {error}"));
        }
        let recorded = records
            .and_then(Result::ok)
            .map(|records| Recorded { seed_closed: records.seed_closed, claimed: records.claim.is_some() });
        if !is_mount_point(boot)? {
            self.voice.say(&format!("{} is not mounted: a seed on it is not seen", boot.display()));
        }
        Ok(Facts {
            data_mounted: is_mount_point(data)?,
            provisioned,
            has_generations: has_entries(&data.join("config/generations")),
            marker: self.marker().exists()?,
            fresh_at_boot: self.boot.as_ref().is_some_and(|boot| boot.fresh_flash),
            recorded,
            boot_seed: boot_seed(boot, &data.join("config/current/source.toml")),
        })
    }

    /// Without `/data` there is nothing to keep a configuration on.
    pub(crate) fn say_that_nothing_can_be_kept(&self) {
        let message = format!("nothing is imported: {} is not mounted", self.places.data.display());
        self.voice.say(&message);
        self.voice.report(&ProvisioningReport {
            state: ProvisioningState::Unprovisioned,
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
        if self.is_provisioned() {
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
        };
        let mut refused = false;
        if boot_partition {
            match search.boot_partition(&self.places.boot) {
                Look::Imported(imported) => return Ok(Some(imported)),
                look => refused = look == Look::Useless,
            }
        }
        let mut say_so = true;
        loop {
            for stick in plugged_in(&self.places.watched.sticks, &self.places.root, own.as_deref()) {
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
            watch.wait()?;
            if is_settled(&self.places.data) {
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

    fn is_provisioned(&self) -> bool {
        is_settled(&self.places.data)
    }

    fn marker(&self) -> FreshMarker {
        FreshMarker::at(&self.places.fresh_marker)
    }

    fn ignored(&self, why: &str) -> String {
        format!("the configuration on {} is not looked at: {why}", self.places.boot.display())
    }
}

/// A configuration worked as a whole and is in force; the link is there from the moment it is.
fn is_settled(data: &Path) -> bool {
    data.join("config/current/settled").exists()
}

fn is_mount_point(path: &Path) -> anyhow::Result<bool> {
    let device = |path: &Path| {
        Ok::<u64, anyhow::Error>(
            fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?.dev(),
        )
    };
    Ok(device(path)? != device(&path.join(".."))?)
}

fn has_entries(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
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
