//! The black box on its partition: read it, leave breadcrumbs, change its records.

use std::os::fd::OwnedFd;
use std::path::Path;

use appliance_types::SlotName;
use disk_image::blackbox::{
    Breadcrumb, BreadcrumbKind, CurrentRecords, MessageText, RECORDS_BYTES, RECORDS_SECTORS, RING_BYTES,
    RING_ENTRIES, RING_FIRST_SECTOR, Records, RecordsError, Ring, SELECTOR_SECTOR, StageText,
};
use disk_image::{SECTOR_BYTES, Sector};

use crate::clock::{uptime_ms, wall_clock_ms};
use crate::region::{BlockRegion, LockedRegion, RegionError};

/// What went wrong with the black box.
#[derive(Debug, thiserror::Error)]
pub enum BlackBoxError {
    /// Its partition.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// Its records.
    #[error("cannot use the records of {path}")]
    Records {
        /// The partition.
        path: String,
        /// What is wrong with them.
        source: RecordsError,
    },
}

/// The open black box.
#[derive(Debug)]
pub struct BlackBox {
    region: BlockRegion,
    ring: Ring,
    /// What stood, when last looked, where our next breadcrumb goes. Something else there means that another program
    /// has left breadcrumbs since.
    next_place: Sector,
}

/// What to leave as a breadcrumb: the part that is not the same for every one of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note<'a> {
    /// What happened.
    pub kind: BreadcrumbKind,
    /// Where in the boot.
    pub stage: &'a str,
    /// What there is to say about it; cut to fit, made one line.
    pub message: &'a str,
}

/// Whose breadcrumb it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer {
    /// The boot it tells about; 0 when that is not known.
    pub boot: u32,
    /// The slot that boot runs.
    pub slot: Option<SlotName>,
}

impl BlackBox {
    /// Opens the black box for reading and writing and reads its breadcrumbs.
    pub fn open(path: &Path) -> Result<BlackBox, BlackBoxError> {
        BlackBox::of(BlockRegion::open(path)?)
    }

    /// Opens a black box, or a saved copy of one, for reading.
    pub fn open_read_only(path: &Path) -> Result<BlackBox, BlackBoxError> {
        BlackBox::of(BlockRegion::open_read_only(path)?)
    }

    /// Takes over an open partition; see [`BlockRegion::from_fd`].
    pub fn from_fd(fd: OwnedFd, path: &Path) -> Result<BlackBox, BlackBoxError> {
        BlackBox::of(BlockRegion::from_fd(fd, path)?)
    }

    fn of(region: BlockRegion) -> Result<BlackBox, BlackBoxError> {
        let (ring, next_place) = read_ring(&region)?;
        Ok(BlackBox { region, ring, next_place })
    }

    /// The breadcrumbs, as they were when last read or written by us.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The selector's sector, for [`disk_image::blackbox::SelectorRecord::parse`].
    pub fn selector_sector(&self) -> Result<Sector, BlackBoxError> {
        Ok(self.region.read_array(SELECTOR_SECTOR)?)
    }

    /// Leaves a breadcrumb with the present time, after all that other programs have left.
    pub fn leave(&mut self, writer: Writer, note: Note<'_>) -> Result<(), BlackBoxError> {
        self.leave_dated(writer, note, uptime_ms())
    }

    /// Leaves a breadcrumb about something that happened at this uptime, in milliseconds, before there was a black box to
    /// write to.
    pub fn leave_dated(
        &mut self,
        writer: Writer,
        note: Note<'_>,
        uptime_ms: u64,
    ) -> Result<(), BlackBoxError> {
        let turn = self.region.lock()?;
        let place: Sector = self.region.read_array(place_of(&self.ring))?;
        if place != self.next_place {
            self.ring = read_ring(&self.region)?.0;
        }
        let write = self.ring.append(Breadcrumb {
            seq: 0, // The ring gives the next one.
            boot: writer.boot,
            slot: writer.slot,
            unix_ms: wall_clock_ms(),
            uptime_ms,
            kind: note.kind,
            stage: StageText::new(note.stage),
            message: MessageText::new(note.message),
        });
        turn.write(write.sector, &write.bytes)?;
        self.next_place = self.region.read_array(place_of(&self.ring))?;
        Ok(())
    }

    /// The records.
    pub fn records(&self) -> Result<Records, BlackBoxError> {
        Ok(self.current_records()?.records().clone())
    }

    /// Changes the records: `change` edits the present ones, under the lock. Both copies are written, one after the
    /// other and each synced, so that a power cut leaves the old records or the new ones.
    pub fn change_records(&self, change: impl FnOnce(&mut Records)) -> Result<(), BlackBoxError> {
        self.change_records_observed(change, &mut |turn, sector, bytes| turn.write(sector, bytes))
    }

    fn change_records_observed(
        &self,
        change: impl FnOnce(&mut Records),
        write: &mut WriteSectors<'_>,
    ) -> Result<(), BlackBoxError> {
        let turn = self.region.lock()?;
        let current = self.current_records()?;
        let mut new = current.records().clone();
        change(&mut new);
        let writes = current.writes_to(&new).map_err(|source| self.records_error(source))?;
        for copy in writes {
            write(&turn, RECORDS_SECTORS[copy.copy as usize], copy.bytes.as_slice())?;
        }
        Ok(())
    }

    fn current_records(&self) -> Result<CurrentRecords, BlackBoxError> {
        let [first, second] = RECORDS_SECTORS.map(|sector| self.region.read_array::<RECORDS_BYTES>(sector));
        CurrentRecords::decide(&first?, &second?).map_err(|source| self.records_error(source))
    }

    fn records_error(&self, source: RecordsError) -> BlackBoxError {
        BlackBoxError::Records { path: self.region.path().display().to_string(), source }
    }
}

/// Writes these bytes from this sector on; a test cuts the power in it.
type WriteSectors<'a> = dyn FnMut(&LockedRegion<'_>, u64, &[u8]) -> Result<(), RegionError> + 'a;

/// The ring, and what stands where its next breadcrumb goes.
fn read_ring(region: &BlockRegion) -> Result<(Ring, Sector), RegionError> {
    let mut bytes = vec![0; RING_BYTES];
    region.read(RING_FIRST_SECTOR, &mut bytes)?;
    let ring = Ring::scan(&bytes);
    let (sectors, _) = bytes.as_chunks::<SECTOR_BYTES>();
    let entry = usize::try_from(place_of(&ring) - RING_FIRST_SECTOR).unwrap_or(0);
    Ok((ring, sectors[entry]))
}

/// Where the next breadcrumb of `ring` goes, in sectors from the start of the partition.
fn place_of(ring: &Ring) -> u64 {
    RING_FIRST_SECTOR + ring.next_seq() % RING_ENTRIES
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_image::blackbox::PARTITION_SECTORS;
    use std::path::PathBuf;

    const WRITER: Writer = Writer { boot: 3, slot: Some(SlotName::A) };

    /// A blank black box in a plain file, as it is on a flashed disk.
    fn blank(folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("blackbox");
        let bytes = usize::try_from(PARTITION_SECTORS).unwrap() * SECTOR_BYTES;
        std::fs::write(&path, vec![0; bytes]).unwrap();
        path
    }

    fn note(message: &str) -> Note<'_> {
        Note { kind: BreadcrumbKind::Stage, stage: "start", message }
    }

    fn messages(path: &Path) -> Vec<String> {
        let black_box = BlackBox::open_read_only(path).unwrap();
        black_box.ring().crumbs().iter().map(|crumb| crumb.message.to_string()).collect()
    }

    #[test]
    fn a_breadcrumb_is_read_back_with_its_writer_and_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = blank(&folder);
        BlackBox::open(&path).unwrap().leave(WRITER, note("hello")).unwrap();

        let read = BlackBox::open_read_only(&path).unwrap();
        let crumb = read.ring().newest().unwrap();
        assert_eq!((crumb.boot, crumb.slot), (3, Some(SlotName::A)));
        assert_eq!(
            (crumb.kind, crumb.stage.as_str(), crumb.message.as_str()),
            (BreadcrumbKind::Stage, "start", "hello")
        );
        assert!(crumb.uptime_ms > 0 && crumb.unix_ms.is_some());
    }

    #[test]
    fn several_writers_lose_nothing_and_keep_the_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = blank(&folder);
        let (mut first, mut second) = (BlackBox::open(&path).unwrap(), BlackBox::open(&path).unwrap());
        first.leave(WRITER, note("1")).unwrap();
        second.leave(WRITER, note("2")).unwrap();
        second.leave(WRITER, note("3")).unwrap();
        first.leave(WRITER, note("4")).unwrap();
        assert_eq!(messages(&path), ["1", "2", "3", "4"]);
        assert_eq!(first.ring().next_seq(), 4);
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = blank(&folder);
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let mut black_box = BlackBox::open(path).unwrap();
                    for n in 0..10 {
                        black_box.leave(WRITER, note(&format!("{writer}-{n}"))).unwrap();
                    }
                });
            }
        });
        let mut all = messages(&path);
        all.sort();
        let mut expected: Vec<String> =
            (0..4).flat_map(|writer| (0..10).map(move |n| format!("{writer}-{n}"))).collect();
        expected.sort();
        assert_eq!(all, expected);
    }

    #[test]
    fn a_writer_notices_another_one_after_the_ring_went_round() {
        let folder = tempfile::tempdir().unwrap();
        let path = blank(&folder);
        let mut slow = BlackBox::open(&path).unwrap();
        let mut busy = BlackBox::open(&path).unwrap();
        for _ in 0..RING_ENTRIES {
            busy.leave(WRITER, note("busy")).unwrap();
        }
        slow.leave(WRITER, note("slow")).unwrap();
        assert_eq!(messages(&path).last().unwrap(), "slow");
        assert_eq!(slow.ring().newest().unwrap().seq, RING_ENTRIES);
    }

    #[test]
    fn records_change_under_a_power_cut_at_any_write_leaves_old_or_new() {
        let id = "0123456789abcdef0123456789abcdef".parse().unwrap();
        for cut_at in 0..4 {
            let folder = tempfile::tempdir().unwrap();
            let path = blank(&folder);
            let black_box = BlackBox::open(&path).unwrap();
            black_box.change_records(|records| records.seed_closed = true).unwrap();

            // Power is cut right before write number `cut_at / 2`, or in the middle of it, which leaves garbage.
            let mut writes = 0;
            let result = black_box.change_records_observed(
                |records| records.machine_id = Some(id),
                &mut |turn, sector, bytes| {
                    if writes < cut_at / 2 {
                        writes += 1;
                        return turn.write(sector, bytes);
                    }
                    if cut_at % 2 == 1 {
                        turn.write(sector, &[0xaa; SECTOR_BYTES])?;
                    }
                    Err(RegionError::Busy { path: PathBuf::from("power") })
                },
            );
            assert!(result.is_err());

            let records = BlackBox::open(&path).unwrap().records().unwrap();
            assert!(records.seed_closed, "cut {cut_at}: the old record is lost");
            let expected = if cut_at < 2 { None } else { Some(id) };
            assert_eq!(records.machine_id, expected, "cut {cut_at}");
        }
    }

    #[test]
    fn a_file_that_is_too_small_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short");
        std::fs::write(&path, vec![0; 4096]).unwrap();
        let error = BlackBox::open_read_only(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot use sector 128 of {}: it has 8", path.display()));
    }
}
