//! A generation that is kept as the source of a new one: whoever goes back to it goes forward, to a new number with the old
//! content.

use std::fs::File;
use std::os::fd::AsFd;
use std::rc::Rc;

use super::budget::Budget;
use super::error::{BundleError, BundleFault, MemberFault};
use super::folder;
use super::intake::{Devices, FileFacts, Intake};
use super::limits::Limits;
use super::name::MemberName;
use super::source::Source;
use super::{Unpacked, budget};
use crate::generations::{StoredGeneration, StoredGenerations};
use crate::staging_folder::StagingFolder;

impl Unpacked {
    /// Copies the files of a kept generation into the staging folder, and takes the rest from what was read of it. Its container
    /// images are named and not copied: Podman has them.
    ///
    /// When it fails, the staging folder is empty. Nothing is synced yet.
    pub fn from_kept(
        stored: &StoredGenerations,
        kept: &StoredGeneration,
        into: &StagingFolder,
    ) -> Result<Unpacked, BundleError> {
        let unpacked = copy(stored, kept, into);
        if unpacked.is_err() {
            // The first error is the one to report; what cannot be removed now is removed with the staging folder.
            let _cleared = into.clear();
        }
        unpacked
    }
}

fn copy(
    stored: &StoredGenerations,
    kept: &StoredGeneration,
    into: &StagingFolder,
) -> Result<Unpacked, BundleError> {
    let limits = Limits::default();
    let path = stored.folder(kept.generation);
    let failed = |source| BundleError::Source { action: "open", path: path.clone(), source };
    let folder = File::open(&path).map_err(failed)?;
    let budget: Rc<Budget> = budget::Budget::new(&limits);
    let mut intake = Intake::new(into, &limits, &budget, Source::Folder(&path), Devices::All);
    let config = member(b"config.toml")?;
    let facts = FileFacts { bytes: kept.config.len() as u64, executable: false };
    intake.file(&config, facts, &mut kept.config.as_slice())?;
    folder::read_kept(folder.as_fd(), &path, &budget, &mut intake)?;
    let unpacked = intake.finish()?;
    let devices = kept.overlay.iter().cloned().collect();
    Ok(Unpacked { devices, images: kept.manifest.images.clone(), ..unpacked })
}

fn member(name: &[u8]) -> Result<MemberName, BundleError> {
    let refused = |fault: MemberFault| BundleError::Member {
        member: String::from_utf8_lossy(name).into_owned(),
        fault,
    };
    MemberName::parse(name).map_err(refused)?.ok_or_else(|| BundleFault::NoConfig.into())
}
