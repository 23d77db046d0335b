//! Whole transfers over a network that loses, doubles, delays and reorders, to a client written from RFC 7440 alone.

use super::*;
use crate::tftp::options::{Limits, negotiate};
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the wire does to a packet, decided by numbers that follow from `seed`.
struct Network {
    seed: u64,
    loss: u8,
    doubling: u8,
    delay_ms: u64,
    jitter_ms: u64,
}

impl Network {
    fn draw(&mut self) -> u8 {
        // xorshift64*: never repeats in step with a retransmission, as a short list of fates would.
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()[0]
    }

    /// When the copies of a packet that is sent now arrive.
    fn deliver(&mut self, now: Duration) -> Vec<Duration> {
        let copies = match self.draw() {
            fate if fate < self.loss => 0,
            fate if fate < self.loss + self.doubling => 2,
            _ => 1,
        };
        (0..copies)
            .map(|_| {
                let jitter = u64::from(self.draw()) * self.jitter_ms / 256;
                now + Duration::from_millis(self.delay_ms + jitter)
            })
            .collect()
    }
}

/// The receiver: takes blocks in order, acknowledges at the end of a window, at a gap, and by its clock.
struct Client {
    blksize: usize,
    windowsize: u64,
    file: Vec<u8>,
    got: u64,
    since_ack: u64,
    gap_reported: bool,
    done: bool,
    deadline: Duration,
    echo: bool,
}

impl Client {
    fn on_data(&mut self, now: Duration, number: u16, payload: &[u8]) -> Vec<u16> {
        let expected = Rollover::ToZero.on_wire(self.got + 1);
        let mut acks = Vec::new();
        if number == expected && !self.done {
            self.file.extend(payload);
            self.got += 1;
            self.since_ack += 1;
            self.gap_reported = false;
            self.done = payload.len() < self.blksize;
            if self.done || self.since_ack == self.windowsize {
                acks.push(number);
                self.since_ack = 0;
            }
        } else if number.wrapping_sub(expected) > u16::MAX / 2 || !self.gap_reported {
            // A block it has (its ACK may be lost), or the first behind a hole.
            acks.push(Rollover::ToZero.on_wire(self.got));
            self.since_ack = 0;
            self.gap_reported = true;
        }
        if self.echo {
            acks = acks.iter().flat_map(|ack| [*ack, *ack]).collect();
        }
        self.deadline = now + Duration::from_secs(2);
        acks
    }

    fn on_clock(&mut self, now: Duration) -> u16 {
        self.deadline = now + Duration::from_secs(2);
        self.gap_reported = false;
        self.since_ack = 0;
        Rollover::ToZero.on_wire(self.got)
    }
}

enum Event {
    ToServer(Vec<u8>),
    ToClient(u16, Vec<u8>),
    OptionsToClient,
}

struct Outcome {
    file: Vec<u8>,
    data_sent: u64,
    took: Duration,
    longest_pause: Duration,
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from((at / 7 + at % 251) % 256).unwrap()).collect()
}

/// Asks again, as any client does, when the server gave up before it ever heard an answer.
fn run(file: &[u8], blksize: usize, windowsize: u64, network: &mut Network, echo: bool) -> Outcome {
    let mut tries = std::iter::repeat_with(|| attempt(file, blksize, windowsize, network, echo)).take(20);
    tries.find_map(|outcome| outcome).expect("the server hears one of twenty clients")
}

/// `None` when the server gave up before it ever heard an answer.
fn attempt(
    file: &[u8],
    blksize: usize,
    windowsize: u64,
    network: &mut Network,
    echo: bool,
) -> Option<Outcome> {
    let (block, window) = (blksize.to_string(), windowsize.to_string());
    let options: Vec<(&[u8], &[u8])> =
        vec![(b"blksize", block.as_bytes()), (b"windowsize", window.as_bytes()), (b"timeout", b"1")];
    let size = file.len() as u64;
    let agreed = negotiate(&options, size, Limits { mtu: 1500, windowsize: 64 });
    let start = Duration::from_secs(5);
    let mut now = start;
    let (mut server, first) = Transfer::start(now, size, &agreed, Rollover::ToZero).unwrap();
    let mut client = Client {
        blksize,
        windowsize: u64::from(agreed.windowsize),
        file: Vec::new(),
        got: 0,
        since_ack: 0,
        gap_reported: false,
        done: false,
        deadline: now + Duration::from_secs(2),
        echo,
    };
    let mut started = false;
    let mut queue: BinaryHeap<Reverse<(Duration, usize)>> = BinaryHeap::new();
    let mut events: Vec<Option<Event>> = Vec::new();
    let mut pending = first;
    let mut data_sent = 0;
    let mut progress_at = now;
    let mut longest_pause = Duration::ZERO;
    loop {
        let mut post = |at: Duration, event: Event, events: &mut Vec<Option<Event>>| {
            events.push(Some(event));
            queue.push(Reverse((at, events.len() - 1)));
        };
        match std::mem::replace(&mut pending, Action::Wait) {
            Action::Wait => {}
            Action::End(End::Complete | End::LastAckMissing) => break,
            Action::End(End::Silent { after: 0, proven: false }) => return None,
            Action::End(other) => panic!("{other:?}"),
            Action::OfferOptions => {
                for at in network.deliver(now) {
                    post(at, Event::OptionsToClient, &mut events);
                }
            }
            Action::Send(blocks) => {
                for number in blocks.first..blocks.first + u64::from(blocks.count) {
                    data_sent += 1;
                    let (offset, length) = server.range(number);
                    let from = usize::try_from(offset).unwrap();
                    let [_, _, high, low] = server.header(number);
                    for at in network.deliver(now) {
                        let payload = file[from..from + length].to_vec();
                        post(at, Event::ToClient(u16::from_be_bytes([high, low]), payload), &mut events);
                    }
                }
            }
        }
        let mut acks = Vec::new();
        let next_event = queue.peek().map(|Reverse((at, _))| *at);
        let clock = server.next_timeout().min(if client.done { Duration::MAX } else { client.deadline });
        if let Some(at) = next_event.filter(|at| *at <= clock) {
            let Some(Reverse((_, index))) = queue.pop() else { unreachable!() };
            now = at.max(now);
            match events[index].take().unwrap() {
                Event::ToServer(bytes) => pending = server.on_packet(now, &bytes),
                Event::OptionsToClient if client.got == 0 => {
                    started = true;
                    acks.push(0);
                }
                Event::OptionsToClient => {}
                Event::ToClient(number, payload) => {
                    let before = client.got;
                    acks = client.on_data(now, number, &payload);
                    if client.got > before {
                        longest_pause = longest_pause.max(now - progress_at);
                        progress_at = now;
                    }
                }
            }
        } else {
            now = clock;
            if server.next_timeout() <= now {
                pending = server.on_timeout(now);
            } else if started {
                acks.push(client.on_clock(now));
            } else {
                client.deadline = now + Duration::from_secs(2);
            }
        }
        for number in acks {
            for at in network.deliver(now) {
                let bytes = [&[0, 4][..], &number.to_be_bytes()].concat();
                events.push(Some(Event::ToServer(bytes)));
                queue.push(Reverse((at, events.len() - 1)));
            }
        }
        assert!(data_sent < 200_000, "it sends and sends");
    }
    Some(Outcome { file: client.file, data_sent, took: now - start, longest_pause })
}

fn perfect(delay_ms: u64) -> Network {
    Network { seed: 1, loss: 0, doubling: 0, delay_ms, jitter_ms: 0 }
}

#[test]
fn sorcerers_apprentice_a_client_that_says_everything_twice_gets_everything_once() {
    for windowsize in [1, 16] {
        let file = content(1_000_000);
        let outcome = run(&file, 1024, windowsize, &mut perfect(1), true);
        assert_eq!(outcome.file, file);
        assert_eq!(outcome.data_sent, 977, "windowsize {windowsize}");
    }
}

#[test]
fn one_percent_loss_in_windows_of_16_never_stalls_longer_than_the_time_out() {
    let file = content(2_000_000);
    for seed in 1..=8 {
        let mut network = Network { seed, loss: 3, doubling: 0, delay_ms: 1, jitter_ms: 0 };
        let outcome = run(&file, 1468, 16, &mut network, false);
        assert_eq!(outcome.file, file);
        assert!(outcome.longest_pause <= Duration::from_millis(1050), "{:?}", outcome.longest_pause);
        assert!(outcome.took < Duration::from_secs(20), "{:?}", outcome.took);
    }
}

#[test]
fn a_file_with_more_than_65535_blocks_arrives_whole() {
    let file = content(66_000 * 16 + 5);
    let outcome = run(&file, 16, 32, &mut perfect(0), false);
    assert_eq!(outcome.data_sent, 66_001);
    assert!(outcome.file == file);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_file_arrives_whole_whatever_the_network_does(
        size in 0usize..60_000,
        blksize in prop_oneof![Just(512usize), Just(1024), Just(1468), 8usize..1469],
        windowsize in 1u64..40,
        loss in 0u8..50,
        doubling in 0u8..40,
        delay_ms in 0u64..20,
        jitter_ms in 0u64..30,
        echo in any::<bool>(),
        seed in 1u64..,
    ) {
        let size = size.min(blksize * 600);
        let file = content(size);
        let mut network = Network { seed, loss, doubling, delay_ms, jitter_ms };
        let outcome = run(&file, blksize, windowsize, &mut network, echo);
        prop_assert!(outcome.file == file);
    }
}
