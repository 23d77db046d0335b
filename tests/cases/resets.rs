//! What ends a boot early: panics, hangs, power cuts. The machine comes back by itself, and only what is the slot's fault costs the slot.

use appliance_types::SlotName;
use image_tests::{BOOT, Disk, EnvCopy, TEST_SLOT, Testbed, Vm};
use std::time::{Duration, Instant};

/// From the moment nothing moves any more to the selector's first line.
const RESET_WITHIN: Duration = Duration::from_secs(60);
const SELECTOR: &str = "Slipway selector, build";
/// Both slots installed, A marked good.
const CONFIRMED: [(&str, &str); 4] =
    [("BOOT_ORDER", "A B"), ("BOOT_A_LEFT", "9"), ("BOOT_B_LEFT", "9"), ("SLIPWAY_CONFIRMED", "A")];

/// A kernel panic resets by itself, the next boot still knows the panic's words, and three in a row give a confirmed slot up for
/// the other.
#[test]
fn b09_b15_three_panics_in_a_row_switch_the_slot() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b09-panic").unwrap();
    let disk = Disk::with_test_slots(&testbed, &folder, "disk").unwrap();
    disk.set_boot_state(&CONFIRMED).unwrap();
    disk.add_to_command_line(SlotName::A, "test.action=panic").unwrap();
    let vm = Vm::start(&testbed, &[&disk]).unwrap();
    // The fourth early-boot sees three panics behind it and gives the slot up.
    for _ in 0..4 {
        vm.serial().wait_for("slipway: selector: booting slot A", TEST_SLOT).unwrap();
        vm.serial().wait_for("Kernel panic", TEST_SLOT).unwrap();
        vm.serial().wait_for(SELECTOR, RESET_WITHIN).unwrap();
        vm.serial().wait_for("slipway: selector: warm reset", TEST_SLOT).unwrap();
    }
    let line = vm.serial().wait_for("test-slot: up slot=", TEST_SLOT).unwrap();
    assert!(line.contains("slot=B"), "{line}");
    vm.power_cut();
    let env = disk.env(EnvCopy::Env0).unwrap();
    assert_eq!((env["BOOT_A_LEFT"].as_str(), env["BOOT_B_LEFT"].as_str()), ("0", "9"));
    let remembered = disk.black_box_text().unwrap();
    assert!(
        remembered.contains("sysrq triggered crash") || remembered.contains("Kernel panic"),
        "the panic's words are lost"
    );
}

/// The disk stops answering while early-boot works: the watchdog resets, and with the disk back the boot succeeds.
#[test]
fn b09_a_hang_in_early_boot_is_ended_by_the_watchdog() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b09-early").unwrap();
    let disk = Disk::with_test_slots(&testbed, &folder, "disk").unwrap();
    let mut vm = Vm::start(&testbed, &[&disk]).unwrap();
    vm.serial().wait_for("slipway: watchdog: ", TEST_SLOT).unwrap();
    vm.stall_disk(0, true).unwrap();
    let hung = Instant::now();
    vm.serial().wait_for("U-Boot", RESET_WITHIN).unwrap();
    vm.stall_disk(0, false).unwrap();
    assert!(hung.elapsed() < RESET_WITHIN);
    vm.serial().wait_for("test-slot: up slot=A", TEST_SLOT).unwrap();
}

/// Something hangs in systemd's place and never feeds the watchdog: a trial slot is used up, and the other boots, which says why.
#[test]
fn b09_a_hang_after_early_boot_is_ended_by_the_watchdog() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b09-systemd").unwrap();
    let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
    disk.install_b().unwrap();
    disk.set_boot_state(&[("BOOT_ORDER", "B A"), ("BOOT_A_LEFT", "9"), ("BOOT_B_LEFT", "1")]).unwrap();
    // Waits for ever for words on its standard input.
    disk.add_to_command_line(SlotName::B, "init=/usr/bin/cat").unwrap();
    let vm = Vm::start(&testbed, &[&disk]).unwrap();
    vm.serial().wait_for("slipway: switch-root: handing over to /usr/bin/cat", BOOT).unwrap();
    vm.serial().wait_for(SELECTOR, RESET_WITHIN).unwrap();
    vm.serial().wait_for("slipway: selector: booting slot A", TEST_SLOT).unwrap();
    let rollback = vm.serial().wait_for("slipway: rollback: ", BOOT).unwrap();
    assert!(rollback.contains("from slot B to slot A"), "{rollback}");
    vm.serial().wait_for("slipway: up: services are up", BOOT).unwrap();
}

/// Power cuts at random moments of the boot of a confirmed slot: none of them costs the slot anything.
#[test]
fn b15_power_cuts_never_switch_a_confirmed_slot() {
    power_cuts("b15", 12);
}

/// The moments are uniform over a full boot, from power-on until its services are up; each is then taken to the same place in the boot of a test
/// slot, which runs the same selector, kernel and early-boot, and is shorter only behind them.
fn power_cuts(name: &str, cuts: u32) {
    let testbed = Testbed::get();
    let folder = testbed.folder(name).unwrap();
    let full = Disk::flash_4g(&testbed, &folder, "full").unwrap();
    let whole = Boot::time(&testbed, &full, "slipway: up: services are up");
    drop(full);
    let disk = Disk::with_test_slots(&testbed, &folder, "disk").unwrap();
    disk.set_boot_state(&CONFIRMED).unwrap();
    let test = Boot::time(&testbed, &disk, "test-slot: up slot=A");
    let share = whole.rearmed.as_secs_f64() / whole.up.as_secs_f64();
    println!(
        "early-boot is through after {:?} of {:?} (full boot), {:?} of {:?} (test slot)",
        whole.rearmed, whole.up, test.rearmed, test.up
    );

    let mut random = Random::seeded();
    for cut in 1..=cuts {
        let moment = random.fraction();
        let after = if moment < share {
            test.rearmed.mul_f64(moment / share)
        } else {
            // At least a second, though a test slot is up at once: the cut is behind early-boot.
            test.rearmed
                + (test.up - test.rearmed + Duration::from_secs(1)).mul_f64((moment - share) / (1.0 - share))
        };
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        test.run_until(&vm, after);
        let said = vm.serial().text();
        vm.power_cut();
        assert!(!said.contains("booting slot B"), "cut {cut} after {after:?} led to slot B:\n{said}");
    }
    let vm = Vm::start(&testbed, &[&disk]).unwrap();
    let line = vm.serial().wait_for("test-slot: up slot=", TEST_SLOT).unwrap();
    assert!(line.contains("slot=A"), "{line}");
    vm.power_cut();
    assert_eq!(disk.env(EnvCopy::Env0).unwrap()["BOOT_A_LEFT"], "9");
}

/// When what happened in a boot that was watched.
struct Boot {
    /// Early-boot had dealt with the counter.
    rearmed: Duration,
    /// It was up.
    up: Duration,
    /// When it came to which place, in order.
    places: Vec<(Duration, String)>,
}

impl Boot {
    /// Boots once, until it says `up`.
    fn time(testbed: &Testbed, disk: &Disk, up: &str) -> Boot {
        let begun = Instant::now();
        let vm = Vm::start(testbed, &[disk]).unwrap();
        vm.serial().wait_for("slipway: rearm: ", BOOT).unwrap();
        let rearmed = begun.elapsed();
        vm.serial().wait_for(up, BOOT).unwrap();
        let mut places: Vec<(Duration, String)> = Vec::new();
        for (at, line) in vm.serial().lines(begun) {
            if let Some(place) = place(&line)
                && places.iter().all(|(_, known)| known != place)
            {
                places.push((at, place.to_owned()));
            }
        }
        Boot { rearmed, up: begun.elapsed(), places }
    }

    /// Lets `vm` run to where this boot was after `moment`: to the last place it had come to by then, and on for the time since, or
    /// to the next place. So a machine that is slower or faster today is cut in the same part of its boot.
    fn run_until(&self, vm: &Vm, moment: Duration) {
        let passed = self.places.iter().take_while(|(at, _)| *at <= moment).count();
        for (_, place) in &self.places[..passed] {
            vm.serial().wait_for(place, TEST_SLOT).unwrap();
        }
        let since = passed.checked_sub(1).map_or(Duration::ZERO, |last| self.places[last].0);
        match self.places.get(passed) {
            // That it does not come in time is what is wanted.
            Some((_, next)) => drop(vm.serial().wait_for(next, moment - since)),
            None => vm.run_for(moment - since),
        }
    }
}

/// The place in a boot that a line tells of: one that every boot comes to, in the same order.
fn place(line: &str) -> Option<&str> {
    for known in [
        "U-Boot 20",
        "Slipway selector, build",
        "slipway: selector: booting slot",
        "Starting kernel",
        "test-slot: up",
    ] {
        if line.starts_with(known) {
            return Some(known);
        }
    }
    let stage = line.strip_prefix("slipway: ")?.split(':').next()?;
    let early_boot =
        ["start", "modules", "watchdog", "disk", "black-box", "rootfs", "overlay", "rearm", "switch-root"];
    early_boot.contains(&stage).then(|| &line[.."slipway: ".len() + stage.len() + 1])
}

/// A linear congruential generator (Knuth's constants); the seed is printed, so that a run can be told again.
struct Random(u64);

impl Random {
    fn seeded() -> Random {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let given = std::env::var("SLIPWAY_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or(now.as_secs());
        println!("seed {seed} (SLIPWAY_SEED={seed} tells this story again)");
        Random(seed)
    }

    /// From 0 to 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

mod full {
    use super::*;

    /// As the short story, two hundred times: in two halves, each from a seed of its own, because each takes half an hour.
    #[test]
    fn b15_two_hundred_power_cuts_never_switch_a_confirmed_slot_first_half() {
        power_cuts("b15-first", 100);
    }

    #[test]
    fn b15_two_hundred_power_cuts_never_switch_a_confirmed_slot_second_half() {
        power_cuts("b15-second", 100);
    }

    /// Nine cuts before early-boot could give the try back do switch: nothing tells them from a slot that dies there.
    #[test]
    fn b15_nine_cuts_before_early_boot_switch_by_design() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b15-nine").unwrap();
        let disk = Disk::with_test_slots(&testbed, &folder, "disk").unwrap();
        disk.set_boot_state(&CONFIRMED).unwrap();
        for _ in 0..9 {
            let vm = Vm::start(&testbed, &[&disk]).unwrap();
            vm.serial().wait_for("slipway: selector: booting slot A", TEST_SLOT).unwrap();
            vm.serial().wait_for("Starting kernel", TEST_SLOT).unwrap();
            vm.power_cut();
        }
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        let line = vm.serial().wait_for("test-slot: up slot=", TEST_SLOT).unwrap();
        assert!(line.contains("slot=B"), "{line}");
    }

    /// Three watchdog resets in a row of a confirmed slot switch, as panics do.
    #[test]
    fn b15_three_watchdog_resets_in_a_row_switch_the_slot() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b15-watchdog").unwrap();
        let disk = Disk::with_test_slots(&testbed, &folder, "disk").unwrap();
        disk.set_boot_state(&CONFIRMED).unwrap();
        disk.add_to_command_line(SlotName::A, "test.action=hang").unwrap();
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        for _ in 0..4 {
            vm.serial().wait_for("slipway: selector: booting slot A", TEST_SLOT).unwrap();
            vm.serial().wait_for("test-slot: up slot=A", TEST_SLOT).unwrap();
            vm.serial().wait_for(SELECTOR, RESET_WITHIN).unwrap();
        }
        let line = vm.serial().wait_for("test-slot: up slot=", TEST_SLOT).unwrap();
        assert!(line.contains("slot=B"), "{line}");
    }
}
