//! Whether a configuration has been imported since the disk was flashed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::sync_folder;

/// The marker could not be looked at or removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
pub struct FreshMarkerError {
    /// The step that failed, as a verb.
    action: &'static str,
    /// The marker.
    path: PathBuf,
    /// What the kernel said.
    source: io::Error,
}

/// A folder that the data partition is made with at the first boot after a flash, and never again: a data partition that
/// is made later, after a factory reset or on a new disk, has none. Who has it may take the configuration on the boot
/// partition; once one has been imported it is removed.
#[derive(Debug, Clone)]
pub struct FreshMarker {
    path: PathBuf,
}

impl FreshMarker {
    /// Where it is.
    pub const PATH: &str = "/data/fresh-flash";

    /// The marker at this path.
    pub fn at(path: &Path) -> FreshMarker {
        FreshMarker { path: path.to_owned() }
    }

    /// Whether it is there.
    pub fn exists(&self) -> Result<bool, FreshMarkerError> {
        match fs::symlink_metadata(&self.path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(self.failed("look at", source)),
        }
    }

    /// Removes it; it is gone from the disk when this returns. One that is gone already is fine.
    pub fn remove(&self) -> Result<(), FreshMarkerError> {
        match fs::remove_dir(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed("remove", error)),
            _ => {}
        }
        // Also when it is gone: the last attempt may have ended before this.
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        sync_folder(folder).map_err(|source| self.failed("sync the folder of", source))
    }

    fn failed(&self, action: &'static str, source: io::Error) -> FreshMarkerError {
        FreshMarkerError { action, path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let marker = FreshMarker::at(&folder.path().join("fresh-flash"));
        assert!(!marker.exists().unwrap());
        fs::create_dir(folder.path().join("fresh-flash")).unwrap();
        assert!(marker.exists().unwrap());
        marker.remove().unwrap();
        assert!(!marker.exists().unwrap());
        marker.remove().unwrap();
    }

    #[test]
    fn what_is_not_our_marker_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fresh-flash");
        fs::create_dir_all(path.join("somebody's files")).unwrap();
        let error = FreshMarker::at(&path).remove().unwrap_err();
        assert_eq!(error.to_string(), format!("cannot remove {}", path.display()));
    }
}
