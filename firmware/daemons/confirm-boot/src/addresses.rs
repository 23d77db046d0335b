//! What addresses the network cards have.

use std::net::IpAddr;

use appliance_types::Ipv4Cidr;
use boot_verdict::{Asked, LanFact};
use host_files::{CardAddress, LanAddress, NetworkCard, network_cards};

/// Compares the addresses that cards are to have with those they have.
pub(crate) fn lan(wanted: &[LanAddress]) -> Asked<Vec<LanFact>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let cards = network_cards()
        .map_err(|error| format!("cannot see the network cards: {:#}", anyhow::Error::from(error)))?;
    Ok(wanted.iter().map(|wanted| fact(wanted, &cards)).collect())
}

fn fact(wanted: &LanAddress, cards: &[NetworkCard]) -> LanFact {
    let ipv4 = |address: &CardAddress| match address.local {
        IpAddr::V4(local) => Ipv4Cidr::new(local, address.prefix),
        IpAddr::V6(_) => None,
    };
    let card = cards.iter().find(|card| card.name == wanted.interface.as_str());
    LanFact {
        interface: wanted.interface.clone(),
        expected: wanted.address,
        found: card.map(|card| card.addresses.iter().filter_map(ipv4).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_without_an_address_is_told_apart_from_one_that_is_not_there() {
        let card = |name: &str, addresses: &[(&str, u8)]| NetworkCard {
            name: name.to_owned(),
            state: "UP".to_owned(),
            mac: String::new(),
            addresses: addresses
                .iter()
                .map(|(local, prefix)| CardAddress { local: local.parse().unwrap(), prefix: *prefix })
                .collect(),
        };
        let cards = [card("eth1", &[("fe80::1", 64), ("172.20.30.1", 24)]), card("eth2", &[])];
        let found = |interface: &str| {
            let wanted = LanAddress {
                interface: interface.parse().unwrap(),
                address: "172.20.30.1/24".parse().unwrap(),
            };
            fact(&wanted, &cards).found
        };
        assert_eq!(found("eth1"), Some(vec!["172.20.30.1/24".parse().unwrap()]));
        assert_eq!(found("eth2"), Some(vec![]));
        assert_eq!(found("eth3"), None);
    }

    #[test]
    fn this_machine_can_be_asked_or_says_why_not() {
        let wanted =
            LanAddress { interface: "eth999".parse().unwrap(), address: "10.9.8.7/24".parse().unwrap() };
        match lan(&[wanted]) {
            Ok(cards) => assert_eq!(cards[0].found, None),
            Err(why) => assert!(why.starts_with("cannot see the network cards: "), "{why}"),
        }
        assert_eq!(lan(&[]), Ok(vec![]));
    }
}
