//! The steps on the disk. Each is durable when it returns, and whoever watches is told of it.

use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use appliance_types::Generation;
use host_files::sync_folder;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::error::{GenerationsError, failed};
use super::stored::StoredGenerations;

/// Everybody may pass, nobody may list: containers reach their files below, and see nothing beside.
pub(crate) const FOLDER_MODE: u32 = 0o711;

/// The points at which a power cut can find us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    FolderMade,
    NumberTaken,
    ContentWritten,
    ContentSynced,
    Renamed,
    LinkMade,
    Flipped,
    LinkRemoved,
    ImagesNoted,
    ImagesKept,
    ImagesGivenBack,
    OnTrial,
    Settled,
    SetAside,
    Removed,
}

/// Who is told of each step. Tests copy the folder there, as a power cut would leave it.
#[derive(Default)]
pub(crate) struct Watcher(pub(crate) Option<Box<dyn FnMut(Step)>>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// The folder of configurations, for whoever holds the lock.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) stored: StoredGenerations,
    pub(crate) watcher: Watcher,
}

impl Disk {
    pub(crate) fn done(&mut self, step: Step) {
        if let Some(tell) = &mut self.watcher.0 {
            tell(step);
        }
    }

    /// Makes a folder unless it is there, with its name on the disk.
    pub(crate) fn make_folder(&mut self, path: &Path) -> Result<(), GenerationsError> {
        match DirBuilder::new().mode(FOLDER_MODE).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
            Err(error) => return Err(failed("make the folder", path)(error)),
        }
        // The umask has cut the mode above.
        fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
            .map_err(failed("set the mode of", path))?;
        sync_parent(path)?;
        self.done(Step::FolderMade);
        Ok(())
    }

    /// Has `current` lead to this generation, or to none.
    ///
    /// Two links change places, and the one that led to the old generation stays until [`Disk::forget_way_back`]: going
    /// back then needs no new file, so it also works on a disk that the new generation has filled up.
    pub(crate) fn flip(&mut self, to: Option<Generation>) -> Result<(), GenerationsError> {
        let current = self.stored.current_link();
        let Some(to) = to else {
            remove_if_there(&current)?;
            sync_parent(&current)?;
            self.done(Step::Flipped);
            return Ok(());
        };
        let other = self.other_link();
        let target = Path::new("generations").join(to.to_string());
        if fs::read_link(&other).ok().as_deref() != Some(&target) {
            remove_if_there(&other)?;
            std::os::unix::fs::symlink(&target, &other).map_err(failed("make the link", &other))?;
            sync_parent(&other)?;
            self.done(Step::LinkMade);
        }
        exchange(&other, &current).map_err(failed("rename onto", &current))?;
        sync_parent(&current)?;
        self.done(Step::Flipped);
        Ok(())
    }

    /// Removes what [`Disk::flip`] has kept.
    pub(crate) fn forget_way_back(&mut self) -> Result<(), GenerationsError> {
        let other = self.other_link();
        if remove_if_there(&other)? {
            sync_parent(&other)?;
            self.done(Step::LinkRemoved);
        }
        Ok(())
    }

    /// Removes a generation. It loses its name first, so that what is left of it after a power cut is no generation.
    pub(crate) fn remove(&mut self, generation: Generation) -> Result<(), GenerationsError> {
        let (folder, partial) = (self.stored.folder(generation), self.stored.partial(generation));
        self.remove_tree(&partial)?;
        match fs::rename(&folder, &partial) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("rename", &folder)(error)),
        }
        sync_parent(&partial)?;
        self.done(Step::SetAside);
        self.remove_tree(&partial)
    }

    /// Removes a folder with all that is in it, if it is there.
    pub(crate) fn remove_tree(&mut self, path: &Path) -> Result<(), GenerationsError> {
        match fs::remove_dir_all(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("remove", path)(error)),
        }
        sync_parent(path)?;
        self.done(Step::Removed);
        Ok(())
    }

    /// The link that `current` changes places with.
    fn other_link(&self) -> PathBuf {
        self.stored.root().join(".current.other")
    }
}

/// The two change places; where there is no second, the first takes its name.
fn exchange(from: &Path, onto: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, onto, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // No `current` yet, or a file system that cannot do this.
        Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS) => fs::rename(from, onto),
        Err(error) => Err(error.into()),
    }
}

/// False when it was not there.
pub(crate) fn remove_if_there(path: &Path) -> Result<bool, GenerationsError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", path)(error)),
    }
}

pub(crate) fn sync_parent(path: &Path) -> Result<(), GenerationsError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    sync_folder(folder).map_err(failed("sync", folder))
}
