use appliance_types::SlotName::{A, B};
use proptest::prelude::*;

use super::*;
use crate::blackbox::selector::SelectorReason;
use crate::blackbox::testing::{Life, crumb};

/// How the first boot of a life ended, when the second one found the memory in the state `reset`.
fn ending(reset: ResetKind, first: impl Fn(&mut Life), second: impl Fn(&mut Life)) -> BootEnding {
    let mut life = Life::default();
    life.boots(A, 8, SelectorReason::Order, ResetKind::Cold);
    first(&mut life);
    life.boots(A, 8, SelectorReason::Order, reset);
    second(&mut life);
    let history = life.history();
    assert_eq!(history.boots().len(), 2);
    history.boots()[0].ending.clone()
}

fn last(stage: &str, uptime_ms: u64) -> Option<LastSign> {
    Some(LastSign { stage: stage.into(), uptime_ms })
}

fn nothing(_: &mut Life) {}

fn build(text: &str) -> BuildId {
    text.parse().unwrap()
}

#[test]
fn the_table_of_endings() {
    use BreadcrumbKind::{Failure, MarkBad, MarkGood, Shutdown, Stage};
    use ResetKind::{Cold, Warm};
    type Step = fn(&mut Life);
    let rows: [(&str, ResetKind, Step, Step, BootEnding); 15] = [
        (
            "shut down",
            Warm,
            |life| {
                life.comes_up().leaves(Shutdown, "", "reboot asked for by root", 90_000);
            },
            nothing,
            BootEnding::Clean { reason: "reboot asked for by root".into() },
        ),
        (
            "shut down, then the plug pulled",
            Cold,
            |life| {
                life.comes_up().leaves(Shutdown, "", "poweroff", 90_000);
            },
            nothing,
            BootEnding::Clean { reason: "poweroff".into() },
        ),
        (
            "early-boot failed",
            Warm,
            |life| {
                life.leaves(Failure, stage::ROOTFS, "mount: EINVAL", 1_500);
            },
            nothing,
            BootEnding::Failed { stage: stage::ROOTFS.into(), message: "mount: EINVAL".into() },
        ),
        (
            "marked bad, then rebooted",
            Warm,
            |life| {
                life.comes_up().leaves(MarkBad, "lan", "no address", 70_000);
                life.leaves(Shutdown, "", "bad verdict", 71_000);
            },
            nothing,
            BootEnding::MarkedBad { check: "lan".into(), reason: "no address".into() },
        ),
        (
            "panicked with its services up",
            Warm,
            |life| {
                life.comes_up().leaves(MarkGood, "", "", 80_000);
            },
            |life| {
                life.finds_panic("Fatal exception", &["one", "two"]);
            },
            BootEnding::Panic {
                message: "Fatal exception".into(),
                console: vec!["one".into(), "two".into()],
                last: last("mark-good", 80_000),
            },
        ),
        (
            "a panic outweighs the shutdown it happened in",
            Warm,
            |life| {
                life.comes_up().leaves(Shutdown, "", "reboot", 90_000);
            },
            |life| {
                life.finds_panic("Oops", &[]);
            },
            BootEnding::Panic { message: "Oops".into(), console: vec![], last: last("shutdown", 90_000) },
        ),
        (
            "hung until the watchdog bit",
            Warm,
            |life| {
                life.leaves(Stage, stage::DISK, "", 1_200).lives(25_000);
            },
            nothing,
            BootEnding::Watchdog { last: last(stage::DISK, 25_000) },
        ),
        (
            "the power cut in such a hang does not count",
            Cold,
            |life| {
                life.lives(25_000);
            },
            nothing,
            BootEnding::PowerCut { last: last(stage::WATCHDOG, 25_000) },
        ),
        (
            "alive to 1 ms less than 20 s after the watchdog was armed",
            Warm,
            |life| {
                life.leaves(BreadcrumbKind::Alive, "", "", 20_999);
            },
            nothing,
            BootEnding::Unexplained { last: last(stage::WATCHDOG, 20_999) },
        ),
        (
            "alive for 20 s after the watchdog was armed",
            Warm,
            |life| {
                life.leaves(BreadcrumbKind::Alive, "", "", 21_000);
            },
            nothing,
            BootEnding::Watchdog { last: last(stage::WATCHDOG, 21_000) },
        ),
        (
            "alive long enough, but the services were up",
            Warm,
            |life| {
                life.lives(40_000).comes_up();
            },
            nothing,
            BootEnding::Unexplained { last: last(stage::SERVICES, 40_000) },
        ),
        (
            "never alive",
            Warm,
            nothing,
            nothing,
            BootEnding::Unexplained { last: last(stage::WATCHDOG, 1_000) },
        ),
        (
            "the plug pulled while all was well",
            Cold,
            |life| {
                life.lives(20_000).comes_up();
            },
            nothing,
            BootEnding::PowerCut { last: last(stage::SERVICES, 20_000) },
        ),
        (
            "the plug pulled at once",
            Cold,
            nothing,
            nothing,
            BootEnding::PowerCut { last: last(stage::WATCHDOG, 1_000) },
        ),
        (
            "a failure outweighs the power cut after it",
            Cold,
            |life| {
                life.leaves(Failure, stage::OVERLAY, "no memory", 1_500);
            },
            nothing,
            BootEnding::Failed { stage: stage::OVERLAY.into(), message: "no memory".into() },
        ),
    ];
    for (what, reset, first, second, expected) in rows {
        assert_eq!(ending(reset, first, second), expected, "{what}");
    }
}

#[test]
fn the_newest_boot_is_running_unless_the_disk_is_looked_at_from_outside() {
    let mut life = Life::default();
    life.boots_by_order(A, 8).comes_up();
    let history = life.history();
    assert_eq!(history.running().map(|boot| boot.number), Some(1));
    assert_eq!(history.endings_of(A, &build("1.0")), []);

    let outside = life.history_from_outside();
    assert_eq!(outside.running(), None);
    assert_eq!(outside.boots()[0].ending, BootEnding::Unexplained { last: last(stage::SERVICES, 20_000) });
}

#[test]
fn a_running_boot_that_left_nothing_is_not_made_up() {
    let mut life = Life::default();
    life.boots_by_order(A, 8);
    let crumbs: Vec<_> = life.history().boots()[0].crumbs.clone();
    let history = History::of(&crumbs, Some(2));
    assert_eq!(history.running(), None);
    assert_ne!(history.boots()[0].ending, BootEnding::Running);
}

#[test]
fn where_the_next_boot_is_missing_nobody_knows_about_the_power() {
    let mut life = Life::default();
    life.boots_by_order(A, 8).lives(25_000);
    life.boots_by_order(A, 7);
    life.boots_by_order(A, 6);
    let without_second: Vec<_> = life
        .history()
        .boots()
        .iter()
        .flat_map(|boot| boot.crumbs.clone())
        .filter(|crumb| crumb.boot != 2)
        .collect();
    let history = History::of(&without_second, Some(3));
    assert_eq!(history.boots()[0].ending, BootEnding::Unexplained { last: last(stage::WATCHDOG, 25_000) });
}

#[test]
fn endings_of_a_slot_are_its_own_newest_first() {
    let mut life = Life::default();
    life.boots_by_order(A, 8).leaves(BreadcrumbKind::Shutdown, "", "first", 10);
    life.boots_by_order(B, 2).leaves(BreadcrumbKind::Failure, "disk", "x", 10);
    life.boots_by_order(A, 8).leaves(BreadcrumbKind::Shutdown, "", "third", 10);
    life.boots_by_order(A, 8);
    let clean = |reason: &str| BootEnding::Clean { reason: reason.into() };
    let history = life.history();
    assert_eq!(history.endings_of(A, &build("1.0")), [clean("third"), clean("first")]);
    let failed = BootEnding::Failed { stage: "disk".into(), message: "x".into() };
    assert_eq!(history.endings_of(B, &build("1.0")), [failed]);
}

#[test]
fn endings_of_an_earlier_build_are_not_those_of_the_build_in_the_slot() {
    use BreadcrumbKind::{Shutdown, Stage};
    let mut life = Life::default();
    let mut runs = |slot, build: Option<&str>, end: &str| {
        life.boots_by_order(slot, 8);
        if let Some(build) = build {
            life.leaves(Stage, stage::HANDOVER, build, 1_500);
        }
        life.leaves(Shutdown, "", end, 10_000);
    };
    runs(A, Some("1.0"), "the old build");
    runs(A, None, "the old build, too early to say so");
    runs(A, Some("1.0"), "the old build again");
    runs(B, Some("1.0"), "the other slot, which installed 2.0");
    runs(A, None, "the new build, too early to say so");
    runs(A, Some("2.0"), "the new build");
    let history = life.history_from_outside();
    let ends = |slot, of: &str| -> Vec<String> {
        history.endings_of(slot, &build(of)).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        ends(A, "2.0"),
        ["was shut down: the new build", "was shut down: the new build, too early to say so"]
    );
    assert_eq!(ends(B, "1.0"), ["was shut down: the other slot, which installed 2.0"]);
    // Installed a moment ago, never started.
    assert_eq!(ends(A, "3.0"), Vec::<String>::new());
    assert_eq!(history.boots()[3].build, Some(build("1.0")));
}

#[test]
fn a_boot_whose_first_breadcrumbs_are_overwritten_keeps_what_is_left() {
    let crumbs = [
        Breadcrumb { slot: Some(B), ..crumb(7, BreadcrumbKind::Alive, "", "", 15_000) },
        crumb(0, BreadcrumbKind::Shutdown, "", "of nobody knows which boot", 1),
    ];
    let history = History::of(&crumbs, None);
    let boot = &history.boots()[0];
    assert_eq!((history.boots().len(), boot.number, boot.slot, &boot.selector), (1, 7, Some(B), &None));
    assert_eq!(boot.last_sign(), last("alive", 15_000));
}

#[test]
fn a_boot_known_only_from_its_panic_left_no_sign_of_life() {
    let crumbs = [crumb(3, BreadcrumbKind::Panic, "", "Oops", 77)];
    let history = History::of(&crumbs, None);
    assert_eq!(
        history.boots()[0].ending,
        BootEnding::Panic { message: "Oops".into(), console: vec![], last: None }
    );
}

fn any_crumb() -> impl Strategy<Value = Breadcrumb> {
    let slot = proptest::option::of(prop_oneof![Just(A), Just(B)]);
    let stage = prop_oneof![Just(""), Just(stage::WATCHDOG), Just(stage::ROOTFS)];
    let message = prop_oneof![
        Just(String::new()),
        Just(crate::blackbox::testing::record(A, 3, SelectorReason::Fallback, ResetKind::Cold).to_message()),
    ];
    (0..6u32, 0..18u8, slot, stage, message, 0..60_000u64).prop_map(
        |(boot, code, slot, stage, message, uptime)| Breadcrumb {
            slot,
            ..crumb(boot, BreadcrumbKind::from_code(code), stage, &message, uptime)
        },
    )
}

proptest! {
    #[test]
    fn any_breadcrumbs_have_a_history(
        crumbs in proptest::collection::vec(any_crumb(), 0..60),
        running in proptest::option::of(0..7u32),
    ) {
        let history = History::of(&crumbs, running);
        for boot in history.boots() {
            prop_assert!(history.early_panic_found_by(boot).is_none_or(|message| message.len() <= 436));
        }
        let kept: usize = history.boots().iter().map(|boot| boot.crumbs.len()).sum();
        prop_assert_eq!(kept, crumbs.iter().filter(|crumb| crumb.boot != 0).count());
        prop_assert!(history.boots().is_sorted_by_key(|boot| boot.number));
        let explanation = crate::blackbox::Explanation::of(&history);
        prop_assert!(explanation.sentences().iter().all(|line| !line.is_empty() && !line.contains('\n')));
    }

    /// Whatever a boot left, short of a panic of its kernel: if the power was off after it, it does not count.
    #[test]
    fn a_power_cut_never_counts_against_a_slot(crumbs in proptest::collection::vec(any_crumb(), 0..30)) {
        let mut life = Life::default();
        life.boots_by_order(A, 8);
        for crumb in &crumbs {
            let kind = crumb.kind;
            if kind != BreadcrumbKind::Panic && kind != BreadcrumbKind::Selector {
                life.leaves(kind, &crumb.stage, &crumb.message, crumb.uptime_ms);
            }
        }
        life.boots(A, 7, SelectorReason::Order, ResetKind::Cold);
        prop_assert!(!life.history().boots()[0].ending.counts_against_slot());
    }
}
