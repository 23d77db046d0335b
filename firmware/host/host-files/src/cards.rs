//! The network cards of this machine and their addresses, as `ip` lists them.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use crate::program::{Program, ProgramError, run_program};

/// `ip` answers in milliseconds; an emulated board under load takes longer.
const LIMIT: Duration = Duration::from_secs(20);

/// A network card, or anything else that the kernel counts as one: loopback, VLANs, bridges.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NetworkCard {
    /// Its name: `eth0`.
    #[serde(rename = "ifname")]
    pub name: String,
    /// The kernel's word: `UP` (carrier), `DOWN`, `UNKNOWN`.
    #[serde(rename = "operstate", default)]
    pub state: String,
    /// Its hardware address.
    #[serde(rename = "address", default)]
    pub mac: String,
    /// Its addresses, in the kernel's order. A card without any is listed, too.
    #[serde(rename = "addr_info", default)]
    pub addresses: Vec<CardAddress>,
}

/// An address with the length of its network's prefix; printed as `192.0.2.5/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct CardAddress {
    /// The address.
    pub local: IpAddr,
    /// The prefix length.
    #[serde(rename = "prefixlen")]
    pub prefix: u8,
}

impl fmt::Display for CardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.local, self.prefix)
    }
}

/// The cards could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum CardsError {
    /// `ip` did not answer.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It answered something else.
    #[error("cannot understand what ip lists")]
    Answer(#[from] serde_json::Error),
}

/// Lists all of them, in the kernel's order.
///
/// # Errors
/// When `ip` does not answer: then nothing is known of any card.
pub fn network_cards() -> Result<Vec<NetworkCard>, CardsError> {
    // Without -4: with it, cards that have no IPv4 address are left out, as if they were not plugged in.
    let program = Program::new("ip").args(["-json", "address", "show"]).timeout(LIMIT);
    Ok(parse(&run_program(&program)?.stdout)?)
}

fn parse(json: &str) -> Result<Vec<NetworkCard>, serde_json::Error> {
    serde_json::from_str(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_read_from_what_ip_lists() {
        let json = r#"[
            {"ifindex":1,"ifname":"lo","operstate":"UNKNOWN","address":"00:00:00:00:00:00",
             "addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},
            {"ifindex":2,"ifname":"eth0","operstate":"UP","address":"02:00:00:00:00:00","addr_info":[
                {"family":"inet","local":"10.0.2.15","prefixlen":24,"scope":"global"},
                {"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]},
            {"ifindex":4,"ifname":"eth1","operstate":"DOWN","address":"02:00:00:00:00:01","addr_info":[]}]"#;
        let cards = parse(json).unwrap();
        let names: Vec<&str> = cards.iter().map(|card| card.name.as_str()).collect();
        assert_eq!(names, ["lo", "eth0", "eth1"]);
        let addresses: Vec<String> = cards[1].addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["10.0.2.15/24", "fe80::1/64"]);
        assert_eq!((cards[1].state.as_str(), cards[1].mac.as_str()), ("UP", "02:00:00:00:00:00"));
        assert!(cards[2].addresses.is_empty());
        assert!(parse("oops").is_err());
    }

    #[test]
    fn this_machine_has_cards_or_says_why_not() {
        match network_cards() {
            Ok(cards) => assert!(cards.iter().any(|card| card.name == "lo"), "{cards:?}"),
            Err(error) => assert!(error.to_string().contains("ip"), "{error}"),
        }
    }
}
