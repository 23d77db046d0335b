//! The system's own tools look at the files before they are put in place.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use artefact_render::Artefacts;
use host_files::{Program, run_program};

use crate::stage::{Failure, Stage, at};
use crate::system::System;

/// Where Quadlet's generator is in the image.
const QUADLET: &str = "/usr/lib/systemd/system-generators/podman-system-generator";

/// Folders of units, and how the generator is told that they are a user's.
const UNITS: &[(&str, &[&str])] =
    &[("/etc/containers/systemd", &[]), ("/etc/containers/systemd/users/900", &["-user"])];

/// Lets nft read the rules and Quadlet's generator read the units, without putting either into effect.
///
/// # Errors
/// The stage, and what the tool said.
pub(crate) fn check(system: &System, artefacts: &Artefacts) -> Result<(), Failure> {
    let folder = system.run("candidate");
    let checked = write_candidate(&folder, artefacts).map_err(at(Stage::Check)).and_then(|()| {
        firewall(&folder).map_err(at(Stage::Firewall))?;
        containers(system, &folder, artefacts).map_err(at(Stage::Containers))
    });
    // In memory, and made anew each time: left-overs cost room, not truth.
    let _ = fs::remove_dir_all(&folder);
    checked
}

fn write_candidate(folder: &Path, artefacts: &Artefacts) -> anyhow::Result<()> {
    let _ = fs::remove_dir_all(folder);
    for (path, artefact) in &artefacts.files {
        let file = crate::installed::below(folder, path);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        write_private(&file, &artefact.bytes)?;
    }
    Ok(())
}

/// Secrets may be among them: nobody else reads the candidate. It lies in memory and nobody reads it after a power cut, so nothing is
/// synced.
fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let create = || {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)
    };
    create().with_context(|| format!("cannot write {}", path.display()))
}

fn firewall(folder: &Path) -> anyhow::Result<()> {
    let rules = folder.join("etc/nftables.conf");
    if rules.exists() {
        run_program(
            &Program::new("nft").args(["--check", "--file"]).arg(&rules).timeout(Duration::from_secs(30)),
        )?;
    }
    Ok(())
}

fn containers(system: &System, folder: &Path, artefacts: &Artefacts) -> anyhow::Result<()> {
    let generator = crate::installed::below(system.root(), QUADLET);
    for (units, options) in UNITS {
        let directly_below =
            |path: &str| path.strip_prefix(units).is_some_and(|rest| rest.rfind('/') == Some(0));
        if !artefacts.files.keys().any(|path| directly_below(path)) {
            continue;
        }
        // A folder of its own: the generator walks into sub-folders, and the users' lies below root's.
        let alone = folder.join("units");
        let _ = fs::remove_dir_all(&alone);
        fs::create_dir_all(&alone).with_context(|| format!("cannot create {}", alone.display()))?;
        for (path, artefact) in artefacts.files.iter().filter(|(path, _)| directly_below(path)) {
            write_private(&alone.join(path.rsplit('/').next().unwrap_or(path)), &artefact.bytes)?;
        }
        let program = Program::new(&generator)
            .env("QUADLET_UNIT_DIRS", &alone)
            .args(*options)
            .arg("-dryrun")
            .timeout(Duration::from_secs(60));
        run_program(&program)?;
    }
    Ok(())
}
