use super::chain::LOG_LIMIT;
use super::*;
use crate::command::Command;
use crate::jobs::{Ended, Failure, JobId, JobKind, Rollback};
use crate::problem::Code;
use crate::testing::{ALICE, caller, signer};
use crate::verify::Who;
use crate::{Sha256Digest, UnixTime};
use proptest::prelude::*;

fn entry(number: u64) -> AuditEntry {
    let who = (number % 2 == 1).then(|| Who::Admin(signer("alice", ALICE)));
    let outcome = match number % 3 {
        0 => Outcome::Done,
        1 => Outcome::Accepted { job: JobId::new([1; 16]) },
        _ => Outcome::Refused { code: Code::NonceReplayed },
    };
    let command = Command::Import { confirm: None };
    let request = "POST /api/config?confirm=120";
    AuditEntry::request(UnixTime::from_secs(number), who, caller().peer, Some(&command), request, outcome)
}

fn log(count: u64, start: Head) -> (AuditLog, Vec<u8>) {
    let mut log = AuditLog::after(start);
    let file = (0..count).flat_map(|number| log.append(entry(number))).collect();
    (log, file)
}

#[test]
fn a_log_reads_back_and_goes_on() {
    let (log, mut file) = log(5, Head::NONE);
    let Opened { log: mut read, whole, head_is_behind } =
        AuditLog::open(&file, Head::NONE, log.head()).unwrap();
    assert_eq!((&read, whole, head_is_behind), (&log, file.len(), false));
    file.extend(read.append(entry(6)));
    let opened = AuditLog::open(&file, Head::NONE, log.head()).unwrap();
    assert_eq!(opened.log.head().number, 6);
    assert!(opened.head_is_behind, "the power went between line and head");
    let empty = AuditLog::open(b"", Head::NONE, Head::NONE).unwrap();
    assert_eq!((empty.log.head(), empty.whole), (Head::NONE, 0));
}

/// The chain can be followed with sha256sum alone, as the documentation says.
#[test]
fn each_line_has_the_hash_of_the_one_before() {
    let (log, file) = log(3, Head::NONE);
    let text = String::from_utf8(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let prev = |line: &str| serde_json::from_str::<Line>(line).unwrap().prev.to_string();
    assert_eq!(prev(lines[0]), "0".repeat(64));
    assert_eq!(prev(lines[1]), Sha256Digest::of(lines[0].as_bytes()).to_string());
    assert_eq!(prev(lines[2]), Sha256Digest::of(lines[1].as_bytes()).to_string());
    assert_eq!(log.head().hash, Sha256Digest::of(lines[2].as_bytes()));
}

#[test]
fn a_line_that_is_changed_removed_or_put_in_is_noticed() {
    let (log, file) = log(6, Head::NONE);
    let text = String::from_utf8(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let open = |lines: &[&str]| {
        let file: String = lines.iter().map(|line| format!("{line}\n")).collect();
        AuditLog::open(file.as_bytes(), Head::NONE, log.head()).unwrap_err()
    };
    let changed = lines[2].replace("/api/config", "/api/status");
    let rows = [
        (vec![lines[0], lines[1], &changed, lines[3], lines[4], lines[5]], AuditFault::Broken { line: 4 }),
        (vec![lines[0], lines[2], lines[3], lines[4], lines[5]], AuditFault::Broken { line: 2 }),
        (vec![lines[1], lines[2], lines[3], lines[4], lines[5]], AuditFault::Broken { line: 1 }),
        (
            vec![lines[0], lines[0], lines[1], lines[2], lines[3], lines[4], lines[5]],
            AuditFault::Broken { line: 2 },
        ),
        (vec![lines[1], lines[0]], AuditFault::Broken { line: 1 }),
        (vec![lines[0], "{}"], AuditFault::Unreadable { line: 2 }),
        (vec![lines[0], ""], AuditFault::Unreadable { line: 2 }),
    ];
    for (lines, fault) in rows {
        assert_eq!(open(&lines), fault);
    }
}

#[test]
fn an_end_that_is_cut_off_or_written_anew_is_noticed() {
    let (log, file) = log(6, Head::NONE);
    let ends: Vec<usize> =
        file.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    for (count, end) in (1u64..).zip(&ends[..5]) {
        let cut = AuditLog::open(&file[..*end], Head::NONE, log.head());
        assert_eq!(cut, Err(AuditFault::Truncated { found: count, expected: 6 }));
    }
    assert_eq!(
        AuditLog::open(b"", Head::NONE, log.head()),
        Err(AuditFault::Truncated { found: 0, expected: 6 })
    );
    // The last lines made anew, with a chain that is right.
    let mut forged = AuditLog::open(&file[..ends[3]], Head::NONE, Head { number: 0, ..Head::NONE }).unwrap();
    assert!(forged.head_is_behind);
    let mut other = file[..ends[3]].to_vec();
    for number in [10, 11, 12] {
        other.extend(forged.log.append(entry(number)));
    }
    assert_eq!(AuditLog::open(&other, Head::NONE, log.head()), Err(AuditFault::Replaced { number: 6 }));
}

#[test]
fn a_line_that_a_power_cut_ended_early_is_cut_off_and_no_fault() {
    let (mut log, file) = log(3, Head::NONE);
    let kept = log.head();
    let next = log.append(entry(4));
    for cut in 0..next.len() {
        let torn = [&file[..], &next[..cut]].concat();
        let opened = AuditLog::open(&torn, Head::NONE, kept).unwrap();
        assert_eq!(
            (opened.whole, opened.log.head(), opened.head_is_behind),
            (file.len(), kept, false),
            "{cut}"
        );
    }
}

#[test]
fn a_full_log_is_followed_by_one_that_hangs_on_it() {
    let (first, _) = log(3, Head::NONE);
    let (second, file) = log(2, first.head());
    assert_eq!(second.head().number, 5);
    assert!(AuditLog::open(&file, first.head(), second.head()).is_ok());
    assert_eq!(AuditLog::open(&file, Head::NONE, second.head()), Err(AuditFault::Broken { line: 1 }));
    // A head from before this log says nothing of its lines.
    let old = AuditLog::open(&file, first.head(), Head { number: 1, hash: first.head().hash });
    assert_eq!(old, Err(AuditFault::Replaced { number: 1 }));
    assert!(!second.is_full());
    assert_eq!(AuditLog::open(&vec![b' '; LOG_LIMIT + 1], Head::NONE, Head::NONE), Err(AuditFault::TooLarge));
}

#[test]
fn an_export_holds_together_or_says_where_it_does_not() {
    let device = "02deadbeef01".parse().unwrap();
    for start in [Head::NONE, log(3, Head::NONE).0.head()] {
        let (log, file) = log(4, start);
        let bytes = export(&device, &log, &file);
        let (entries, head) = verify_export(&bytes).unwrap();
        assert_eq!((entries.len(), head), (4, log.head()));
        assert_eq!(entries[3].entry, entry(3));
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let without = |at: usize| {
            let kept = lines.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, line)| *line);
            verify_export(kept.collect::<String>().as_bytes()).unwrap_err()
        };
        let broken = |line| ExportFault::Log(AuditFault::Broken { line });
        assert_eq!(without(0), ExportFault::First);
        assert_eq!(without(1), broken(1));
        assert_eq!(without(3), broken(3));
        let number = log.head().number;
        let cut = AuditFault::Truncated { found: number - 1, expected: number };
        assert_eq!(without(4), ExportFault::Log(cut));
        assert_eq!(without(5), ExportFault::Last);
    }
}

#[test]
fn an_entry_holds_no_query_no_control_character_and_no_novel() {
    let request = format!("PUT /api/users/{}\n?secret=1", "x".repeat(500));
    let entry =
        AuditEntry::request(UnixTime::from_secs(0), None, caller().peer, None, &request, Outcome::Done);
    let Action::Request { request, command } = entry.what else { panic!() };
    assert_eq!((request.len(), command), (200, None));
    assert!(!request.contains(['\n', '?']));
    let ended = Ended::Failed(Failure {
        reason: "no\nroute".to_owned(),
        stage: None,
        problems: Vec::new(),
        rollback: Rollback::NotNeeded,
    });
    let id = JobId::new([1; 16]);
    let entry = AuditEntry::job_ended(UnixTime::from_secs(0), Who::Claimant, id, JobKind::Import, &ended);
    assert_eq!(entry.outcome, Outcome::Failed { reason: "no route".to_owned() });
}

proptest! {
    /// One byte changed anywhere: told, unless it is in the line end of nothing.
    #[test]
    fn any_changed_byte_is_noticed(count in 1..6u64, at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let (log, mut file) = log(count, Head::NONE);
        let at = at.index(file.len());
        prop_assume!(file[at] != to);
        file[at] = to;
        prop_assert!(AuditLog::open(&file, Head::NONE, log.head()).is_err());
    }

    #[test]
    fn any_file_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _either = AuditLog::open(&bytes, Head::NONE, Head::NONE);
        let _either = verify_export(&bytes);
    }
}
