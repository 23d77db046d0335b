//! That a device was flashed and not yet set up is never forgotten by a power cut, and never remembered wrongly.

use image_tests::{BOOT, Disk, DiskEvent, Testbed, Vm, VmOptions, WriteLog};
use std::fs::File;

/// What the console says when everything that starts by itself has started.
const UP: &str = "slipway: up: services are up";
/// The seed on the boot partition counts.
const BOOT_SEED: &str = "slipway: seed: looking at /boot/config.toml";

/// A disk with little room for `data`.
const DISK_BYTES: u64 = 1700 << 20;

/// Both copies of a GPT end within so many sectors of the disk's ends.
const GPT_SECTORS: u64 = 34;
/// The name of the partition as the table has it: UTF-16.
const DATA_IN_THE_TABLE: &[u8] = b"d\0a\0t\0a\0\0\0";
/// The name of the marker as a folder of f2fs has it.
const MARKER: &[u8] = b"fresh-flash";

/// Puts a seed where an operator would. It is no configuration: it is enough that it is looked at.
fn put_boot_seed(testbed: &Testbed, disk: &Disk) {
    let table = disk.table().unwrap();
    let list = table["partitiontable"]["partitions"].as_array().unwrap();
    let start = list.iter().find(|entry| entry["name"] == "bootsel").unwrap()["start"].as_u64().unwrap();
    let file = disk.path().with_extension("toml");
    std::fs::write(&file, "this is no configuration\n").unwrap();
    let image = format!("{}@@{}", disk.path().display(), start * 512);
    testbed.tool(&["mcopy", "-i", &image, &file.to_string_lossy(), "::/config.toml"]).unwrap();
}

/// Every write of the first boot is recorded. When the partition table first names `data`, the marker of the fresh flash is in
/// its file system, and a flush after it has brought it onto the disk. The disk that the worst power cut would leave at that
/// very moment is then put together and started: it has `data`, and its boot seed counts as before.
#[test]
fn b05_the_marker_is_on_the_disk_before_the_partition_is() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b05-marker").unwrap();
    // Small, because the log is as large as what is written, and `data` is cleared before it is made.
    let mut disk = Disk::flash(&testbed, &folder, "disk", DISK_BYTES).unwrap();
    let cut = Disk::flash(&testbed, &folder, "cut", DISK_BYTES).unwrap();
    put_boot_seed(&testbed, &cut);
    let (log, arguments) = WriteLog::of(&disk).unwrap();
    let mut options = VmOptions::board(&testbed);
    options.extra.extend(arguments);
    let vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
    vm.serial().wait_for("slipway: data: mounted", BOOT).unwrap();
    vm.serial().wait_for(UP, BOOT).unwrap();
    vm.power_cut();

    let events = log.read().unwrap();
    disk.reread().unwrap();
    let sectors = std::fs::metadata(disk.path()).unwrap().len() / 512;
    let table = disk.table().unwrap();
    let list = table["partitiontable"]["partitions"].as_array().unwrap();
    let data = list.iter().find(|entry| entry["name"] == "data").unwrap()["start"].as_u64().unwrap();
    let in_the_table = |event: &DiskEvent| {
        event.writes_into(0, GPT_SECTORS) || event.writes_into(sectors - GPT_SECTORS, sectors)
    };
    let named = events
        .iter()
        .position(|event| in_the_table(event) && event.holds(DATA_IN_THE_TABLE))
        .expect("the log has no write of the partition table with `data` in it");
    let marked = events[..named]
        .iter()
        .position(|event| event.writes_into(data, sectors - GPT_SECTORS) && event.holds(MARKER))
        .expect("the table names `data` before there is a marker in it");
    let flushed = events[..named]
        .iter()
        .rposition(|event| *event == DiskEvent::Flush)
        .filter(|flushed| *flushed > marked)
        .expect("the marker was written and not flushed before the table named `data`");

    // What was flushed is there, of the rest only the table: in that order a disk may write, and then lose power.
    let file = File::options().write(true).open(cut.path()).unwrap();
    for event in events[..flushed].iter().chain(events[named..].iter().filter(|event| in_the_table(event))) {
        event.replay(&file).unwrap();
    }
    drop(file);
    // The recorded boot wrote into the boot partition's neighbours only; the seed is still there.
    let vm = Vm::start(&testbed, &[&cut]).unwrap();
    vm.serial().wait_for("disk in use", BOOT).unwrap();
    vm.serial().wait_for(BOOT_SEED, BOOT).unwrap();
    vm.serial().wait_for("slipway: data: mounted", BOOT).unwrap();
}

mod full {
    use super::*;

    /// A `data` partition made on a disk whose seed is closed gets no marker: the boot seed is passed over, and that is said.
    #[test]
    fn s02_a_new_data_partition_on_a_seeded_disk_is_not_fresh() {
        let testbed = Testbed::get();
        let folder = testbed.folder("s02-closed").unwrap();
        let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        put_boot_seed(&testbed, &disk);
        let mut records = disk_image::blackbox::Records::default();
        records.seed_closed = true;
        records.claim =
            Some(disk_image::blackbox::Claim::new("525400123456", &["ssh-ed25519 AAAA"]).unwrap());
        for copy in disk_image::blackbox::RECORDS_SECTORS {
            disk.write("blackbox", copy * 512, &records.encode(1).unwrap()).unwrap();
        }
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        vm.serial().wait_for("disk in use", BOOT).unwrap();
        vm.serial()
            .wait_for("slipway: seed: the data partition is new: this device belongs to nobody", BOOT)
            .unwrap();
        let ignored = vm
            .serial()
            .wait_for("slipway: seed: the configuration on /boot is not looked at: ", BOOT)
            .unwrap();
        assert!(ignored.contains("seeded before"), "{ignored}");
        vm.serial().wait_for("slipway: seed: waiting for a USB stick with a config.toml", BOOT).unwrap();
        assert!(!vm.serial().text().contains(BOOT_SEED));
        vm.power_cut();
        assert!(!disk.black_box_text().unwrap().contains("CLAIMED"), "the claim outlived the data");

        // And nothing of it is fresh at the next boot.
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        vm.serial().wait_for("slipway: seed: the configuration on /boot is not looked at: ", BOOT).unwrap();
    }
}
