//! The harness itself: what the stories take for granted.

use image_tests::{Disk, TEST_SLOT, Testbed, Vm, VmOptions};
use std::time::Instant;

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
