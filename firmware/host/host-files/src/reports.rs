//! How far this boot has come, for everybody who asks: the command line, the console, other programs of ours.
//!
//! Both files are in `/run/slipway`, so they are about this boot and no other. Each has one writer and is replaced whole.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use appliance_types::{Generation, SlotName};
use serde::{Deserialize, Serialize};

use crate::atomic::{WriteError, write_atomic};
use crate::facts::{FactsError, read_json};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder for it was not there and could not be made.
    #[error("cannot make the folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Whether this device has a configuration, and where it is from. Written by what imports and what applies one.
///
/// No problem and no warning holds a value of the configuration that a stranger must not read: the file is for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningReport {
    /// How far it is.
    pub state: ProvisioningState,
    /// The generation that is in force, or that is being imported.
    pub generation: Option<Generation>,
    /// Where that configuration is from, in words: `USB stick KINGSTON (sda1)`.
    pub source: Option<String>,
    /// One sentence for a person.
    pub message: String,
    /// What is wrong with the last configuration that was tried, each with its place: `config.toml:3:1: …`.
    pub problems: Vec<String>,
    /// What its author should know and that did not stop it.
    pub warnings: Vec<String>,
}

/// How far a configuration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvisioningState {
    /// There is none.
    Unprovisioned,
    /// One was found and is on its way.
    Importing,
    /// One is in force.
    Provisioned,
    /// One is in force, and not all of it works, or it is an older one than it should be.
    Degraded,
}

/// What is thought of this boot. Written by what confirms the slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictReport {
    /// The verdict.
    pub verdict: VerdictState,
    /// Why it is not (yet) better, one sentence each.
    pub reasons: Vec<String>,
    /// The running slot.
    pub slot: SlotName,
    /// The slot was marked good in this boot.
    pub marked_good: bool,
    /// The uptime in seconds at which the verdict became this one.
    pub since_uptime_s: u64,
}

/// A verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictState {
    /// Too early to tell.
    Waiting,
    /// All that should run does.
    Good,
    /// Something does not, and no other slot would help.
    Degraded,
    /// The slot does not do its work and is given up.
    Bad,
}

impl ProvisioningReport {
    /// Where it is.
    pub const PATH: &str = "/run/slipway/provisioning.json";

    /// Reads it.
    pub fn read(path: &Path) -> Result<ProvisioningReport, FactsError> {
        read_json(path)
    }

    /// Replaces it, for everybody to read. Makes its folder when that is missing.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        write_json(path, &self.to_json())
    }

    /// The file's content.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text and numbers can always be written as JSON")
    }
}

impl VerdictReport {
    /// Where it is.
    pub const PATH: &str = "/run/slipway/verdict.json";

    /// Reads it.
    pub fn read(path: &Path) -> Result<VerdictReport, FactsError> {
        read_json(path)
    }

    /// Replaces it, for everybody to read. Makes its folder when that is missing.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        write_json(path, &self.to_json())
    }

    /// The file's content.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text and numbers can always be written as JSON")
    }
}

fn write_json(path: &Path, json: &str) -> Result<(), ReportError> {
    if let Some(folder) = path.parent() {
        make_folder(folder).map_err(|source| ReportError::Folder { path: folder.to_owned(), source })?;
    }
    Ok(write_atomic(path, json.as_bytes(), 0o644)?)
}

/// Makes a folder that everybody may look into, whatever our umask is. One that is there stays as it is.
fn make_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(folder) {
        Ok(()) => std::fs::set_permissions(folder, Permissions::from_mode(0o755)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provisioning() -> ProvisioningReport {
        ProvisioningReport {
            state: ProvisioningState::Degraded,
            generation: Generation::new(3),
            source: Some("USB stick KINGSTON (sda1)".to_owned()),
            message: "Generation 3 is in force, but web.service does not run.".to_owned(),
            problems: vec!["config.toml:3:1: unknown key `usres`".to_owned()],
            warnings: Vec::new(),
        }
    }

    fn verdict() -> VerdictReport {
        VerdictReport {
            verdict: VerdictState::Waiting,
            reasons: vec!["no configuration has been imported".to_owned()],
            slot: SlotName::A,
            marked_good: false,
            since_uptime_s: 41,
        }
    }

    #[test]
    fn the_provisioning_report_is_the_documented_json() {
        let expected = concat!(
            r#"{"state":"degraded","generation":3,"source":"USB stick KINGSTON (sda1)","#,
            r#""message":"Generation 3 is in force, but web.service does not run.","#,
            r#""problems":["config.toml:3:1: unknown key `usres`"],"warnings":[]}"#,
        );
        assert_eq!(provisioning().to_json(), expected);
        let none = ProvisioningReport {
            state: ProvisioningState::Unprovisioned,
            generation: None,
            source: None,
            message: "Waiting for a USB stick.".to_owned(),
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        let expected = r#"{"state":"unprovisioned","generation":null,"source":null,"message":"Waiting for a USB stick.","problems":[],"warnings":[]}"#;
        assert_eq!(none.to_json(), expected);
    }

    #[test]
    fn the_verdict_report_is_the_documented_json() {
        let expected = concat!(
            r#"{"verdict":"waiting","reasons":["no configuration has been imported"],"slot":"A","#,
            r#""marked_good":false,"since_uptime_s":41}"#,
        );
        assert_eq!(verdict().to_json(), expected);
    }

    #[test]
    fn what_is_written_is_read_back_by_everybody_and_later_keys_are_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("slipway");
        let path = folder.join("provisioning.json");
        provisioning().write(&path).unwrap();
        assert_eq!(ProvisioningReport::read(&path).unwrap(), provisioning());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&folder), mode(&path)), (0o755, 0o644));

        let path = folder.join("verdict.json");
        verdict().write(&path).unwrap();
        let later = verdict().to_json().replacen('{', r#"{"later":[1],"#, 1);
        std::fs::write(&path, later).unwrap();
        assert_eq!(VerdictReport::read(&path).unwrap(), verdict());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let error = verdict().write(Path::new("/proc/nowhere/verdict.json")).unwrap_err();
        assert_eq!(error.to_string(), "cannot make the folder /proc/nowhere");
    }
}
