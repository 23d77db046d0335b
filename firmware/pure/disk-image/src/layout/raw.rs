use serde::Deserialize;
use uuid::Uuid;

use super::Filesystem;
use crate::SECTOR_BYTES;

/// A layout as written. Unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLayout {
    pub(super) guid_namespace: Uuid,
    pub(super) alignment: RawSize,
    pub(super) partition: Vec<RawPartition>,
}

/// A partition as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPartition {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) type_guid: Uuid,
    pub(super) first_lba: u64,
    pub(super) size: RawSize,
    #[serde(default)]
    pub(super) created: Created,
    #[serde(default = "yes")]
    pub(super) aligned: bool,
    #[serde(default)]
    pub(super) legacy_boot: bool,
    pub(super) filesystem: Option<Filesystem>,
    pub(super) label: Option<String>,
}

/// When a partition comes to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Created {
    /// It is in the flashed image.
    #[default]
    Image,
    /// The appliance makes it at its first boot.
    FirstBoot,
}

/// `"16 MiB"`, `"32704 sectors"` or `"rest"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum RawSize {
    /// This many sectors, at least one.
    Sectors(u64),
    /// What is left of the disk.
    Rest,
}

const SECTORS_PER_MIB: u64 = (1 << 20) / SECTOR_BYTES as u64;

impl TryFrom<String> for RawSize {
    type Error = String;

    fn try_from(text: String) -> Result<RawSize, String> {
        let unit = |unit| text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
        let sectors = match (unit(" MiB"), unit(" sectors")) {
            (Some(mib), _) => mib.checked_mul(SECTORS_PER_MIB),
            (None, sectors) => sectors,
        };
        match sectors {
            Some(sectors @ 1..) => Ok(RawSize::Sectors(sectors)),
            None if text == "rest" => Ok(RawSize::Rest),
            _ => Err(format!("{text:?} is not a size: write \"16 MiB\", \"32704 sectors\" or \"rest\"")),
        }
    }
}

fn yes() -> bool {
    true
}
