use std::error::Error as _;

use super::*;
use crate::gpt::{ENTRIES, HEAD_SECTORS};

/// The layout this repository builds.
const LAYOUT: &str = include_str!("../../../../../image/layout.toml");

fn layout() -> Layout {
    Layout::parse(LAYOUT).unwrap()
}

/// The layout with `from` replaced by `to`, which must be there.
fn edited(from: &str, to: &str) -> Result<Layout, LayoutError> {
    assert!(LAYOUT.contains(from), "{from:?} is not in the layout");
    Layout::parse(&LAYOUT.replacen(from, to, 1))
}

#[test]
fn b01_the_layout_is_the_one_the_selector_and_early_boot_know() {
    let layout = layout();
    let rows: Vec<_> =
        layout.partitions().iter().map(|p| (p.name(), p.first_lba(), p.bytes() >> 10)).collect();
    let expected = [
        ("loader", 64, 16_352),
        ("env0", 32_768, 1024),
        ("env1", 34_816, 1024),
        ("blackbox", 36_864, 1024),
        ("bootsel", 38_912, 16 * 1024),
        ("boot-a", 71_680, 128 * 1024),
        ("rootfs-a", 333_824, 512 * 1024),
        ("boot-b", 1_382_400, 128 * 1024),
        ("rootfs-b", 1_644_544, 512 * 1024),
    ];
    assert_eq!(rows, expected);
    assert_eq!(layout.partition("blackbox").unwrap().sectors(), crate::blackbox::PARTITION_SECTORS);

    let bootsel = layout.partition("bootsel").unwrap();
    assert_eq!((bootsel.filesystem(), bootsel.label()), (Some(Filesystem::Fat), Some("SLIPWAY")));
    let bootable: Vec<_> =
        layout.partitions().iter().filter(|p| p.attributes() != 0).map(Partition::name).collect();
    assert_eq!(bootable, ["bootsel"], "U-Boot looks for a script nowhere else");
    assert_eq!(bootsel.attributes(), 4);

    let (a, b) = (layout.partition("rootfs-a").unwrap(), layout.partition("rootfs-b").unwrap());
    assert_eq!((a.sectors(), a.type_guid()), (b.sectors(), b.type_guid()), "an update fits in either slot");
}

#[test]
fn b01_no_sector_is_used_twice_and_none_between_partitions_is_free() {
    let layout = layout();
    for pair in layout.partitions().windows(2) {
        assert_eq!(pair[0].end_lba(), pair[1].first_lba(), "{} and {}", pair[0].name(), pair[1].name());
    }
    assert!(layout.partitions()[0].first_lba() >= HEAD_SECTORS);
    assert_eq!(layout.data().first_lba(), layout.partitions().last().unwrap().end_lba());
}

#[test]
fn b01_the_partition_table_says_the_same() {
    let layout = layout();
    let gpt = Gpt::parse_head(&layout.gpt().head()).unwrap();
    assert_eq!(gpt.disk_sectors(), layout.image_sectors());
    assert_eq!(gpt.disk_guid(), layout.disk_guid());
    assert_eq!(gpt.partitions().len(), layout.partitions().len());
    for (entry, partition) in gpt.partitions().iter().zip(layout.partitions()) {
        assert_eq!(entry.name, partition.name());
        assert_eq!((entry.first_lba, entry.sectors()), (partition.first_lba(), partition.sectors()));
        assert_eq!((entry.type_guid, entry.guid), (partition.type_guid(), partition.guid()));
        assert_eq!(entry.attributes, partition.attributes());
    }
    let numbers: Vec<_> = gpt.partitions().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
    assert!(gpt.partitions().len() < ENTRIES as usize, "there is room for `data`");
}

#[test]
fn the_image_ends_after_the_copy_of_the_partition_table() {
    let layout = layout();
    let end = layout.partition("rootfs-b").unwrap().end_lba();
    assert!(layout.gpt().tail_lba() >= end);
    assert_eq!(layout.image_sectors(), end + 2048, "33 sectors, rounded up to a MiB");
}

#[test]
fn data_is_made_at_the_first_boot_and_known_by_a_type_of_its_own() {
    let layout = layout();
    let data = layout.data();
    assert_eq!((data.name(), data.filesystem(), data.label()), ("data", Filesystem::F2fs, Some("data")));
    assert!(layout.partition("data").is_none(), "it is not in the flashed image");
    assert!(layout.partitions().iter().all(|partition| partition.type_guid() != data.type_guid()));
}

#[test]
fn guids_are_the_same_in_every_build_and_differ_from_each_other() {
    let (one, two) = (layout(), layout());
    assert_eq!(one, two);
    let mut guids: Vec<_> = one.partitions().iter().map(Partition::guid).collect();
    guids.push(one.disk_guid());
    assert!(guids.iter().all(|guid| guid.get_version_num() == 8));
    guids.sort();
    guids.dedup();
    assert_eq!(guids.len(), 10);
    // A change here gives every disk new PARTUUIDs: `guid_namespace` or a name was changed.
    assert_eq!(one.disk_guid().to_string(), "8a552384-5ffd-8ffe-907a-bd99264f435a");
}

#[test]
fn b02_an_artefact_that_fits_fits_to_the_last_byte() {
    let layout = layout();
    let room = layout.partition("rootfs-a").unwrap().bytes();
    assert_eq!(layout.artefact_fits("rootfs.squashfs", "rootfs-a", room), Ok(()));
    assert_eq!(layout.artefact_fits("rootfs.squashfs", "rootfs-a", 0), Ok(()));
    assert_eq!(layout.artefact_fits_at("idbloader.img", "loader", 64..16_384, 16_320 * 512), Ok(()));
    assert_eq!(layout.artefact_fits_at("u-boot.itb", "loader", 16_384..32_768, 8 << 20), Ok(()));
}

#[test]
fn b02_an_artefact_that_is_too_large_is_refused_with_both_sizes() {
    let layout = layout();
    let error = layout.artefact_fits("rootfs.squashfs", "rootfs-a", (512 << 20) + 1).unwrap_err().to_string();
    for part in ["rootfs.squashfs", "rootfs-a", "536870913", "536870912", "(1 too many)", "image/layout.toml"]
    {
        assert!(error.contains(part), "{error}: no {part}");
    }
    let error =
        layout.artefact_fits_at("idbloader.img", "loader", 64..16_384, 9_000_000).unwrap_err().to_string();
    for part in ["idbloader.img", "loader between LBA 64 and 16384", "9000000", "8355840"] {
        assert!(error.contains(part), "{error}: no {part}");
    }
}

#[test]
fn b02_a_place_that_is_not_there_holds_nothing() {
    let layout = layout();
    for partition in ["data", "boot-c", ""] {
        let error = layout.artefact_fits("x", partition, 1).unwrap_err();
        assert!(matches!(error, FitError::NoPartition { .. }), "{partition}: {error}");
    }
    for lbas in [63..100, 64..32_769, 32_768..32_769] {
        let error = layout.artefact_fits_at("x", "loader", lbas.clone(), 1).unwrap_err();
        assert!(matches!(error, FitError::Outside { .. }), "{lbas:?}: {error}");
    }
}

#[test]
fn every_broken_rule_is_named_with_its_partition() {
    let rows = [
        ("first_lba = 34816", "first_lba = 34815", "\"env1\": it starts at LBA 34815, but"),
        ("first_lba = 64\n", "first_lba = 33\n", "\"loader\": it starts at LBA 33, but"),
        (
            "first_lba = 1644544",
            "first_lba = 1644545",
            "\"rootfs-b\": it starts at LBA 1644545, which is not",
        ),
        ("name = \"env1\"", "name = \"env0\"", "\"env0\": another partition has the same name"),
        ("name = \"env1\"", "name = \"Env1\"", "\"Env1\": a name has"),
        ("name = \"env1\"", "name = \"env--1\"", "\"env--1\": a name has"),
        ("size = \"16 MiB\"", "size = \"rest\"", "\"bootsel\": only the last"),
        ("size = \"16 MiB\"", "size = \"16 MiB\"\ncreated = \"first-boot\"", "\"bootsel\": only the last"),
        ("size = \"rest\"", "size = \"1 MiB\"", "\"data\": the last partition"),
        ("created = \"first-boot\"", "created = \"image\"", "\"data\": the last partition"),
        ("label = \"SLIPWAY\"", "label = \"Slipway\"", "\"bootsel\": a FAT label"),
        ("label = \"SLIPWAY\"", "label = \"TWELVE-CHARS\"", "\"bootsel\": a FAT label"),
        ("filesystem = \"squashfs\"", "filesystem = \"squashfs\"\nlabel = \"X\"", "squashfs has no label"),
        ("filesystem = \"fat\"\n", "", "\"bootsel\": a label needs a file system"),
        ("filesystem = \"f2fs\"\nlabel = \"data\"", "", "\"data\": a partition made at the first boot needs"),
        ("size = \"16 MiB\"", "size = \"9999999999999 sectors\"", "\"bootsel\": it goes beyond"),
        ("alignment = \"1 MiB\"", "alignment = \"rest\"", "the layout needs an alignment"),
        (
            "4b0a2aa8-a1d9-4cd6-8d03-ed7cededb49b",
            "0fc63daf-8483-4772-8e79-3d69d8477de4",
            "\"data\": its type must",
        ),
        (
            "4b0a2aa8-a1d9-4cd6-8d03-ed7cededb49b",
            "00000000-0000-0000-0000-000000000000",
            "table of the layout",
        ),
    ];
    for (from, to, expected) in rows {
        let error = edited(from, to).unwrap_err().to_string();
        assert!(error.contains(expected), "{from:?} -> {to:?}: {error}");
    }
}

#[test]
fn a_problem_of_the_table_is_the_cause_of_the_error() {
    let nil = "00000000-0000-0000-0000-000000000000";
    let error = edited("4b0a2aa8-a1d9-4cd6-8d03-ed7cededb49b", nil).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "partition 1 (loader): its GUIDs must not be zero");
}

#[test]
fn what_is_not_written_as_it_should_be_is_shown_where_it_stands() {
    let rows = [
        ("aligned = false", "aligend = false", "unknown field `aligend`"),
        ("size = \"16 MiB\"", "size = \"16 MB\"", "\"16 MB\" is not a size"),
        ("size = \"16 MiB\"", "size = \"0 sectors\"", "\"0 sectors\" is not a size"),
        ("size = \"16 MiB\"", "size = \"99999999999999999 MiB\"", "is not a size"),
        ("filesystem = \"f2fs\"", "filesystem = \"ext4\"", "unknown variant `ext4`"),
        ("first_lba = 38912", "first_lba = -1", "expected u64"),
        ("first_lba = 38912\n", "", "missing field `first_lba`"),
        ("type = \"d8119d62-64bf-4aef-b66d-8f3f3f9e9cf7\"", "type = \"black box\"", "UUID"),
    ];
    for (from, to, expected) in rows {
        let error = edited(from, to).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("line"), "{from:?} -> {to:?}: {error}");
    }
}

#[test]
fn a_layout_without_partitions_is_refused() {
    let error = Layout::parse(
        "guid_namespace = \"f54b928c-e746-4757-8360-6845f2c83605\"\nalignment = \"1 MiB\"\npartition = []",
    );
    assert_eq!(error.unwrap_err().to_string(), "the layout has no partition");
}
