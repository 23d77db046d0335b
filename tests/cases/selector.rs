//! The selector: which slot boots, counted how, from which copy of the state. Real U-Boot, the shipped boot.scr and slot.scr;
//! the slots hold the shipped kernel and early-boot over a tiny system, so that a boot takes seconds.

use appliance_types::SlotName;
use image_tests::{Disk, EnvCopy, TEST_SLOT, Testbed, Vm};

/// A disk with test slots and this boot state.
struct Scene {
    testbed: Testbed,
    disk: Disk,
}

impl Scene {
    fn new(name: &str, state: &[(&str, &str)]) -> Scene {
        let testbed = Testbed::get();
        let folder = testbed.folder(name).unwrap();
        let disk = Disk::with_test_slots(&testbed, &folder, "disk").unwrap();
        disk.set_boot_state(state).unwrap();
        Scene { testbed, disk }
    }

    /// Powers on, waits until a test slot is up, cuts the power. Returns the slot and what the selector said.
    fn boot(&self) -> (SlotName, String) {
        let vm = Vm::start(&self.testbed, &[&self.disk]).unwrap();
        let line = vm.serial().wait_for("test-slot: up slot=", TEST_SLOT).unwrap();
        let said = vm.serial().text();
        vm.power_cut();
        let slot = if line.contains("slot=A") { SlotName::A } else { SlotName::B };
        (slot, said)
    }

    /// `BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT`, which must be the same in both copies.
    fn state(&self) -> String {
        let copies = [EnvCopy::Env0, EnvCopy::Env1].map(|copy| self.disk.env(copy).unwrap());
        assert_eq!(copies[0], copies[1], "the two copies differ");
        let key = |name: &str| copies[0].get(name).cloned().unwrap_or_else(|| "-".to_owned());
        format!("{} | {} {}", key("BOOT_ORDER"), key("BOOT_A_LEFT"), key("BOOT_B_LEFT"))
    }
}

/// Keys of a state.
fn state<'a>(order: &'a str, a: &'a str, b: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("BOOT_ORDER", order), ("BOOT_A_LEFT", a), ("BOOT_B_LEFT", b)]
}

/// Both slots on trial: A is tried three times, then B three times, then the last resort, which is counted no further
/// and says that it is one. Nothing counts a trial up.
#[test]
fn b07_exhausted_slot_falls_over() {
    let scene = Scene::new("b07", &state("A B", "3", "3"));
    for (slot, left) in [
        (SlotName::A, "A B | 2 3"),
        (SlotName::A, "A B | 1 3"),
        (SlotName::A, "A B | 0 3"),
        (SlotName::B, "A B | 0 2"),
        (SlotName::B, "A B | 0 1"),
        (SlotName::B, "A B | 0 0"),
    ] {
        let (booted, said) = scene.boot();
        assert_eq!((booted, scene.state().as_str()), (slot, left), "{said}");
        assert!(!said.contains("last resort"), "{said}");
    }
    let (booted, said) = scene.boot();
    assert_eq!((booted, scene.state().as_str()), (SlotName::A, "A B | 0 0"));
    assert!(said.contains("last resort: A, then B"), "{said}");
    assert!(said.contains("last_resort=1"), "the system is not told: {said}");
    assert_eq!(scene.disk.selector_record().unwrap()["SEL_REASON"], "last-resort");
}

/// With everything used up, the slot that was last confirmed is the last resort, whatever the order says.
#[test]
fn b07_last_resort_is_the_confirmed_slot() {
    let mut keys = state("A B", "0", "0");
    keys.push(("SLIPWAY_CONFIRMED", "B"));
    let scene = Scene::new("b07-confirmed", &keys);
    let (booted, said) = scene.boot();
    assert_eq!(booted, SlotName::B, "{said}");
    assert_eq!(scene.disk.env(EnvCopy::Env0).unwrap()["SLIPWAY_CONFIRMED"], "B");
}

/// A last resort that loads and dies is not started for ever: the other slot has its turn after the reset, and then the first
/// again. After a power cut, which says nothing of the slot, the first choice is the first again.
#[test]
fn b07_a_last_resort_that_dies_gives_way_to_the_other_slot() {
    let scene = Scene::new("b07-dies", &state("A B", "0", "0"));
    scene.disk.add_to_command_line(SlotName::A, "test.action=panic").unwrap();
    let mut vm = Vm::start(&scene.testbed, &[&scene.disk]).unwrap();
    vm.serial().wait_for("slipway: selector: booting slot A, reason last-resort", TEST_SLOT).unwrap();
    vm.serial().wait_for("Kernel panic", TEST_SLOT).unwrap();
    vm.serial().wait_for("the last resort A did not last, trying the other slot", TEST_SLOT).unwrap();
    let line = vm.serial().wait_for("test-slot: up slot=", TEST_SLOT).unwrap();
    assert!(line.contains("slot=B") && line.contains("last_resort=1"), "{line}");
    vm.reset().unwrap();
    vm.serial().wait_for("slipway: selector: booting slot A, reason last-resort", TEST_SLOT).unwrap();
    vm.power_cut();
    let vm = Vm::start(&scene.testbed, &[&scene.disk]).unwrap();
    vm.serial().wait_for("slipway: selector: booting slot A, reason last-resort", TEST_SLOT).unwrap();
    assert!(!vm.serial().text().contains("did not last"), "a power cut counts against the last resort");
    vm.power_cut();
    assert_eq!(scene.state(), "A B | 0 0");
}

/// A confirmed slot's tries are given back once early-boot is through; a trial's are not, and a slot outside of the order is not
/// touched.
#[test]
fn b07_a_confirmed_slot_is_rearmed_and_a_trial_is_not() {
    let scene = Scene::new("b07-rearm", &state("A", "9", "0"));
    for _ in 0..2 {
        assert_eq!(scene.boot().0, SlotName::A);
        assert_eq!(scene.state(), "A | 9 0");
    }
    scene.disk.set_boot_state(&state("B A", "9", "3")).unwrap();
    assert_eq!(scene.boot().0, SlotName::B);
    assert_eq!(scene.state(), "B A | 9 2");
}

/// A torn env0 is repaired from env1 and changes nothing; so is a torn env1; both torn are the defaults.
#[test]
fn b08_a_torn_copy_is_repaired_from_the_other() {
    let scene = Scene::new("b08", &state("B A", "9", "9"));
    for copy in [EnvCopy::Env0, EnvCopy::Env1] {
        scene.disk.tear_env(copy).unwrap();
        assert!(scene.disk.env(copy).unwrap().is_empty(), "the tear did not take");
        let (booted, said) = scene.boot();
        assert_eq!((booted, scene.state().as_str()), (SlotName::B, "B A | 9 9"), "{said}");
        assert!(said.contains("is invalid, repairing it from"), "{said}");
    }
    scene.disk.tear_env(EnvCopy::Env0).unwrap();
    scene.disk.tear_env(EnvCopy::Env1).unwrap();
    let (booted, said) = scene.boot();
    assert_eq!((booted, scene.state().as_str()), (SlotName::A, "A B | 9 9"), "{said}");
    assert!(said.contains("using the defaults"), "{said}");
    assert_eq!(scene.disk.selector_record().unwrap()["SEL_ENV"], "default");
}

/// Linux marks a slot good in env0 and is cut off before env1; the selector then is cut off while it counts in env0. The mark must
/// survive: env1 was made equal before the count began.
#[test]
fn b08_a_mark_survives_a_count_cut_short() {
    let scene = Scene::new("b08-mark", &state("A B", "1", "9"));
    // The mark-good: env0 says 9, env1 still 1.
    scene.disk.set_env(EnvCopy::Env0, &state("A B", "9", "9")).unwrap();
    let vm = Vm::start(&scene.testbed, &[&scene.disk]).unwrap();
    vm.serial().wait_for("slipway: selector: env1 differs, making it equal to env0", TEST_SLOT).unwrap();
    vm.serial().wait_for("slipway: selector: booting slot A", TEST_SLOT).unwrap();
    vm.power_cut();
    // What the cut left of env0.
    scene.disk.tear_env(EnvCopy::Env0).unwrap();
    let (booted, said) = scene.boot();
    assert_eq!((booted, scene.state().as_str()), (SlotName::A, "A B | 9 9"), "{said}");
}

/// The board's device tree on a boot partition.
const DTB: &str = "dtbs/rockchip/rk3328-rock64.dtb";

/// What cannot be loaded costs its try and the next slot of the order boots in the same run: no reset, no prompt.
#[test]
fn b06_a_slot_that_does_not_load_falls_over_at_once() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b06").unwrap();
    let faults = [
        ("missing", "vmlinuz"),
        ("damaged", "vmlinuz"),
        ("damaged", "initrd.img"),
        ("missing", "slot.scr"),
        ("missing", DTB),
        ("damaged", DTB),
    ];
    for (fault, name) in faults {
        let file = format!("{fault}-{}", name.replace('/', "-"));
        let disk = Disk::with_test_slots(&testbed, &folder, &file).unwrap();
        disk.set_boot_state(&state("A B", "3", "3")).unwrap();
        if name == DTB {
            // QEMU brings its own device tree; only the Rock64's U-Boot names one in fdtfile.
            let named = format!("setenv fdtfile {}", DTB.trim_start_matches("dtbs/"));
            disk.add_to_slot_script(SlotName::A, &named).unwrap();
            disk.add_to_slot_script(SlotName::B, "setenv fdtfile").unwrap();
        }
        match fault {
            "missing" => disk.remove_file(SlotName::A, name).unwrap(),
            _ => disk.damage_file(SlotName::A, name).unwrap(),
        }
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        let line = vm.serial().wait_for("test-slot: up slot=", TEST_SLOT).unwrap();
        assert!(line.contains("slot=B"), "{fault} {name}: {line}");
        assert_eq!(
            vm.serial().count("Slipway selector, build"),
            1,
            "{fault} {name}: it was reset on the way"
        );
        vm.power_cut();
        let env = disk.env(EnvCopy::Env0).unwrap();
        assert_eq!((env["BOOT_A_LEFT"].as_str(), env["BOOT_B_LEFT"].as_str()), ("2", "2"), "{fault} {name}");
        assert_eq!(disk.selector_record().unwrap()["SEL_REASON"], "load-failed", "{fault} {name}");
    }
}

/// A root file system that is no file system: early-boot says so and resets until the slot's tries are used up, then
/// the other slot boots.
#[test]
fn b06_a_damaged_root_file_system_uses_up_its_tries() {
    let scene = Scene::new("b06-squashfs", &state("A B", "3", "9"));
    scene.disk.damage_partition("rootfs-a", 64 << 10).unwrap();
    let vm = Vm::start(&scene.testbed, &[&scene.disk]).unwrap();
    let line = vm.serial().wait_for("test-slot: up slot=", 4 * TEST_SLOT).unwrap();
    assert!(line.contains("slot=B"), "{line}");
    assert_eq!(vm.serial().count("slipway: selector: booting slot A"), 3);
    assert!(vm.serial().text().contains("slipway: rootfs: cannot"), "early-boot did not say why");
    vm.power_cut();
    assert_eq!(scene.state(), "A B | 0 9");
    assert!(scene.disk.black_box_text().unwrap().contains("cannot mount"), "the black box does not know why");
}
