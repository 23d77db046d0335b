//! A folder that is written into and never out of.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// What went wrong below a staging folder, and with what.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
pub struct StagingError {
    /// The step that failed, as a verb.
    pub(crate) action: &'static str,
    /// The file or folder.
    pub(crate) path: PathBuf,
    /// What the kernel said.
    pub(crate) source: io::Error,
}

/// An open folder below which new files and folders are made.
///
/// Names are walked one component at a time from the open folder, and no step follows a symbolic link: whatever a name
/// says and whatever somebody has put there, nothing outside is touched. A file that is already there is never opened.
#[derive(Debug)]
pub struct StagingFolder {
    folder: OwnedFd,
    path: PathBuf,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl StagingFolder {
    /// Opens a folder of ours. Its last component is no symbolic link; what leads to it is up to the caller.
    pub fn open(path: &Path) -> Result<StagingFolder, StagingError> {
        let folder = rustix::fs::open(path, FOLDER, Mode::empty()).map_err(|error| StagingError {
            action: "open",
            path: path.to_owned(),
            source: error.into(),
        })?;
        Ok(StagingFolder { folder, path: path.to_owned() })
    }

    /// What it was opened as.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder `name`, and those on the way to it, for everybody to look into. Folders that are there are fine.
    pub(crate) fn make_folder(&self, name: &str, mode: u32) -> Result<(), StagingError> {
        self.walk(name, mode).map(drop)
    }

    /// Makes a new file, and with `folder_mode` the folders on the way to it.
    pub(crate) fn create_file(&self, name: &str, mode: u32, folder_mode: u32) -> Result<File, StagingError> {
        let failed = |action, source: io::Error| StagingError { action, path: self.path.join(name), source };
        let (folder, last) = match name.rsplit_once('/') {
            Some((folder, last)) => (Some(self.walk(folder, folder_mode)?), last),
            None => (None, name),
        };
        let folder = folder.as_ref().map_or(self.folder.as_fd(), AsFd::as_fd);
        let last = component(last).map_err(|error| failed("create", error.into()))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder, last, flags, Mode::from_raw_mode(mode))
            .map_err(|error| failed("create", error.into()))?;
        let file = File::from(file);
        // The umask has cut the mode above.
        file.set_permissions(Permissions::from_mode(mode))
            .map_err(|error| failed("set the mode of", error))?;
        Ok(file)
    }

    /// Removes all that is in it.
    pub(crate) fn clear(&self) -> Result<(), StagingError> {
        let failed = |source| StagingError { action: "empty", path: self.path.clone(), source };
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            let path = entry.path();
            if is_folder { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
                .map_err(failed)?;
        }
        Ok(())
    }

    fn walk(&self, name: &str, mode: u32) -> Result<OwnedFd, StagingError> {
        let failed = |action| {
            move |error: Errno| StagingError { action, path: self.path.join(name), source: error.into() }
        };
        let mut at = self.folder.try_clone().map_err(|source| StagingError {
            action: "open",
            path: self.path.clone(),
            source,
        })?;
        for part in name.split('/') {
            let part = component(part).map_err(failed("make the folder"))?;
            let is_new = match rustix::fs::mkdirat(&at, part, Mode::from_raw_mode(mode)) {
                Ok(()) => true,
                Err(Errno::EXIST) => false,
                Err(error) => return Err(failed("make the folder")(error)),
            };
            at = rustix::fs::openat(&at, part, FOLDER, Mode::empty()).map_err(failed("open the folder"))?;
            if is_new {
                rustix::fs::fchmod(&at, Mode::from_raw_mode(mode)).map_err(failed("set the mode of"))?;
            }
        }
        Ok(at)
    }
}

impl AsFd for StagingFolder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

/// The names that are no name in a folder. Callers have checked already; here it would be an escape.
fn component(name: &str) -> Result<&str, Errno> {
    let is_name = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    if is_name { Ok(name) } else { Err(Errno::INVAL) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn files_and_folders_get_the_modes_asked_for() {
        let root = tempfile::tempdir().unwrap();
        let staging = StagingFolder::open(root.path()).unwrap();
        staging.create_file("a/b/file", 0o666, 0o777).unwrap().write_all(b"content").unwrap();
        staging.make_folder("a/c", 0o711).unwrap();
        let mode =
            |name: &str| std::fs::metadata(root.path().join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("a"), mode("a/b"), mode("a/b/file")), (0o777, 0o777, 0o666));
        assert_eq!(mode("a/c"), 0o711);
        staging.clear().unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn no_name_and_no_link_leads_out() {
        let root = tempfile::tempdir().unwrap();
        let (inside, outside) = (root.path().join("in"), root.path().join("out"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
        std::os::unix::fs::symlink(outside.join("new"), inside.join("file")).unwrap();
        let staging = StagingFolder::open(&inside).unwrap();
        let names =
            ["../out/x", "link/x", "link", "file", "/x", "a/../../out/x", "", ".", "..", "a//b", "a/./b"];
        for name in names {
            assert!(staging.create_file(name, 0o644, 0o755).is_err(), "{name:?}");
        }
        assert!(staging.make_folder("link/x", 0o755).is_err());
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
        let error = staging.create_file("link/x", 0o644, 0o755).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot open the folder {}/link", inside.display()));

        // Emptying does not follow links either.
        std::fs::write(outside.join("kept"), b"").unwrap();
        staging.clear().unwrap();
        assert!(outside.join("kept").exists());
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let staging = StagingFolder::open(root.path()).unwrap();
        staging.create_file("file", 0o644, 0o755).unwrap();
        assert!(staging.create_file("file", 0o644, 0o755).is_err());
        assert!(staging.create_file("file/below", 0o644, 0o755).is_err());
    }
}
