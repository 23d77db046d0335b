use uuid::Uuid;

use super::{
    ENTRIES, ENTRY_BYTES, ENTRY_BYTES_U32, ENTRY_SECTORS, Gpt, GptError, GptPartition, HEAD_SECTORS,
    TAIL_SECTORS, entry, header, mbr,
};
use crate::{SECTOR_BYTES, Sector};

impl Gpt {
    /// Reads the table at the start of a disk from its first [`HEAD_SECTORS`] sectors (or more).
    ///
    /// [`Gpt::disk_sectors`] is then what the table says, which on a disk larger than the image it was flashed with is
    /// the image's size, until the copy at the end is moved.
    ///
    /// # Errors
    /// Whatever differs from what [`Gpt::head`] could have written, except partition sizes and places.
    pub fn parse_head(bytes: &[u8]) -> Result<Gpt, GptError> {
        let sectors = take_sectors(bytes, HEAD_SECTORS)?;
        if !is_protective_mbr(&sectors[0]) {
            return Err(GptError::NoProtectiveMbr);
        }
        let header = Header::parse(&sectors[1], 1)?;
        expect("own LBA", header.u64_at(header::MY_LBA), 1)?;
        expect("LBA of the entries", header.u64_at(header::ENTRIES_LBA), 2)?;
        header.table(sectors[2..].as_flattened(), header.u64_at(header::ALTERNATE_LBA).saturating_add(1))
    }

    /// Reads the copy at the end of a disk of `disk_sectors` sectors from its last [`TAIL_SECTORS`] sectors.
    ///
    /// # Errors
    /// As [`Gpt::parse_head`]; above all there is no header there when the disk is larger than the image it was flashed
    /// with.
    pub fn parse_tail(bytes: &[u8], disk_sectors: u64) -> Result<Gpt, GptError> {
        let last_lba = disk_sectors.saturating_sub(1);
        let sectors = take_sectors(bytes, TAIL_SECTORS)?;
        let (header, entries) = sectors.split_last().ok_or(GptError::NoHeader { lba: last_lba })?;
        let header = Header::parse(header, last_lba)?;
        expect("own LBA", header.u64_at(header::MY_LBA), last_lba)?;
        expect("LBA of the other copy", header.u64_at(header::ALTERNATE_LBA), 1)?;
        let entries_lba = last_lba.saturating_sub(ENTRY_SECTORS);
        expect("LBA of the entries", header.u64_at(header::ENTRIES_LBA), entries_lba)?;
        header.table(entries.as_flattened(), disk_sectors)
    }
}

/// A header whose signature, size and checksum are right.
struct Header<'a>(&'a Sector);

impl Header<'_> {
    fn parse(sector: &Sector, lba: u64) -> Result<Header<'_>, GptError> {
        if !sector.starts_with(&header::SIGNATURE) {
            return Err(GptError::NoHeader { lba });
        }
        let this = Header(sector);
        expect("revision", this.u32_at(header::REVISION).into(), header::REVISION_1_0.into())?;
        expect("size", this.u32_at(header::HEADER_SIZE).into(), header::BYTES_U32.into())?;
        let mut covered = sector[..header::BYTES].to_vec();
        covered[header::HEADER_CRC..header::HEADER_CRC + 4].fill(0);
        check_crc("header", this.u32_at(header::HEADER_CRC), &covered)?;
        expect("number of entries", this.u32_at(header::ENTRY_COUNT).into(), ENTRIES.into())?;
        expect("size of an entry", this.u32_at(header::ENTRY_SIZE).into(), ENTRY_BYTES_U32.into())?;
        Ok(this)
    }

    fn table(&self, entries: &[u8], disk_sectors: u64) -> Result<Gpt, GptError> {
        check_crc("entries", self.u32_at(header::ENTRIES_CRC), entries)?;
        let (entries, _) = entries.as_chunks::<ENTRY_BYTES>();
        let numbered = (1..=ENTRIES).zip(entries);
        let partitions: Result<Vec<_>, _> =
            numbered.filter_map(|(number, entry)| parse_entry(number, entry).transpose()).collect();
        Gpt::new(guid_at(self.0, header::DISK_GUID), disk_sectors, partitions?)
    }

    fn u32_at(&self, at: usize) -> u32 {
        u32::from_le_bytes(std::array::from_fn(|i| self.0[at + i]))
    }

    fn u64_at(&self, at: usize) -> u64 {
        u64_at(self.0, at)
    }
}

/// `None` for an entry that is not used: its type is zero.
fn parse_entry(number: u32, bytes: &[u8; ENTRY_BYTES]) -> Result<Option<GptPartition>, GptError> {
    let type_guid = guid_at(bytes, entry::TYPE_GUID);
    if type_guid.is_nil() {
        return Ok(None);
    }
    let units = bytes[entry::NAME].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let name = char::decode_utf16(units.take_while(|&unit| unit != 0)).collect::<Result<String, _>>();
    let Ok(name) = name else {
        let problem = "its name is not UTF-16";
        return Err(GptError::Partition { number, name: String::new(), problem });
    };
    Ok(Some(GptPartition {
        number,
        type_guid,
        guid: guid_at(bytes, entry::GUID),
        first_lba: u64_at(bytes, entry::FIRST_LBA),
        last_lba: u64_at(bytes, entry::LAST_LBA),
        attributes: u64_at(bytes, entry::ATTRIBUTES),
        name,
    }))
}

fn take_sectors(bytes: &[u8], needed: u64) -> Result<&[Sector], GptError> {
    let (sectors, _) = bytes.as_chunks::<SECTOR_BYTES>();
    let needed = usize::try_from(needed).unwrap_or(usize::MAX);
    let short = GptError::Short { given: bytes.len(), needed: needed.saturating_mul(SECTOR_BYTES) };
    sectors.get(..needed).ok_or(short)
}

fn is_protective_mbr(sector: &Sector) -> bool {
    sector[mbr::SIGNATURE..] == mbr::SIGNATURE_BYTES
        && sector[mbr::ENTRY_TYPE] == mbr::TYPE_GPT_PROTECTIVE
        && sector[mbr::ENTRY_FIRST_LBA..][..4] == 1u32.to_le_bytes()
}

fn expect(field: &'static str, value: u64, expected: u64) -> Result<(), GptError> {
    if value == expected { Ok(()) } else { Err(GptError::Header { field, value, expected }) }
}

fn check_crc(part: &'static str, stored: u32, bytes: &[u8]) -> Result<(), GptError> {
    let computed = crc32fast::hash(bytes);
    if stored == computed { Ok(()) } else { Err(GptError::Checksum { part, stored, computed }) }
}

/// GUIDs are stored with their first three fields little-endian (UEFI 2.10 appendix A).
fn guid_at(bytes: &[u8], at: usize) -> Uuid {
    Uuid::from_bytes_le(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}
