//! What went wrong with the generations, and with which file.

use std::io;
use std::path::{Path, PathBuf};

use appliance_types::Generation;
use host_files::{LockError, ReadError, WriteError};

use crate::staging_folder::StagingError;

/// What went wrong with the generations.
#[derive(Debug, thiserror::Error)]
pub enum GenerationsError {
    /// Somebody else is changing the configuration.
    #[error("cannot change the configuration while another program does")]
    Lock(#[from] LockError),
    /// A file or folder.
    #[error("cannot {action} {path}")]
    Io {
        /// The step that failed, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file that is replaced whole.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A new file.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// A file of a generation could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its manifest is none.
    #[error("cannot understand {path}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file does not hold what was accepted.
    #[error("{path} is not what was accepted: its checksum differs")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A generation is on trial: it is confirmed or taken back before there is another.
    #[error(
        "generation {0} is on trial: `slipway config confirm` keeps it, `slipway config rollback` takes it back; one of them first"
    )]
    OnTrial(Generation),
    /// There is no generation of this number.
    #[error("there is no generation {0}")]
    Missing(Generation),
    /// After 2^64 of them.
    #[error("there is no number left for a new generation")]
    NoNumber,
}

/// For `map_err`: what was being done to what.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GenerationsError {
    let path = path.to_owned();
    move |source| GenerationsError::Io { action, path, source }
}
