use super::{
    ENTRIES, ENTRY_BYTES, ENTRY_BYTES_U32, Gpt, GptPartition, HEAD_SECTORS, TAIL_SECTORS, entry, header, mbr,
};
use crate::SECTOR_BYTES;

impl Gpt {
    /// The first [`HEAD_SECTORS`] sectors of the disk: protective MBR, header, entries.
    pub fn head(&self) -> Vec<u8> {
        let entries = self.entries();
        let mut bytes = self.protective_mbr().to_vec();
        bytes.extend(self.header(&Place { my: 1, alternate: self.disk_sectors - 1, entries: 2 }, &entries));
        bytes.extend(entries);
        bytes
    }

    /// The last [`TAIL_SECTORS`] sectors of the disk: the copy of the entries, the copy of the header.
    pub fn tail(&self) -> Vec<u8> {
        let mut bytes = self.entries();
        let place = Place { my: self.disk_sectors - 1, alternate: 1, entries: self.tail_lba() };
        bytes.extend(self.header(&place, &bytes));
        bytes
    }

    /// Where [`Self::tail`] starts.
    pub fn tail_lba(&self) -> u64 {
        self.disk_sectors - TAIL_SECTORS
    }

    fn protective_mbr(&self) -> [u8; SECTOR_BYTES] {
        let mut bytes = [0; SECTOR_BYTES];
        // Cylinder, head and sector of the first and last sector; fixed, because no disk of today has them.
        put(&mut bytes, mbr::ENTRY + 1, &[0x00, 0x02, 0x00]);
        put(&mut bytes, mbr::ENTRY_TYPE, &[mbr::TYPE_GPT_PROTECTIVE]);
        put(&mut bytes, mbr::ENTRY_TYPE + 1, &[0xff, 0xff, 0xff]);
        put(&mut bytes, mbr::ENTRY_FIRST_LBA, &1u32.to_le_bytes());
        let sectors = u32::try_from(self.disk_sectors - 1).unwrap_or(u32::MAX);
        put(&mut bytes, mbr::ENTRY_SECTORS, &sectors.to_le_bytes());
        put(&mut bytes, mbr::SIGNATURE, &mbr::SIGNATURE_BYTES);
        bytes
    }

    fn header(&self, place: &Place, entries: &[u8]) -> [u8; SECTOR_BYTES] {
        let mut bytes = [0; SECTOR_BYTES];
        put(&mut bytes, 0, &header::SIGNATURE);
        put(&mut bytes, header::REVISION, &header::REVISION_1_0.to_le_bytes());
        put(&mut bytes, header::HEADER_SIZE, &header::BYTES_U32.to_le_bytes());
        put(&mut bytes, header::MY_LBA, &place.my.to_le_bytes());
        put(&mut bytes, header::ALTERNATE_LBA, &place.alternate.to_le_bytes());
        put(&mut bytes, header::FIRST_USABLE_LBA, &HEAD_SECTORS.to_le_bytes());
        put(&mut bytes, header::LAST_USABLE_LBA, &(self.tail_lba() - 1).to_le_bytes());
        put(&mut bytes, header::DISK_GUID, &self.disk_guid.to_bytes_le());
        put(&mut bytes, header::ENTRIES_LBA, &place.entries.to_le_bytes());
        put(&mut bytes, header::ENTRY_COUNT, &ENTRIES.to_le_bytes());
        put(&mut bytes, header::ENTRY_SIZE, &ENTRY_BYTES_U32.to_le_bytes());
        put(&mut bytes, header::ENTRIES_CRC, &crc32fast::hash(entries).to_le_bytes());
        // Computed over the header with this field zero.
        let crc = crc32fast::hash(&bytes[..header::BYTES]);
        put(&mut bytes, header::HEADER_CRC, &crc.to_le_bytes());
        bytes
    }

    fn entries(&self) -> Vec<u8> {
        let entry = |number| self.partitions.iter().find(|partition| partition.number == number);
        (1..=ENTRIES).flat_map(|number| entry(number).map_or([0; ENTRY_BYTES], GptPartition::entry)).collect()
    }
}

/// Where one of the two headers and its entries are.
struct Place {
    my: u64,
    alternate: u64,
    entries: u64,
}

impl GptPartition {
    fn entry(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        put(&mut bytes, entry::TYPE_GUID, &self.type_guid.to_bytes_le());
        put(&mut bytes, entry::GUID, &self.guid.to_bytes_le());
        put(&mut bytes, entry::FIRST_LBA, &self.first_lba.to_le_bytes());
        put(&mut bytes, entry::LAST_LBA, &self.last_lba.to_le_bytes());
        put(&mut bytes, entry::ATTRIBUTES, &self.attributes.to_le_bytes());
        for (unit, place) in self.name.encode_utf16().zip(bytes[entry::NAME].chunks_exact_mut(2)) {
            place.copy_from_slice(&unit.to_le_bytes());
        }
        bytes
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
