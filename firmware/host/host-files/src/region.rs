//! Sectors of a raw partition (or, in tests, of a plain file).

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use disk_image::SECTOR_BYTES;
use rustix::fs::{FlockOperation, OFlags, flock};

use crate::lock::lock_within;

/// How long somebody else's turn may take. Every turn is a few sector writes.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// What went wrong with a partition.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// The kernel refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was to be done: "open", "read sector 8 of", ….
        action: String,
        /// The partition.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Another program did not finish its turn.
    #[error("cannot lock {path}: another program held it for {} s", LOCK_LIMIT.as_secs())]
    Busy {
        /// The partition.
        path: PathBuf,
    },
    /// A sector behind the end.
    #[error("cannot use sector {sector} of {path}: it has {sectors}")]
    OutOfRange {
        /// The first sector that is not there.
        sector: u64,
        /// The partition.
        path: PathBuf,
        /// How many sectors it has.
        sectors: u64,
    },
}

/// An open partition, read and written in sectors of 512 bytes.
///
/// What is written is on the disk when the call returns (`O_DSYNC`).
#[derive(Debug)]
pub struct BlockRegion {
    file: File,
    path: PathBuf,
    sectors: u64,
}

/// A region while we hold its lock: the only way to write to it.
///
/// The lock is advisory and between all openers of the same device node; it ends with this value.
#[derive(Debug)]
pub struct LockedRegion<'a>(&'a BlockRegion);

impl BlockRegion {
    /// Opens a partition for reading and writing.
    pub fn open(path: &Path) -> Result<BlockRegion, RegionError> {
        let flags = i32::try_from(OFlags::DSYNC.bits()).unwrap_or(0);
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
        BlockRegion::from_opened(file, path)
    }

    /// Opens a partition, or a file with a copy of one, for reading.
    pub fn open_read_only(path: &Path) -> Result<BlockRegion, RegionError> {
        BlockRegion::from_opened(File::open(path), path)
    }

    /// Takes over a partition that [`Self::open`] opened, in this process or in the one that started it. `path` is only
    /// what messages call it. It shares its lock with whoever still holds the same open file.
    pub fn from_fd(fd: OwnedFd, path: &Path) -> Result<BlockRegion, RegionError> {
        BlockRegion::from_opened(Ok(File::from(fd)), path)
    }

    fn from_opened(file: io::Result<File>, path: &Path) -> Result<BlockRegion, RegionError> {
        let error = |source| RegionError::Io { action: "open".to_owned(), path: path.to_owned(), source };
        let mut file = file.map_err(error)?;
        // A block device's metadata says zero; where its end is says the truth for both.
        let bytes = file.seek(SeekFrom::End(0)).map_err(error)?;
        Ok(BlockRegion { file, path: path.to_owned(), sectors: bytes / SECTOR_BYTES as u64 })
    }

    /// What it was opened as.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many sectors it has.
    pub fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Reads whole sectors into `bytes`, from sector `first` on. Needs no lock: a sector is written whole or not at all.
    pub fn read(&self, first: u64, bytes: &mut [u8]) -> Result<(), RegionError> {
        let offset = self.offset(first, bytes.len())?;
        self.file.read_exact_at(bytes, offset).map_err(|source| self.io("read", first, source))
    }

    /// Reads `N` bytes, whole sectors, from sector `first` on.
    pub fn read_array<const N: usize>(&self, first: u64) -> Result<[u8; N], RegionError> {
        let mut bytes = [0; N];
        self.read(first, &mut bytes)?;
        Ok(bytes)
    }

    /// Waits for our turn (at most 5 s) and takes it.
    pub fn lock(&self) -> Result<LockedRegion<'_>, RegionError> {
        match lock_within(&self.file, LOCK_LIMIT) {
            Ok(true) => Ok(LockedRegion(self)),
            Ok(false) => Err(RegionError::Busy { path: self.path.clone() }),
            Err(error) => Err(RegionError::Io {
                action: "lock".to_owned(),
                path: self.path.clone(),
                source: error.into(),
            }),
        }
    }

    fn offset(&self, first: u64, bytes: usize) -> Result<u64, RegionError> {
        let count = (bytes / SECTOR_BYTES) as u64;
        match first.checked_add(count) {
            Some(end) if end <= self.sectors => Ok(first * SECTOR_BYTES as u64),
            _ => Err(RegionError::OutOfRange {
                sector: first.max(self.sectors),
                path: self.path.clone(),
                sectors: self.sectors,
            }),
        }
    }

    fn io(&self, action: &str, first: u64, source: io::Error) -> RegionError {
        RegionError::Io { action: format!("{action} sector {first} of"), path: self.path.clone(), source }
    }
}

impl LockedRegion<'_> {
    /// Writes whole sectors from sector `first` on; they are on the disk when this returns.
    pub fn write(&self, first: u64, bytes: &[u8]) -> Result<(), RegionError> {
        let offset = self.0.offset(first, bytes.len())?;
        self.0.file.write_all_at(bytes, offset).map_err(|source| self.0.io("write", first, source))
    }
}

impl Drop for LockedRegion<'_> {
    fn drop(&mut self) {
        // Cannot fail for a lock we hold; closing the file would end it too.
        let _unlocked = flock(&self.0.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(folder: &tempfile::TempDir, sectors: usize) -> BlockRegion {
        let path = folder.path().join("partition");
        std::fs::write(&path, vec![0; sectors * SECTOR_BYTES]).unwrap();
        BlockRegion::open(&path).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_changes() {
        let folder = tempfile::tempdir().unwrap();
        let region = region(&folder, 4);
        region.lock().unwrap().write(2, &[7; SECTOR_BYTES]).unwrap();
        let expected = [[0; SECTOR_BYTES], [7; SECTOR_BYTES], [0; SECTOR_BYTES]].concat();
        assert_eq!(region.read_array::<{ 3 * SECTOR_BYTES }>(1).unwrap().as_slice(), expected);
    }

    #[test]
    fn nothing_is_read_or_written_behind_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let region = region(&folder, 4);
        for first in [4, u64::MAX] {
            assert!(matches!(region.read_array::<SECTOR_BYTES>(first), Err(RegionError::OutOfRange { .. })));
        }
        let error = region.lock().unwrap().write(3, &[1; 2 * SECTOR_BYTES]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot use sector 4 of {}: it has 4", region.path().display())
        );
        assert_eq!(std::fs::metadata(region.path()).unwrap().len(), 4 * 512, "the file grew");
    }

    #[test]
    fn a_partition_opened_for_reading_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = region(&folder, 1).path;
        let region = BlockRegion::open_read_only(&path).unwrap();
        let error = region.lock().unwrap().write(0, &[1; SECTOR_BYTES]).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write sector 0 of {}", path.display()));
    }

    #[test]
    fn two_openers_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let first = region(&folder, 1);
        let second = BlockRegion::open(first.path()).unwrap();
        let turn = first.lock().unwrap();
        let busy = lock_within(&second.file, Duration::from_millis(20)).unwrap();
        assert!(!busy, "both have the lock");
        drop(turn);
        second.lock().unwrap();
    }
}
