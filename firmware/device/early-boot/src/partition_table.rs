//! The partition table: a copy that a power cut tore is written anew from the other.

use std::path::Path;

use disk_image::SECTOR_BYTES;
use disk_image::gpt::{HEAD_SECTORS, Mend, TAIL_SECTORS, TableCopy, mend};
use host_files::{BlockRegion, RegionError};

use crate::report::Report;
use crate::sysfs::Disk;

const STAGE: &str = "partition-table";

/// Looks at both copies and writes the damaged one, while nothing changes the table yet. The kernel has read the good one.
///
/// Never fatal: with one good copy the box works.
pub(crate) fn mend_torn_copy(disk: &Disk, report: &mut Report) {
    match mend_disk(&disk.node) {
        Ok(None) => {}
        Ok(Some(TableCopy::First)) => {
            report.reached(STAGE, "its first copy was damaged and is written anew from the second");
        }
        Ok(Some(TableCopy::Second)) => {
            report.reached(STAGE, "its second copy was damaged and is written anew from the first");
        }
        Err(error) => report.warn(STAGE, format_args!("{:#}", anyhow::Error::new(error))),
    }
}

fn mend_disk(node: &Path) -> Result<Option<TableCopy>, RegionError> {
    let region = BlockRegion::open(node)?;
    let Some(tail_lba) = region.sectors().checked_sub(TAIL_SECTORS) else { return Ok(None) };
    let mut head: Vec<u8> = (0..HEAD_SECTORS).flat_map(|_| [0; SECTOR_BYTES]).collect();
    let mut tail: Vec<u8> = (0..TAIL_SECTORS).flat_map(|_| [0; SECTOR_BYTES]).collect();
    region.read(0, &mut head)?;
    region.read(tail_lba, &mut tail)?;
    let Some(Mend { copy, lba, bytes }) = mend(&head, &tail, region.sectors()) else { return Ok(None) };
    region.lock()?.write(lba, &bytes)?;
    Ok(Some(copy))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::path::PathBuf;

    /// A disk of 100 sectors without partitions, as `sfdisk` would make it, with `damage` of its bytes overwritten.
    fn disk(folder: &tempfile::TempDir, damage: std::ops::Range<usize>) -> (PathBuf, Vec<u8>) {
        let gpt = disk_image::gpt::Gpt::new(Default::default(), 100, Vec::new()).unwrap();
        let whole = [gpt.head(), vec![0x11; 33 * SECTOR_BYTES], gpt.tail()].concat();
        let path = folder.path().join("disk");
        let mut bytes = whole.clone();
        bytes[damage].fill(0xA5);
        std::fs::write(&path, bytes).unwrap();
        (path, whole)
    }

    #[test]
    fn either_copy_is_mended_and_the_rest_of_the_disk_stays() {
        let folder = tempfile::tempdir().unwrap();
        for (damage, mended) in [
            (512..1024, Some(TableCopy::First)),
            (99 * 512..100 * 512, Some(TableCopy::Second)),
            (0..0, None),
        ] {
            let (path, whole) = disk(&folder, damage.clone());
            assert_eq!(mend_disk(&path).unwrap(), mended, "{damage:?}");
            assert!(std::fs::read(&path).unwrap() == whole, "{damage:?}");
        }
    }

    #[test]
    fn a_disk_that_cannot_be_mended_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = disk(&folder, 0..100 * 512);
        let before = std::fs::read(&path).unwrap();
        assert_eq!(mend_disk(&path).unwrap(), None);
        assert!(std::fs::read(&path).unwrap() == before);
        std::fs::write(&path, "tiny").unwrap();
        assert_eq!(mend_disk(&path).unwrap(), None);
        std::fs::write(&path, vec![0; 33 * SECTOR_BYTES]).unwrap();
        mend_disk(&path).unwrap_err();
        let gone = Disk { name: "vda".into(), node: folder.path().join("gone"), partitions: [].into() };
        mend_torn_copy(&gone, &mut Report::on_standard_error());
    }
}
