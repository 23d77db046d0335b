//! Whatever clients do, in whatever order: no address is promised to two of them, and no promise is broken.

use std::collections::HashMap;

use super::testing::*;
use super::*;
use crate::dhcp::LeaseState;
use proptest::prelude::*;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Discover(u8),
    /// Takes what it was offered last, or wishes for the n-th address of the pool.
    Select(u8),
    Wish(u8, u8),
    Renew(u8, bool),
    InitReboot(u8, u8),
    Decline(u8),
    Release(u8),
    Wait(u16),
    /// The daemon is killed: all that was not kept is gone.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..14_u8;
    let address = 0..14_u8;
    prop::collection::vec(
        prop_oneof![
            4 => client.clone().prop_map(Step::Discover),
            5 => client.clone().prop_map(Step::Select),
            1 => (client.clone(), address.clone()).prop_map(|(c, a)| Step::Wish(c, a)),
            2 => (client.clone(), any::<bool>()).prop_map(|(c, to_us)| Step::Renew(c, to_us)),
            1 => (client.clone(), address).prop_map(|(c, a)| Step::InitReboot(c, a)),
            1 => client.clone().prop_map(Step::Decline),
            1 => client.prop_map(Step::Release),
            2 => prop_oneof![1..100_u16, 20_000..50_000_u16].prop_map(Step::Wait),
            1 => Just(Step::Restart),
        ],
        1..120,
    )
}

/// What the clients believe: the only judge. It knows nothing of the table.
#[derive(Default)]
struct World {
    offered: HashMap<u8, Ipv4Addr>,
    /// By client: its address and until when it may use it.
    promised: HashMap<u8, (Ipv4Addr, Duration)>,
}

/// Client 12 and 13 are the system and the ROM of one machine, 11 has a reservation.
fn packet(number: u8) -> Packet {
    match number {
        11 => client(0x99),
        12 => client(12).option(61, &[255, 1, 2, 3]),
        13 => client(12).option(60, PXE_X64),
        other => client(other),
    }
}

fn machine(number: u8) -> u8 {
    if number == 13 { 12 } else { number }
}

fn pool(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 98 + index)
}

fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut bench = Bench::new();
    let mut world = World::default();
    for step in steps {
        let (number, asked) = match *step {
            Step::Discover(c) => (c, packet(c).kind(1)),
            Step::Select(c) => {
                let Some(address) = world.offered.get(&c).copied() else { continue };
                (c, packet(c).kind(3).option(54, &SERVER.octets()).option(50, &address.octets()))
            }
            Step::Wish(c, a) => {
                (c, packet(c).kind(3).option(54, &SERVER.octets()).option(50, &pool(a).octets()))
            }
            Step::InitReboot(c, a) => (c, packet(c).kind(3).option(50, &pool(a).octets())),
            Step::Renew(c, to_us) => {
                let Some((address, _)) = world.promised.get(&c).copied() else { continue };
                bench.to_us = to_us;
                (c, packet(c).kind(3).from(address.octets()))
            }
            Step::Decline(c) => {
                let Some((address, _)) = world.promised.remove(&c) else { continue };
                // What another name of the machine was promised is refused with it.
                world.promised.retain(|other, (held, _)| machine(*other) != machine(c) || *held != address);
                (c, packet(c).kind(4).option(54, &SERVER.octets()).option(50, &address.octets()))
            }
            Step::Release(c) => {
                let Some((address, _)) = world.promised.remove(&c) else { continue };
                world.promised.retain(|other, (held, _)| machine(*other) != machine(c) || *held != address);
                (c, packet(c).kind(7).option(54, &SERVER.octets()).from(address.octets()))
            }
            Step::Wait(seconds) => {
                bench.wait(seconds.into());
                world.promised.retain(|_, (_, until)| *until > bench.now);
                continue;
            }
            Step::Restart => {
                let kept = std::mem::take(&mut bench.kept);
                bench.leases = LeaseTable::new(&bench.policy);
                kept.iter().for_each(|lease| bench.leases.restore(lease.clone()));
                bench.kept = kept;
                continue;
            }
        };
        let decision = bench.hear(&asked);
        bench.to_us = false;
        let Some(reply) = decision.reply_of() else { continue };
        let address = reply.packet.yiaddr;
        match reply.kind {
            ReplyKind::Offer => {
                let other = world
                    .promised
                    .iter()
                    .find(|(c, (held, _))| *held == address && machine(**c) != machine(number));
                prop_assert!(
                    other.is_none(),
                    "{address} was offered to {number} and is promised to {other:?}"
                );
                world.offered.insert(number, address);
            }
            ReplyKind::Ack => {
                let other = world
                    .promised
                    .iter()
                    .find(|(c, (held, _))| *held == address && machine(**c) != machine(number));
                prop_assert!(other.is_none(), "{address} was given to {number} and is promised to {other:?}");
                let seconds = reply.packet.options.number32(51).unwrap();
                world.promised.insert(number, (address, bench.now + Duration::from_secs(seconds.into())));
            }
            ReplyKind::Nak => {
                world.promised.remove(&number);
            }
        }
    }
    // What was promised and is not over, the table knows.
    bench.leases.expire(bench.now);
    for (number, (address, _)) in &world.promised {
        let lease = bench.leases.get(*address);
        prop_assert!(
            matches!(lease, Some(Lease { state: LeaseState::Bound { .. }, .. })),
            "{number} was promised {address}, and the table says {lease:?}"
        );
    }
    Ok(())
}

/// None, one of ours or of our clients, or any.
fn any_address() -> impl Strategy<Value = u32> {
    let near = |second: u8, last: u8| Ipv4Addr::new(10, second, 0, last).to_bits();
    prop_oneof![
        Just(0),
        any::<u32>(),
        (0..2_u8, any::<u8>()).prop_map(move |(n, last)| near(n, last)),
        Just(near(9, 1))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn d04_no_address_is_promised_to_two_and_no_promise_is_lost(steps in steps()) {
        play(&steps)?;
    }

    #[test]
    fn d02_any_packet_is_decided_without_a_panic(
        kind in 0..10_u8, addresses in prop::array::uniform4(any_address()), requested: u32, server: u32, to_us: bool, pxe: bool,
        options in prop::collection::vec((1..=254_u8, prop::collection::vec(any::<u8>(), 0..40)), 0..8),
    ) {
        let mut bench = Bench::new();
        bench.to_us = to_us;
        bench.port = if pxe { ServerPort::Pxe } else { ServerPort::Dhcp };
        let mut packet = client(1).kind(kind).option(50, &requested.to_be_bytes());
        if server % 2 == 0 {
            packet = packet.option(54, &SERVER.octets());
        }
        for (code, value) in options.iter().filter(|(code, _)| *code != 52) {
            packet = packet.option(*code, value);
        }
        [packet.ciaddr, packet.yiaddr, packet.siaddr, packet.giaddr] = addresses.map(Ipv4Addr::from_bits);
        bench.leases.expire(bench.now);
        if Request::parse(&packet.encode(1472)).is_ok() {
            let decision = bench.hear(&packet);
            if let Some(reply) = decision.reply_of() {
                prop_assert!(reply.packet.encode(reply.room).len() <= 1472);
            }
        }
    }
}
