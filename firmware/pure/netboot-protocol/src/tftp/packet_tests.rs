use super::*;
use proptest::prelude::*;

fn rrq(file: &str, mode: &str, options: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = vec![0, 1];
    for text in [file, mode].into_iter().chain(options.iter().flat_map(|(name, value)| [*name, *value])) {
        bytes.extend(text.bytes());
        bytes.push(0);
    }
    bytes
}

#[test]
fn a_request_with_options_is_read() {
    let bytes = rrq("pi/start4.elf", "octet", &[("tsize", "0"), ("blksize", "1024")]);
    let Packet::Read(request) = parse(&bytes).unwrap() else { panic!() };
    assert_eq!((request.file, request.mode), (&b"pi/start4.elf"[..], Mode::Octet));
    assert_eq!(request.options, [(&b"tsize"[..], &b"0"[..]), (b"blksize", b"1024")]);
}

#[test]
fn r4_4_51_the_mode_is_read_in_any_case_and_mail_is_refused() {
    for (mode, expected) in [
        ("OcTeT", Ok(Mode::Octet)),
        ("NETASCII", Ok(Mode::Netascii)),
        ("mail", Err(Malformed::Mode)),
        ("", Err(Malformed::Mode)),
    ] {
        let bytes = rrq("a", mode, &[]);
        let read = parse(&bytes).map(|packet| match packet {
            Packet::Read(request) => request.mode,
            other => panic!("{other:?}"),
        });
        assert_eq!(read, expected, "{mode}");
    }
}

#[test]
fn r4_3_35_zeros_behind_a_packet_are_ignored() {
    assert_eq!(parse(&[0, 4, 0, 7, 0, 0, 0, 0, 0, 0]), Ok(Packet::Ack { block: 7 }));
    let mut request = rrq("a", "octet", &[("tsize", "0")]);
    request.extend([0; 12]);
    let Ok(Packet::Read(request)) = parse(&request) else { panic!() };
    assert_eq!(request.options.len(), 1);
}

#[test]
fn broken_packets_say_what_is_wrong() {
    let many: Vec<(&str, &str)> = vec![("a", "b"); MAX_OPTIONS + 1];
    for (bytes, expected) in [
        (vec![], Malformed::Short),
        (vec![0], Malformed::Short),
        (vec![0, 4, 1], Malformed::Short),
        (vec![0, 9, 0, 0], Malformed::UnknownKind(9)),
        (b"\0\x01name".to_vec(), Malformed::Unterminated),
        (b"\0\x01\0octet\0".to_vec(), Malformed::Name),
        (b"\0\x01a\0octet\0blksize\0".to_vec(), Malformed::Unterminated),
        (rrq(&"n".repeat(600), "octet", &[]), Malformed::Name),
        (rrq("a", "octet", &many), Malformed::TooManyOptions),
    ] {
        assert_eq!(parse(&bytes), Err(expected), "{bytes:?}");
    }
}

#[test]
fn errors_are_written_and_read_back_even_without_a_message() {
    let bytes = error(ErrorCode::FileNotFound, "no such\0 file");
    assert_eq!(parse(&bytes), Ok(Packet::Error { code: 1, message: b"no such file" }));
    assert_eq!(parse(&[0, 5, 0, 8]), Ok(Packet::Error { code: 8, message: b"" }));
}

proptest! {
    #[test]
    fn d02_any_bytes_are_a_packet_or_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn d02_any_bytes_behind_a_valid_kind_are_a_packet_or_a_reason(
        kind in 1u8..7,
        bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(b'a'), any::<u8>()], 0..600),
    ) {
        let packet = [&[0, kind][..], &bytes].concat();
        if let Ok(Packet::Read(request) | Packet::Write(request)) = parse(&packet) {
            prop_assert!(!request.file.is_empty() && request.options.len() <= MAX_OPTIONS);
        }
    }

    #[test]
    fn d02_a_request_comes_back_as_it_was_written(
        file in "[ -~]{1,200}",
        options in prop::collection::vec(("[a-z]{1,10}", "[0-9]{0,6}"), 0..8),
    ) {
        let pairs: Vec<(&str, &str)> = options.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        let bytes = rrq(&file, "octet", &pairs);
        let Ok(Packet::Read(request)) = parse(&bytes) else { panic!() };
        prop_assert_eq!(request.file, file.as_bytes());
        prop_assert_eq!(request.options.len(), options.len());
    }
}
