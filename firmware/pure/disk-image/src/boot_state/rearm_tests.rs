use appliance_types::SlotName::{A, B};

use super::*;
use crate::blackbox::MessageText;

fn panicked() -> BootEnding {
    BootEnding::Panic { message: MessageText::new("Oops"), console: Vec::new(), last: None }
}

fn hung() -> BootEnding {
    BootEnding::Watchdog { last: None }
}

fn power_cut() -> BootEnding {
    BootEnding::PowerCut { last: None }
}

fn every_harmless_ending() -> Vec<BootEnding> {
    let text = MessageText::new("x");
    vec![
        BootEnding::Clean { reason: text.clone() },
        BootEnding::MarkedBad { check: "x".into(), reason: text.clone() },
        BootEnding::Failed { stage: "x".into(), message: text },
        power_cut(),
        BootEnding::Unexplained { last: None },
    ]
}

fn state(order: BootOrder, a: u8, b: u8, confirmed: Option<SlotName>) -> BootState {
    let tries = |number| TriesLeft::new(number).unwrap();
    BootState { order, a_left: tries(a), b_left: tries(b), confirmed, start_ums: false }
}

/// What becomes of slot A's counter.
fn a_after(state: BootState, endings: &[BootEnding]) -> u8 {
    let after = rearm(&state, A, endings).apply(state);
    assert_eq!(after.with_left(A, state.a_left), state, "nothing else changes");
    after.a_left.get()
}

#[test]
fn the_table_of_the_rule() {
    let both = BootOrder::First(A);
    let thrice = [panicked(), hung(), panicked()];
    let rows: [(&str, BootState, &[BootEnding], u8); 18] = [
        ("confirmed, nothing before", state(both, 8, 9, None), &[], 9),
        ("already full", state(both, 9, 9, None), &[], 9),
        ("confirmed by its tries", state(both, 4, 9, None), &[], 9),
        ("confirmed by name, nearly out", state(both, 1, 9, Some(A)), &[], 9),
        ("confirmed by name, on its last try", state(both, 0, 9, Some(A)), &[], 9),
        ("on trial", state(both, 2, 9, Some(B)), &[], 2),
        ("alone in the order: nowhere to fall back to", state(BootOrder::Only(A), 2, 9, None), &[], 9),
        ("alone in the order, on its last resort", state(BootOrder::Only(A), 0, 0, None), &[], 9),
        ("alone in the order, keeps dying", state(BootOrder::Only(A), 2, 9, None), &thrice, 2),
        ("the order names no slot", state(BootOrder::Empty, 2, 9, None), &[], 2),
        ("on trial, last try", state(both, 0, 9, Some(B)), &[], 0),
        ("on trial, keeps dying: counting does it", state(both, 1, 9, Some(B)), &thrice, 1),
        ("confirmed, died twice", state(both, 8, 9, None), &thrice[..2], 9),
        ("confirmed, died thrice, other has tries", state(both, 8, 1, None), &thrice, 0),
        ("the same, other first", state(BootOrder::First(B), 8, 1, None), &thrice, 0),
        ("the same, other has none", state(both, 8, 0, None), &thrice, 8),
        ("the same, other not in the order", state(BootOrder::Only(A), 8, 9, None), &thrice, 8),
        ("the same, no order at all", state(BootOrder::Empty, 0, 9, Some(A)), &thrice, 0),
    ];
    for (what, state, endings, expected) in rows {
        assert_eq!(a_after(state, endings), expected, "{what}");
    }
}

#[test]
fn only_three_in_a_row_count_and_only_the_last_three() {
    let state = state(BootOrder::First(A), 8, 9, None);
    for harmless in every_harmless_ending() {
        for place in 0..3 {
            let mut endings = vec![panicked(), hung(), panicked()];
            endings[place] = harmless.clone();
            assert_eq!(a_after(state, &endings), 9, "{} at {place}", harmless.name());
        }
        let older = [panicked(), panicked(), hung(), harmless];
        assert_eq!(a_after(state, &older), 0, "the fourth does not matter");
    }
}

#[test]
fn power_cuts_never_count_however_many() {
    let state = state(BootOrder::First(A), 8, 9, Some(A));
    assert_eq!(a_after(state, &vec![power_cut(); 200]), 9);
}

#[test]
fn every_decision_is_one_sentence_with_its_reason() {
    let both = BootOrder::First(A);
    let thrice = [panicked(), hung(), panicked()];
    let rows: [(BootState, &[BootEnding], &str, BreadcrumbKind); 4] = [
        (state(both, 7, 9, None), &[], "slot A is confirmed: tries left 7 -> 9", BreadcrumbKind::Rearmed),
        (
            state(both, 2, 9, Some(B)),
            &[],
            "slot A is on trial: tries left stay 2 until it is marked good",
            BreadcrumbKind::Stage,
        ),
        (
            state(both, 8, 2, None),
            &thrice,
            "slot A is given up: its last 3 boots ended in kernel panic, watchdog reset, kernel panic; slot B has 2 tries \
             left",
            BreadcrumbKind::GaveUp,
        ),
        (
            state(both, 8, 0, None),
            &thrice,
            "slot A keeps its 8 tries although its last 3 boots ended in kernel panic, watchdog reset, kernel panic: slot \
             B cannot be tried",
            BreadcrumbKind::Stage,
        ),
    ];
    for (state, endings, sentence, kind) in rows {
        let decision = rearm(&state, A, endings);
        assert_eq!(decision.to_string(), sentence);
        assert_eq!(decision.breadcrumb_kind(), kind);
    }
}
