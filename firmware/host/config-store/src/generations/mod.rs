//! The configurations of a device, one folder for each that was accepted.
//!
//! ```text
//! /data/config/
//!   current → generations/7      what is in force
//!   generations/7/
//!     source.toml, overlay.toml  what was written, byte for byte
//!     files/                     for containers
//!     images/                    archives that Podman does not have yet
//!     manifest.json              where it is from, checksums, the numbers of users
//!     settled                    empty; it worked as a whole
//!     trial.json                 until when it is in force unless somebody confirms it
//!     replaced-images.json       names of images that it has given to others, and whose they were
//!   generations/8.partial/       being made, or being removed: debris after a power cut
//!   images-to-give-back.json     the same, of generations that are gone: not done yet
//!   last-number                  the greatest number ever given
//!   .lock
//! ```
//!
//! ```text
//! begin ─▶ Staging ─finish─▶ Staged ─check─▶ Checked ─activate─▶ Active ─settle──────────────────────▶ Settled
//!             └── dropped: removed ─┴───────────────┘               ├─provisional─▶ Provisional ─confirm─┘
//!                                                                   └─back─▶ as before ◀─ back, deadline, reboot
//! ```
//!
//! Each step is on the disk before the next begins. Whoever opens the folder after a power cut goes back to the last
//! generation that was settled, so that there is never half a configuration, and opening twice changes nothing more. A
//! generation on trial is left in force by whoever opens the folder in the same boot and in time, and by nobody else.
//!
//! What `current` leads to is what is in force. That is the newest settled generation, but for an image that cannot read that
//! one ([`Generations::put_in_force`]).

mod change;
mod disk;
mod error;
mod images;
mod manifest;
mod stored;
mod trial;

#[cfg(test)]
mod full_disk_tests;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use appliance_types::Generation;
use host_files::{BootMoment, FileLock, read_text_bounded, write_atomic};

pub use change::{Active, Checked, Settled, Staged, Staging};
pub use error::GenerationsError;
pub use images::ReplacedImage;
pub use manifest::{Manifest, NewGeneration, Overlay, StoredOverlay};
pub use stored::{StoredGeneration, StoredGenerations, StoredImage};
pub use trial::{Deadline, OnTrial, Provisional};

use disk::{Disk, Step, Watcher};

/// How many settled generations are kept, besides the one in force and the one before it.
pub const KEPT: usize = 3;

/// The folder of configurations, for the one program that changes it.
#[derive(Debug)]
pub struct Generations {
    disk: Disk,
    given_up: Option<Generation>,
    trial: Option<OnTrial>,
    _lock: FileLock,
}

impl Generations {
    /// Opens the folder, and makes it if it is missing. Waits at most `wait` for another program that is changing it.
    ///
    /// Whatever an earlier change has left unfinished is undone here: afterwards `current` is a settled generation, or one on
    /// trial, or there is no settled generation and no `current`.
    pub fn open(root: &Path, wait: Duration) -> Result<Generations, GenerationsError> {
        Generations::open_watched(root, wait, Some(&BootMoment::now()?), Watcher::default())
    }

    /// As [`Generations::open`], when the system has just come up: no trial lasts longer than its boot, also when only systemd
    /// was started anew and not the kernel.
    pub fn open_at_boot(root: &Path, wait: Duration) -> Result<Generations, GenerationsError> {
        Generations::open_watched(root, wait, None, Watcher::default())
    }

    fn open_watched(
        root: &Path,
        wait: Duration,
        now: Option<&BootMoment>,
        watcher: Watcher,
    ) -> Result<Generations, GenerationsError> {
        let mut disk = Disk { stored: StoredGenerations::at(root), watcher };
        disk.make_folder(root)?;
        let lock = FileLock::take(&root.join(".lock"), wait)?;
        let folder = disk.stored.generations();
        disk.make_folder(&folder)?;
        let trial = match now {
            Some(now) => disk.stored.on_trial(now)?,
            None => None,
        };
        let mut generations = Generations { disk, given_up: None, trial, _lock: lock };
        generations.recover()?;
        Ok(generations)
    }

    /// What is kept.
    pub fn stored(&self) -> &StoredGenerations {
        &self.disk.stored
    }

    /// The generation that was in force and not settled when the folder was opened, and that is not in force any more.
    pub fn given_up(&self) -> Option<Generation> {
        self.given_up
    }

    /// Begins a change: a new number and an empty folder.
    pub fn begin(&mut self) -> Result<Staging<'_>, GenerationsError> {
        Staging::begin(self)
    }

    /// The generation on trial.
    pub fn provisional(&mut self) -> Option<Provisional<'_>> {
        Provisional::found(self)
    }

    /// Has `current` lead to this settled generation: an image that cannot read the newest one takes an older one, and what
    /// leads to files of what is in force must say so. The newer one stays, for an image that can.
    pub fn put_in_force(&mut self, generation: Generation) -> Result<(), GenerationsError> {
        if let Some(trial) = &self.trial {
            return Err(GenerationsError::OnTrial(trial.generation));
        }
        if !self.stored().is_settled(generation) {
            return Err(GenerationsError::Missing(generation));
        }
        if self.stored().current()? != Some(generation) {
            self.disk.flip(Some(generation))?;
        }
        self.disk.forget_way_back()
    }

    /// Removes the archives of container images of a generation: Podman has them.
    pub fn remove_images(&mut self, generation: Generation) -> Result<(), GenerationsError> {
        let folder = self.stored().folder(generation).join("images");
        self.disk.remove_tree(&folder)
    }

    /// Undoes what is unfinished.
    fn recover(&mut self) -> Result<(), GenerationsError> {
        let current = self.stored().current()?;
        let good = self.stored().current_settled()?;
        let on_trial = self.trial.as_ref().map(|trial| trial.generation);
        if good.is_none() && on_trial.is_none() {
            let target = self.stored().newest_settled()?;
            self.given_up = current;
            if target.is_some() || self.stored().current_link().symlink_metadata().is_ok() {
                self.disk.flip(target)?;
            }
        }
        // What is on trial keeps its way back.
        if on_trial.is_none() {
            self.disk.forget_way_back()?;
        }
        let names = self.stored().names()?;
        for generation in names.iter().filter_map(|name| name.strip_suffix(".partial")?.parse().ok()) {
            let partial = self.stored().partial(generation);
            self.disk.remove_tree(&partial)?;
        }
        self.remove_unsettled_but(on_trial)?;
        self.prune()
    }

    fn remove_unsettled_but(&mut self, keep: Option<Generation>) -> Result<(), GenerationsError> {
        for generation in self.stored().all()? {
            if Some(generation) != keep && !self.stored().is_settled(generation) {
                self.keep_replaced(generation)?;
                self.disk.remove(generation)?;
            }
        }
        Ok(())
    }

    /// A generation has been settled. What is too much is removed at the next start if it cannot be now.
    fn tidy_after_settling(&mut self, generation: Generation) -> Settled {
        self.trial = None;
        let _tidied = self.disk.forget_way_back().and_then(|()| self.prune());
        Settled { generation }
    }

    /// Puts `to` in force again and removes all that was not settled.
    fn go_back(&mut self, to: Option<Generation>) -> Result<(), GenerationsError> {
        if self.stored().current()? != to {
            self.disk.flip(to)?;
        }
        self.trial = None;
        self.disk.forget_way_back()?;
        self.remove_unsettled_but(to)
    }

    /// Removes settled generations but the last [`KEPT`], the one in force and the one before it, also those whose files are the same as the ones in
    /// force. To be called when no container runs: one may have the folder of an old generation mounted.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn forget_older(&mut self) -> Result<(), GenerationsError> {
        self.remove_settled_but(|_| false)
    }

    /// Removes settled generations but the last [`KEPT`], the one in force and the one before it, and those with the same files as that one: a container
    /// that was started under one of them, and not since because nothing had changed for it, has its folder mounted.
    fn prune(&mut self) -> Result<(), GenerationsError> {
        let digest = |stored: &StoredGenerations, generation| {
            stored.manifest(generation).ok().and_then(|manifest| manifest.files_digest)
        };
        let current = self.stored().current()?.and_then(|current| digest(self.stored(), current));
        let stored = self.stored().clone();
        self.remove_settled_but(|generation| current.is_some() && digest(&stored, generation) == current)
    }

    fn remove_settled_but(&mut self, keep: impl Fn(Generation) -> bool) -> Result<(), GenerationsError> {
        let current = self.stored().current()?;
        let settled = self.stored().settled()?;
        let before = settled.iter().rev().copied().find(|&generation| Some(generation) < current);
        for &generation in settled.iter().rev().skip(KEPT) {
            if Some(generation) != current && Some(generation) != before && !keep(generation) {
                self.disk.remove(generation)?;
            }
        }
        Ok(())
    }

    /// Takes the next number. It is on the disk before anything has it, so that no two configurations ever share one.
    fn take_number(&mut self) -> Result<Generation, GenerationsError> {
        let path = self.stored().root().join("last-number");
        // A file that cannot be read costs nothing: the folders still there have the greatest numbers in use.
        let counted = read_text_bounded(&path, 64).ok().and_then(|text| text.trim().parse().ok());
        let used = self.stored().all()?.pop();
        let next = match counted.max(used) {
            Some(last) => Generation::next(last).ok_or(GenerationsError::NoNumber)?,
            None => Generation::FIRST,
        };
        write_atomic(&path, format!("{next}\n").as_bytes(), 0o600)?;
        self.disk.done(Step::NumberTaken);
        Ok(next)
    }
}
