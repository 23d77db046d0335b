//! Taking turns: an advisory lock on a file, waited for no longer than a limit.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// How often a lock that is taken is tried again.
const POLL: Duration = Duration::from_millis(10);

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The lock file could not be opened, or the kernel refused to lock it.
    #[error("cannot lock {path}")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Somebody else held it all the time.
    #[error("cannot lock {path}: another program held it for {} s", .limit.as_secs_f32())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        limit: Duration,
    },
}

/// A lock held until this value is dropped (or the process ends, however it ends).
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock `path`, creating the file when it is missing, waiting at most `limit`.
    pub fn take(path: &Path, limit: Duration) -> Result<FileLock, LockError> {
        let io_error = |source| LockError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(io_error)?;
        match lock_within(&file, limit).map_err(|error| io_error(error.into()))? {
            true => Ok(FileLock { _file: file }),
            false => Err(LockError::Busy { path: path.to_owned(), limit }),
        }
    }
}

/// Locks an open file, waiting at most `limit`; false when somebody else held it all the time.
///
/// `flock` has no time limit of its own, and a signal to end it would be shared by the whole process.
#[expect(clippy::disallowed_methods, reason = "the poll interval of a wait with a deadline")]
pub(crate) fn lock_within(file: &impl AsFd, limit: Duration) -> Result<bool, Errno> {
    let deadline = Instant::now() + limit;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) if Instant::now() >= deadline => return Ok(false),
            Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(POLL),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_waited_for_and_then_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FileLock::take(&path, Duration::ZERO).unwrap();

        let error = FileLock::take(&path, Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().ends_with("another program held it for 0.05 s"), "{error}");

        let waiter = std::thread::spawn({
            let path = path.clone();
            move || FileLock::take(&path, Duration::from_secs(60)).map(drop)
        });
        drop(held);
        waiter.join().unwrap().unwrap();
    }
}
