//! The shipped image, whole: first boot, second boot, cards and disks in any order. Judged by what it says on the serial line
//! and by what other people's tools find on the disk.

use appliance_types::SlotName;
use image_tests::{BOOT, Disk, Nic, TEST_SLOT, Testbed, Vm, VmOptions};
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// What the console says when everything that starts by itself has started.
const UP: &str = "slipway: up: services are up";

/// Start and size in sectors of a partition.
fn place(table: &serde_json::Value, name: &str) -> Option<(u64, u64)> {
    let list = table["partitiontable"]["partitions"].as_array()?;
    let entry = list.iter().find(|entry| entry["name"] == name)?;
    Some((entry["start"].as_u64()?, entry["size"].as_u64()?))
}

/// The first boot makes `data` (f2fs) of the rest of a larger disk and touches neither loader nor slots; the second
/// boot finds it, keeps the table, and knows that the flash is not fresh. On the way: the build that the selector prints is the
/// image's and the system's.
#[test]
fn b03_b04_b17_first_boot_makes_data_and_the_second_keeps_it() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b03").unwrap();
    let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
    let flashed = disk.table().unwrap();
    assert!(place(&flashed, "data").is_none());
    let loader = disk.loader().unwrap();

    let vm = Vm::start(&testbed, &[&disk]).unwrap();
    let selector = vm.serial().wait_for("Slipway selector, build ", BOOT).unwrap();
    vm.serial().wait_for("disk freshly flashed", BOOT).unwrap();
    let build = vm.serial().wait_for("slipway: build: ", BOOT).unwrap();
    vm.serial().wait_for("slipway: data: mounted", BOOT).unwrap();
    vm.serial().wait_for(UP, BOOT).unwrap();
    assert!(selector.ends_with(&format!("build {}", testbed.build_id)), "{selector}");
    assert!(build.contains(&format!("slipway: build: {} ", testbed.build_id)), "{build}");
    vm.power_cut();

    let table = disk.table().unwrap();
    let (start, size) = place(&table, "data").expect("no data partition");
    let (rootfs_b, rootfs_b_size) = place(&table, "rootfs-b").unwrap();
    assert!(start >= rootfs_b + rootfs_b_size);
    // All but the copy of the table and what alignment costs.
    let disk_sectors = (4u64 << 30) / 512;
    assert!(
        disk_sectors - (start + size) < 4096,
        "data ends at {}, the disk at {disk_sectors}",
        start + size
    );
    let verify = testbed.tool(&["sfdisk", "--verify", &disk.path().to_string_lossy()]).unwrap();
    assert!(verify.contains("No errors detected"), "{verify}");
    for partition in flashed["partitiontable"]["partitions"].as_array().unwrap() {
        let name = partition["name"].as_str().unwrap();
        assert_eq!(place(&table, name), place(&flashed, name), "{name} moved");
    }
    let kind = testbed
        .tool(&[
            "blkid",
            "--probe",
            "--offset",
            &(start * 512).to_string(),
            "-s",
            "TYPE",
            "-o",
            "value",
            &disk.path().to_string_lossy(),
        ])
        .unwrap();
    assert_eq!(kind.trim(), "f2fs");
    assert!(disk.loader().unwrap() == loader, "the loader changed");

    let vm = Vm::start(&testbed, &[&disk]).unwrap();
    vm.serial().wait_for("slipway: data: mounted", BOOT).unwrap();
    vm.serial().wait_for(UP, BOOT).unwrap();
    let said = vm.serial().text();
    assert!(!said.contains("freshly flashed"), "{said}");
    vm.power_cut();
    assert_eq!(disk.table().unwrap(), table, "the second boot changed the partition table");
}

/// WAN stays eth0 and LAN eth1 when the kernel finds LAN first.
#[test]
fn b18_cards_found_in_reverse_keep_their_names() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b18").unwrap();
    let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
    let card = |slot: &str, mac: &str| Nic {
        slot: format!("{slot},mac={mac}"),
        backend: "user,restrict=on".to_owned(),
    };
    let mut options = VmOptions::board(&testbed);
    // PCI is walked from low slots to high ones: LAN, in a slot before WAN's, is found first and is eth0 to the kernel.
    options.nics = vec![card("0x4", "52:54:00:00:00:1a"), card(&testbed.wan_slot, "52:54:00:00:00:0a")];
    let vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
    let wan = vm.serial().wait_for("slipway: eth0: ", BOOT).unwrap();
    let lan = vm.serial().wait_for("slipway: eth1: ", BOOT).unwrap();
    assert!(wan.contains("52:54:00:00:00:0a"), "{wan}");
    assert!(lan.contains("52:54:00:00:00:1a"), "{lan}");
}

/// Two disks hold the same image, down to every GUID. Root and data come from the one whose selector ran.
#[test]
fn b14_of_two_equal_disks_the_booted_one_is_used() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b14").unwrap();
    let other = Disk::flash_4g(&testbed, &folder, "other").unwrap();
    let booted = Disk::flash_4g(&testbed, &folder, "booted").unwrap();
    // U-Boot looks at the first disk first; without a selector there it goes on to the second.
    other.damage_partition("bootsel", 4096).unwrap();
    let untouched = other.table().unwrap();
    let vm = Vm::start(&testbed, &[&other, &booted]).unwrap();
    vm.serial().wait_for("slipway: disk: booted from /dev/vdb", BOOT).unwrap();
    vm.serial().wait_for("slipway: data: mounted", BOOT).unwrap();
    vm.serial().wait_for(UP, BOOT).unwrap();
    vm.power_cut();
    assert!(place(&booted.table().unwrap(), "data").is_some(), "data is not on the booted disk");
    assert_eq!(other.table().unwrap(), untouched, "the other disk was written");
    assert!(other.selector_record().unwrap().is_empty(), "the other disk's black box was written");
}

/// The places of the two copies of the partition table of a disk: 34 sectors at its start, 33 at its end.
fn table_copies(disk: &Disk) -> [(u64, usize); 2] {
    let bytes = disk.path().metadata().unwrap().len();
    [(0, 34 * 512), (bytes - 33 * 512, 33 * 512)]
}

fn read_at(disk: &Disk, (offset, length): (u64, usize)) -> Vec<u8> {
    let mut bytes = vec![0; length];
    std::fs::File::open(disk.path()).unwrap().read_exact_at(&mut bytes, offset).unwrap();
    bytes
}

/// A copy of the partition table that a power cut tore is written anew from the other, so that the next cut finds two again.
#[test]
fn b04_a_torn_copy_of_the_partition_table_is_written_anew() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b04-mend").unwrap();
    let disk = Disk::with_test_slots(&testbed, &folder, "disk").unwrap();
    // As after the first boot, which grows the table to the whole disk.
    testbed
        .tool(&["sfdisk", "--quiet", "--relocate", "gpt-bak-std", &disk.path().to_string_lossy()])
        .unwrap();
    let whole = table_copies(&disk).map(|copy| read_at(&disk, copy));
    // The first copy's header; the second copy's entries.
    for (name, (offset, _), at) in
        [("first", table_copies(&disk)[0], 512), ("second", table_copies(&disk)[1], 0)]
    {
        let file = std::fs::File::options().write(true).open(disk.path()).unwrap();
        file.write_all_at(&[0; 512], offset + at).unwrap();
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        let line = vm.serial().wait_for("slipway: partition-table: ", TEST_SLOT).unwrap();
        assert!(line.contains(&format!("its {name} copy was damaged")), "{line}");
        vm.serial().wait_for("test-slot: up slot=A", TEST_SLOT).unwrap();
        vm.power_cut();
        assert!(
            table_copies(&disk).map(|copy| read_at(&disk, copy)) == whole,
            "the {name} copy is not what it was"
        );
    }
    let verify = testbed.tool(&["sfdisk", "--verify", &disk.path().to_string_lossy()]).unwrap();
    assert!(verify.contains("No errors detected"), "{verify}");
}

mod full {
    use super::*;

    /// The first boot rewrites the partition table, and the power goes while its first copy is written: U-Boot and Linux go by the second,
    /// and the first is as it was again.
    #[test]
    fn b04_a_torn_partition_table_boots_from_its_second_copy() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b04-torn").unwrap();
        let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        vm.serial().wait_for(UP, BOOT).unwrap();
        vm.power_cut();
        let whole = table_copies(&disk).map(|copy| read_at(&disk, copy));
        let file = std::fs::File::options().write(true).open(disk.path()).unwrap();
        file.write_all_at(&[0; 512], 512).unwrap();

        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        vm.serial().wait_for("slipway: data: mounted", BOOT).unwrap();
        vm.serial().wait_for(UP, BOOT).unwrap();
        assert!(!vm.serial().text().contains("freshly flashed"));
        vm.power_cut();
        assert!(
            table_copies(&disk).map(|copy| read_at(&disk, copy)) == whole,
            "the table is not what it was"
        );
    }

    /// Nobody can walk to a box that a key has put to sleep or switched off: keys do nothing. The power button held for
    /// longer than by accident does, which also shows that keys arrive.
    #[test]
    fn a_touch_of_a_key_does_not_switch_the_box_off() {
        let testbed = Testbed::get();
        let folder = testbed.folder("keys").unwrap();
        let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        // The kernel says at this level that it goes to sleep.
        disk.add_to_command_line(SlotName::A, "loglevel=7").unwrap();
        let mut options = VmOptions::board(&testbed);
        options.extra = vec!["-device".to_owned(), "virtio-keyboard-pci,addr=0x6".to_owned()];
        let mut vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
        vm.serial().wait_for(UP, BOOT).unwrap();
        let touch = Duration::from_millis(200);
        for key in ["power", "sleep"] {
            vm.press(key, touch).unwrap();
            // What logind does about a key it does at once; a power-off takes some seconds more.
            vm.run_for(Duration::from_secs(20));
        }
        assert!(vm.is_on(), "a key switched it off:\n{}", vm.serial().text());
        assert_eq!(vm.serial().count("PM: suspend entry"), 0, "a key put it to sleep");
        vm.press("power", Duration::from_secs(8)).unwrap();
        vm.run_for(BOOT);
        assert!(!vm.is_on(), "the power button does nothing at all:\n{}", vm.serial().text());
    }

    /// A oneshot service that has no time limit, as most of Debian's, hangs before sysinit.target in slot B, and systemd goes on
    /// petting the watchdog: the limit of sysinit.target ends it, and the other slot says that it hung.
    #[test]
    fn b09_a_hang_before_sysinit_is_ended_though_systemd_lives() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b09-sysinit").unwrap();
        let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        disk.install_b().unwrap();
        disk.set_boot_state(&[("BOOT_ORDER", "B A"), ("BOOT_A_LEFT", "9"), ("BOOT_B_LEFT", "1")]).unwrap();
        let hangs = "[Service]\nExecStartPre=/usr/bin/sleep infinity\nTimeoutStartSec=infinity\n";
        disk.add_to_root(SlotName::B, "usr/lib/systemd/system/systemd-sysctl.service.d/zz-hang.conf", hangs)
            .unwrap();
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        vm.serial().wait_for("slipway: switch-root: handing over to /usr/lib/systemd/systemd", BOOT).unwrap();
        // The limit is 300 s, from the start of systemd.
        vm.serial().wait_for("Slipway selector, build", Duration::from_secs(360)).unwrap();
        vm.serial().wait_for("slipway: selector: booting slot A", TEST_SLOT).unwrap();
        let rollback = vm.serial().wait_for("slipway: rollback: ", BOOT).unwrap();
        assert!(rollback.contains("from slot B to slot A"), "{rollback}");
        assert!(rollback.contains("hung and was reset"), "{rollback}");
        vm.serial().wait_for(UP, BOOT).unwrap();
    }

    /// What is in `data` is no file system any more: the machine comes up all the same, says so, and writes nothing over it.
    #[test]
    fn b12_part_unmountable_data_is_said_and_the_rest_is_up() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b12").unwrap();
        let mut disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        vm.serial().wait_for(UP, BOOT).unwrap();
        vm.power_cut();
        disk.reread().unwrap();
        disk.damage_partition("data", 1 << 20).unwrap();
        let table = disk.table().unwrap();

        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        let data = vm.serial().wait_for("slipway: data: ", BOOT).unwrap();
        assert!(data.contains("NOT MOUNTED"), "{data}");
        vm.serial().wait_for(UP, BOOT).unwrap();
        assert!(
            !vm.serial().text().contains("freshly flashed"),
            "a damaged data partition is not a fresh flash"
        );
        vm.power_cut();
        assert_eq!(disk.table().unwrap(), table);
        assert_eq!(disk.read("data", 0, 1 << 20).unwrap(), vec![0xA5; 1 << 20], "data was written over");
    }
}
