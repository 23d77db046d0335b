//! One change of the configuration. Each step is a type, and the only way to it is the step before.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use appliance_types::Generation;

use super::Generations;
use super::disk::{Step, sync_parent};
use super::error::{GenerationsError, failed};
use super::manifest::{Manifest, NewGeneration};
use super::stored::{MANIFEST, OVERLAY, SETTLED, SOURCE, StoredImage};
use super::trial::{self, Deadline, OnTrial};
use crate::staging_folder::StagingFolder;

/// There from the start, and renamed to [`SETTLED`] at the end: a rename needs no room on a full disk.
const UNSETTLED: &str = "unsettled";

/// A generation with a number and a folder, and nothing in it yet. Dropped, it is removed.
#[derive(Debug)]
pub struct Staging<'a>(Candidate<'a>, StagingFolder);

/// A generation that is complete and on the disk, and not in force. Dropped, it is removed.
#[derive(Debug)]
pub struct Staged<'a>(Candidate<'a>);

/// A generation that somebody has judged and found good. Dropped, it is removed.
#[derive(Debug)]
pub struct Checked<'a>(Candidate<'a>);

/// A generation in force that has not proven itself. It ends with [`Active::settle`], [`Active::provisional`] or
/// [`Active::back`]. A program that ends without any of them has said nothing, and the next [`Generations::open`] goes back.
#[derive(Debug)]
#[must_use = "an active generation is settled or taken back"]
pub struct Active<'a>(Candidate<'a>);

/// A generation that is in force and worked as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Its number.
    pub generation: Generation,
}

/// What all steps need.
#[derive(Debug)]
struct Candidate<'a> {
    generations: &'a mut Generations,
    generation: Generation,
    manifest: Option<Manifest>,
    /// What was in force before.
    previous: Option<Generation>,
    /// It goes when this value goes.
    unwanted: bool,
}

impl Drop for Candidate<'_> {
    fn drop(&mut self) {
        if self.unwanted {
            let disk = &mut self.generations.disk;
            let partial = disk.stored.partial(self.generation);
            // What cannot be removed now is removed at the next start.
            let _removed = disk.remove_tree(&partial).and_then(|()| disk.remove(self.generation));
        }
    }
}

impl<'a> Staging<'a> {
    pub(super) fn begin(generations: &'a mut Generations) -> Result<Staging<'a>, GenerationsError> {
        if let Some(trial) = &generations.trial {
            return Err(GenerationsError::OnTrial(trial.generation));
        }
        let previous = generations.stored().current_settled()?;
        let generation = generations.take_number()?;
        let partial = generations.disk.stored.partial(generation);
        let candidate = Candidate { generations, generation, manifest: None, previous, unwanted: true };
        candidate.generations.disk.make_folder(&partial)?;
        let folder = StagingFolder::open(&partial)?;
        Ok(Staging(candidate, folder))
    }

    /// The number it will have.
    pub fn generation(&self) -> Generation {
        self.0.generation
    }

    /// The folder to unpack a bundle into ([`crate::Bundle::unpack`]).
    pub fn folder(&self) -> &StagingFolder {
        &self.1
    }

    /// Writes the rest, has everything written to the disk, and gives the folder its name.
    pub fn finish(self, new: &NewGeneration<'_>) -> Result<Staged<'a>, GenerationsError> {
        let Staging(mut candidate, folder) = self;
        let manifest = Manifest::new(candidate.generation, new);
        let overlay = new.overlay.map(|overlay| (OVERLAY, overlay.bytes));
        let manifest_json = manifest.to_json();
        let files = [(SOURCE, new.config), (MANIFEST, &manifest_json), (UNSETTLED, &[])];
        for (name, bytes) in files.into_iter().chain(overlay) {
            let path = folder.path().join(name);
            let mut file = folder.create_file(name, 0o600, 0o700)?;
            file.write_all(bytes).map_err(failed("write", &path))?;
            candidate.generations.disk.done(Step::ContentWritten);
        }
        // One call instead of one for each of up to 4096 files and their folders: on f2fs, each of those is a checkpoint.
        rustix::fs::syncfs(folder.as_fd())
            .map_err(|error| failed("sync the file system of", folder.path())(error.into()))?;
        candidate.generations.disk.done(Step::ContentSynced);
        let target = candidate.folder();
        std::fs::rename(folder.path(), &target).map_err(failed("rename onto", &target))?;
        sync_parent(&target)?;
        candidate.generations.disk.done(Step::Renamed);
        candidate.manifest = Some(manifest);
        Ok(Staged(candidate))
    }
}

impl<'a> Staged<'a> {
    /// Its number.
    pub fn generation(&self) -> Generation {
        self.0.generation
    }

    /// Its folder, for those who judge it.
    pub fn folder(&self) -> PathBuf {
        self.0.folder()
    }

    /// Whether the generation in force holds the same: then there is nothing to do, and this one may be dropped.
    ///
    /// What cannot be read of the one in force is not the same as anything.
    pub fn is_current(&self) -> bool {
        let Some((previous, manifest)) = self.0.previous.zip(self.0.manifest.as_ref()) else {
            return false;
        };
        let current = self.0.generations.stored().read(previous);
        current.is_ok_and(|current| current.manifest.same_content(manifest))
    }

    /// Has it judged. What `judge` refuses is removed, and its error is the answer.
    pub fn check<E>(self, judge: impl FnOnce(&Staged<'a>) -> Result<(), E>) -> Result<Checked<'a>, E> {
        judge(&self)?;
        Ok(Checked(self.0))
    }
}

impl<'a> Checked<'a> {
    /// Its number.
    pub fn generation(&self) -> Generation {
        self.0.generation
    }

    /// Puts it in force. When this fails, what was in force before is again.
    pub fn activate(self) -> Result<Active<'a>, GenerationsError> {
        let Checked(mut candidate) = self;
        let flipped = candidate.generations.disk.flip(Some(candidate.generation));
        if let Err(error) = flipped {
            // It may be the sync after the rename that failed. What cannot be undone now is undone at the next start.
            let previous = candidate.previous;
            let _undone = candidate.generations.go_back(previous);
            return Err(error);
        }
        candidate.unwanted = false;
        candidate.generations.trial = None;
        Ok(Active(candidate))
    }
}

impl Active<'_> {
    /// Its number.
    pub fn generation(&self) -> Generation {
        self.0.generation
    }

    /// Its archives of container images, for Podman to load.
    pub fn images(&self) -> Result<Vec<StoredImage>, GenerationsError> {
        self.0.generations.stored().images(self.0.generation)
    }

    /// Removes its archives of container images: Podman has them.
    pub fn remove_images(&mut self) -> Result<(), GenerationsError> {
        let folder = self.0.folder().join("images");
        self.0.generations.disk.remove_tree(&folder)
    }

    /// It works as a whole and stays. Older generations are removed, the last [`KEPT`](super::KEPT) are not.
    ///
    /// When this fails, what was in force before is again.
    pub fn settle(self) -> Result<Settled, GenerationsError> {
        let Active(candidate) = self;
        let generation = candidate.generation;
        let generations = &mut *candidate.generations;
        if let Err(error) = mark_settled(generations, generation) {
            // What cannot be undone now is undone at the next start.
            let _undone =
                generations.go_back(candidate.previous).and_then(|()| generations.disk.remove(generation));
            return Err(error);
        }
        Ok(generations.tidy_after_settling(generation))
    }

    /// It works as a whole and goes at the deadline, or with this boot, unless it is confirmed.
    ///
    /// When this fails, what was in force before is again.
    pub fn provisional(self, deadline: Deadline) -> Result<OnTrial, GenerationsError> {
        let Active(candidate) = self;
        let begun = trial::begin(candidate.generations, candidate.generation, deadline);
        if begun.is_err() {
            // What cannot be undone now is undone at the next start.
            let _undone = candidate.generations.go_back(candidate.previous);
        }
        begun
    }

    pub(super) fn generations(&mut self) -> &mut Generations {
        self.0.generations
    }

    /// It does not work: what was in force before is again, or nothing if there was nothing. The generation is removed.
    pub fn back(self) -> Result<Option<Generation>, GenerationsError> {
        let previous = self.0.previous;
        self.0.generations.go_back(previous)?;
        Ok(previous)
    }
}

/// The line between trying and having: before it a power cut goes back, after it it does not.
pub(super) fn mark_settled(
    generations: &mut Generations,
    generation: Generation,
) -> Result<(), GenerationsError> {
    let folder = generations.stored().folder(generation);
    let (from, to) = (folder.join(UNSETTLED), folder.join(SETTLED));
    std::fs::rename(&from, &to).map_err(failed("rename onto", &to))?;
    sync_parent(&to)?;
    generations.disk.done(Step::Settled);
    Ok(())
}

impl Candidate<'_> {
    fn folder(&self) -> PathBuf {
        self.generations.stored().folder(self.generation)
    }
}
