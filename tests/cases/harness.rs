//! The harness itself: what the stories take for granted.

use image_tests::config::Seed;
use image_tests::{Disk, Stick, StickFormat, TEST_SLOT, Testbed, Vm, VmOptions};
use std::time::Instant;

/// What is put onto sticks and beside the selector is there, whatever the file system.
#[test]
fn sticks_and_disks_hold_what_was_put_on_them() {
    let testbed = Testbed::get();
    let folder = testbed.folder("content").unwrap();
    let seed = Seed::new(&folder, "seed", "version = 1\n").unwrap().hello_image(&testbed).unwrap();
    let seed = seed.file("slipway-receipts/x.txt", "result = \"accepted\"\n").unwrap();
    for (name, format) in [("vfat", StickFormat::Vfat), ("ext4", StickFormat::Ext4)] {
        let stick = Stick::new(&testbed, &folder, name, format, seed.folder()).unwrap();
        assert_eq!(stick.read("config.toml").unwrap(), "version = 1\n");
        assert_eq!(stick.list("files/images").unwrap(), ["hello.tar"]);
        assert_eq!(stick.receipt().unwrap(), "result = \"accepted\"\n");
        assert_eq!(stick.list("nothing").unwrap(), Vec::<String>::new());
    }
    Stick::blank(&testbed, &folder, "exfat", StickFormat::Exfat).unwrap();
    let bundle = seed.pack(&testbed, &folder, "config.tar.zst").unwrap();
    let members = testbed.tool(&["tar", "-tf", &bundle.to_string_lossy()]).unwrap();
    assert!(members.contains("./files/images/hello.tar"), "{members}");

    let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
    disk.seed(seed.folder()).unwrap();
    disk.put_boot_file("config.toml", b"version = 2\n").unwrap();
    let bytes = disk.read_all("bootsel").unwrap();
    let bootsel = folder.join("bootsel.vfat");
    std::fs::write(&bootsel, bytes).unwrap();
    let bootsel = bootsel.to_string_lossy();
    let config = testbed.tool(&["mcopy", "-i", &bootsel, "::/config.toml", "-"]).unwrap();
    assert_eq!(config, "version = 2\n");
    let images = testbed.tool(&["mdir", "-b", "-i", &bootsel, "::/files/images"]).unwrap();
    assert!(images.contains("hello.tar"), "{images}");
}

/// A machine saved while it runs goes on where it was, in another QEMU, again and again, and its disk below stays as it
/// was. A story that needs a booted machine starts this way.
#[test]
fn a_saved_machine_goes_on_where_it_was() {
    let testbed = Testbed::get();
    let folder = testbed.folder("saved").unwrap();
    let disk = Disk::with_test_slots(&testbed, &folder, "disk").unwrap();
    let overlay = disk.overlay("running").unwrap();
    let before = disk.read_all("env0").unwrap();
    let mut vm = Vm::start(&testbed, &[&overlay]).unwrap();
    vm.serial().wait_for("test-slot: up slot=A", TEST_SLOT).unwrap();
    vm.save("up").unwrap();
    vm.power_cut();
    for _ in 0..2 {
        let options = VmOptions { snapshot: Some("up".to_owned()), ..VmOptions::board(&testbed) };
        let begun = Instant::now();
        let mut vm = Vm::start_with(&testbed, &[&overlay], &options).unwrap();
        println!("restored in {:?}", begun.elapsed());
        assert_eq!(vm.serial().text(), "", "it started from the beginning");
        vm.reset().unwrap();
        vm.serial().wait_for("slipway: selector: warm reset", TEST_SLOT).unwrap();
        vm.power_cut();
    }
    assert!(disk.read_all("env0").unwrap() == before, "the disk below was written");
}
