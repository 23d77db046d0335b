//! What is on the disk as built: judged on the shipped file, without booting it.

use image_tests::Testbed;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Every partition of `image/layout.toml` is where the file says, in order, nothing overlaps, and the two loader parts stand where the boot
/// ROM and its first stage look.
#[test]
fn b01_the_built_image_has_the_layout_and_the_loader() {
    let testbed = Testbed::get();
    let image = testbed.image.to_string_lossy().into_owned();
    let verify = testbed.tool(&["sfdisk", "--verify", &image]).unwrap();
    assert!(verify.contains("No errors detected"), "{verify}");

    let table: serde_json::Value =
        serde_json::from_str(&testbed.tool(&["sfdisk", "--json", &image]).unwrap()).unwrap();
    let found = table["partitiontable"]["partitions"].as_array().unwrap();
    let text = std::fs::read_to_string(testbed.checkout.join("image/layout.toml")).unwrap();
    let layout: toml::Table = text.parse().unwrap();
    let wanted: Vec<&toml::Table> = layout["partition"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry.as_table().unwrap())
        .filter(|entry| !entry.contains_key("created"))
        .collect();
    let names: Vec<&str> = wanted.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["loader", "env0", "env1", "blackbox", "bootsel", "boot-a", "rootfs-a", "boot-b", "rootfs-b"]
    );
    assert_eq!(found.len(), wanted.len());
    let mut next_free = 34;
    for (entry, wanted) in found.iter().zip(&wanted) {
        let (start, size) = (entry["start"].as_u64().unwrap(), entry["size"].as_u64().unwrap());
        assert_eq!(entry["name"].as_str().unwrap(), wanted["name"].as_str().unwrap());
        assert_eq!(start, u64::try_from(wanted["first_lba"].as_integer().unwrap()).unwrap(), "{entry}");
        assert_eq!(size, sectors(wanted["size"].as_str().unwrap()), "{entry}");
        assert!(start >= next_free, "{entry} overlaps what is before it");
        next_free = start + size;
    }
    // U-Boot looks for scripts only where the attribute stands, so it stands once.
    let bootable: Vec<&str> = found
        .iter()
        .filter(|entry| {
            entry["attrs"].as_str().is_some_and(|attributes| attributes.contains("LegacyBIOSBootable"))
        })
        .map(|entry| entry["name"].as_str().unwrap())
        .collect();
    assert_eq!(bootable, ["bootsel"]);

    let file = File::open(&testbed.image).unwrap();
    let at = |lba: u64, length: usize| {
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, lba * 512).unwrap();
        bytes
    };
    // The Rockchip header is scrambled with RC4 and a fixed key: 0FF0AA55 becomes these bytes.
    assert_eq!(at(64, 4), [0x3b, 0x8c, 0xdc, 0xfc], "idbloader.img is not at LBA 64");
    // A FIT is a flattened device tree.
    assert_eq!(at(16384, 4), [0xd0, 0x0d, 0xfe, 0xed], "u-boot.itb is not at LBA 16384");
}

/// The sectors that `16 MiB` or `32704 sectors` stand for.
fn sectors(size: &str) -> u64 {
    let (number, unit) = size.split_once(' ').unwrap();
    let number: u64 = number.parse().unwrap();
    match unit {
        "sectors" => number,
        "MiB" => number * 2048,
        _ => panic!("a unit this test does not know: {unit}"),
    }
}
