//! The marker of a fresh flash: a folder that is in the data partition from its first moment on.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Made by systemd-repart (`repart.d/fresh`), removed at the end of the first import.
#[derive(Debug, Clone)]
pub(crate) struct FreshMarker {
    folder: PathBuf,
}

impl FreshMarker {
    const NAME: &str = "fresh-flash";

    /// The marker of the data partition mounted at `data`.
    pub(crate) fn below(data: &Path) -> FreshMarker {
        FreshMarker { folder: data.to_owned() }
    }

    /// Whether it is there.
    pub(crate) fn is_there(&self) -> io::Result<bool> {
        self.path().try_exists()
    }

    /// Removes it, for good when this returns. One that is not there is fine.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir(self.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self) -> PathBuf {
        self.folder.join(Self::NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_removed_once_and_removing_it_again_is_fine() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("fresh-flash")).unwrap();
        let marker = FreshMarker::below(data.path());
        assert!(marker.is_there().unwrap());
        marker.remove().unwrap();
        assert!(!marker.is_there().unwrap());
        marker.remove().unwrap();
    }
}
