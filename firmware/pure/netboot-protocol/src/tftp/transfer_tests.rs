use super::*;
use crate::tftp::options::{Limits, negotiate};
use crate::tftp::packet::{ErrorCode, error};

const START: Duration = Duration::from_secs(10);

fn ms(milliseconds: u64) -> Duration {
    START + Duration::from_millis(milliseconds)
}

fn ack(block: u16) -> Vec<u8> {
    [&[0, 4][..], &block.to_be_bytes()].concat()
}

fn begin(size: u64, options: &[(&str, &str)]) -> (Transfer, Action) {
    begin_with(size, options, Rollover::ToZero).unwrap()
}

fn begin_with(
    size: u64,
    options: &[(&str, &str)],
    rollover: Rollover,
) -> Result<(Transfer, Action), TooLarge> {
    let options: Vec<(&[u8], &[u8])> = options.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    let agreed = negotiate(&options, size, Limits { mtu: 1500, windowsize: 32 });
    Transfer::start(START, size, &agreed, rollover)
}

fn blocks(first: u64, count: u16) -> Action {
    Action::Send(Blocks { first, count, again: false })
}

fn again(first: u64, count: u16) -> Action {
    Action::Send(Blocks { first, count, again: true })
}

#[test]
fn a_plain_transfer_goes_block_by_block() {
    let (mut transfer, first) = begin(1000, &[]);
    assert_eq!(first, blocks(1, 1));
    assert_eq!((transfer.header(1), transfer.range(1)), ([0, 3, 0, 1], (0, 512)));
    assert_eq!(transfer.on_packet(ms(1), &ack(1)), blocks(2, 1));
    assert_eq!(transfer.range(2), (512, 488));
    assert_eq!(transfer.on_packet(ms(2), &ack(2)), Action::End(End::Complete));
}

#[test]
fn r4_4_41_options_wait_for_ack_0() {
    let (mut transfer, first) = begin(1000, &[("blksize", "600")]);
    assert_eq!(first, Action::OfferOptions);
    assert!(transfer.option_ack().is_some());
    assert_eq!(transfer.on_packet(ms(1), &ack(1)), Action::Wait, "nothing was sent that it could mean");
    assert_eq!(transfer.on_packet(ms(2), &ack(0)), blocks(1, 1));
    assert_eq!(transfer.option_ack(), None);
}

#[test]
fn r4_4_42_a_multiple_of_the_block_size_ends_in_an_empty_block() {
    let (mut transfer, _) = begin(1024, &[]);
    transfer.on_packet(ms(1), &ack(1));
    assert_eq!(transfer.on_packet(ms(2), &ack(2)), blocks(3, 1));
    assert_eq!(transfer.range(3), (1024, 0));
    assert_eq!(transfer.on_packet(ms(3), &ack(3)), Action::End(End::Complete));
    assert_eq!(begin(0, &[]).0.range(1), (0, 0), "an empty file is one empty block");
}

#[test]
fn r4_4_37_a_duplicate_ack_is_never_answered_with_data() {
    let (mut transfer, _) = begin(10_000, &[]);
    assert_eq!(transfer.on_packet(ms(1), &ack(1)), blocks(2, 1));
    for repeat in 0..20 {
        assert_eq!(transfer.on_packet(ms(2 + repeat), &ack(1)), Action::Wait);
        assert_eq!(transfer.on_packet(ms(2 + repeat), &ack(0)), Action::Wait);
    }
    assert_eq!(transfer.resends(), 0);
    // In a window neither; there the clock is only set nearer, and the real ACK stops it.
    let (mut transfer, _) = begin(100_000, &[("windowsize", "8")]);
    assert_eq!(transfer.on_packet(ms(1), &ack(0)), blocks(1, 8));
    assert_eq!(transfer.on_packet(ms(3), &ack(8)), blocks(9, 8));
    assert_eq!(transfer.on_packet(ms(3), &ack(8)), Action::Wait);
    assert!(transfer.next_timeout() < ms(110), "{:?}", transfer.next_timeout());
    assert_eq!(transfer.on_packet(ms(5), &ack(16)), blocks(17, 8));
    assert!(transfer.next_timeout() > ms(400));
    assert_eq!(transfer.resends(), 0);
}

#[test]
fn r4_3_32_only_the_clock_sends_again_and_not_in_a_hurry() {
    let (mut transfer, _) = begin(10_000, &[]);
    for block in 1..=8 {
        transfer.on_packet(ms(u64::from(block)), &ack(block));
    }
    // A round trip of a millisecond does not make a block that takes 300 ms to digest a lost one.
    assert!(transfer.next_timeout() >= ms(8 + 500), "{:?}", transfer.next_timeout());
    assert_eq!(transfer.on_timeout(ms(300)), Action::Wait);
    assert_eq!(transfer.on_timeout(transfer.next_timeout()), again(9, 1));
}

#[test]
fn r4_4_43_a_lost_last_ack_is_no_failure() {
    let (mut transfer, _) = begin(700, &[]);
    assert_eq!(transfer.on_packet(ms(1), &ack(1)), blocks(2, 1));
    let mut end = Action::Wait;
    while !matches!(end, Action::End(_)) {
        end = transfer.on_timeout(transfer.next_timeout());
    }
    assert_eq!(end, Action::End(End::LastAckMissing));
}

#[test]
fn r4_4_45_an_error_after_the_options_is_a_probe_and_ends_at_once() {
    for code in [[0, 5, 0, 0], [0, 5, 0, 8]] {
        let (mut transfer, _) = begin(1000, &[("tsize", "0")]);
        assert_eq!(transfer.on_packet(ms(1), &code), Action::End(End::Probe));
    }
    // Any later one is its end too, with what it said.
    let (mut transfer, _) = begin(5000, &[]);
    transfer.on_packet(ms(1), &ack(1));
    let full = error(ErrorCode::DiskFull, "no space");
    let end = End::ClientError { code: 3, message: "no space".into() };
    assert_eq!(transfer.on_packet(ms(2), &full), Action::End(end));
}

#[test]
fn r4_3_30_a_pi_that_ends_its_size_probe_early_is_normal() {
    let (mut transfer, first) = begin(2_000_000, &[("tsize", "0"), ("blksize", "1024")]);
    assert_eq!(first, Action::OfferOptions);
    let early = error(ErrorCode::Undefined, "Early terminate");
    assert_eq!(transfer.on_packet(ms(2), &early), Action::End(End::Probe));
}

#[test]
fn r4_4_46_what_follows_block_65535_is_a_rule_per_client() {
    let size = 70_000 * 512;
    for (rollover, next) in [(Rollover::ToZero, 0), (Rollover::ToOne, 1)] {
        let (mut transfer, _) = begin_with(size, &[], rollover).unwrap();
        for block in 1..=u64::from(u16::MAX) {
            let number = u16::try_from(block).unwrap();
            assert_eq!(transfer.on_packet(ms(block), &ack(number)), blocks(block + 1, 1));
        }
        assert_eq!(transfer.header(65_536), [0, 3, 0, next], "{rollover:?}");
        assert_eq!(transfer.on_packet(ms(70_000), &ack(next.into())), blocks(65_537, 1), "{rollover:?}");
    }
    let refused = begin_with(size, &[], Rollover::Refuse).unwrap_err();
    assert_eq!((refused.limit, refused.blksize), (65_535 * 512 - 1, 512));
    assert!(begin_with(refused.limit, &[], Rollover::Refuse).is_ok());
    assert!(begin_with(refused.limit + 1, &[], Rollover::Refuse).is_err());
}

#[test]
fn r4_3_33_a_pi_is_not_sent_what_its_counter_cannot_hold() {
    let options = [("blksize", "1024"), ("tsize", "0")];
    assert!(begin_with(65_535 * 1024 - 1, &options, Rollover::Refuse).is_ok());
    let error = begin_with(65_535 * 1024, &options, Rollover::Refuse).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file has 67107840 bytes, and this client can take 67107839 in blocks of 1024"
    );
    assert!(begin_with(80_000_000, &[("blksize", "1468")], Rollover::Refuse).is_ok());
}

#[test]
fn r4_4_48_a_gap_is_filled_from_the_acknowledged_block_on() {
    let (mut transfer, _) = begin(100_000, &[("windowsize", "8"), ("timeout", "3")]);
    assert_eq!(transfer.on_packet(ms(1), &ack(0)), blocks(1, 8));
    // Block 4 got lost: the client acknowledges 3.
    assert_eq!(transfer.on_packet(ms(2), &ack(3)), again(4, 8));
    assert_eq!(transfer.on_packet(ms(3), &ack(11)), blocks(12, 8));
    // Block 12, the first of its window, got lost: the client can only repeat its last ACK. That costs a tenth of a second.
    assert_eq!(transfer.on_packet(ms(4), &ack(11)), Action::Wait);
    assert!(transfer.next_timeout() <= ms(4 + 100), "{:?}", transfer.next_timeout());
    assert_eq!(transfer.on_timeout(transfer.next_timeout()), again(12, 8));
    // But a client that goes on repeating it is not served faster.
    for repeat in 0..5 {
        transfer.on_packet(ms(120 + repeat), &ack(11));
    }
    assert!(transfer.next_timeout() >= ms(2000));
}

#[test]
fn r4_4_49_the_wait_is_what_was_agreed_else_it_grows() {
    let (mut transfer, _) = begin(1000, &[("timeout", "2")]);
    transfer.on_packet(ms(0), &ack(0));
    for resend in 1..=10 {
        assert_eq!(transfer.next_timeout(), START + Duration::from_secs(2 * resend));
        assert_eq!(transfer.on_timeout(transfer.next_timeout()), again(1, 1));
    }
    let (mut transfer, _) = begin(2000, &[]);
    transfer.on_packet(ms(10), &ack(1));
    let mut waits = Vec::new();
    let mut before = ms(10);
    while let Action::Send(_) = transfer.on_timeout(transfer.next_timeout()) {
        waits.push(transfer.sent_at - before);
        before = transfer.sent_at;
    }
    assert_eq!(waits[..4], [500, 1000, 2000, 4000].map(Duration::from_millis));
    assert!(before < START + Duration::from_secs(40), "it ends at some time");
}

#[test]
fn r4_4_52_an_address_that_never_answers_gets_four_packets_at_most() {
    for options in [&[("blksize", "1468")][..], &[]] {
        let (mut transfer, _) = begin(1_000_000, options);
        let mut sends = 1;
        loop {
            match transfer.on_timeout(transfer.next_timeout()) {
                Action::End(end) => {
                    assert_eq!(end, End::Silent { after: 0, proven: false });
                    break;
                }
                Action::Wait => panic!("it was due"),
                Action::OfferOptions | Action::Send(_) => sends += 1,
            }
        }
        assert_eq!(sends, 4);
    }
}

#[test]
fn a_client_that_falls_silent_is_given_up_after_its_patience() {
    let (mut transfer, _) = begin(100_000, &[]);
    for block in 1..=20 {
        transfer.on_packet(ms(u64::from(block)), &ack(block));
    }
    let mut end = Action::Wait;
    let mut at = START;
    while !matches!(end, Action::End(_)) {
        at = transfer.next_timeout();
        end = transfer.on_timeout(at);
    }
    assert_eq!(end, Action::End(End::Silent { after: 20, proven: true }));
    assert!(at >= START + Duration::from_secs(30) && at < START + Duration::from_secs(36), "{at:?}");
}

#[test]
fn what_does_not_belong_to_a_transfer_is_passed_over() {
    let (mut transfer, _) = begin(10_000, &[]);
    for bytes in
        [&b""[..], b"\0", b"\0\x01a\0octet\0", b"\0\x03\0\x01data", b"\0\x09", &[0; 4], &[0, 4, 99, 99]]
    {
        assert_eq!(transfer.on_packet(ms(1), bytes), Action::Wait, "{bytes:?}");
    }
    assert_eq!(transfer.on_packet(ms(2), &ack(1)), blocks(2, 1));
}

#[test]
fn a_transfer_costs_less_than_300_bytes() {
    assert!(size_of::<Transfer>() <= 300, "{}", size_of::<Transfer>());
}
