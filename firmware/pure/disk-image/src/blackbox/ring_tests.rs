use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::blackbox::breadcrumb::BreadcrumbKind;
use crate::blackbox::testing::crumb;

/// The bytes of a ring and what a writer thinks is in it.
struct Disk {
    bytes: Vec<u8>,
    ring: Ring,
}

impl Disk {
    /// A flashed disk on which `count` breadcrumbs were left, after `skipped` that are gone.
    fn with(skipped: u64, count: u64) -> Disk {
        let mut disk =
            Disk { bytes: vec![0; RING_BYTES], ring: Ring { next_seq: skipped, ..Ring::default() } };
        for number in 0..count {
            disk.append(&format!("number {number}"));
        }
        disk
    }

    fn append(&mut self, message: &str) {
        let boot = u32::try_from(self.ring.next_seq() / 40).unwrap_or(u32::MAX);
        let write = self.ring.append(crumb(boot, BreadcrumbKind::Alive, "", message, 5_000));
        self.sector_mut(write.sector).copy_from_slice(&write.bytes);
    }

    fn sector_mut(&mut self, sector: u64) -> &mut [u8] {
        let entry = usize::try_from(sector - RING_FIRST_SECTOR).unwrap();
        &mut self.bytes[entry * SECTOR_BYTES..][..SECTOR_BYTES]
    }

    fn tear(&mut self, seq: u64, garbage: u8) {
        let sector = self.sector_mut(RING_FIRST_SECTOR + seq % RING_ENTRIES);
        sector[..SECTOR_BYTES / 2].fill(garbage);
    }

    fn scan(&self) -> Ring {
        Ring::scan(&self.bytes)
    }
}

fn seqs(ring: &Ring) -> Vec<u64> {
    ring.crumbs().iter().map(|crumb| crumb.seq).collect()
}

#[test]
fn a_flashed_disk_has_an_empty_ring() {
    let ring = Ring::scan(&vec![0; RING_BYTES]);
    assert_eq!(ring, Ring::default());
    assert_eq!((ring.next_seq(), ring.next_boot(), ring.newest()), (0, 1, None));
}

#[test]
fn the_first_breadcrumb_goes_to_the_first_entry_and_the_ring_wraps_after_the_last() {
    let mut ring = Ring::default();
    let mut place = || ring.append(crumb(1, BreadcrumbKind::Stage, "", "", 0)).sector;
    assert_eq!((place(), place()), (128, 129));
    let last = (2..RING_ENTRIES).map(|_| place()).last();
    assert_eq!(last, Some(PARTITION_SECTORS - 1));
    assert_eq!(place(), 128);
}

#[test]
fn a_scan_finds_what_the_writer_knows_before_and_after_the_wrap() {
    for (skipped, count) in [(0, 1), (0, 1919), (0, 1920), (0, 1921), (0, 4000), (1 << 40, 2500), (1919, 3)] {
        let disk = Disk::with(skipped, count);
        assert_eq!(disk.scan(), disk.ring, "{skipped} + {count}");
        let first = (skipped + count).saturating_sub(RING_ENTRIES).max(skipped);
        assert_eq!(seqs(&disk.scan()), (first..skipped + count).collect::<Vec<_>>(), "{skipped} + {count}");
    }
}

#[test]
fn a_torn_newest_breadcrumb_is_overwritten_next() {
    let mut disk = Disk::with(0, 2000);
    disk.tear(1999, 0xee);
    let mut ring = disk.scan();
    assert_eq!((ring.newest().unwrap().seq, ring.next_seq(), ring.damaged()), (1998, 1999, 1));
    let write = ring.append(crumb(50, BreadcrumbKind::Stage, "", "after the cut", 0));
    assert_eq!(write.sector, RING_FIRST_SECTOR + 1999 % RING_ENTRIES);
    disk.sector_mut(write.sector).copy_from_slice(&write.bytes);
    assert_eq!(disk.scan().crumbs(), ring.crumbs());
    assert_eq!(disk.scan().damaged(), 0);
}

#[test]
fn the_next_boot_has_a_number_no_breadcrumb_has() {
    let mut ring = Ring::default();
    for boot in [3, 7, 5, 0] {
        ring.append(crumb(boot, BreadcrumbKind::Stage, "", "", 0));
    }
    assert_eq!(ring.next_boot(), 8);
}

#[test]
fn an_entry_in_the_wrong_place_is_damage() {
    let mut disk = Disk::with(0, 10);
    let copy = disk.sector_mut(RING_FIRST_SECTOR + 9).to_vec();
    disk.sector_mut(RING_FIRST_SECTOR + 20).copy_from_slice(&copy);
    let ring = disk.scan();
    assert_eq!((ring.crumbs().len(), ring.damaged(), ring.next_seq()), (10, 1, 10));
}

#[test]
fn a_sequence_number_that_cannot_go_on_is_damage() {
    for seq in [SEQ_LIMIT, u64::MAX - 1, u64::MAX] {
        let mut disk = Disk::with(0, 3);
        let forged = Breadcrumb { seq, ..crumb(1, BreadcrumbKind::Stage, "", "", 0) };
        disk.sector_mut(RING_FIRST_SECTOR + seq % RING_ENTRIES).copy_from_slice(&forged.encode());
        assert_eq!((disk.scan().next_seq(), disk.scan().damaged()), (3, 1), "{seq}");
    }
}

#[test]
fn the_highest_sequence_number_there_can_be_does_not_stop_a_boot() {
    let mut disk = Disk::with(SEQ_LIMIT - 1, 1);
    let mut ring = disk.scan();
    assert_eq!(ring.next_seq(), SEQ_LIMIT);
    for _ in 0..3 {
        let write = ring.append(crumb(1, BreadcrumbKind::Stage, "", "", 0));
        disk.sector_mut(write.sector).copy_from_slice(&write.bytes);
    }
    assert_eq!((disk.scan().next_seq(), disk.scan().damaged()), (SEQ_LIMIT, 3));
}

#[test]
fn a_newer_version_is_not_overwritten_from_the_start() {
    let mut disk = Disk::with(0, 5);
    let sector = disk.sector_mut(RING_FIRST_SECTOR + 4);
    sector[8] = 9;
    let crc = crc32fast::hash(&sector[4..]);
    sector[..4].copy_from_slice(&crc.to_le_bytes());
    let ring = disk.scan();
    assert_eq!((ring.next_seq(), ring.foreign(), ring.damaged(), ring.crumbs().len()), (5, 1, 0, 4));
}

#[test]
fn bytes_that_are_missing_are_damage_and_bytes_too_many_are_nothing() {
    let disk = Disk::with(0, 30);
    let short = Ring::scan(&disk.bytes[..20 * SECTOR_BYTES + 17]);
    assert_eq!((short.crumbs().len(), short.damaged()), (20, 1900));
    let long = [&disk.bytes[..], &disk.bytes[..]].concat();
    assert_eq!(Ring::scan(&long), disk.scan());
    assert_eq!(Ring::scan(&[]).damaged(), 1920);
}

proptest! {
    // A case is a ring of 1 MiB: fewer of them.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn torn_entries_cost_themselves_and_nothing_else(
        skipped in prop_oneof![0..5000u64, Just(1 << 50)],
        count in 1..3000u64,
        torn in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..40),
    ) {
        let mut disk = Disk::with(skipped, count);
        let mut expected = seqs(&disk.ring);
        let mut lost = Vec::new();
        for (index, garbage) in torn {
            let seq = *index.get(&seqs(&disk.ring));
            disk.tear(seq, garbage);
            lost.push(seq);
        }
        expected.retain(|seq| !lost.contains(seq));
        let ring = disk.scan();
        prop_assert_eq!(seqs(&ring), expected.clone());
        prop_assert_eq!(ring.next_seq(), expected.last().map_or(0, |seq| seq + 1));

        // And the ring goes on from there.
        let mut disk = Disk { ring, ..disk };
        disk.append("after the damage");
        let ring = disk.scan();
        prop_assert_eq!(ring.crumbs(), disk.ring.crumbs());
        prop_assert_eq!(ring.newest().map(|crumb| crumb.message.to_string()), Some("after the damage".into()));
    }

    #[test]
    fn garbage_is_an_empty_ring_that_can_be_written(seed in any::<u64>(), length in 0..=RING_BYTES) {
        // splitmix64: random enough for garbage, and far cheaper than a million generated bytes.
        let mut state = seed;
        let mut byte = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (mixed >> 56).to_le_bytes()[0]
        };
        let mut bytes = vec![0; RING_BYTES];
        bytes[..length].fill_with(&mut byte);
        let mut disk = Disk { ring: Ring::scan(&bytes), bytes };
        prop_assert!(disk.ring.crumbs().is_empty());
        disk.append("first");
        prop_assert_eq!(disk.scan().crumbs().len(), 1);
    }
}
