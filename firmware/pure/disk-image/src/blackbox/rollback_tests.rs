use appliance_types::SlotName::{A, B};

use super::*;
use crate::blackbox::breadcrumb::stage;
use crate::blackbox::selector::ResetKind::{Cold, Warm};
use crate::blackbox::testing::Life;

fn rollback(life: &Life) -> Option<Rollback> {
    Rollback::last_in(&life.history())
}

/// A life in which slot A is good, and B was just installed beside it.
fn after_an_install() -> Life {
    let mut life = Life::default();
    life.boots_by_order(A, 8).comes_up().leaves(BreadcrumbKind::Shutdown, "", "update installed", 60_000);
    life
}

/// What `slipway why` blames after B had its three tries, each ending as `dies` says, and A is back.
fn blamed(dies: impl Fn(&mut Life), found_by_next: Option<&str>) -> (String, String) {
    let mut life = after_an_install();
    for left in [2, 1, 0] {
        life.boots_by_order(B, left);
        if let (Some(message), true) = (found_by_next, left < 2) {
            life.finds_panic(message, &[]);
        }
        dies(&mut life);
    }
    life.boots(A, 8, SelectorReason::Fallback, Warm);
    if let Some(message) = found_by_next {
        life.finds_panic(message, &[]);
    }
    let rollback = rollback(&life).expect("slot B was left");
    assert_eq!((rollback.at_boot, rollback.from, rollback.to), (5, B, A));
    (rollback.stage, rollback.why)
}

#[test]
fn a_root_file_system_that_does_not_mount() {
    let (stage, why) = blamed(
        |life| {
            life.leaves(BreadcrumbKind::Failure, stage::ROOTFS, "squashfs: bad superblock", 2_000);
        },
        None,
    );
    assert_eq!(stage, "rootfs");
    assert_eq!(why, "boot 4 failed at rootfs: squashfs: bad superblock");
}

#[test]
fn a_kernel_that_panics_in_a_driver() {
    let (stage, why) = blamed(
        |life| {
            life.leaves(BreadcrumbKind::SwitchRoot, stage::SWITCH_ROOT, "", 3_000);
        },
        Some("Unable to handle kernel NULL pointer"),
    );
    assert_eq!(stage, "switch-root");
    assert!(why.contains("boot 4 ended in a kernel panic, last seen at switch-root, 3.0 s"), "{why}");
    assert!(why.ends_with("Unable to handle kernel NULL pointer"), "{why}");
}

#[test]
fn a_hang_that_only_the_watchdog_ends() {
    let (stage, why) = blamed(
        |life| {
            life.leaves(BreadcrumbKind::Stage, stage::OVERLAY, "", 2_000).lives(25_000);
        },
        None,
    );
    assert_eq!(stage, "overlay");
    assert!(why.contains("hung and was reset"), "{why}");
}

#[test]
fn a_kernel_that_dies_before_it_can_say_anything() {
    let mut life = after_an_install();
    life.boots(A, 8, SelectorReason::Fallback, Warm);
    let rollback = rollback(&life).unwrap();
    assert_eq!((rollback.at_boot, rollback.from, rollback.to), (2, B, A));
    assert_eq!(rollback.stage, "before early-boot");
    assert!(rollback.why.contains("left no trace"), "{}", rollback.why);
}

#[test]
fn a_kernel_that_panics_before_early_boot_is_quoted() {
    let mut life = after_an_install();
    life.finds_early_panic("an older one, of another time");
    life.boots(A, 8, SelectorReason::Fallback, Warm).finds_early_panic("No working init found.").comes_up();
    life.boots_by_order(A, 8).finds_early_panic("a later one");
    let why = rollback(&life).unwrap().why;
    assert!(why.ends_with("before early-boot could write; the kernel said: No working init found."), "{why}");
}

#[test]
fn tries_that_leave_no_trace_after_one_that_did() {
    let mut life = after_an_install();
    life.boots_by_order(B, 2).comes_up().leaves(BreadcrumbKind::Shutdown, "", "reboot", 60_000);
    life.boots(A, 8, SelectorReason::Fallback, Warm);
    // It came up, so early-boot had given it its tries back.
    assert_eq!(rollback(&life).unwrap().stage, "before early-boot");
    assert!(rollback(&life).unwrap().why.contains("9 more times after boot 2"));

    let mut life = after_an_install();
    life.boots_by_order(B, 1);
    life.boots(A, 8, SelectorReason::Fallback, Warm);
    assert!(rollback(&life).unwrap().why.contains("1 more time after boot 2"));
}

#[test]
fn boot_files_that_do_not_load() {
    let mut life = after_an_install();
    for left in [8, 8, 8] {
        life.boots(A, left, SelectorReason::LoadFailed, Warm).comes_up();
    }
    life.boots(A, 8, SelectorReason::Fallback, Warm);
    let rollback = rollback(&life).unwrap();
    assert_eq!((rollback.at_boot, rollback.stage.as_str()), (2, "load"));
    assert!(rollback.why.contains("could not load"), "{}", rollback.why);
}

#[test]
fn a_failed_check_blames_the_check() {
    let mut life = after_an_install();
    life.boots_by_order(B, 2).comes_up();
    life.leaves(BreadcrumbKind::MarkBad, "containers", "web restarted 7 times", 90_000);
    life.leaves(BreadcrumbKind::Shutdown, "", "bad verdict", 91_000);
    // `Mark bad` took B out of the order: A is its first.
    life.boots_by_order(A, 8).comes_up();
    let rollback = rollback(&life).unwrap();
    assert_eq!((rollback.at_boot, rollback.from, rollback.stage.as_str()), (3, B, "containers"));
    assert_eq!(rollback.why, "boot 2 was judged bad by containers: web restarted 7 times");
}

#[test]
fn a_confirmed_slot_that_was_given_up_blames_what_it_kept_dying_of() {
    let mut life = Life::default();
    life.boots_by_order(A, 8).comes_up();
    for _ in 0..3 {
        life.boots_by_order(A, 8).finds_panic("Oops", &[]).comes_up();
    }
    let message = "slot A is given up: its last 3 boots ended in kernel panic, kernel panic, kernel panic";
    life.boots_by_order(A, 8).finds_panic("Oops", &[]);
    life.leaves(BreadcrumbKind::GaveUp, stage::REARM, message, 2_000);
    life.boots(B, 8, SelectorReason::Fallback, Warm);
    let rollback = rollback(&life).unwrap();
    assert_eq!((rollback.from, rollback.to, rollback.why.as_str()), (A, B, message));
}

#[test]
fn an_update_is_not_a_rollback() {
    let mut life = after_an_install();
    life.boots_by_order(B, 2).comes_up().leaves(BreadcrumbKind::MarkGood, "", "", 80_000);
    life.boots_by_order(B, 8);
    assert_eq!(rollback(&life), None);
}

#[test]
fn power_cuts_are_not_a_rollback() {
    let mut life = Life::default();
    for _ in 0..20 {
        life.boots(A, 8, SelectorReason::Order, Cold).comes_up();
    }
    assert_eq!(rollback(&life), None);
}

#[test]
fn a_last_resort_of_the_same_slot_is_not_a_rollback() {
    let mut life = Life::default();
    life.boots_by_order(A, 0).boots(A, 0, SelectorReason::LastResort, Warm);
    assert_eq!(rollback(&life), None);
}

#[test]
fn a_last_resort_of_the_other_slot_is_one() {
    let mut life = after_an_install();
    life.boots_by_order(B, 0).leaves(BreadcrumbKind::Failure, stage::DISK, "gone", 1_500);
    life.boots(A, 0, SelectorReason::LastResort, Warm);
    assert_eq!(rollback(&life).unwrap().stage, "disk");
}

#[test]
fn the_boots_after_a_rollback_still_tell_of_it() {
    let mut life = after_an_install();
    life.boots_by_order(B, 0).leaves(BreadcrumbKind::Failure, stage::ROOTFS, "x", 1_500);
    life.boots(A, 8, SelectorReason::Fallback, Warm).comes_up();
    let first = rollback(&life);
    assert!(first.is_some());
    for reason in [SelectorReason::Fallback, SelectorReason::Order, SelectorReason::Order] {
        life.boots(A, 8, reason, Cold).comes_up();
        assert_eq!(rollback(&life), first, "{reason}");
    }
}

#[test]
fn where_the_ring_starts_with_a_fallback_the_cause_is_forgotten() {
    let mut life = after_an_install();
    life.boots(A, 8, SelectorReason::Fallback, Warm).boots(A, 8, SelectorReason::Fallback, Warm);
    let crumbs: Vec<_> = life.history().boots()[1..].iter().flat_map(|boot| boot.crumbs.clone()).collect();
    let rollback = Rollback::last_in(&History::of(&crumbs, Some(3))).unwrap();
    assert!(rollback.why.contains("forgotten"), "{}", rollback.why);
}
