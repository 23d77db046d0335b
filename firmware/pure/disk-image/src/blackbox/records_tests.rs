use proptest::prelude::*;

use super::*;

const BLANK: [u8; RECORDS_BYTES] = [0; RECORDS_BYTES];
const TORN: [u8; RECORDS_BYTES] = [0x5a; RECORDS_BYTES];

/// The records of a claimed device.
fn claimed() -> Records {
    Records {
        machine_id: Some("00a2b3c4d5e6f708192a3b4c5d6e7f80".parse().unwrap()),
        seed_closed: true,
        claim: Some(
            Claim::new("rock64-0042", &["ssh-ed25519 AAAA one@desk", "ssh-ed25519 BBBB two@desk"]).unwrap(),
        ),
        other: KeyValues::default(),
    }
}

fn with_machine_id(number: u8) -> Records {
    Records { machine_id: MachineId::from_bytes([number; 16]), ..Records::default() }
}

fn copy(records: &Records, generation: u64) -> [u8; RECORDS_BYTES] {
    records.encode(generation).unwrap()
}

/// A copy over `data` with a right checksum.
fn forged(version: u16, generation: u64, data: &[u8]) -> [u8; RECORDS_BYTES] {
    let mut bytes = copy(&Records::default(), generation);
    bytes[8..10].copy_from_slice(&version.to_le_bytes());
    bytes[20..20 + data.len()].copy_from_slice(data);
    let crc = crc32fast::hash(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[test]
fn the_format_on_the_disk_does_not_change() {
    let bytes = copy(&claimed(), 3);
    assert_eq!(bytes[4..20], *b"SWRC\x01\0\0\0\x03\0\0\0\0\0\0\0");
    let text = b"ADMIN_KEY_0=ssh-ed25519 AAAA one@desk\0ADMIN_KEY_1=ssh-ed25519 BBBB two@desk\0CLAIMED=1\0\
        DEVICE_ID=rock64-0042\0MACHINE_ID=00a2b3c4d5e6f708192a3b4c5d6e7f80\0SEED_CLOSED=1\0\0";
    assert_eq!(bytes[20..20 + text.len()], *text);
    assert_eq!(bytes[..4], crc32fast::hash(&bytes[4..]).to_le_bytes());
}

#[test]
fn the_copies_lie_where_the_partition_has_them() {
    assert_eq!((RecordsCopy::Copy0.first_sector(), RecordsCopy::Copy1.first_sector()), (8, 16));
}

#[test]
fn a_flashed_disk_remembers_nothing() {
    let current = CurrentRecords::decide(&BLANK, &BLANK).unwrap();
    assert_eq!((current.records(), current.generation()), (&Records::default(), 0));
    assert_eq!(current.writes_to(&Records::default()), Ok(vec![]));
}

#[test]
fn the_readable_copy_with_the_higher_generation_counts() {
    let (old, new) = (with_machine_id(1), with_machine_id(2));
    let rows = [
        (copy(&new, 5), copy(&old, 4), &new, 5),
        (copy(&old, 4), copy(&new, 5), &new, 5),
        (copy(&new, 5), copy(&old, 5), &new, 5),
        (TORN, copy(&old, 4), &old, 4),
        (copy(&old, 4), TORN, &old, 4),
        (BLANK, copy(&old, 1), &old, 1),
        (TORN, BLANK, &Records::default(), 0),
    ];
    for (copy0, copy1, expected, generation) in rows {
        let current = CurrentRecords::decide(&copy0, &copy1).unwrap();
        assert_eq!((current.records(), current.generation()), (expected, generation));
    }
}

#[test]
fn what_cannot_be_read_is_never_taken_for_nothing() {
    assert_eq!(CurrentRecords::decide(&TORN, &TORN), Err(RecordsError::BothDamaged));
    let newer = forged(2, 9, b"");
    for (copy0, copy1) in
        [(newer, copy(&claimed(), 8)), (copy(&claimed(), 8), newer), (newer, TORN), (newer, newer)]
    {
        assert_eq!(CurrentRecords::decide(&copy0, &copy1), Err(RecordsError::NewerVersion { version: 2 }));
    }
    assert!(
        CurrentRecords::decide(&forged(2, 3, b""), &copy(&claimed(), 8)).is_ok(),
        "an older one of it does not"
    );
}

#[test]
fn a_value_that_makes_no_sense_is_damage() {
    let rows: [&[u8]; 8] = [
        b"MACHINE_ID=0\0\0",
        b"SEED_CLOSED=no\0\0",
        b"CLAIMED=2\0DEVICE_ID=x\0\0",
        b"CLAIMED=1\0\0",
        b"DEVICE_ID=x\0\0",
        b"ADMIN_KEY_0=x\0\0",
        b"nonsense\0\0",
        &[b'x'; RECORDS_BYTES - 20],
    ];
    for data in rows {
        let error = CurrentRecords::decide(&forged(1, 2, data), &TORN);
        assert_eq!(error, Err(RecordsError::BothDamaged), "{}", String::from_utf8_lossy(data));
    }
    assert_eq!(CurrentRecords::decide(&forged(1, u64::MAX, b""), &TORN), Err(RecordsError::BothDamaged));
}

#[test]
fn keys_of_a_newer_version_are_kept() {
    let bytes = forged(1, 4, b"FROM_THE_FUTURE=yes\0\0");
    let current = CurrentRecords::decide(&bytes, &bytes).unwrap();
    let changed = Records { seed_closed: true, ..current.records().clone() };
    let write = &current.writes_to(&changed).unwrap()[0];
    let text = b"FROM_THE_FUTURE=yes\0SEED_CLOSED=1\0\0";
    assert_eq!(write.bytes[20..20 + text.len()], *text);
}

#[test]
fn a_claim_is_lines_of_text() {
    for (id, keys) in [("", &["k"][..]), ("a\nb", &[]), ("a\0", &[]), ("a", &[""]), ("a", &["k\r"])] {
        assert!(matches!(Claim::new(id, keys), Err(RecordsError::Line(_))), "{id:?} {keys:?}");
    }
    let claim = Claim::new("é", &["ssh-ed25519 AAAA a b c"]).unwrap();
    assert_eq!((claim.device_id(), claim.admin_keys()), ("é", &["ssh-ed25519 AAAA a b c".to_owned()][..]));
}

#[test]
fn too_many_keys_are_refused_with_both_sizes() {
    let line = "x".repeat(400);
    let claim = Claim::new("id", &[line.as_str(); 11]).unwrap();
    let records = Records { claim: Some(claim), ..Records::default() };
    let current = CurrentRecords::decide(&BLANK, &BLANK).unwrap();
    let error = current.writes_to(&records).unwrap_err();
    assert!(matches!(error, RecordsError::TooLarge { needed: 4076.., room: 4076 }), "{error}");
    let claim = Claim::new("id", &[line.as_str(); 9]).unwrap();
    assert!(current.writes_to(&Records { claim: Some(claim), ..Records::default() }).is_ok());
}

fn apply(copies: &mut [[u8; RECORDS_BYTES]; 2], write: &RecordsWrite, bytes: &[u8; RECORDS_BYTES]) {
    copies[write.copy as usize] = *bytes;
}

fn any_copies() -> impl Strategy<Value = [[u8; RECORDS_BYTES]; 2]> {
    let any_copy = || {
        prop_oneof![
            Just(BLANK),
            Just(TORN),
            (1..5u8, 1..4u64).prop_map(|(id, generation)| copy(&with_machine_id(id), generation)),
        ]
    };
    [any_copy(), any_copy()].prop_filter("one damaged copy at a time", |copies| copies != &[TORN, TORN])
}

proptest! {
    #[test]
    fn a_power_cut_leaves_the_old_records_or_the_new_ones(start in any_copies(), id in 5..9u8, tear_at in 0..RECORDS_BYTES) {
        let decide = |copies: &[[u8; RECORDS_BYTES]; 2]| {
            CurrentRecords::decide(&copies[0], &copies[1]).map(|current| current.records)
        };
        let current = CurrentRecords::decide(&start[0], &start[1]).unwrap();
        let (old, new) = (current.records().clone(), with_machine_id(id));
        let writes = current.writes_to(&new).unwrap();
        prop_assert_eq!(writes.len(), 2);
        let mut copies = start;
        for write in &writes {
            let mut torn = copies[write.copy as usize];
            torn[..tear_at].copy_from_slice(&write.bytes[..tear_at]);
            let mut cut = copies;
            apply(&mut cut, write, &torn);
            let after_cut = decide(&cut);
            prop_assert!([&old, &new].map(Ok).contains(&after_cut.as_ref()), "{:?}", after_cut);
            apply(&mut copies, write, &write.bytes);
            prop_assert_eq!(decide(&copies), Ok(new.clone()));
        }
        let done = CurrentRecords::decide(&copies[0], &copies[1]).unwrap();
        prop_assert_eq!(done.writes_to(&new), Ok(vec![]));
    }

    #[test]
    fn random_bytes_are_an_error_not_a_panic(bytes in proptest::collection::vec(any::<u8>(), 200)) {
        let mut copy = BLANK;
        copy[..200].copy_from_slice(&bytes);
        prop_assert_eq!(CurrentRecords::decide(&copy, &TORN), Err(RecordsError::BothDamaged));
        let behind_a_right_checksum = forged(1, 1, &bytes);
        if let Ok(current) = CurrentRecords::decide(&behind_a_right_checksum, &TORN) {
            prop_assert!(current.records().encode(2).is_ok());
        }
    }
}
