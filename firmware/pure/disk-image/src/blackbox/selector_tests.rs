use appliance_types::SlotName;

use super::*;
use crate::blackbox::testing::record;

fn env(entries: &[(&str, &str)]) -> BootEnv {
    let mut env = BootEnv::default();
    for (key, value) in entries {
        env.set(key, value).unwrap();
    }
    env
}

/// As the selector exports it.
const WRITTEN: [(&str, &str); 7] = [
    ("SEL_BUILD", "2026.11-1"),
    ("SEL_ENV", "env0"),
    ("SEL_LEFT", "8"),
    ("SEL_REASON", "order"),
    ("SEL_RESET", "warm"),
    ("SEL_SLOT", "A"),
    ("SEL_TOKEN", "07070707-0707-0707-0707-070707070707"),
];

#[test]
fn is_what_the_selector_writes() {
    let expected = record(SlotName::A, 8, SelectorReason::Order, ResetKind::Warm);
    assert_eq!(SelectorRecord::parse(&env(&WRITTEN).encode()), Ok(expected.clone()));
    assert_eq!(expected.encode(), env(&WRITTEN).encode());
}

#[test]
fn every_word_has_one_spelling() {
    use SelectorReason::{Fallback, LastResort, LoadFailed, Order};
    for reason in [Order, Fallback, LoadFailed, LastResort] {
        assert_eq!(reason.to_string().parse(), Ok(reason));
        assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{reason}\""));
    }
    for reset in [ResetKind::Cold, ResetKind::Warm] {
        assert_eq!(reset.to_string().parse(), Ok(reset));
        assert_eq!(serde_json::to_string(&reset).unwrap(), format!("\"{reset}\""));
    }
}

#[test]
fn each_key_must_be_there_and_usable() {
    for (key, _) in WRITTEN {
        let mut without = env(&WRITTEN);
        without.remove(key);
        let error = SelectorRecord::parse(&without.encode()).unwrap_err();
        assert!(matches!(error, SelectorError::Missing { key: named } if named == key), "{key}: {error}");

        let mut wrong = env(&WRITTEN);
        wrong.set(key, "no such thing").unwrap();
        let error = SelectorRecord::parse(&wrong.encode()).unwrap_err();
        assert!(matches!(error, SelectorError::Value { key: named, .. } if named == key), "{key}: {error}");
    }
}

#[test]
fn a_disk_no_selector_has_run_from_says_so() {
    let error = SelectorRecord::parse(&[0; 512]).unwrap_err();
    assert!(matches!(error, SelectorError::Unreadable(EnvError::Checksum { .. })), "{error}");
    assert!(SelectorRecord::token_of(&[0; 512]).is_err());
}

#[test]
fn the_token_is_found_beside_words_of_another_version() {
    let mut other = env(&WRITTEN);
    other.set("SEL_REASON", "something-new").unwrap();
    other.remove("SEL_BUILD");
    assert!(SelectorRecord::parse(&other.encode()).is_err());
    let token = SelectorRecord::token_of(&other.encode()).unwrap();
    assert_eq!(token.to_string(), WRITTEN[6].1);
}

#[test]
fn fits_in_a_breadcrumb_also_with_the_longest_words() {
    let mut longest = record(SlotName::B, 0, SelectorReason::LastResort, ResetKind::Cold);
    longest.build = "x".repeat(64).parse().unwrap();
    longest.env = EnvSource::Default;
    let message = crate::blackbox::MessageText::new(&longest.to_message());
    assert_eq!(SelectorRecord::from_message(&message), Ok(longest.clone()));
    assert_eq!(SelectorRecord::parse(&longest.encode()), Ok(longest));
}

#[test]
fn a_message_that_is_no_record_is_an_error() {
    for message in ["", "SEL_BUILD", "SEL_BUILD=1", "=="] {
        assert!(SelectorRecord::from_message(message).is_err(), "{message:?}");
    }
}
