//! Podman's stores after a power cut. Podman does not have what it unpacks written to the disk: an import that is cut off may
//! leave images whose names are known and whose files are empty, and loading them again finds them there already.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use host_files::{Program, run_program, write_atomic};

use crate::actions;

/// There while an import may be writing to the stores, so that the next one knows that it was cut off.
const MARK: &str = "/data/containers/unchecked";

/// Reading gigabytes on a slow card.
const CHECK_LIMIT: Duration = Duration::from_secs(1800);

/// Stores that are being written to.
#[derive(Debug)]
pub(crate) struct Open {
    mark: PathBuf,
}

/// To be called before anything writes to the stores. Where an earlier import was cut off, Podman looks through both stores and
/// takes out what is damaged, whatever uses it: it is loaded anew.
///
/// # Errors
/// When it cannot be noted that they are written to, or Podman cannot look.
pub(crate) fn open(say: &dyn Fn(&str)) -> anyhow::Result<Open> {
    let mark = Path::new(MARK);
    if mark.exists() {
        say("looking for images that a power cut has damaged");
        let check = || {
            Program::new("podman")
                .args(["system", "check", "--repair", "--force", "--max", "0s"])
                .timeout(CHECK_LIMIT)
        };
        run_program(&check()).context("cannot check root's container images")?;
        actions::start_app_manager()?;
        run_program(&check().as_app_user()).context("cannot check the rootless container images")?;
    }
    write_atomic(mark, b"", 0o600)?;
    Ok(Open { mark: mark.to_owned() })
}

impl Open {
    /// Nothing is written any more, and what was is on the disk.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        actions::sync_data()?;
        fs::remove_file(&self.mark).with_context(|| format!("cannot remove {}", self.mark.display()))
    }
}
