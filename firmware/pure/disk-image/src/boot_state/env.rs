use crate::key_values::{KeyValues, Malformed};
use crate::{SECTOR_BYTES, Sector};

/// The size of an environment on the disk, in bytes: one sector, so that a disk writes all of it or none.
pub const ENV_BYTES: usize = SECTOR_BYTES;

/// Bytes 0..4 hold the checksum of the rest.
const CRC_BYTES: usize = 4;

/// Room for entries, each `key=value` and a NUL, and for the NUL that ends the list.
const DATA_BYTES: usize = ENV_BYTES - CRC_BYTES;

/// A U-Boot environment of 512 bytes, non-redundant form.
///
/// Layout (U-Boot `include/env_internal.h`, `environment_s` without `CONFIG_SYS_REDUNDAND_ENVIRONMENT`; libubootenv
/// `uboot_env_noredund`): bytes 0..4 the CRC-32 (IEEE 802.3) of bytes 4..512, little-endian; then `key=value` entries,
/// each ended by a NUL; one more NUL; zeros.
///
/// A value of this type always fits the 512 bytes: [`BootEnv::set`] refuses what would not. Entries are kept sorted
/// by key, so equal environments encode to equal bytes. Keys this program does not know are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootEnv(KeyValues);

/// Why 512 bytes are not an environment, or why an entry cannot be put into one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// The bytes were torn, overwritten or never written.
    #[error(
        "checksum is {stored:08x}, but the content has {computed:08x}: the copy is torn or was never written"
    )]
    Checksum {
        /// The CRC-32 in bytes 0..4.
        stored: u32,
        /// The CRC-32 of bytes 4..512.
        computed: u32,
    },
    /// The checksum is right, but the content is not a list of entries. No writer we know produces this.
    #[error("entry at byte {offset} is unreadable: {problem}")]
    Malformed {
        /// Where the entry starts, in bytes from the start of the 512.
        offset: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A key holds a character that a boot script or the format would misread.
    #[error("{key:?} cannot be a key: it must be 1 or more of A-Z a-z 0-9 and '_'")]
    Key {
        /// The key as given.
        key: String,
    },
    /// A value holds a character that a boot script or the format would misread.
    #[error("{key}={value:?} cannot be stored: a value is printable ASCII without '\\'")]
    Value {
        /// The key the value was meant for.
        key: String,
        /// The value as given.
        value: String,
    },
    /// The entries would not fit any more; the environment is unchanged.
    #[error("{key} does not fit: the environment would need {needed} bytes and has {room}")]
    Full {
        /// The key that was to be set.
        key: String,
        /// Bytes the entries would take, in all.
        needed: usize,
        /// Bytes there are.
        room: usize,
    },
}

impl BootEnv {
    /// Reads an environment.
    ///
    /// # Errors
    /// [`EnvError::Checksum`] for torn or blank bytes, [`EnvError::Malformed`] for a right checksum over nonsense.
    pub fn parse(bytes: &Sector) -> Result<BootEnv, EnvError> {
        let stored = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let computed = crc32fast::hash(&bytes[CRC_BYTES..]);
        if stored != computed {
            return Err(EnvError::Checksum { stored, computed });
        }
        match KeyValues::parse(&bytes[CRC_BYTES..]) {
            Ok(entries) => Ok(BootEnv(entries)),
            Err(Malformed { offset, problem }) => {
                Err(EnvError::Malformed { offset: CRC_BYTES + offset, problem })
            }
        }
    }

    /// The 512 bytes to write, checksum included.
    pub fn encode(&self) -> Sector {
        let mut bytes = [0; ENV_BYTES];
        self.0.encode_into(&mut bytes[CRC_BYTES..]);
        let crc = crc32fast::hash(&bytes[CRC_BYTES..]);
        bytes[..CRC_BYTES].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// When the key or value holds a character a boot script would misread, or the entries would not fit in 512 bytes.
    /// The environment is then unchanged.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), EnvError> {
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(EnvError::Key { key: key.to_owned() });
        }
        // U-Boot's import takes a backslash as an escape character, libubootenv does not.
        if !value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'\\') {
            return Err(EnvError::Value { key: key.to_owned(), value: value.to_owned() });
        }
        let mut entries = self.0.clone();
        entries.set(key, value);
        let needed = entries.encoded_len();
        if needed > DATA_BYTES {
            return Err(EnvError::Full { key: key.to_owned(), needed, room: DATA_BYTES });
        }
        self.0 = entries;
        Ok(())
    }

    /// Removes `key`, if it is there.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// All entries, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter()
    }
}

#[cfg(test)]
#[path = "env_tests.rs"]
mod tests;
