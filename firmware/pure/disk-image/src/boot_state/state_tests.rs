use appliance_types::SlotName::{A, B};
use proptest::prelude::*;

use super::*;

fn env(entries: &[(&str, &str)]) -> BootEnv {
    let mut env = BootEnv::default();
    for (key, value) in entries {
        env.set(key, value).unwrap();
    }
    env
}

fn tries(number: u8) -> TriesLeft {
    TriesLeft::new(number).unwrap()
}

fn any_state() -> impl Strategy<Value = BootState> {
    let slot = prop_oneof![Just(A), Just(B)];
    let order = prop_oneof![
        Just(BootOrder::Empty),
        slot.clone().prop_map(BootOrder::Only),
        slot.clone().prop_map(BootOrder::First),
    ];
    (order, 0..=9u8, 0..=9u8, proptest::option::of(slot), any::<bool>()).prop_map(
        |(order, a, b, confirmed, start_ums)| BootState {
            order,
            a_left: tries(a),
            b_left: tries(b),
            confirmed,
            start_ums,
        },
    )
}

#[test]
fn the_factory_knows_only_slot_a() {
    let entries = [("BOOT_A_LEFT", "9"), ("BOOT_B_LEFT", "0"), ("BOOT_ORDER", "A")];
    assert_eq!(BootState::factory().to_env(), env(&entries));
    assert_eq!(BootState::factory().next_slot(), Some(A));
}

#[test]
fn with_both_copies_lost_either_slot_may_be_the_good_one() {
    let entries = [("BOOT_A_LEFT", "9"), ("BOOT_B_LEFT", "9"), ("BOOT_ORDER", "A B")];
    assert_eq!(BootState::both_copies_lost().to_env(), env(&entries));
}

#[test]
fn an_order_is_read_as_the_selector_reads_it() {
    let rows = [
        (None, BootOrder::Empty),
        (Some(""), BootOrder::Empty),
        (Some("  "), BootOrder::Empty),
        (Some("A"), BootOrder::Only(A)),
        (Some("B A"), BootOrder::First(B)),
        (Some(" A  B "), BootOrder::First(A)),
        (Some("A A"), BootOrder::Only(A)),
        (Some("A A B"), BootOrder::First(A)),
        (Some("C B x"), BootOrder::Only(B)),
        (Some("a b"), BootOrder::Empty),
    ];
    for (text, order) in rows {
        let env = env(&text.map(|text| ("BOOT_ORDER", text)).into_iter().collect::<Vec<_>>());
        assert_eq!(BootState::from_env(&env).order, order, "{text:?}");
    }
}

#[test]
fn tries_that_are_not_one_digit_are_none() {
    for (text, number) in
        [("0", 0), ("3", 3), ("9", 9), ("", 0), ("10", 0), ("a", 0), ("-1", 0), ("3 ", 0), ("03", 0)]
    {
        let state = BootState::from_env(&env(&[("BOOT_A_LEFT", text)]));
        assert_eq!(state.left(A).get(), number, "{text:?}");
        assert_eq!(state.left(B), TriesLeft::NONE, "absent");
    }
    assert_eq!(TriesLeft::new(10), None);
    assert!("10".parse::<TriesLeft>().is_err());
}

#[test]
fn a_slot_is_confirmed_by_its_tries_or_by_name() {
    let state = |left, confirmed| BootState { a_left: tries(left), confirmed, ..BootState::factory() };
    for left in 0..=9 {
        assert_eq!(state(left, None).is_confirmed(A), left >= 4, "{left}");
        assert_eq!(state(left, Some(B)).is_confirmed(A), left >= 4, "{left}");
        assert!(state(left, Some(A)).is_confirmed(A), "{left}");
    }
}

#[test]
fn the_next_slot_is_the_first_of_the_order_with_tries_left() {
    let rows = [
        (BootOrder::First(A), 1, 9, Some(A)),
        (BootOrder::First(A), 0, 9, Some(B)),
        (BootOrder::First(B), 9, 3, Some(B)),
        (BootOrder::First(B), 0, 0, None),
        (BootOrder::Only(A), 0, 9, None),
        (BootOrder::Empty, 9, 9, None),
    ];
    for (order, a, b, expected) in rows {
        let state =
            BootState { order, a_left: tries(a), b_left: tries(b), confirmed: None, start_ums: false };
        assert_eq!(state.next_slot(), expected, "{order} {a} {b}");
    }
}

#[test]
fn keys_it_does_not_know_stay() {
    let mut env = env(&[
        ("SOMEBODY_ELSES", "1"),
        ("BOOT_ORDER", "A B"),
        ("START_UMS", "1"),
        ("SLIPWAY_CONFIRMED", "B"),
    ]);
    BootState { order: BootOrder::Empty, confirmed: None, start_ums: false, ..BootState::factory() }
        .write_into(&mut env)
        .unwrap();
    let entries: Vec<_> = env.iter().collect();
    assert_eq!(entries, [("BOOT_A_LEFT", "9"), ("BOOT_B_LEFT", "0"), ("SOMEBODY_ELSES", "1")]);
}

#[test]
fn where_other_keys_leave_no_room_nothing_changes() {
    let mut env = env(&[("OTHER", &"x".repeat(480))]);
    let before = env.clone();
    assert!(matches!(BootState::factory().write_into(&mut env), Err(EnvError::Full { .. })));
    assert_eq!(env, before);
}

proptest! {
    #[test]
    fn every_state_survives_the_disk(state in any_state()) {
        let read = BootEnv::parse(&state.to_env().encode()).unwrap();
        prop_assert_eq!(BootState::from_env(&read), state);
    }

    #[test]
    fn with_left_changes_one_counter(state in any_state(), number in 0..=9u8) {
        let changed = state.with_left(A, tries(number));
        prop_assert_eq!(changed.left(A).get(), number);
        prop_assert_eq!(BootState { a_left: state.a_left, ..changed }, state);
        prop_assert_eq!(state.with_left(B, tries(number)).left(A), state.left(A));
    }
}
