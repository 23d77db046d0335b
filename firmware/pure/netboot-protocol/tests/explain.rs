//! The rules against the corpus: every failure has its cause named, and a healthy boot none.

#![expect(clippy::disallowed_methods, reason = "a test: its cases are files")]

use std::path::Path;

use netboot_protocol::explain::{Cause, Record, judge, read_pcap, timeline};

/// A minute after the last packet.
fn judge_later(records: &[Record]) -> Option<Cause> {
    judge(records, records.last().expect("a scene has packets").at + std::time::Duration::from_secs(60))
}

#[test]
fn d07_explain_names_the_cause_of_each_failure_and_none_on_healthy_boots() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let (mut failures, mut healthy, mut wrong) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let records = read_pcap(&std::fs::read(&path).unwrap()).unwrap();
        let expected = if name.starts_with("healthy-") { None } else { name.split("--").next() };
        match expected {
            Some(_) => failures += 1,
            None => healthy += 1,
        }
        let found = judge_later(&records);
        if found.as_ref().map(Cause::code) != expected {
            wrong.push(format!("{name}: {found:?}"));
        }
        assert_eq!(timeline(&records).len(), records.len());
    }
    assert!(failures >= 20 && healthy >= 5, "{failures} failures, {healthy} healthy boots");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn d07_every_beginning_of_a_healthy_boot_is_healthy_too() {
    // Whoever asks while a machine still boots must not be told a cause that is none.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("healthy-") {
            continue;
        }
        let records = read_pcap(&std::fs::read(&path).unwrap()).unwrap();
        for end in 1..records.len() {
            let found = judge(&records[..end], records[end - 1].at);
            assert_eq!(found, None, "{name}, up to packet {end}");
        }
    }
}

#[test]
fn every_cause_says_what_to_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(cause) = judge_later(&read_pcap(&std::fs::read(&path).unwrap()).unwrap()) else { continue };
        let text = format!("{cause}: {}", cause.next_step());
        assert!(text.len() > 40 && !text.contains("{"), "{text}");
    }
}
