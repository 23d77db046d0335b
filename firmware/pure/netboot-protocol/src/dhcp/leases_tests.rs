use super::*;
use crate::dhcp::Hardware;
use crate::policy::PolicyFile;
use appliance_types::MacAddress;
use proptest::prelude::*;

fn table() -> (Policy, LeaseTable) {
    let text = "[state]\ndir = \"/s\"\n[interfaces.eth1]\naddress = \"10.0.0.1/16\"\n\
                [[subnet]]\nnetwork = \"10.0.0.0/16\"\npools = [\"10.0.1.0-10.0.1.9\", \"10.0.2.0-10.0.200.0\"]\n\
                [[reservation]]\nmac = \"02:00:00:00:00:99\"\naddress = \"10.0.1.0\"\n";
    let policy = Policy::new(toml::from_str::<PolicyFile>(text).unwrap()).unwrap();
    let table = LeaseTable::new(&policy);
    (policy, table)
}

fn lease(address: [u8; 4], card: u8, state: LeaseState) -> Lease {
    let hardware = Hardware::ethernet(MacAddress::from_bytes([2, 0, 0, 0, 0, card]));
    let client = ClientKey { hardware, id: None };
    Lease { address: address.into(), client, class: ClientClass::Generic, hostname: None, state }
}

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// All indexes of a table against what they are made of.
fn check(table: &LeaseTable) {
    let leases: Vec<&Lease> = table.iter().collect();
    let ending: BTreeSet<_> =
        leases.iter().filter_map(|lease| lease.state.ends().map(|until| (until, lease.address))).collect();
    assert_eq!(table.ending, ending);
    for lease in &leases {
        assert!(table.by_hardware[&lease.client.hardware].contains(&lease.address));
    }
    assert_eq!(table.by_hardware.values().map(Vec::len).sum::<usize>(), leases.len());
    for subnet in &table.subnets {
        for &(since, address) in &subnet.free {
            assert_eq!(table.by_address[&address].state, LeaseState::Free { since });
        }
        for pool in &subnet.pools {
            assert!(
                pool.next
                    .is_none_or(|next| !table.by_address.contains_key(&next) && !table.kept.contains(&next))
            );
        }
    }
}

#[test]
fn what_is_reserved_is_for_nobody_else_and_pools_are_used_up_in_order() {
    let (policy, mut table) = table();
    let subnet = &policy.subnets()[0];
    for expected in 1..=9 {
        assert_eq!(table.unused(subnet), Some([10, 0, 1, expected].into()));
        table.apply(
            lease([10, 0, 1, expected], expected, LeaseState::Bound { until: seconds(100) }),
            seconds(1),
        );
        check(&table);
    }
    assert_eq!(table.unused(subnet), Some([10, 0, 2, 0].into()));
}

#[test]
fn what_ends_ends_on_time() {
    let (policy, mut table) = table();
    table.apply(lease([10, 0, 1, 1], 1, LeaseState::Bound { until: seconds(100) }), seconds(1));
    table.apply(lease([10, 0, 1, 2], 2, LeaseState::Quarantined { until: seconds(50) }), seconds(1));
    table.expire(seconds(99));
    assert!(matches!(table.get([10, 0, 1, 1].into()).unwrap().state, LeaseState::Bound { .. }));
    assert_eq!(table.get([10, 0, 1, 2].into()).unwrap().state, LeaseState::Free { since: seconds(50) });
    table.expire(seconds(100));
    assert_eq!(table.get([10, 0, 1, 1].into()).unwrap().state, LeaseState::Free { since: seconds(100) });
    check(&table);
    assert_eq!(
        table.unused(&policy.subnets()[0]),
        Some([10, 0, 1, 3].into()),
        "never used comes before used"
    );
}

#[test]
fn what_is_kept_is_what_was_promised() {
    let (_, mut table) = table();
    let offered = lease([10, 0, 1, 1], 1, LeaseState::Offered { until: seconds(60) });
    assert_eq!(table.apply(offered, seconds(1)), []);
    let bound = lease([10, 0, 1, 1], 1, LeaseState::Bound { until: seconds(600) });
    assert_eq!(table.apply(bound.clone(), seconds(2)), [bound]);
    // The client moves on: its first address is free, and that is kept with the second.
    let moved = lease([10, 0, 1, 7], 1, LeaseState::Bound { until: seconds(700) });
    let freed = lease([10, 0, 1, 1], 1, LeaseState::Free { since: seconds(3) });
    assert_eq!(table.apply(moved.clone(), seconds(3)), [freed, moved]);
    check(&table);
}

#[test]
fn a_lease_outside_of_every_subnet_is_kept_and_given_to_nobody() {
    let (policy, mut table) = table();
    table.restore(lease([192, 168, 1, 1], 1, LeaseState::Free { since: seconds(0) }));
    check(&table);
    assert_eq!(table.unused(&policy.subnets()[0]), Some([10, 0, 1, 1].into()));
}

proptest! {
    #[test]
    fn indexes_agree_whatever_happens(
        steps in prop::collection::vec((0..40_u8, 0..6_u8, 0..5_u8, 0..300_u64), 1..150)
    ) {
        let (_, mut table) = table();
        let mut now = seconds(0);
        for (address, card, state, time) in steps {
            now += seconds(time / 10);
            let until = now + seconds(time);
            let state = match state {
                0 => LeaseState::Offered { until },
                1 | 2 => LeaseState::Bound { until },
                3 => LeaseState::Free { since: now },
                _ => LeaseState::Quarantined { until },
            };
            table.expire(now);
            table.apply(lease([10, 0, 1 + address / 10, address % 10], card, state), now);
            check(&table);
        }
    }
}
