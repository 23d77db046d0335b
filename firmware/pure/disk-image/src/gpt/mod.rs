//! The partition table: GPT with a protective MBR, as UEFI Specification 2.10 section 5 describes it.
//!
//! [`Gpt::head`] and [`Gpt::tail`] are the two ends of a disk; [`Gpt::parse_head`] and [`Gpt::parse_tail`] read them.
//! Fixed in both directions: 512-byte sectors, 128 entries of 128 bytes. The same table is always the same bytes: every
//! GUID is given by the caller.
//!
//! Why not a crate: `gptman` 3.1.1, the best kept one, reads and writes through `Read + Seek + Write` streams, so a pure
//! caller needs cursors over whole disks; its errors do not name the partition; and it brings a serialisation framework
//! with derive macros and a second CRC implementation for what are two fixed structures of 92 and 128 bytes.

mod mend;
mod read;
mod write;

use std::collections::BTreeSet;

use uuid::Uuid;

pub use mend::{Mend, TableCopy, mend};

/// Entries in a table.
pub const ENTRIES: u32 = 128;

/// The size of an entry, in bytes: as an array length and as the header says it.
const ENTRY_BYTES: usize = 128;
const ENTRY_BYTES_U32: u32 = 128;

/// Sectors the entries take.
const ENTRY_SECTORS: u64 = 32;

/// Sectors at the start of a disk: protective MBR, header, entries. The first LBA a partition may have.
pub const HEAD_SECTORS: u64 = 2 + ENTRY_SECTORS;

/// Sectors at the end of a disk: the copy of the entries, the copy of the header.
pub const TAIL_SECTORS: u64 = ENTRY_SECTORS + 1;

/// The attribute "legacy BIOS bootable" (bit 2). U-Boot looks for boot scripts only on partitions that have it, as soon
/// as one has it.
pub const ATTRIBUTE_LEGACY_BOOT: u64 = 1 << 2;

/// A valid partition table: unique names, GUIDs and numbers, nothing overlaps, everything is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpt {
    disk_guid: Uuid,
    disk_sectors: u64,
    partitions: Vec<GptPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GptPartition {
    /// Its place in the table, 1 to 128: the number in `/dev/vda3`.
    pub number: u32,
    /// What it is for.
    pub type_guid: Uuid,
    /// Which one it is: `PARTUUID`.
    pub guid: Uuid,
    /// Its first sector.
    pub first_lba: u64,
    /// Its last sector.
    pub last_lba: u64,
    /// Attribute bits; see [`ATTRIBUTE_LEGACY_BOOT`].
    pub attributes: u64,
    /// Its name, `PARTLABEL`: at most 36 UTF-16 units.
    pub name: String,
}

/// Why bytes are not a partition table, or partitions do not make one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GptError {
    /// Fewer bytes than the table has.
    #[error("the partition table has {needed} bytes, but only {given} were read")]
    Short {
        /// Bytes given.
        given: usize,
        /// Bytes needed.
        needed: usize,
    },
    /// Sector 0 does not announce a GPT.
    #[error("sector 0 is not a protective MBR (signature 55AA, first entry of type EE from LBA 1)")]
    NoProtectiveMbr,
    /// No `EFI PART`.
    #[error("there is no GPT header at LBA {lba}")]
    NoHeader {
        /// Where it should be.
        lba: u64,
    },
    /// A checksum does not match: torn or overwritten.
    #[error("the checksum of the GPT {part} is {stored:08x}, but its content has {computed:08x}")]
    Checksum {
        /// `header` or `entries`.
        part: &'static str,
        /// The CRC-32 in the header.
        stored: u32,
        /// The CRC-32 of the bytes.
        computed: u32,
    },
    /// A field of the header has a value this program does not handle.
    #[error("the GPT header's {field} is {value}, expected {expected}")]
    Header {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// What it should be.
        expected: u64,
    },
    /// The disk cannot hold both ends of the table.
    #[error("a disk of {sectors} sectors is too small for a partition table")]
    DiskTooSmall {
        /// Its size in sectors.
        sectors: u64,
    },
    /// A partition is impossible in itself.
    #[error("partition {number} ({name}): {problem}")]
    Partition {
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Two partitions share a sector.
    #[error("partitions {first:?} and {second:?} overlap at LBA {lba}")]
    Overlap {
        /// The name of the one that starts first.
        first: String,
        /// The name of the other.
        second: String,
        /// The first sector they share.
        lba: u64,
    },
}

impl Gpt {
    /// A table for a disk of `disk_sectors` sectors. The partitions are kept in the order of their numbers.
    ///
    /// # Errors
    /// [`GptError::DiskTooSmall`], [`GptError::Partition`] or [`GptError::Overlap`].
    pub fn new(
        disk_guid: Uuid,
        disk_sectors: u64,
        mut partitions: Vec<GptPartition>,
    ) -> Result<Gpt, GptError> {
        if disk_sectors <= HEAD_SECTORS + TAIL_SECTORS {
            return Err(GptError::DiskTooSmall { sectors: disk_sectors });
        }
        partitions.sort_by_key(|partition| partition.number);
        let usable = HEAD_SECTORS..=disk_sectors - TAIL_SECTORS - 1;
        let (mut numbers, mut guids, mut names) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for partition in &partitions {
            let problem = if !(1..=ENTRIES).contains(&partition.number) {
                Some("its number is not 1 to 128")
            } else if !numbers.insert(partition.number) {
                Some("another partition has the same number")
            } else if partition.type_guid.is_nil() || partition.guid.is_nil() {
                Some("its GUIDs must not be zero")
            } else if !guids.insert(partition.guid) {
                Some("another partition has the same GUID")
            } else if partition.name.contains('\0') || partition.name.encode_utf16().count() > NAME_UNITS {
                Some("its name has more than 36 UTF-16 units, or a NUL")
            } else if !partition.name.is_empty() && !names.insert(&partition.name) {
                Some("another partition has the same name")
            } else if partition.last_lba < partition.first_lba {
                Some("it ends before it starts")
            } else if !usable.contains(&partition.first_lba) || !usable.contains(&partition.last_lba) {
                Some("it lies outside the disk, or on the partition table")
            } else {
                None
            };
            if let Some(problem) = problem {
                let name = partition.name.clone();
                return Err(GptError::Partition { number: partition.number, name, problem });
            }
        }
        check_overlap(&partitions)?;
        Ok(Gpt { disk_guid, disk_sectors, partitions })
    }

    /// The GUID of the disk.
    pub fn disk_guid(&self) -> Uuid {
        self.disk_guid
    }

    /// The size of the disk the table was made for, in sectors. The disk may have grown since.
    pub fn disk_sectors(&self) -> u64 {
        self.disk_sectors
    }

    /// The partitions, by number.
    pub fn partitions(&self) -> &[GptPartition] {
        &self.partitions
    }

    /// The partition called `name`.
    pub fn partition(&self, name: &str) -> Option<&GptPartition> {
        self.partitions.iter().find(|partition| partition.name == name)
    }
}

impl GptPartition {
    /// Its size in sectors.
    pub fn sectors(&self) -> u64 {
        self.last_lba - self.first_lba + 1
    }
}

/// The room for a name in an entry, in UTF-16 units.
const NAME_UNITS: usize = 36;

fn check_overlap(partitions: &[GptPartition]) -> Result<(), GptError> {
    let mut by_place: Vec<_> = partitions.iter().collect();
    by_place.sort_by_key(|partition| partition.first_lba);
    for pair in by_place.windows(2) {
        if pair[1].first_lba <= pair[0].last_lba {
            let (first, second) = (pair[0].name.clone(), pair[1].name.clone());
            return Err(GptError::Overlap { first, second, lba: pair[1].first_lba });
        }
    }
    Ok(())
}

/// Places of the header's fields, in bytes (UEFI 2.10 table 5.5). All integers are little-endian.
mod header {
    pub(super) const SIGNATURE: [u8; 8] = *b"EFI PART";
    pub(super) const REVISION_1_0: u32 = 0x0001_0000;
    /// The size of the header, which is what its checksum covers: as an array length and as the header says it.
    pub(super) const BYTES: usize = 92;
    pub(super) const BYTES_U32: u32 = 92;

    pub(super) const REVISION: usize = 8;
    pub(super) const HEADER_SIZE: usize = 12;
    pub(super) const HEADER_CRC: usize = 16;
    pub(super) const MY_LBA: usize = 24;
    pub(super) const ALTERNATE_LBA: usize = 32;
    pub(super) const FIRST_USABLE_LBA: usize = 40;
    pub(super) const LAST_USABLE_LBA: usize = 48;
    pub(super) const DISK_GUID: usize = 56;
    pub(super) const ENTRIES_LBA: usize = 72;
    pub(super) const ENTRY_COUNT: usize = 80;
    pub(super) const ENTRY_SIZE: usize = 84;
    pub(super) const ENTRIES_CRC: usize = 88;
}

/// Places of an entry's fields, in bytes (UEFI 2.10 table 5.6).
mod entry {
    pub(super) const TYPE_GUID: usize = 0;
    pub(super) const GUID: usize = 16;
    pub(super) const FIRST_LBA: usize = 32;
    pub(super) const LAST_LBA: usize = 40;
    pub(super) const ATTRIBUTES: usize = 48;
    pub(super) const NAME: std::ops::Range<usize> = 56..128;
}

/// Places in the protective MBR, in bytes (UEFI 2.10 section 5.2.3). Its first entry covers the disk.
mod mbr {
    pub(super) const ENTRY: usize = 446;
    pub(super) const ENTRY_TYPE: usize = ENTRY + 4;
    pub(super) const ENTRY_FIRST_LBA: usize = ENTRY + 8;
    pub(super) const ENTRY_SECTORS: usize = ENTRY + 12;
    pub(super) const SIGNATURE: usize = 510;
    pub(super) const SIGNATURE_BYTES: [u8; 2] = [0x55, 0xaa];
    /// The type of an entry that says "this is a GPT disk, keep off".
    pub(super) const TYPE_GPT_PROTECTIVE: u8 = 0xee;
}

#[cfg(test)]
mod tests;
