use super::*;
use crate::tftp::packet::{Packet, parse};

const LAN: Limits = Limits { mtu: 1500, windowsize: 32 };

fn agreed(options: &[(&str, &str)]) -> (Negotiated, Vec<(String, String)>) {
    let options: Vec<(&[u8], &[u8])> =
        options.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let agreed = negotiate(&options, 123_456, LAN);
    let answer = agreed.option_ack.as_deref().map(|bytes| match parse(bytes).unwrap() {
        Packet::OptionAck(options) => options
            .iter()
            .map(|(name, value)| {
                (String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned())
            })
            .collect(),
        other => panic!("{other:?}"),
    });
    (agreed.clone(), answer.unwrap_or_default())
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn r4_4_39_only_options_asked_for_are_answered_in_the_clients_spelling() {
    let (_, answer) = agreed(&[("TSize", "0"), ("x-speed", "9"), ("BLKSIZE", "1024"), ("multicast", "")]);
    let mut sorted = answer;
    sorted.sort();
    assert_eq!(sorted, pairs(&[("BLKSIZE", "1024"), ("TSize", "123456")]));
    // Nothing known was asked: no OACK at all, the first block is the answer.
    assert_eq!(agreed(&[("x-speed", "9")]).0.option_ack, None);
    assert_eq!(agreed(&[]).0.option_ack, None);
}

#[test]
fn r4_4_40_tsize_tells_the_real_size() {
    assert_eq!(agreed(&[("tsize", "0")]).1, pairs(&[("tsize", "123456")]));
    assert_eq!(agreed(&[("tsize", "77")]).1, pairs(&[("tsize", "123456")]));
}

#[test]
fn r4_3_31_the_block_size_of_a_pi_is_acknowledged() {
    assert_eq!(agreed(&[("blksize", "1024")]).1, pairs(&[("blksize", "1024")]));
}

#[test]
fn r4_4_47_the_block_size_fits_the_route() {
    assert_eq!(agreed(&[("blksize", "1468")]).0.blksize, 1468);
    assert_eq!(agreed(&[("blksize", "65464")]).1, pairs(&[("blksize", "1468")]));
    let tunnel = Limits { mtu: 1280, windowsize: 32 };
    assert_eq!(negotiate(&[(b"blksize", b"1468")], 1, tunnel).blksize, 1248);
    for refused in ["7", "65465", "", "1k", "-1", "99999999999999999999999"] {
        let (agreed, answer) = agreed(&[("blksize", refused)]);
        assert_eq!((agreed.blksize, answer), (512, vec![]), "{refused}");
    }
}

#[test]
fn r4_4_48_the_window_is_capped_in_blocks_and_bytes() {
    assert_eq!(agreed(&[("windowsize", "16")]).0.windowsize, 16);
    assert_eq!(agreed(&[("windowsize", "65535")]).1, pairs(&[("windowsize", "32")]));
    assert_eq!(agreed(&[("windowsize", "0")]).1, pairs(&[]));
    // The order of the options does not matter, and a window is never more than 64 KiB.
    let jumbo = Limits { mtu: 9000, windowsize: 64 };
    let agreed = negotiate(&[(b"windowsize", b"64"), (b"blksize", b"8192")], 1, jumbo);
    assert_eq!((agreed.blksize, agreed.windowsize), (8192, 7));
}

#[test]
fn r4_4_49_a_time_out_of_1_to_255_seconds_is_taken() {
    assert_eq!(agreed(&[("timeout", "5")]).0.timeout, Some(5));
    for refused in ["0", "256", "x"] {
        let (agreed, answer) = agreed(&[("timeout", refused)]);
        assert_eq!((agreed.timeout, answer), (None, vec![]), "{refused}");
    }
}
