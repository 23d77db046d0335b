//! The black box: one raw 1 MiB partition that says what happened, also when nothing else is left to ask.
//!
//! | Sectors of the partition | What | Written by |
//! |---|---|---|
//! | 0 | [`SelectorRecord`]: what was booted and why | the selector, at every boot, nobody else |
//! | 8..16, 16..24 | [`Records`]: machine id, seed-closed, claim; two copies | Linux |
//! | 128..2048 | [`Ring`] of [`Breadcrumb`]s | Linux |
//!
//! [`History`] groups breadcrumbs by boot and says how each boot ended; [`Explanation`] answers "which slot runs, why,
//! and what became of the boots before" in data and in sentences.
//!
//! A slot that was rolled back to reads what the newer one wrote, so the format only grows: unknown keys of the records
//! are kept, unknown kinds of breadcrumbs are listed as they are.

mod breadcrumb;
mod ending;
mod explain;
mod history;
mod records;
mod ring;
mod rollback;
mod selector;
mod text;

#[cfg(test)]
mod testing;

pub use breadcrumb::{Breadcrumb, BreadcrumbKind, stage};
pub use ending::{BootEnding, LastSign};
pub use explain::{EndedBoot, Explanation, Finding, RunningBoot};
pub use history::{Boot, History};
pub use records::{Claim, CurrentRecords, RECORDS_BYTES, Records, RecordsCopy, RecordsError, RecordsWrite};
pub use ring::{RING_BYTES, RING_ENTRIES, Ring, RingSector};
pub use rollback::Rollback;
pub use selector::{ResetKind, SelectorError, SelectorReason, SelectorRecord};
pub use text::{CrumbText, MessageText, StageText};

/// The size of the partition, in sectors: 1 MiB.
pub const PARTITION_SECTORS: u64 = 2048;

/// Where the selector's record is, in sectors from the start of the partition.
pub const SELECTOR_SECTOR: u64 = 0;

/// Where the two copies of the records start, in sectors from the start of the partition.
pub const RECORDS_SECTORS: [u64; 2] = [8, 16];

/// Where the breadcrumb ring starts, in sectors from the start of the partition. It goes to the partition's end.
pub const RING_FIRST_SECTOR: u64 = 128;

/// How often a boot says that it is alive until its services are up, in milliseconds.
pub const ALIVE_INTERVAL_MS: u64 = 5_000;

/// How long the watchdog waits before it resets the machine, in milliseconds: the hardware's own default where the
/// image runs (i6300esb: 30 s), and what early-boot asks for.
pub const WATCHDOG_LIMIT_MS: u64 = 30_000;
