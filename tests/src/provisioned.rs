//! A machine that has been set up, saved while it runs: a story that begins where an owner's day begins starts from it in
//! seconds. The first story that wants one makes it, once per build.

use crate::config::{HELLO, Seed, config_with};
use crate::console::{GOOD, PROVISIONED};
use crate::{BOOT, Disk, IMPORT, KeyPair, Ssh, Testbed, Vm, VmOptions};
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};

/// The snapshot's name in its overlay.
const SNAPSHOT: &str = "provisioned";

/// Beside the root container that must run, the same without rights, which must run too, reachable from the box itself.
const QUIET: &str = r#"
[containers.container.quiet]
privileged = false
[containers.container.quiet.Container]
Image = "localhost/hello:latest"
Pull = "never"
Exec = "serve 8001"
PublishPort = "8001:8001"
Volume = "quiet.volume:/state"
StopTimeout = 1
[containers.volume.quiet.Volume]
"#;

/// A copy of the saved machine, for one story.
pub struct Provisioned {
    testbed: Testbed,
    shelf: PathBuf,
    folder: PathBuf,
    key: KeyPair,
}

impl Provisioned {
    /// For a story with this folder.
    ///
    /// # Errors
    /// When the machine cannot be made.
    pub fn get(testbed: &Testbed, folder: &Path) -> Result<Provisioned> {
        let shelf = testbed.work.join(format!("provisioned-{}", testbed.build_id));
        if !shelf.join("complete").exists() {
            make(testbed, &shelf).context("cannot provision a machine for stories")?;
        }
        let key = KeyPair::at(&shelf.join("id_ed25519"))?;
        Ok(Provisioned { testbed: testbed.clone(), shelf, folder: folder.to_owned(), key })
    }

    /// The administrator's key.
    #[must_use]
    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    /// The machine where it was saved: its console is quiet, the administrator can log in. And its disk, which is an
    /// overlay: [`Disk::flatten`] it to look into it.
    ///
    /// # Errors
    /// When QEMU does not start.
    pub fn resume(&self) -> Result<(Vm, Ssh, Disk)> {
        let running = self.shelf.join("running.qcow2");
        let base = Disk::at(&self.testbed, &self.shelf.join("base.img"))?;
        let overlay = base.overlay_from(&running, &self.folder.join("running.qcow2"));
        base.keep();
        let overlay = overlay?;
        let mut options = VmOptions::board(&self.testbed);
        options.snapshot = Some(SNAPSHOT.to_owned());
        let port = options.forward(22)?;
        let vm = Vm::start_with(&self.testbed, &[&overlay], &options)?;
        Ok((vm, Ssh::admin(&self.testbed, &self.key, port), overlay))
    }

    /// Its disk after a power cut at that moment.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn disk(&self, name: &str) -> Result<Disk> {
        Disk::copy_of(&self.testbed, &self.shelf.join("provisioned.img"), &self.folder, name)
    }
}

fn make(testbed: &Testbed, shelf: &Path) -> Result<()> {
    forget_other_builds(testbed)?;
    let _ = std::fs::remove_dir_all(shelf);
    std::fs::create_dir_all(shelf).with_context(|| format!("cannot create {}", shelf.display()))?;
    let key = KeyPair::new(testbed, shelf)?;
    let hello = HELLO.replace(r#"required = ["hello"]"#, r#"required = ["hello", "quiet"]"#);
    ensure!(hello != HELLO, "nothing requires the rootless container");
    let config = config_with(key.public(), &[&hello, QUIET].concat());
    let base = Disk::flash_4g(testbed, shelf, "base")?;
    base.seed(Seed::new(shelf, "seed", config)?.hello_image(testbed)?.folder())?;
    let running = base.overlay("running")?;
    let mut options = VmOptions::board(testbed);
    let port = options.forward(22)?;
    let mut vm = Vm::start_with(testbed, &[&running], &options)?;
    vm.serial().wait_for(PROVISIONED, IMPORT)?;
    vm.serial().wait_for(GOOD, BOOT)?;
    let ssh = Ssh::admin(testbed, &key, port);
    ssh.wait(BOOT)?;
    // No `sync` before: what is only in the machine's memory is lost on the disk that is copied below, as in a power cut.
    vm.save(SNAPSHOT)?;
    vm.power_cut();
    for disk in [running.flatten("provisioned")?, running, base] {
        disk.keep();
    }
    std::fs::write(shelf.join("complete"), "").context("cannot mark the machine as complete")
}

/// A saved machine is as large as a disk with an image on it.
fn forget_other_builds(testbed: &Testbed) -> Result<()> {
    let entries = std::fs::read_dir(&testbed.work)
        .with_context(|| format!("cannot list {}", testbed.work.display()))?;
    for entry in entries {
        let path = entry.context("cannot list the stories' folder")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("provisioned-") {
            std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}
