//! The end of an import: what makes it count once.
//!
//! The configuration works and is on the data partition. Now, in this order, each on the disk before the next:
//!
//! 1. the records of the black box: seeding is closed for life, and whose device this is;
//! 2. the marker of the fresh flash is removed.
//!
//! Cut off in between, the next boot finds a configuration in force with a marker or without records, and does this again.

use std::ops::ControlFlow;

use anyhow::Context;
use disk_image::blackbox::{Claim, Records, RecordsError};
use host_files::{BlackBox, FreshMarker};

/// Whose device it becomes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// The id it is claimed under.
    pub(crate) device_id: &'a str,
    /// The public keys of its administrators, one line each.
    pub(crate) admin_keys: &'a [String],
}

/// Where a power cut can find [`close`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Before anything.
    Begun,
    /// The records are written.
    Recorded,
}

/// Closes the seed. Returns how many keys found no room in the records.
pub(crate) fn close(black_box: &BlackBox, marker: &FreshMarker, owner: Owner<'_>) -> anyhow::Result<usize> {
    close_observed(black_box, marker, owner, &mut |_| ControlFlow::Continue(()))
}

/// [`close`], telling `after` each step; tests stop there as a power cut would.
fn close_observed(
    black_box: &BlackBox,
    marker: &FreshMarker,
    owner: Owner<'_>,
    after: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> anyhow::Result<usize> {
    if after(Step::Begun).is_break() {
        return Ok(0);
    }
    let left_out = record(black_box, owner).context("cannot close the seed in the black box")?;
    if after(Step::Recorded).is_break() {
        return Ok(0);
    }
    marker.remove().context("cannot remove the marker of the fresh flash")?;
    Ok(left_out)
}

/// Forgets whose device it was. Seeding stays closed.
pub(crate) fn forget_claim(black_box: &BlackBox) -> anyhow::Result<()> {
    black_box.change_records(|records| records.claim = None).context("cannot forget who claimed this device")
}

fn record(black_box: &BlackBox, owner: Owner<'_>) -> anyhow::Result<usize> {
    let (claim, left_out) = claim_that_fits(&black_box.records()?, owner)?;
    black_box.change_records(|records| {
        records.seed_closed = true;
        records.claim = Some(claim);
    })?;
    Ok(left_out)
}

/// The claim with as many keys, in their order, as the records have room for; and how many are left out. A key that is
/// too long, or no line of text, costs itself only.
fn claim_that_fits(records: &Records, owner: Owner<'_>) -> Result<(Claim, usize), RecordsError> {
    let mut kept: Vec<&str> = Vec::new();
    let mut new = records.clone();
    new.seed_closed = true;
    let mut claim = Claim::new(owner.device_id, &kept)?;
    for key in owner.admin_keys {
        kept.push(key);
        match Claim::new(owner.device_id, &kept) {
            Ok(larger) => {
                new.claim = Some(larger.clone());
                if new.encode(0).is_ok() {
                    claim = larger;
                    continue;
                }
            }
            Err(RecordsError::Line(_)) => {}
            Err(error) => return Err(error),
        }
        kept.pop();
    }
    Ok((claim, owner.admin_keys.len() - kept.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::situation::{BootSeed, Facts, Kept, Plan, Recorded, decide};
    use std::path::{Path, PathBuf};

    struct Box {
        folder: tempfile::TempDir,
        black_box: PathBuf,
    }

    impl Box {
        fn freshly_flashed() -> Box {
            let folder = tempfile::tempdir().unwrap();
            let black_box = folder.path().join("blackbox");
            std::fs::write(&black_box, vec![0; 1024 * 1024]).unwrap();
            std::fs::create_dir(folder.path().join("fresh-flash")).unwrap();
            Box { folder, black_box }
        }

        fn open(&self) -> BlackBox {
            BlackBox::open(&self.black_box).unwrap()
        }

        fn marker(&self) -> FreshMarker {
            FreshMarker::at(&self.folder.path().join("fresh-flash"))
        }

        /// What the next boot finds.
        fn plan(&self, provisioned: bool) -> Plan {
            let records = self.open().records().unwrap();
            decide(&Facts {
                data_usable: true,
                kept: if provisioned { Kept::Usable } else { Kept::Nothing },
                has_generations: true,
                marker: self.marker().exists().unwrap(),
                fresh_at_boot: false,
                recorded: Some(Recorded {
                    seed_closed: records.seed_closed,
                    claimed: records.claim.is_some(),
                }),
                boot_seed: BootSeed::Present,
            })
        }
    }

    fn keys(count: usize, length: usize) -> Vec<String> {
        (0..count).map(|index| format!("ssh-ed25519 {index:04}{}", "A".repeat(length))).collect()
    }

    #[test]
    fn b05_part_a_power_cut_at_any_step_leaves_the_seed_pending_or_the_end_to_be_done_again() {
        let keys = keys(1, 60);
        let owner = Owner { device_id: "525400123456", admin_keys: &keys };
        for stop in [Some(Step::Begun), Some(Step::Recorded), None] {
            let device = Box::freshly_flashed();
            // Until the configuration has worked as a whole, the boot seed is pending.
            assert!(matches!(device.plan(false), Plan::Search { boot_partition: true, .. }));
            let mut observe =
                |step| if Some(step) == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            close_observed(&device.open(), &device.marker(), owner, &mut observe).unwrap();

            let Plan::Provisioned { close: again, .. } = device.plan(true) else { panic!("{stop:?}") };
            assert_eq!(again, stop.is_some(), "stopped at {stop:?}");
            close(&device.open(), &device.marker(), owner).unwrap();
            let records = device.open().records().unwrap();
            assert!(records.seed_closed, "stopped at {stop:?}");
            assert_eq!(records.claim.unwrap(), Claim::new("525400123456", &[&keys[0]]).unwrap());
            assert!(matches!(device.plan(true), Plan::Provisioned { close: false, .. }));
            // And with the data wiped, the boot seed stays closed.
            assert!(matches!(device.plan(false), Plan::Search { boot_partition: false, .. }));
        }
    }

    #[test]
    fn keys_that_do_not_fit_are_left_out_and_counted() {
        let rows = [
            (keys(0, 60), 0),
            (keys(3, 60), 0),
            (keys(30, 700), 25),
            (vec!["A".repeat(5000), "ssh-ed25519 AAAA".to_owned()], 1),
            (vec!["two\nlines".to_owned(), "ssh-ed25519 AAAA".to_owned()], 1),
        ];
        for (keys, expected) in rows {
            let owner = Owner { device_id: "525400123456", admin_keys: &keys };
            let (claim, left_out) = claim_that_fits(&Records::default(), owner).unwrap();
            assert_eq!(left_out, expected, "{} keys", keys.len());
            assert_eq!(claim.admin_keys().len(), keys.len() - expected);
        }
    }

    #[test]
    fn a_forgotten_claim_leaves_the_rest() {
        let device = Box::freshly_flashed();
        let keys = keys(1, 60);
        close(&device.open(), &device.marker(), Owner { device_id: "525400123456", admin_keys: &keys })
            .unwrap();
        forget_claim(&device.open()).unwrap();
        let records = device.open().records().unwrap();
        assert!(records.seed_closed && records.claim.is_none());
    }

    #[test]
    fn without_a_black_box_the_marker_stays() {
        let device = Box::freshly_flashed();
        let mut bytes = std::fs::read(&device.black_box).unwrap();
        bytes[8 * 512..24 * 512].fill(0xff);
        std::fs::write(&device.black_box, bytes).unwrap();
        let owner = Owner { device_id: "525400123456", admin_keys: &[] };
        let error = close(&device.open(), &device.marker(), owner).unwrap_err();
        assert_eq!(error.to_string(), "cannot close the seed in the black box");
        assert!(device.marker().exists().unwrap());
        assert!(Path::new(&device.black_box).exists());
    }
}
