//! Everything a machine wrote onto its disk, in order: to see what a power cut at any moment would have left.
//!
//! QEMU's `blklogwrites` driver writes the log, in the format of the kernel's `dm-log-writes`: a sector with the number of
//! entries, then for each entry a sector that describes it and the data.

use crate::Disk;
use anyhow::{Context as _, Result, ensure};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

const SECTOR: u64 = 512;
/// Data is looked at in pieces of this size: most of it is zeros, by which a new file system is cleared.
static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
const MAGIC: u64 = 0x006a_7366_7773_6872;
const FLUSH: u64 = 1;
const FORCED: u64 = 2;
const DISCARD: u64 = 4;

/// The log that is being written while a machine runs.
pub struct WriteLog {
    path: PathBuf,
}

/// What a machine did with its disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskEvent {
    /// Bytes, from this sector on. They are on the disk after the next flush at the latest, and maybe not before.
    Write {
        /// The first sector.
        sector: u64,
        /// What was written.
        bytes: Vec<u8>,
    },
    /// Zeros, likewise.
    Zeros {
        /// The first sector.
        sector: u64,
        /// How many.
        sectors: u64,
    },
    /// Sectors whose content is of no use any more.
    Discard {
        /// The first sector.
        sector: u64,
        /// How many.
        sectors: u64,
    },
    /// All writes before this one are on the disk.
    Flush,
}

impl WriteLog {
    /// A log beside `disk`, and the QEMU arguments that write it: for [`crate::VmOptions::extra`] of a machine whose
    /// first disk it is.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn of(disk: &Disk) -> Result<(WriteLog, Vec<String>)> {
        ensure!(disk.format() == "raw", "only writes to a plain disk can be recorded");
        let path = disk.path().with_extension("writes");
        File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        // Discards are passed on as such; turned into writes of zeros they would fill the log.
        let node = serde_json::json!({
            "driver": "raw",
            "discard": "unmap",
            "file": {
                "driver": "blklogwrites",
                "discard": "unmap",
                "log-sector-size": SECTOR,
                "file": {"driver": "file", "discard": "unmap", "filename": disk.path()},
                "log": {"driver": "file", "filename": path},
            },
        });
        let arguments = [
            // In place of the file that the drive was given.
            "-set".to_owned(),
            format!("drive.disk0.file=json:{node}"),
            // The usual mode keeps flushes from everything below, and so out of the log.
            "-set".to_owned(),
            "drive.disk0.cache.no-flush=off".to_owned(),
        ];
        Ok((WriteLog { path }, arguments.into()))
    }

    /// What was written up to now, oldest first. The machine must be off.
    ///
    /// # Errors
    /// When the log cannot be understood.
    pub fn read(&self) -> Result<Vec<DiskEvent>> {
        let log = File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        parse(&log).with_context(|| format!("cannot understand {}", self.path.display()))
    }
}

impl Drop for WriteLog {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl DiskEvent {
    /// Does to the file what it did to the disk. What a discarded sector holds is nobody's business.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn replay(&self, disk: &File) -> Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        match self {
            DiskEvent::Write { sector, bytes } => {
                disk.write_all_at(bytes, sector * SECTOR).context("cannot write the disk")
            }
            DiskEvent::Zeros { sector, sectors } => {
                let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                fallocate(disk, hole, sector * SECTOR, sectors * SECTOR).context("cannot clear the disk")
            }
            DiskEvent::Discard { .. } | DiskEvent::Flush => Ok(()),
        }
    }

    /// True when it writes any of the sectors `from..to`.
    #[must_use]
    pub fn writes_into(&self, from: u64, to: u64) -> bool {
        let (sector, sectors) = match self {
            DiskEvent::Write { sector, bytes } => (*sector, bytes.len() as u64 / SECTOR),
            DiskEvent::Zeros { sector, sectors } => (*sector, *sectors),
            DiskEvent::Discard { .. } | DiskEvent::Flush => return false,
        };
        sector < to && sector + sectors > from
    }

    /// True when these bytes, not all of them zeros, are among those it writes.
    #[must_use]
    pub fn holds(&self, wanted: &[u8]) -> bool {
        match self {
            DiskEvent::Write { bytes, .. } => bytes.windows(wanted.len()).any(|window| window == wanted),
            DiskEvent::Zeros { .. } | DiskEvent::Discard { .. } | DiskEvent::Flush => false,
        }
    }
}

fn parse(log: &File) -> Result<Vec<DiskEvent>> {
    let numbers = |at: u64| -> Result<[u64; 3]> {
        let mut bytes = [0; 24];
        log.read_exact_at(&mut bytes, at).context("it is cut off")?;
        let (numbers, _) = bytes.as_chunks::<8>();
        Ok([numbers[0], numbers[1], numbers[2]].map(u64::from_le_bytes))
    };
    let [magic, version, count] = numbers(0)?;
    ensure!(magic == MAGIC && version == 1, "it has another format");
    let mut events = Vec::new();
    let mut at = SECTOR;
    // The count is brought up to date with each flush: what comes after the last one is not counted.
    for _ in 0..count {
        let [sector, sectors, flags] = numbers(at)?;
        at += SECTOR;
        if flags & DISCARD != 0 {
            events.push(DiskEvent::Discard { sector, sectors });
            continue;
        }
        if flags & FLUSH != 0 {
            // Asked for together with a write, it comes before the write.
            events.push(DiskEvent::Flush);
        }
        if sectors > 0 {
            events.push(match data(log, at, sectors * SECTOR).context("it is cut off")? {
                Some(bytes) => DiskEvent::Write { sector, bytes },
                None => DiskEvent::Zeros { sector, sectors },
            });
            at += sectors * SECTOR;
        }
        if flags & FORCED != 0 {
            events.push(DiskEvent::Flush);
        }
    }
    Ok(events)
}

/// So many bytes of the log; `None` when they are zeros.
fn data(log: &File, at: u64, length: u64) -> Result<Option<Vec<u8>>> {
    let mut piece = vec![0; ZEROS.len().min(usize::try_from(length)?)];
    let mut done = 0;
    while done < length {
        let piece = &mut piece[..ZEROS.len().min(usize::try_from(length - done)?)];
        log.read_exact_at(piece, at + done)?;
        if *piece != ZEROS[..piece.len()] {
            let mut bytes = vec![0; usize::try_from(length)?];
            log.read_exact_at(&mut bytes, at)?;
            return Ok(Some(bytes));
        }
        done += piece.len() as u64;
    }
    Ok(None)
}
