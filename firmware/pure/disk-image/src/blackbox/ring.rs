use super::breadcrumb::{Breadcrumb, Decoded};
use super::{PARTITION_SECTORS, RING_FIRST_SECTOR};
use crate::{SECTOR_BYTES, Sector};

/// How many breadcrumbs the ring holds.
pub const RING_ENTRIES: u64 = PARTITION_SECTORS - RING_FIRST_SECTOR;

/// The size of the ring in bytes.
#[expect(clippy::cast_possible_truncation, reason = "983040 fits in every usize")]
pub const RING_BYTES: usize = RING_ENTRIES as usize * SECTOR_BYTES;

/// No disk lives to see this sequence number. A forged one beyond it is damage, so that counting on from the highest that
/// is not can never overflow.
const SEQ_LIMIT: u64 = u64::MAX / 2;

/// The breadcrumbs of a ring, oldest first.
///
/// The breadcrumb with sequence number `n` is at entry `n % 1920`; there is no pointer to the end that could be torn.
/// An entry that is torn, holds garbage or stands in the wrong place is passed over: it costs that one breadcrumb and
/// no other. A torn newest entry is the one overwritten next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ring {
    crumbs: Vec<Breadcrumb>,
    next_seq: u64,
    damaged: usize,
    foreign: usize,
}

/// A sector to write, then sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingSector {
    /// Where, in sectors from the start of the black-box partition.
    pub sector: u64,
    /// The whole new content.
    pub bytes: Sector,
}

impl Ring {
    /// Reads a ring from its bytes, sectors 128..2048 of the partition ([`RING_BYTES`] of them). What is missing of them
    /// counts as damaged, what is too much is not looked at.
    pub fn scan(bytes: &[u8]) -> Ring {
        let mut ring = Ring::default();
        let (sectors, _) = bytes.as_chunks::<SECTOR_BYTES>();
        for (entry, sector) in (0..RING_ENTRIES).zip(sectors) {
            let in_place = |seq: u64| seq % RING_ENTRIES == entry && seq < SEQ_LIMIT;
            match Breadcrumb::decode(sector) {
                Decoded::Blank => {}
                Decoded::Crumb(crumb) if in_place(crumb.seq) => {
                    ring.next_seq = ring.next_seq.max(crumb.seq + 1);
                    ring.crumbs.push(crumb);
                }
                Decoded::Foreign { seq } if in_place(seq) => {
                    ring.next_seq = ring.next_seq.max(seq + 1);
                    ring.foreign += 1;
                }
                Decoded::Damaged | Decoded::Crumb(_) | Decoded::Foreign { .. } => ring.damaged += 1,
            }
        }
        let entries = usize::try_from(RING_ENTRIES).unwrap_or(usize::MAX);
        ring.damaged += entries.saturating_sub(sectors.len());
        ring.crumbs.sort_by_key(|crumb| crumb.seq);
        ring
    }

    /// The breadcrumbs, oldest first.
    pub fn crumbs(&self) -> &[Breadcrumb] {
        &self.crumbs
    }

    /// The newest breadcrumb.
    pub fn newest(&self) -> Option<&Breadcrumb> {
        self.crumbs.last()
    }

    /// The sequence number of the next breadcrumb.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The number of the next boot: one more than the highest seen, 1 on a fresh disk.
    pub fn next_boot(&self) -> u32 {
        self.crumbs.iter().map(|crumb| crumb.boot).max().unwrap_or(0).saturating_add(1)
    }

    /// How many entries are torn or hold garbage.
    pub fn damaged(&self) -> usize {
        self.damaged
    }

    /// How many entries another version of the format wrote.
    pub fn foreign(&self) -> usize {
        self.foreign
    }

    /// Adds a breadcrumb as the newest, in place of the oldest where the ring is full, and says what to write where.
    ///
    /// The breadcrumb's own `seq` is not looked at: it gets the next one.
    pub fn append(&mut self, mut crumb: Breadcrumb) -> RingSector {
        crumb.seq = self.next_seq;
        self.next_seq += 1;
        let entry = crumb.seq % RING_ENTRIES;
        self.crumbs.retain(|old| old.seq % RING_ENTRIES != entry);
        let write = RingSector { sector: RING_FIRST_SECTOR + entry, bytes: crumb.encode() };
        self.crumbs.push(crumb);
        write
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
