//! What addresses the network cards have, through `ip`.

use std::collections::HashMap;
use std::net::IpAddr;

use anyhow::Context;
use appliance_types::Ipv4Cidr;
use boot_verdict::{Asked, LanFact};
use host_files::{LanAddress, Program, run_program};
use serde::Deserialize;

/// Compares the addresses that cards are to have with those they have.
pub(crate) fn lan(wanted: &[LanAddress]) -> Asked<Vec<LanFact>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let cards = cards().map_err(|error| format!("cannot see the network cards: {error:#}"))?;
    Ok(wanted.iter().map(|wanted| fact(wanted, &cards)).collect())
}

/// Cards and their IPv4 addresses.
type Cards = HashMap<String, Vec<Ipv4Cidr>>;

fn fact(wanted: &LanAddress, cards: &Cards) -> LanFact {
    LanFact {
        interface: wanted.interface.clone(),
        expected: wanted.address,
        found: cards.get(wanted.interface.as_str()).cloned(),
    }
}

fn cards() -> anyhow::Result<Cards> {
    // Without -4: with it, cards that have no IPv4 address are left out, as if they were not plugged in.
    parse(&run_program(&Program::new("ip").args(["-json", "address", "show"]))?.stdout)
}

fn parse(json: &str) -> anyhow::Result<Cards> {
    #[derive(Deserialize)]
    struct Link {
        ifname: String,
        #[serde(default)]
        addr_info: Vec<Address>,
    }
    #[derive(Deserialize)]
    struct Address {
        local: Option<IpAddr>,
        prefixlen: u8,
    }
    let links: Vec<Link> = serde_json::from_str(json).context("cannot understand what ip lists")?;
    let ipv4 = |address: &Address| match address.local {
        Some(IpAddr::V4(local)) => Ipv4Cidr::new(local, address.prefixlen),
        _ => None,
    };
    let of_link = |link: Link| (link.ifname, link.addr_info.iter().filter_map(ipv4).collect());
    Ok(links.into_iter().map(of_link).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"[
        {"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},
        {"ifname":"eth1","operstate":"UP","addr_info":[
            {"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"},
            {"family":"inet","local":"172.20.30.1","prefixlen":24,"scope":"global"}]},
        {"ifname":"eth2","operstate":"DOWN","addr_info":[]}]"#;

    #[test]
    fn a_card_without_an_address_is_told_apart_from_one_that_is_not_there() {
        let cards = parse(JSON).unwrap();
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
