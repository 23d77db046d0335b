//! What this image is (written by its build) and what this boot is (written by early-boot).

use std::path::{Path, PathBuf};

use appliance_types::{BootToken, BuildId, SlotName};
use serde::{Deserialize, Serialize};

use crate::bounded::{ReadError, read_bounded};

/// No file of facts comes near this size.
const LIMIT: usize = 64 * 1024;

/// Why facts could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The file.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its content.
    #[error("cannot understand {path}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// What the image is: `/usr/share/slipway/build.json`, written when it was built. Keys not listed here are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BuildFacts {
    /// Which build.
    pub build: BuildId,
    /// Slipway's version.
    pub version: String,
    /// The board it was built for.
    pub board: String,
    /// The time of its sources, in seconds since 1970: no running system's clock is before it.
    pub time: u64,
}

/// What this boot is: `/run/slipway/boot.json`, written by early-boot, read by everybody.
///
/// What comes from the selector's record is `None` when that record could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootReport {
    /// The build of the running slot.
    pub build: BuildId,
    /// The build the selector named: the one the disk was flashed with.
    pub selector_build: Option<BuildId>,
    /// The running slot.
    pub slot: SlotName,
    /// The device node of the disk that was booted.
    pub disk: PathBuf,
    /// The device node of its black box; there also while udev has not made `/dev/slipway` yet.
    pub black_box: Option<PathBuf>,
    /// The token of this boot.
    pub token: Option<BootToken>,
    /// Tries the slot had left when the selector had counted this one.
    pub tries_left: Option<u8>,
    /// Why the selector took this slot: `order`, `fallback`, `load-failed`, `last-resort`.
    pub reason: Option<String>,
    /// Which copy of the boot state the selector used: `env0`, `env1`, `default`.
    pub env: Option<String>,
    /// What the reset before this boot left of the memory: `cold`, `warm`.
    pub reset: Option<String>,
    /// No slot had tries left.
    pub last_resort: bool,
    /// Nothing has been imported on this disk yet.
    pub fresh_flash: bool,
    /// Whether the disk had its data partition when it booted.
    pub data: DataPartition,
    /// The number of this boot; 0 when the black box could not be read.
    pub boot_number: u32,
}

/// Whether the disk has a partition for data. It is made at the first boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataPartition {
    /// It was there when the machine booted.
    Present,
    /// It is to be made in this boot.
    Absent,
}

impl BuildFacts {
    /// Where the image has them.
    pub const PATH: &str = "/usr/share/slipway/build.json";

    /// Reads them.
    pub fn read(path: &Path) -> Result<BuildFacts, FactsError> {
        read_json(path)
    }
}

impl BootReport {
    /// Where early-boot leaves it.
    pub const PATH: &str = "/run/slipway/boot.json";

    /// Reads it.
    pub fn read(path: &Path) -> Result<BootReport, FactsError> {
        read_json(path)
    }

    /// The file's content.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self)
            .expect("a path from the kernel is UTF-8, and everything else is plain data")
    }
}

pub(crate) fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, FactsError> {
    let bytes = read_bounded(path, LIMIT)?;
    serde_json::from_slice(&bytes).map_err(|source| FactsError::Content { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> BootReport {
        BootReport {
            build: "0.1.0-3fa9c12d01".parse().unwrap(),
            selector_build: Some("0.1.0-0000000001".parse().unwrap()),
            slot: SlotName::B,
            disk: "/dev/vda".into(),
            black_box: Some("/dev/vda4".into()),
            token: Some("6f1c2b1e-3c7a-4d5e-9b20-1d2e3f405162".parse().unwrap()),
            tries_left: Some(8),
            reason: Some("order".to_owned()),
            env: Some("env0".to_owned()),
            reset: Some("cold".to_owned()),
            last_resort: false,
            fresh_flash: true,
            data: DataPartition::Absent,
            boot_number: 7,
        }
    }

    #[test]
    fn the_boot_report_is_the_documented_json() {
        let expected = concat!(
            r#"{"build":"0.1.0-3fa9c12d01","selector_build":"0.1.0-0000000001","slot":"B","disk":"/dev/vda","#,
            r#""black_box":"/dev/vda4","token":"6f1c2b1e-3c7a-4d5e-9b20-1d2e3f405162","tries_left":8,"reason":"order","env":"env0","#,
            r#""reset":"cold","last_resort":false,"fresh_flash":true,"data":"absent","boot_number":7}"#,
        );
        assert_eq!(report().to_json(), expected);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boot.json");
        std::fs::write(&path, report().to_json()).unwrap();
        assert_eq!(BootReport::read(&path).unwrap(), report());
    }

    #[test]
    fn facts_of_a_newer_build_are_read_and_a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("build.json");
        let text = r#"{"build":"1-a","version":"0.1.0","board":"rock64","time":1767225600,"later":[]}"#;
        std::fs::write(&path, text).unwrap();
        assert_eq!(BuildFacts::read(&path).unwrap().time, 1_767_225_600);
        std::fs::write(&path, "{").unwrap();
        let error = BuildFacts::read(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot understand {}", path.display()));
    }
}
