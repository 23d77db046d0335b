use std::collections::BTreeSet;

use super::raw::{Created, RawLayout, RawPartition, RawSize};
use super::{Filesystem, FirstBootPartition, Layout, LayoutError, Partition, guid};
use crate::gpt::HEAD_SECTORS;

/// The longest label a FAT file system can have, in characters.
const FAT_LABEL_MAX: usize = 11;

/// The largest disk a layout may speak of: 2^40 sectors, 512 TiB. Keeps every sum below within a u64.
const MAX_SECTORS: u64 = 1 << 40;

/// Turns a layout as written into one that can be used, or names the first rule it breaks.
pub(super) fn check(mut raw: RawLayout) -> Result<Layout, LayoutError> {
    let RawSize::Sectors(alignment @ ..=MAX_SECTORS) = raw.alignment else {
        return Err(LayoutError::Whole("needs an alignment in MiB or sectors".to_owned()));
    };
    let Some(last) = raw.partition.pop() else {
        return Err(LayoutError::Whole("has no partition".to_owned()));
    };

    let mut free_from = HEAD_SECTORS;
    let mut names = BTreeSet::new();
    for partition in raw.partition.iter().chain([&last]) {
        check_name(partition)?;
        check_place(partition, alignment, free_from)?;
        check_filesystem(partition)?;
        if !names.insert(partition.name.clone()) {
            return Err(problem(partition, "another partition has the same name"));
        }
        if let RawSize::Sectors(sectors) = partition.size {
            free_from = partition.first_lba + sectors;
        }
    }

    let data = first_boot(&raw, last)?;
    let partitions = raw.partition.into_iter().map(|partition| flashed(raw.guid_namespace, partition));
    Ok(Layout {
        disk_guid: guid::derive(raw.guid_namespace, "disk"),
        alignment,
        partitions: partitions.collect::<Result<_, _>>()?,
        data,
    })
}

fn check_name(partition: &RawPartition) -> Result<(), LayoutError> {
    let name = &partition.name;
    let words =
        name.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()));
    if !words || name.len() > 36 || name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(problem(partition, "a name has 1 to 36 of a-z, 0-9 and single '-' between them"));
    }
    Ok(())
}

fn check_place(partition: &RawPartition, alignment: u64, free_from: u64) -> Result<(), LayoutError> {
    let first = partition.first_lba;
    if first < free_from {
        let problem_text = format!(
            "it starts at LBA {first}, but the partition table or a partition before it goes up to LBA {}; list \
             partitions in the order they lie on the disk",
            free_from - 1
        );
        return Err(problem(partition, problem_text));
    }
    if partition.aligned && !first.is_multiple_of(alignment) {
        let text = format!(
            "it starts at LBA {first}, which is not a multiple of {alignment}; move it, or write `aligned = false`"
        );
        return Err(problem(partition, text));
    }
    let sectors = match partition.size {
        RawSize::Sectors(sectors) => sectors,
        RawSize::Rest => 0,
    };
    if first > MAX_SECTORS || sectors > MAX_SECTORS {
        return Err(problem(partition, "it goes beyond 512 TiB"));
    }
    Ok(())
}

fn check_filesystem(partition: &RawPartition) -> Result<(), LayoutError> {
    match (partition.filesystem, &partition.label) {
        (_, None) => Ok(()),
        (None, Some(_)) => Err(problem(partition, "a label needs a file system")),
        (Some(Filesystem::Squashfs), Some(_)) => Err(problem(partition, "squashfs has no label")),
        (Some(Filesystem::Fat), Some(label)) => {
            let plain =
                label.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
            if plain && (1..=FAT_LABEL_MAX).contains(&label.len()) {
                Ok(())
            } else {
                Err(problem(partition, "a FAT label has 1 to 11 of A-Z, 0-9, '-' and '_'"))
            }
        }
        (Some(Filesystem::F2fs), Some(label)) if label.is_empty() => {
            Err(problem(partition, "leave out an empty label"))
        }
        (Some(Filesystem::F2fs), Some(_)) => Ok(()),
    }
}

/// The last partition of a layout is the one made at the first boot, from what the image leaves of the disk.
fn first_boot(raw: &RawLayout, last: RawPartition) -> Result<FirstBootPartition, LayoutError> {
    if last.created != Created::FirstBoot || last.size != RawSize::Rest {
        let text =
            "the last partition is made at the first boot: `created = \"first-boot\"`, `size = \"rest\"`";
        return Err(problem(&last, text));
    }
    // systemd-repart matches existing partitions to definitions by type alone: with a second one of the same type it
    // would take that one for `data`, and make no other.
    if let Some(other) = raw.partition.iter().find(|other| other.type_guid == last.type_guid) {
        return Err(problem(
            &last,
            format!("its type must be unique on the disk, but {:?} has it too", other.name),
        ));
    }
    let Some(filesystem) = last.filesystem else {
        return Err(problem(&last, "a partition made at the first boot needs a file system"));
    };
    let RawPartition { name, type_guid, first_lba, label, .. } = last;
    Ok(FirstBootPartition { name, type_guid, first_lba, filesystem, label })
}

fn flashed(namespace: uuid::Uuid, partition: RawPartition) -> Result<Partition, LayoutError> {
    let RawSize::Sectors(sectors) = partition.size else {
        return Err(problem(&partition, "only the last partition can take the rest of the disk"));
    };
    if partition.created != Created::Image {
        return Err(problem(&partition, "only the last partition can be made at the first boot"));
    }
    let RawPartition { name, type_guid, first_lba, legacy_boot, filesystem, label, .. } = partition;
    let guid = guid::derive(namespace, &format!("partition {name}"));
    Ok(Partition { name, type_guid, guid, first_lba, sectors, legacy_boot, filesystem, label })
}

fn problem(partition: &RawPartition, problem: impl Into<String>) -> LayoutError {
    LayoutError::Partition { name: partition.name.clone(), problem: problem.into() }
}
