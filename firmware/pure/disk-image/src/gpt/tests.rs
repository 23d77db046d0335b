use proptest::prelude::*;

use super::*;
use crate::SECTOR_BYTES;

const TYPE: Uuid = Uuid::from_u128(0x0fc63daf_8483_4772_8e79_3d69d8477de4);
const GUID: Uuid = Uuid::from_u128(0x00112233_4455_6677_8899_aabbccddeeff);

/// A disk of 8 MiB.
const DISK_SECTORS: u64 = 16_384;

fn partition(number: u32, name: &str, first_lba: u64, last_lba: u64) -> GptPartition {
    let guid = Uuid::from_u128(GUID.as_u128() + u128::from(number));
    GptPartition { number, type_guid: TYPE, guid, first_lba, last_lba, attributes: 0, name: name.to_owned() }
}

fn table(partitions: &[GptPartition]) -> Result<Gpt, GptError> {
    Gpt::new(GUID, DISK_SECTORS, partitions.to_vec())
}

fn example() -> Gpt {
    let bootable = GptPartition { attributes: ATTRIBUTE_LEGACY_BOOT, ..partition(3, "bootsel", 2048, 4095) };
    table(&[partition(1, "loader", 64, 2047), bootable]).unwrap()
}

/// `head` with `bytes` at `at` of the header, and the header's checksum right again.
fn with_header(mut head: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    let header = &mut head[SECTOR_BYTES..][..header::BYTES];
    header[at..at + bytes.len()].copy_from_slice(bytes);
    header[header::HEADER_CRC..][..4].fill(0);
    let crc = crc32fast::hash(header);
    header[header::HEADER_CRC..][..4].copy_from_slice(&crc.to_le_bytes());
    head
}

#[test]
fn b04_a_torn_copy_is_mended_from_the_other_and_nothing_else_is() {
    let gpt = example();
    let larger = DISK_SECTORS + 2048;
    let (head, tail) = (gpt.head(), gpt.tail());
    let other = table(&[partition(1, "loader", 64, 2047)]).unwrap();
    let first = Some(Mend { copy: TableCopy::First, lba: 0, bytes: head.clone() });
    let second = Some(Mend { copy: TableCopy::Second, lba: DISK_SECTORS - 33, bytes: tail.clone() });
    // A cut between two sectors.
    let torn = |old: &[u8], new: &[u8], at: usize| [&new[..at], &old[at..]].concat();
    let zeros = vec![0; tail.len()];
    // The entries are new and the header old, and the other way round.
    assert_eq!(mend(&torn(&head, &other.head(), 1024), &tail, DISK_SECTORS), first);
    assert_eq!(mend(&torn(&other.head(), &head, 1024), &tail, DISK_SECTORS), first);
    assert_eq!(mend(&vec![0; head.len()], &tail, DISK_SECTORS), first);
    assert_eq!(mend(&head, &torn(&other.tail(), &tail, 512), DISK_SECTORS), second);
    assert_eq!(mend(&head, &zeros, DISK_SECTORS), second);
    // Two whole copies, the same or not: the first counts.
    assert_eq!(mend(&head, &tail, DISK_SECTORS), None);
    assert_eq!(mend(&other.head(), &tail, DISK_SECTORS), None);
    // Flashed to a larger disk, and `data` not made yet.
    assert_eq!(mend(&head, &zeros, larger), None);
    // Nothing left to mend from; a disk too small for a table.
    assert_eq!(mend(&vec![0; head.len()], &zeros, DISK_SECTORS), None);
    assert_eq!(mend(&[], &[], 0), None);
}

/// `head` with `bytes` at `at` of the entries, and both checksums right again.
fn with_entries(mut head: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    let entries = &mut head[2 * SECTOR_BYTES..];
    entries[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32fast::hash(entries);
    with_header(head, header::ENTRIES_CRC, &crc.to_le_bytes())
}

#[test]
fn b01_the_start_of_a_disk_is_as_uefi_has_it() {
    let head = example().head();
    assert_eq!(head.len(), 34 * 512);
    // Protective MBR, UEFI 2.10 table 5.4.
    assert!(head[..446].iter().all(|&b| b == 0));
    assert_eq!(head[446..462], [0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0x3f, 0, 0]);
    assert!(head[462..510].iter().all(|&b| b == 0));
    assert_eq!(head[510..512], [0x55, 0xaa]);
    // Header, UEFI 2.10 table 5.5.
    let header = &head[512..1024];
    assert_eq!(header[..16], *b"EFI PART\0\0\x01\0\x5c\0\0\0");
    assert_eq!(header[20..24], [0; 4]);
    let lba = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().unwrap());
    assert_eq!([24, 32, 40, 48, 72].map(lba), [1, 16_383, 34, 16_350, 2]);
    // The first three fields of a GUID are little-endian.
    let guid =
        [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
    assert_eq!(header[56..72], guid);
    assert_eq!(header[80..88], [128, 0, 0, 0, 128, 0, 0, 0]);
    assert!(header[92..].iter().all(|&b| b == 0));
    // The third entry, UEFI 2.10 table 5.6.
    let entry = &head[1024 + 2 * 128..][..128];
    assert_eq!(entry[..4], [0xaf, 0x3d, 0xc6, 0x0f]);
    assert_eq!(entry[32..56], [2048_u64, 4095, 4].map(u64::to_le_bytes).concat());
    assert_eq!(entry[56..72], *b"b\0o\0o\0t\0s\0e\0l\0\0\0");
    assert!(head[1024 + 128..][..128].iter().all(|&b| b == 0), "the second entry is not used");
}

#[test]
fn b01_the_end_of_a_disk_is_the_same_table() {
    let gpt = example();
    let tail = gpt.tail();
    assert_eq!((tail.len() as u64, gpt.tail_lba()), (33 * 512, DISK_SECTORS - 33));
    assert_eq!(tail[..32 * 512], gpt.head()[1024..]);
    assert_eq!(Gpt::parse_tail(&tail, DISK_SECTORS), Ok(gpt.clone()));
    assert_eq!(Gpt::parse_head(&gpt.head()), Ok(gpt));
}

#[test]
fn a_table_is_always_the_same_bytes() {
    let (one, two) = (partition(1, "one", 64, 99), partition(2, "two", 100, 200));
    let forwards = table(&[one.clone(), two.clone()]).unwrap();
    let backwards = table(&[two, one]).unwrap();
    assert_eq!((forwards.head(), forwards.tail()), (backwards.head(), backwards.tail()));
}

#[test]
fn partitions_are_found_by_name() {
    let gpt = example();
    assert_eq!(gpt.partition("bootsel").map(|found| (found.number, found.sectors())), Some((3, 2048)));
    assert_eq!(gpt.partition("data"), None);
    assert_eq!(gpt.partitions().iter().map(|found| found.number).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn impossible_partitions_are_refused() {
    let ok = partition(1, "ok", 64, 99);
    let rows = [
        (partition(0, "x", 200, 300), "number is not 1 to 128"),
        (partition(129, "x", 200, 300), "number is not 1 to 128"),
        (partition(1, "x", 200, 300), "same number"),
        (GptPartition { guid: ok.guid, ..partition(2, "x", 200, 300) }, "same GUID"),
        (GptPartition { guid: Uuid::nil(), ..partition(2, "x", 200, 300) }, "must not be zero"),
        (GptPartition { type_guid: Uuid::nil(), ..partition(2, "x", 200, 300) }, "must not be zero"),
        (partition(2, "ok", 200, 300), "same name"),
        (partition(2, &"x".repeat(37), 200, 300), "more than 36"),
        (partition(2, &"😀".repeat(19), 200, 300), "more than 36"),
        (partition(2, "a\0b", 200, 300), "a NUL"),
        (partition(2, "x", 300, 299), "ends before"),
        (partition(2, "x", 33, 50), "outside the disk"),
        (partition(2, "x", 200, DISK_SECTORS - 33), "outside the disk"),
        (partition(2, "x", 99, 300), "overlap at LBA 99"),
        (partition(2, "x", 34, 64), "overlap at LBA 64"),
        (partition(2, "x", 34, 16_350), "overlap at LBA 64"),
    ];
    for (wrong, expected) in rows {
        let error = table(&[ok.clone(), wrong]).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let fitting =
        [partition(2, &"x".repeat(36), 34, 63), partition(3, "", 100, 100), partition(4, "", 101, 16_350)];
    assert!(table(&[&[ok], &fitting[..]].concat()).is_ok());
}

#[test]
fn a_disk_must_have_room_for_both_ends() {
    for sectors in [0, 1, 66, 67] {
        assert_eq!(Gpt::new(GUID, sectors, vec![]), Err(GptError::DiskTooSmall { sectors }));
    }
    let smallest = Gpt::new(GUID, 68, vec![partition(1, "x", 34, 34)]).unwrap();
    assert_eq!(Gpt::parse_tail(&smallest.tail(), 68), Ok(smallest));
}

#[test]
fn a_disk_above_two_terabytes_fills_the_protective_mbr() {
    let gpt = Gpt::new(GUID, 1 << 33, vec![]).unwrap();
    assert_eq!(gpt.head()[458..462], [0xff; 4]);
    assert_eq!(Gpt::parse_head(&gpt.head()), Ok(gpt));
}

#[test]
fn what_is_no_table_says_what_is_wrong() {
    let head = example().head();
    let broken = |at: usize, value: u8| {
        let mut head = head.clone();
        head[at] = value;
        head
    };
    let rows = [
        (head[..34 * 512 - 1].to_vec(), "has 17408 bytes, but only 17407"),
        (vec![0; 34 * 512], "sector 0 is not a protective MBR"),
        (broken(510, 0), "sector 0 is not a protective MBR"),
        (broken(450, 0x83), "sector 0 is not a protective MBR"),
        (broken(454, 2), "sector 0 is not a protective MBR"),
        (broken(512, 0), "no GPT header at LBA 1"),
        (broken(512 + 60, 9), "checksum of the GPT header"),
        (broken(1024, 9), "checksum of the GPT entries"),
        (broken(1024 + 127 * 128, 9), "checksum of the GPT entries"),
        (with_header(head.clone(), header::REVISION, &[0, 0, 2, 0]), "revision is 131072, expected 65536"),
        (broken(512 + header::HEADER_SIZE, 93), "size is 93, expected 92"),
        (with_header(head.clone(), header::ENTRY_COUNT, &[64]), "number of entries is 64, expected 128"),
        (with_header(head.clone(), header::ENTRY_SIZE, &[0, 1]), "size of an entry is 256, expected 128"),
        (with_header(head.clone(), header::MY_LBA, &[2]), "own LBA is 2, expected 1"),
        (with_header(head.clone(), header::ENTRIES_LBA, &[3]), "LBA of the entries is 3, expected 2"),
        (with_header(head.clone(), header::ALTERNATE_LBA, &[66, 0]), "a disk of 67 sectors is too small"),
        (with_entries(head.clone(), 32, &[0; 16]), "partition 1 (loader): it lies outside the disk"),
        (with_entries(head.clone(), 56, &[0x00, 0xd8]), "partition 1 (): its name is not UTF-16"),
    ];
    for (bytes, expected) in rows {
        let error = Gpt::parse_head(&bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_disk_larger_than_its_image_has_no_copy_at_its_end() {
    let gpt = example();
    let blank = vec![0; 33 * 512];
    assert_eq!(Gpt::parse_tail(&blank, 1 << 20), Err(GptError::NoHeader { lba: (1 << 20) - 1 }));
    let error = Gpt::parse_tail(&gpt.tail(), DISK_SECTORS + 1).unwrap_err().to_string();
    assert_eq!(error, "the GPT header's own LBA is 16383, expected 16384");
    let two_at_the_end = with_header(gpt.tail()[31 * SECTOR_BYTES..].to_vec(), header::ALTERNATE_LBA, &[2]);
    let tail = [&gpt.tail()[..31 * SECTOR_BYTES], &two_at_the_end[..]].concat();
    let error = Gpt::parse_tail(&tail, DISK_SECTORS).unwrap_err().to_string();
    assert_eq!(error, "the GPT header's LBA of the other copy is 2, expected 1");
    assert!(Gpt::parse_tail(&gpt.tail(), 0).is_err());
    assert!(Gpt::parse_tail(&gpt.tail()[1..], DISK_SECTORS).is_err());
}

proptest! {
    #[test]
    fn every_table_survives_the_disk(
        sizes in proptest::collection::vec((1..50u64, 0..50u64, any::<u64>(), "[a-zé😀]{0,9}"), 0..40),
        extra in 0..1000u64,
    ) {
        let mut next = HEAD_SECTORS;
        let mut partitions = Vec::new();
        for (number, (size, gap, attributes, name)) in (1..).zip(sizes) {
            let first = next + gap;
            next = first + size;
            let name = format!("{number}{name}");
            partitions.push(GptPartition { attributes, ..partition(number * 3, &name, first, next - 1) });
        }
        let sectors = next + TAIL_SECTORS + 1 + extra;
        let gpt = Gpt::new(GUID, sectors, partitions).unwrap();
        prop_assert_eq!(Gpt::parse_head(&gpt.head()), Ok(gpt.clone()));
        prop_assert_eq!(Gpt::parse_tail(&gpt.tail(), sectors), Ok(gpt));
    }

    #[test]
    fn one_damaged_byte_of_the_table_is_noticed(at in 512..34 * 512usize, flip in 1..=255u8) {
        // What follows the header in its sector is not covered by anything, and not used.
        prop_assume!(!(512 + header::BYTES..1024).contains(&at));
        let mut head = example().head();
        head[at] ^= flip;
        prop_assert!(Gpt::parse_head(&head).is_err());
    }

    #[test]
    fn random_bytes_behind_right_checksums_are_an_error_or_a_table(
        at in 0..32 * 512usize,
        bytes in proptest::collection::vec(any::<u8>(), 0..512),
        sectors in any::<u64>(),
    ) {
        let head = example().head();
        let in_entries = with_entries(head.clone(), at.min(32 * 512 - bytes.len()), &bytes);
        let in_header = with_header(head, at % (header::BYTES - 8), &bytes[..bytes.len().min(8)]);
        for head in [in_entries, in_header] {
            if let Ok(gpt) = Gpt::parse_head(&head) {
                prop_assert_eq!(Gpt::parse_head(&gpt.head()), Ok(gpt));
            }
        }
        prop_assert_eq!(Gpt::parse_tail(&example().tail(), sectors).is_ok(), sectors == DISK_SECTORS);
    }
}
