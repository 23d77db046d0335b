use appliance_types::{InvalidWord, MachineId};

use super::RECORDS_SECTORS;
use crate::key_values::KeyValues;

/// The size of one copy of the records, in bytes: 8 sectors.
pub const RECORDS_BYTES: usize = 4096;

/// What the black box remembers for the life of the device, until it is flashed anew.
///
/// Two copies of 4 KiB, each:
///
/// | Bytes | What (integers little-endian) |
/// |---|---|
/// | 0..4 | CRC-32 (IEEE 802.3) of bytes 4..4096 |
/// | 4..8 | `SWRC` |
/// | 8..10 | format version, 1 |
/// | 10..12 | 0 |
/// | 12..20 | generation: one more at each change |
/// | 20..4096 | `key=value` entries, each ended by a NUL; one more NUL; zeros |
///
/// Keys: `MACHINE_ID`; `SEED_CLOSED=1`; `CLAIMED=1`, `DEVICE_ID`, `ADMIN_KEY_0`, `ADMIN_KEY_1`, …. Other keys are kept:
/// a slot that was rolled back to must not drop what a newer one wrote.
///
/// A copy of zeros, as a flashed disk has it, is generation 0 and says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// The machine id, made at the first boot.
    pub machine_id: Option<MachineId>,
    /// The first import is finished: the seed on the boot partition is never looked at again.
    pub seed_closed: bool,
    /// Whose device this is; `None` while it is unclaimed.
    pub claim: Option<Claim>,
    other: KeyValues,
}

/// Whose device this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    device_id: String,
    admin_keys: Vec<String>,
}

/// Why the records cannot be read or written.
///
/// None of the reading errors means "nothing recorded": a device whose claim cannot be read is not claimable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// Neither copy is readable.
    #[error("both copies of the black-box records are damaged")]
    BothDamaged,
    /// The newest copy is of a format this program does not know.
    #[error("the black-box records have format version {version}; this program reads version 1")]
    NewerVersion {
        /// Its format version.
        version: u16,
    },
    /// A line that cannot be stored.
    #[error(transparent)]
    Line(#[from] InvalidWord),
    /// The records do not fit in one copy.
    #[error("the black-box records would need {needed} bytes and have {room}")]
    TooLarge {
        /// Bytes the entries take.
        needed: usize,
        /// Bytes there are.
        room: usize,
    },
}

/// Which of the two copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordsCopy {
    /// The copy at sectors 8..16.
    Copy0 = 0,
    /// The copy at sectors 16..24.
    Copy1 = 1,
}

/// One write to make, then sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsWrite {
    /// Which copy to overwrite.
    pub copy: RecordsCopy,
    /// The whole new content.
    pub bytes: Box<[u8; RECORDS_BYTES]>,
}

/// The records that count, decided from both copies: the readable one with the higher generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentRecords {
    records: Records,
    generation: u64,
    holder: RecordsCopy,
    both_hold_it: bool,
}

const MAGIC: [u8; 4] = *b"SWRC";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 20;

impl Claim {
    /// A claim by the holders of `admin_keys`, one public key per line, kept as they are.
    ///
    /// # Errors
    /// When a text is empty or holds a control character.
    pub fn new(device_id: &str, admin_keys: &[&str]) -> Result<Claim, RecordsError> {
        for line in [device_id].iter().chain(admin_keys) {
            if line.is_empty() || line.chars().any(char::is_control) {
                const RULE: &str = "it is one line, not empty and without control characters";
                return Err(InvalidWord::new(line, "a device id or public key", RULE).into());
            }
        }
        let admin_keys = admin_keys.iter().map(|&line| line.to_owned()).collect();
        Ok(Claim { device_id: device_id.to_owned(), admin_keys })
    }

    /// The id the device was claimed under.
    pub fn device_id(&self) -> &str {
        &self.device_id
    }

    /// The public keys of its administrators, one line each.
    pub fn admin_keys(&self) -> &[String] {
        &self.admin_keys
    }
}

impl RecordsCopy {
    /// Where the copy starts, in sectors from the start of the partition.
    pub fn first_sector(self) -> u64 {
        RECORDS_SECTORS[self as usize]
    }
}

impl CurrentRecords {
    /// Decides from both copies.
    ///
    /// # Errors
    /// [`RecordsError::BothDamaged`] and [`RecordsError::NewerVersion`]. A torn first write is neither: the other copy
    /// is still the zeros it was flashed with.
    pub fn decide(
        copy0: &[u8; RECORDS_BYTES],
        copy1: &[u8; RECORDS_BYTES],
    ) -> Result<CurrentRecords, RecordsError> {
        let (read0, read1) = (read(copy0), read(copy1));
        let both_hold_it = read0.is_some() && read0 == read1;
        let (holder, newest) = match (read0, read1) {
            (Some(first), Some(second)) if second.generation > first.generation => {
                (RecordsCopy::Copy1, second)
            }
            (Some(first), _) => (RecordsCopy::Copy0, first),
            (None, Some(second)) => (RecordsCopy::Copy1, second),
            (None, None) => return Err(RecordsError::BothDamaged),
        };
        let records = newest.content.map_err(|version| RecordsError::NewerVersion { version })?;
        Ok(CurrentRecords { records, generation: newest.generation, holder, both_hold_it })
    }

    /// The records that count.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// How often they were changed; 0 on a flashed disk.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The writes, in order and each synced before the next, after which both copies hold `new`; empty when both do
    /// already.
    ///
    /// The copy that counts now is overwritten last, so a power cut at any point leaves these records or `new`.
    ///
    /// # Errors
    /// [`RecordsError::TooLarge`] when `new` does not fit.
    pub fn writes_to(&self, new: &Records) -> Result<Vec<RecordsWrite>, RecordsError> {
        if *new == self.records && self.both_hold_it {
            return Ok(Vec::new());
        }
        let bytes = Box::new(new.encode(self.generation + 1)?);
        let (first, last) = match self.holder {
            RecordsCopy::Copy0 => (RecordsCopy::Copy1, RecordsCopy::Copy0),
            RecordsCopy::Copy1 => (RecordsCopy::Copy0, RecordsCopy::Copy1),
        };
        Ok(vec![RecordsWrite { copy: first, bytes: bytes.clone() }, RecordsWrite { copy: last, bytes }])
    }
}

impl Records {
    /// One copy, as it is on the disk.
    ///
    /// # Errors
    /// [`RecordsError::TooLarge`].
    pub fn encode(&self, generation: u64) -> Result<[u8; RECORDS_BYTES], RecordsError> {
        let mut entries = self.other.clone();
        if let Some(id) = self.machine_id {
            entries.set("MACHINE_ID", &id.to_string());
        }
        if self.seed_closed {
            entries.set("SEED_CLOSED", "1");
        }
        if let Some(claim) = &self.claim {
            entries.set("CLAIMED", "1");
            entries.set("DEVICE_ID", &claim.device_id);
            for (index, line) in claim.admin_keys.iter().enumerate() {
                entries.set(&admin_key(index), line);
            }
        }
        let (needed, room) = (entries.encoded_len(), RECORDS_BYTES - HEADER_BYTES);
        if needed > room {
            return Err(RecordsError::TooLarge { needed, room });
        }
        let mut bytes = [0; RECORDS_BYTES];
        bytes[4..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&generation.to_le_bytes());
        entries.encode_into(&mut bytes[HEADER_BYTES..]);
        let crc = crc32fast::hash(&bytes[4..]);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        Ok(bytes)
    }

    /// `None` when a key we know has a value it cannot have.
    fn from_entries(mut entries: KeyValues) -> Option<Records> {
        let mut take = |key: &str| {
            let value = entries.get(key).map(str::to_owned);
            entries.remove(key);
            value
        };
        let machine_id = take("MACHINE_ID").map(|text| text.parse()).transpose().ok()?;
        let seed_closed = flag(take("SEED_CLOSED").as_deref())?;
        let claimed = flag(take("CLAIMED").as_deref())?;
        let device_id = take("DEVICE_ID");
        let admin_keys: Vec<String> = (0..).map_while(|index| take(&admin_key(index))).collect();
        let claim = match (claimed, device_id) {
            (true, Some(device_id)) => Some(Claim { device_id, admin_keys }),
            (false, None) if admin_keys.is_empty() => None,
            _ => return None,
        };
        Some(Records { machine_id, seed_closed, claim, other: entries })
    }
}

/// A readable copy: its content, or the version of the format when it is another one.
#[derive(PartialEq)]
struct ReadCopy {
    generation: u64,
    content: Result<Records, u16>,
}

/// `None` for a copy that is damaged.
fn read(bytes: &[u8; RECORDS_BYTES]) -> Option<ReadCopy> {
    if bytes.iter().all(|&b| b == 0) {
        return Some(ReadCopy { generation: 0, content: Ok(Records::default()) });
    }
    let (stored, content) = bytes.split_at(4);
    if stored != crc32fast::hash(content).to_le_bytes() || bytes[4..8] != MAGIC {
        return None;
    }
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    let generation = u64::from_le_bytes(std::array::from_fn(|i| bytes[12 + i]));
    if generation == u64::MAX {
        return None;
    }
    let content = match version {
        VERSION => Ok(Records::from_entries(KeyValues::parse(&bytes[HEADER_BYTES..]).ok()?)?),
        other => Err(other),
    };
    Some(ReadCopy { generation, content })
}

fn admin_key(index: usize) -> String {
    format!("ADMIN_KEY_{index}")
}

/// A flag is `1` or absent.
fn flag(value: Option<&str>) -> Option<bool> {
    match value {
        None => Some(false),
        Some("1") => Some(true),
        Some(_) => None,
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
