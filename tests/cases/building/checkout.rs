//! A copy of the checkout as another user would have it: the files git knows of, and nothing that was built.

use super::command;
use anyhow::{Context as _, Result, ensure};
use image_tests::Testbed;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy, removed with all that was built in it when it goes out of scope.
pub(super) struct Checkout {
    folder: PathBuf,
}

impl Checkout {
    /// Copies every file that is committed or could be (not those that git ignores) to `folder`.
    pub(super) fn copy(testbed: &Testbed, folder: PathBuf) -> Result<Checkout> {
        let mut git = command::new("git");
        git.arg("-C").arg(&testbed.checkout);
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let output = git.output().context("cannot start git")?;
        ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
        let checkout = Checkout { folder };
        for name in output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let name = Path::new(OsStr::from_bytes(name));
            copy_file(&testbed.checkout.join(name), &checkout.folder.join(name))?;
        }
        Ok(checkout)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `cargo xtask` with these arguments, run inside it.
    pub(super) fn xtask(&self, arguments: &[&str]) -> Command {
        self.run(&[&["cargo", "xtask"], arguments].concat())
    }

    /// A command run inside it, that builds under its own `target/`.
    pub(super) fn run(&self, words: &[&str]) -> Command {
        let mut command = command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.folder);
        command.env_remove("CARGO_TARGET_DIR").env_remove("SLIPWAY_TESTBED");
        command
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Copies a file or a link; one that is deleted but not yet committed so is left out.
fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let Ok(metadata) = from.symlink_metadata() else { return Ok(()) };
    let parent = to.parent().context("a file without a folder")?;
    std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let copied = if metadata.is_symlink() {
        std::fs::read_link(from).and_then(|target| std::os::unix::fs::symlink(target, to))
    } else {
        std::fs::copy(from, to).map(drop)
    };
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
