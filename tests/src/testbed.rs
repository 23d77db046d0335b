//! What `cargo xtask test` built, and how to run programs and QEMU on it.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The hand-over file that `SLIPWAY_TESTBED` names.
#[derive(Debug, Clone, Deserialize)]
pub struct Testbed {
    /// The disk image as shipped.
    pub image: PathBuf,
    /// Its build id.
    pub build_id: String,
    /// The root file system alone.
    pub squashfs: PathBuf,
    /// The PID 1 of test slots, for the board's architecture.
    pub guest_init: PathBuf,
    /// The image of `tests/guest-container` as a docker archive.
    pub hello: PathBuf,
    /// The same as an OCI archive.
    pub hello_oci: PathBuf,
    /// The checkout.
    pub checkout: PathBuf,
    /// A folder for a story's files; each makes its own inside.
    pub work: PathBuf,
    /// The command line that runs what follows it inside the tools tree, which sees the checkout at its own path.
    pub tools: Vec<String>,
    /// QEMU and its options for the board, without disks, networks and consoles.
    pub qemu: Vec<String>,
    /// PCI slots of WAN and LAN.
    pub wan_slot: String,
    /// See `wan_slot`.
    pub lan_slot: String,
}

impl Testbed {
    /// Reads the hand-over file.
    ///
    /// # Panics
    /// When there is none: a story without an image has not been told, and must not pass.
    #[must_use]
    pub fn get() -> Testbed {
        match Testbed::read() {
            Ok(testbed) => testbed,
            Err(error) => panic!("no image to test: {error:#}. Run the stories with `cargo xtask test vm`"),
        }
    }

    fn read() -> Result<Testbed> {
        let path = std::env::var_os("SLIPWAY_TESTBED").context("SLIPWAY_TESTBED is not set")?;
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}", Path::new(&path).display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("cannot understand {}", Path::new(&path).display()))
    }

    /// An empty folder for the story `name`, under the checkout so that the tools tree sees it.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.work.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }

    /// The command that runs `program` inside the tools tree.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the helper that runs programs")]
    pub fn command(&self, program: &[&str]) -> Command {
        let mut command = Command::new(&self.tools[0]);
        command.args(&self.tools[1..]).args(program);
        command
    }

    /// Runs `program` inside the tools tree and returns what it printed.
    ///
    /// # Errors
    /// When it cannot start or fails: with its command line and what it said.
    pub fn tool(&self, program: &[&str]) -> Result<String> {
        let output = self
            .command(program)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", program.join(" ")))?;
        ensure!(
            output.status.success(),
            "`{}` failed ({}): {}",
            program.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
