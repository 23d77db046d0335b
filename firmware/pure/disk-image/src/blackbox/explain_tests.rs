use appliance_types::SlotName::{A, B};

use super::*;
use crate::blackbox::breadcrumb::{BreadcrumbKind, stage};
use crate::blackbox::testing::Life;

fn sentences(life: &Life) -> Vec<String> {
    Explanation::of(&life.history()).sentences()
}

#[test]
fn the_first_boot_of_a_disk() {
    let mut life = Life::default();
    life.boots(A, 8, SelectorReason::Order, ResetKind::Cold);
    assert_eq!(
        sentences(&life),
        [
            "Boot 1 runs slot A (selector build 2026.11-1).",
            "It was chosen because it is first in the boot order; it has 8 tries left after this one.",
            "The power was off before this boot.",
            "No rollback is on record.",
            "No earlier boot is on record.",
        ]
    );
}

#[test]
fn what_was_found_is_told_for_this_boot_and_for_earlier_ones() {
    let mut life = Life::default();
    life.boots(A, 8, SelectorReason::Order, ResetKind::Cold).comes_up();
    life.leaves(BreadcrumbKind::Check, "seed", "boot partition: refused: config.toml:3:1: no", 45_000);
    life.boots(A, 8, SelectorReason::Order, ResetKind::Cold).comes_up();
    life.leaves(BreadcrumbKind::MarkGood, "verdict", "all is well", 50_000);
    let lines = sentences(&life);
    let at = lines.iter().position(|line| line == "Found in this boot, newest last:").unwrap();
    assert_eq!(lines[at + 1], "- verdict, 50 s after the kernel started: all is well");
    let earlier = "  - seed, 45 s after the kernel started: boot partition: refused: config.toml:3:1: no";
    assert_eq!(lines.last().unwrap(), earlier);
}

#[test]
fn a_rollback_says_what_runs_why_and_what_happened() {
    let mut life = Life::default();
    life.boots(A, 8, SelectorReason::Order, ResetKind::Cold).comes_up();
    life.leaves(BreadcrumbKind::Shutdown, "", "update installed", 60_000);
    for left in [2, 1, 0] {
        life.boots_by_order(B, left).leaves(BreadcrumbKind::Failure, stage::ROOTFS, "bad superblock", 2_000);
    }
    life.boots(A, 8, SelectorReason::Fallback, ResetKind::Warm);
    assert_eq!(
        sentences(&life),
        [
            "Boot 5 runs slot A (selector build 2026.11-1).",
            "It was chosen because slot B, which comes before it, has no tries left; it has 8 tries left after this one.",
            "The power stayed on before this boot.",
            "The machine rolled back from slot B to slot A at boot 5: slot B did not get past rootfs: boot 4 failed at rootfs: bad superblock.",
            "Earlier boots, newest first:",
            "- boot 4 (slot B) failed at rootfs: bad superblock",
            "- boot 3 (slot B) failed at rootfs: bad superblock",
            "- boot 2 (slot B) failed at rootfs: bad superblock",
            "- boot 1 (slot A) was shut down: update installed",
        ]
    );
}

#[test]
fn a_rollback_of_the_past_is_called_that() {
    let mut life = Life::default();
    life.boots_by_order(B, 0).leaves(BreadcrumbKind::Failure, stage::DISK, "x", 2_000);
    life.boots(A, 8, SelectorReason::Fallback, ResetKind::Warm).comes_up();
    life.boots_by_order(B, 2);
    let lines = sentences(&life);
    assert!(
        lines.iter().any(|line| line.starts_with("Earlier, the machine rolled back from slot B")),
        "{lines:#?}"
    );
}

#[test]
fn a_damaged_boot_state_is_mentioned() {
    for (env, words) in [
        (EnvSource::Env1, "The first copy of the boot state was damaged; the second was used."),
        (EnvSource::Default, "Both copies of the boot state were damaged; the default was used."),
    ] {
        let mut record = crate::blackbox::testing::record(A, 8, SelectorReason::Order, ResetKind::Warm);
        record.env = env;
        let running = RunningBoot { boot: 1, slot: Some(A), selector: Some(record), found: Vec::new() };
        assert!(running.sentences().contains(&words.to_owned()));
    }
}

#[test]
fn every_reason_of_the_selector_has_words() {
    for (reason, words) in [
        (SelectorReason::Order, "it is first in the boot order; it has no tries left after this one."),
        (SelectorReason::Fallback, "slot A, which comes before it, has no tries left; it has no tries left"),
        (SelectorReason::LoadFailed, "the boot files of slot A, which comes before it, could not be loaded"),
        (SelectorReason::LastResort, "no slot of the boot order could be started: it is the last resort."),
    ] {
        let text = why_chosen(&crate::blackbox::testing::record(B, 0, reason, ResetKind::Warm));
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn what_is_lost_is_said_to_be_lost() {
    let nothing = Explanation::of(&History::default());
    assert_eq!(nothing.sentences()[0], "The black box does not know this boot.");
    let running = RunningBoot { boot: 3, slot: None, selector: None, found: Vec::new() };
    let expected = "Boot 3 runs an unknown slot; what the selector wrote about it is lost.";
    assert_eq!(running.sentences(), [expected]);
}

#[test]
fn a_long_history_is_cut_in_words_but_not_in_data() {
    let mut life = Life::default();
    for _ in 0..13 {
        life.boots_by_order(A, 8);
    }
    let explanation = Explanation::of(&life.history());
    assert_eq!(explanation.earlier.len(), 12);
    let lines = explanation.sentences();
    assert_eq!(lines.iter().filter(|line| line.starts_with("- boot ")).count(), 10);
    assert_eq!(lines.last().unwrap(), "- and 2 before them");
}

#[test]
fn the_json_names_stay() {
    let mut life = Life::default();
    life.boots_by_order(B, 0).leaves(BreadcrumbKind::Stage, stage::ROOTFS, "", 1_234);
    life.boots(A, 8, SelectorReason::Fallback, ResetKind::Cold);
    life.finds_panic("Oops", &["last words"]);
    let json = serde_json::to_value(Explanation::of(&life.history())).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "running": {
                "boot": 2,
                "slot": "A",
                "selector": {
                    "build": "2026.11-1",
                    "slot": "A",
                    "tries_left": 8,
                    "reason": "fallback",
                    "env": "env0",
                    "token": "07070707-0707-0707-0707-070707070707",
                    "reset": "cold",
                },
                "found": [],
            },
            "rollback": {
                "at_boot": 2,
                "from": "B",
                "to": "A",
                "stage": "rootfs",
                "why": "boot 1 ended in a kernel panic, last seen at rootfs, 1.2 s after the kernel started: Oops",
            },
            "earlier": [{
                "boot": 1,
                "slot": "B",
                "build": "2026.11-1",
                "last_seen_unix_ms": null,
                "ending": {
                    "how": "panic",
                    "message": "Oops",
                    "console": ["last words"],
                    "last": { "stage": "rootfs", "uptime_ms": 1234 },
                },
                "found": [],
            }],
        })
    );
}
