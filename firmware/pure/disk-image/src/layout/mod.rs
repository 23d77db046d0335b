//! The layout of the disk, as `image/layout.toml` writes it: the only place that says what is where.
//!
//! Text in, [`Layout`] out: a value of that type has passed every check, so whoever holds one can write a disk from it.
//!
//! GUIDs are derived from names, not drawn: two builds of the same layout are the same bytes. They are UUIDs of version 8
//! as RFC 9562 appendix B.2 makes them: the first 128 bits of SHA-256 over the namespace and the name, with version and
//! variant set. So all disks flashed with an image carry the same GUIDs; the boot token tells two of them apart.

mod check;
mod guid;
mod raw;

use serde::Deserialize;
use uuid::Uuid;

use crate::SECTOR_BYTES;
use crate::gpt::{ATTRIBUTE_LEGACY_BOOT, Gpt, GptError, GptPartition, TAIL_SECTORS};

/// A checked disk layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    disk_guid: Uuid,
    alignment: u64,
    partitions: Vec<Partition>,
    data: FirstBootPartition,
}

/// A partition of the flashed image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    name: String,
    type_guid: Uuid,
    guid: Uuid,
    first_lba: u64,
    sectors: u64,
    legacy_boot: bool,
    filesystem: Option<Filesystem>,
    label: Option<String>,
}

/// The partition that is made at the first boot, from the rest of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstBootPartition {
    name: String,
    type_guid: Uuid,
    first_lba: u64,
    filesystem: Filesystem,
    label: Option<String>,
}

/// A file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filesystem {
    /// FAT, for what U-Boot reads.
    Fat,
    /// Squashfs: a slot's root.
    Squashfs,
    /// F2FS: `/data`.
    F2fs,
}

/// Why a layout cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Not TOML, an unknown or missing key, or a value of the wrong type. The text names line and column.
    #[error(transparent)]
    Syntax(#[from] toml::de::Error),
    /// A partition breaks a rule of the layout.
    #[error("partition {name:?}: {problem}")]
    Partition {
        /// Its name.
        name: String,
        /// Which rule, and what to do.
        problem: String,
    },
    /// The layout as a whole breaks a rule.
    #[error("the layout {0}")]
    Whole(String),
    /// The partition table would not be valid.
    #[error("the partition table of the layout is not valid")]
    Table(#[from] GptError),
}

/// An artefact does not fit where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// It is too large.
    #[error(
        "{artefact} does not fit in {place}: it has {bytes} bytes, there are {room} ({} too many). Make it smaller, or \
         enlarge the partition in image/layout.toml",
        bytes - room
    )]
    TooLarge {
        /// What it is.
        artefact: String,
        /// The partition, or the part of it.
        place: String,
        /// Its size in bytes.
        bytes: u64,
        /// The room in bytes.
        room: u64,
    },
    /// There is no such partition in the flashed image.
    #[error("{artefact} has no place: image/layout.toml has no partition {partition:?} in the flashed image")]
    NoPartition {
        /// What it is.
        artefact: String,
        /// The partition asked for.
        partition: String,
    },
    /// The sectors asked for are not all in the partition.
    #[error(
        "{artefact} cannot start at LBA {lba}: partition {partition:?} does not reach from there to LBA {end}"
    )]
    Outside {
        /// What it is.
        artefact: String,
        /// The partition asked for.
        partition: String,
        /// The first sector asked for.
        lba: u64,
        /// The first sector after those asked for.
        end: u64,
    },
}

impl Layout {
    /// Reads and checks a layout.
    ///
    /// # Errors
    /// The first problem found, naming the partition.
    pub fn parse(text: &str) -> Result<Layout, LayoutError> {
        let layout = check::check(toml::from_str(text)?)?;
        layout.try_gpt()?;
        Ok(layout)
    }

    /// The partitions of the flashed image, in the order they lie on the disk; the first is partition 1.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The partition of the flashed image called `name`.
    pub fn partition(&self, name: &str) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.name == name)
    }

    /// The partition made at the first boot.
    pub fn data(&self) -> &FirstBootPartition {
        &self.data
    }

    /// The GUID of the disk.
    pub fn disk_guid(&self) -> Uuid {
        self.disk_guid
    }

    /// The size of the flashed image in sectors: up to the end of the last partition and the copy of the partition
    /// table, rounded up to the alignment.
    pub fn image_sectors(&self) -> u64 {
        let used = self.partitions.iter().map(Partition::end_lba).max().unwrap_or(0);
        (used + TAIL_SECTORS).next_multiple_of(self.alignment)
    }

    /// The partition table of the flashed image.
    pub fn gpt(&self) -> Gpt {
        self.try_gpt().expect("Layout::parse made this table before it returned the layout")
    }

    /// Checks that an artefact of `bytes` bytes fits in `partition`.
    ///
    /// # Errors
    /// [`FitError`], naming both sizes.
    pub fn artefact_fits(&self, artefact: &str, partition: &str, bytes: u64) -> Result<(), FitError> {
        let place = self.place_of(artefact, partition)?;
        fits(artefact, place.name(), bytes, place.bytes())
    }

    /// Checks that an artefact of `bytes` bytes fits in the sectors from `lba` up to, but not including, `end` of
    /// `partition`. For the loader's two parts, which lie at fixed places within one partition.
    ///
    /// # Errors
    /// [`FitError`], naming both sizes.
    pub fn artefact_fits_at(
        &self,
        artefact: &str,
        partition: &str,
        lbas: std::ops::Range<u64>,
        bytes: u64,
    ) -> Result<(), FitError> {
        let place = self.place_of(artefact, partition)?;
        let std::ops::Range { start: lba, end } = lbas;
        if lba < place.first_lba || place.end_lba() < end || end < lba {
            let (artefact, partition) = (artefact.to_owned(), partition.to_owned());
            return Err(FitError::Outside { artefact, partition, lba, end });
        }
        let name = format!("{partition} between LBA {lba} and {end}");
        fits(artefact, &name, bytes, (end - lba) * SECTOR_BYTES as u64)
    }

    fn place_of(&self, artefact: &str, partition: &str) -> Result<&Partition, FitError> {
        let error =
            || FitError::NoPartition { artefact: artefact.to_owned(), partition: partition.to_owned() };
        self.partition(partition).ok_or_else(error)
    }

    fn try_gpt(&self) -> Result<Gpt, GptError> {
        let entries = (1..).zip(&self.partitions).map(|(number, partition)| partition.to_gpt(number));
        Gpt::new(self.disk_guid, self.image_sectors(), entries.collect())
    }
}

fn fits(artefact: &str, place: &str, bytes: u64, room: u64) -> Result<(), FitError> {
    if bytes <= room {
        return Ok(());
    }
    Err(FitError::TooLarge { artefact: artefact.to_owned(), place: place.to_owned(), bytes, room })
}

impl Partition {
    /// Its name: `PARTLABEL`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its GPT type.
    pub fn type_guid(&self) -> Uuid {
        self.type_guid
    }

    /// Its own GUID: `PARTUUID`.
    pub fn guid(&self) -> Uuid {
        self.guid
    }

    /// Its first sector.
    pub fn first_lba(&self) -> u64 {
        self.first_lba
    }

    /// The first sector after it.
    pub fn end_lba(&self) -> u64 {
        self.first_lba + self.sectors
    }

    /// Its size in sectors.
    pub fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.sectors * SECTOR_BYTES as u64
    }

    /// Where it starts, in bytes from the start of the disk.
    pub fn offset(&self) -> u64 {
        self.first_lba * SECTOR_BYTES as u64
    }

    /// Its GPT attributes.
    pub fn attributes(&self) -> u64 {
        if self.legacy_boot { ATTRIBUTE_LEGACY_BOOT } else { 0 }
    }

    /// What is in it; `None` for raw sectors.
    pub fn filesystem(&self) -> Option<Filesystem> {
        self.filesystem
    }

    /// The label of its file system.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn to_gpt(&self, number: u32) -> GptPartition {
        GptPartition {
            number,
            type_guid: self.type_guid,
            guid: self.guid,
            first_lba: self.first_lba,
            last_lba: self.end_lba() - 1,
            attributes: self.attributes(),
            name: self.name.clone(),
        }
    }
}

impl FirstBootPartition {
    /// Its name: `PARTLABEL`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its GPT type, which no other partition of the disk has.
    pub fn type_guid(&self) -> Uuid {
        self.type_guid
    }

    /// Its first sector. It ends where the disk ends.
    pub fn first_lba(&self) -> u64 {
        self.first_lba
    }

    /// Its file system.
    pub fn filesystem(&self) -> Filesystem {
        self.filesystem
    }

    /// The label of its file system.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }
}

#[cfg(test)]
mod tests;
