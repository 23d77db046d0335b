//! Whether the LAN has the addresses that a configuration gives it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use host_files::{RequiredFacts, network_cards};

/// networkd takes a second or two; an emulated board a few more.
const LIMIT: Duration = Duration::from_secs(30);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until every LAN card that is plugged in has its address. A card that is not there is no failure: it may be a USB one
/// that comes later.
///
/// # Errors
/// Names the card and the address that is missing.
pub(crate) fn wait(required: &RequiredFacts) -> anyhow::Result<()> {
    let begun = Instant::now();
    let cards: Vec<(String, String)> = required
        .lan
        .iter()
        .map(|lan| (lan.interface.to_string(), lan.address.to_string()))
        .filter(|(name, _)| Path::new("/sys/class/net").join(name).exists())
        .collect();
    loop {
        let late = begun.elapsed() > LIMIT;
        match addresses().map(|present| missing(&cards, &present)) {
            Ok(None) => return Ok(()),
            Ok(Some((name, address))) if late => {
                bail!("{name} has no address {address} after {} s", LIMIT.as_secs());
            }
            Err(error) if late => return Err(error),
            Ok(Some(_)) | Err(_) => pause(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the poll interval of a wait with a deadline")]
fn pause() {
    std::thread::sleep(LOOK);
}

fn missing(wanted: &[(String, String)], present: &[(String, String)]) -> Option<(String, String)> {
    wanted.iter().find(|pair| !present.contains(pair)).cloned()
}

/// Pairs of card and address with prefix length.
fn addresses() -> anyhow::Result<Vec<(String, String)>> {
    let pairs = network_cards()?.into_iter().flat_map(|card| {
        let name = card.name;
        card.addresses.into_iter().map(move |address| (name.clone(), address.to_string()))
    });
    Ok(pairs.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_card_without_its_address_is_named() {
        let pair = |name: &str, address: &str| (name.to_owned(), address.to_owned());
        let present = [pair("eth1", "172.20.30.1/24")];
        assert_eq!(missing(&[pair("eth1", "172.20.30.1/24")], &present), None);
        let wanted = [pair("eth1", "172.20.30.1/24"), pair("eth2", "10.0.0.1/24")];
        assert_eq!(missing(&wanted, &present), Some(pair("eth2", "10.0.0.1/24")));
        assert_eq!(
            missing(&[pair("eth1", "172.20.30.1/16")], &present),
            Some(pair("eth1", "172.20.30.1/16"))
        );
    }
}
