use proptest::prelude::*;

use super::*;
use crate::blackbox::testing::crumb;

fn resealed(mut sector: Sector) -> Sector {
    let crc = crc32fast::hash(&sector[4..]);
    sector[..4].copy_from_slice(&crc.to_le_bytes());
    sector
}

fn example() -> Breadcrumb {
    Breadcrumb {
        seq: 0x0102_0304_0506_0708,
        boot: 42,
        slot: Some(SlotName::B),
        unix_ms: Some(1_795_000_000_123),
        uptime_ms: 4_321,
        kind: BreadcrumbKind::Failure,
        stage: stage::ROOTFS.into(),
        message: "mount squashfs: Invalid argument".into(),
    }
}

#[test]
fn the_format_on_the_disk_does_not_change() {
    let sector = example().encode();
    assert_eq!(sector[4..12], *b"SWBC\x01\x00\x03B");
    assert_eq!(sector[12..16], [42, 0, 0, 0]);
    assert_eq!(sector[16..24], [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(sector[24..32], 1_795_000_000_123_u64.to_le_bytes());
    assert_eq!(sector[32..40], 4_321_u64.to_le_bytes());
    assert_eq!(sector[40..44], [6, 0, 32, 0]);
    assert_eq!(sector[44..52], *b"rootfs\0\0");
    assert_eq!(sector[76..109], *b"mount squashfs: Invalid argument\0");
    assert!(sector[108..].iter().all(|&b| b == 0));
    assert_eq!(sector, resealed(sector));
}

#[test]
fn every_kind_has_its_own_code_and_word() {
    for (kind, code, word) in KINDS {
        assert_eq!((kind.code(), kind.as_str()), (code, word));
        assert_eq!(BreadcrumbKind::from_code(code), kind);
    }
    let mut codes: Vec<_> = KINDS.iter().map(|row| row.1).collect();
    codes.dedup();
    assert_eq!(codes, (1..=15).collect::<Vec<_>>());
}

#[test]
fn a_kind_of_a_newer_version_is_kept_as_it_is() {
    let newer = Breadcrumb { kind: BreadcrumbKind::from_code(200), ..example() };
    assert_eq!(newer.kind, BreadcrumbKind::Unknown(200));
    assert_eq!(newer.kind.as_str(), "unknown");
    assert_eq!(Breadcrumb::decode(&newer.encode()), Decoded::Crumb(newer));
}

#[test]
fn another_version_of_the_format_still_has_a_place_in_time() {
    let mut sector = example().encode();
    sector[8] = 2;
    assert_eq!(Breadcrumb::decode(&resealed(sector)), Decoded::Foreign { seq: example().seq });
}

#[test]
fn lengths_beyond_their_field_are_damage() {
    for (at, value) in [(40, 33), (43, 2)] {
        let mut sector = example().encode();
        sector[at] = value;
        assert_eq!(Breadcrumb::decode(&resealed(sector)), Decoded::Damaged, "byte {at}");
    }
}

#[test]
fn texts_from_the_disk_are_cleaned_too() {
    let mut sector = example().encode();
    sector[76..80].copy_from_slice(b"\x1b[0m");
    sector[44] = 0xff;
    let Decoded::Crumb(read) = Breadcrumb::decode(&resealed(sector)) else { panic!("it is a breadcrumb") };
    assert_eq!(read.message.as_str(), "[0mt squashfs: Invalid argument");
    assert_eq!(read.stage.as_str(), "\u{fffd}ootfs");
}

#[test]
fn zeros_are_blank_and_anything_else_is_damage() {
    assert_eq!(Breadcrumb::decode(&[0; 512]), Decoded::Blank);
    assert_eq!(Breadcrumb::decode(&[0xff; 512]), Decoded::Damaged);
    let mut one = [0; 512];
    one[511] = 1;
    assert_eq!(Breadcrumb::decode(&one), Decoded::Damaged);
}

proptest! {
    #[test]
    fn every_breadcrumb_survives_the_disk(
        seq in any::<u64>(),
        boot in any::<u32>(),
        slot in proptest::option::of(prop_oneof![Just(SlotName::A), Just(SlotName::B)]),
        unix_ms in proptest::option::of(1..u64::MAX),
        uptime_ms in any::<u64>(),
        code in any::<u8>(),
        stage in ".{0,40}",
        message in ".{0,500}",
    ) {
        let kind = BreadcrumbKind::from_code(code);
        let written = Breadcrumb { seq, slot, unix_ms, ..crumb(boot, kind, &stage, &message, uptime_ms) };
        prop_assert_eq!(Breadcrumb::decode(&written.encode()), Decoded::Crumb(written));
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), SECTOR_BYTES)) {
        let mut sector: Sector = bytes.try_into().unwrap();
        prop_assert_eq!(Breadcrumb::decode(&sector), Decoded::Damaged);
        // Behind the right magic, version and checksum as well.
        sector[4..10].copy_from_slice(b"SWBC\x01\x00");
        if let Decoded::Crumb(read) = Breadcrumb::decode(&resealed(sector)) {
            prop_assert_eq!(Breadcrumb::decode(&read.encode()), Decoded::Crumb(read));
        }
    }

    #[test]
    fn a_torn_breadcrumb_is_never_taken_for_another(tear_at in 1..SECTOR_BYTES, message in "[a-z]{1,400}") {
        let old = Breadcrumb { seq: 7, message: message.as_str().into(), ..example() }.encode();
        let new = example().encode();
        let mut torn = old;
        torn[..tear_at].copy_from_slice(&new[..tear_at]);
        prop_assume!(torn != old && torn != new);
        prop_assert_eq!(Breadcrumb::decode(&torn), Decoded::Damaged);
    }
}
