//! Names of container images that a generation takes from one image and gives to another: `localhost/web:1` is what was loaded
//! last. Whoever goes back to an older generation wants the image of then.

use std::collections::BTreeSet;
use std::path::PathBuf;

use appliance_types::Generation;
use host_files::{UnitMode, write_atomic};
use serde::{Deserialize, Serialize};

use super::disk::{Step, remove_if_there, sync_parent};
use super::error::{GenerationsError, failed};
use super::stored::{REPLACED, read_json};
use super::{Active, Generations, StoredGenerations};

/// A name, and the image that had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedImage {
    /// In whose store.
    pub mode: UnitMode,
    /// The name: `localhost/web:1`.
    pub name: String,
    /// Podman's number of the image.
    pub id: String,
}

impl Active<'_> {
    /// Notes whose names it is about to take away. To be called before any is: afterwards nobody knows.
    pub fn note_replaced(&mut self, replaced: &[ReplacedImage]) -> Result<(), GenerationsError> {
        if replaced.is_empty() {
            return Ok(());
        }
        let generation = self.generation();
        let generations = self.generations();
        let path = generations.stored().folder(generation).join(REPLACED);
        write_atomic(&path, &to_json(replaced), 0o600)?;
        generations.disk.done(Step::ImagesNoted);
        Ok(())
    }
}

impl StoredGenerations {
    /// Names that generations which are not in force any more have taken away, and whose they are: to be given back.
    pub fn to_give_back(&self) -> Vec<ReplacedImage> {
        read_json(&self.give_back_path()).unwrap_or_default()
    }

    fn give_back_path(&self) -> PathBuf {
        self.root().join("images-to-give-back.json")
    }
}

impl Generations {
    /// The names [to give back](StoredGenerations::to_give_back) have been given back.
    pub fn gave_back(&mut self) -> Result<(), GenerationsError> {
        let path = self.stored().give_back_path();
        if remove_if_there(&path)? {
            sync_parent(&path)?;
            self.disk.done(Step::ImagesGivenBack);
        }
        Ok(())
    }

    /// Puts aside what a generation has noted, before it goes.
    pub(super) fn keep_replaced(&mut self, generation: Generation) -> Result<(), GenerationsError> {
        let noted = self.stored().folder(generation).join(REPLACED);
        if !noted.exists() {
            return Ok(());
        }
        let kept = self.stored().give_back_path();
        if kept.exists() {
            // What is there already is older, and knows better. Where the disk is full, it stays as it is.
            let noted = self.stored().replaced(generation);
            let all = first_of_each(self.stored().to_give_back().into_iter().chain(noted));
            let _full = write_atomic(&kept, &to_json(&all), 0o600);
        } else {
            // A rename needs no room.
            std::fs::rename(&noted, &kept).map_err(failed("rename onto", &kept))?;
            sync_parent(&kept)?;
        }
        self.disk.done(Step::ImagesKept);
        Ok(())
    }
}

/// For each name in each store, who had it first.
pub(super) fn first_of_each(all: impl Iterator<Item = ReplacedImage>) -> Vec<ReplacedImage> {
    let mut seen = BTreeSet::new();
    all.filter(|image| seen.insert((image.mode, image.name.clone()))).collect()
}

fn to_json(images: &[ReplacedImage]) -> Vec<u8> {
    serde_json::to_vec_pretty(images).expect("text can always be written as JSON")
}
