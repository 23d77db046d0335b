//! Names on LAN: what systemd-resolved listens on, and what `/etc/hosts` is made from.
//!
//! resolved answers from `/etc/hosts`, forwards and backwards, and reads it again when it has changed. Leases come and go, so the
//! file is not rendered: `slipway local-names` makes it, from what is rendered here and from the leases in force.

use appliance_config::Network;
use appliance_types::Ipv4Cidr;
use local_names::LocalNames;

use crate::artefacts::Files;
use crate::lan::lan_addresses;
use crate::paths;
use crate::unit_text::UnitText;

pub(crate) fn render(network: &Network, files: &mut Files) {
    files.add(paths::RESOLVED, resolved(network));
    // Strings and numbers only: there is nothing that JSON could not say.
    let json = serde_json::to_string_pretty(&names(network)).unwrap_or_default();
    files.add(paths::LOCAL_NAMES, json + "\n");
}

fn resolved(network: &Network) -> String {
    let mut text = UnitText::new("# DNS for LAN machines, from config.toml.");
    text.section("Resolve");
    text.comment("On these addresses and no others. They need not be there yet.");
    text.entries("DNSStubListenerExtra", lan_addresses(network).map(Ipv4Cidr::address));
    text.finish()
}

fn names(network: &Network) -> LocalNames {
    let lan = &network.lan;
    let reservations = lan.dhcp.iter().flat_map(|dhcp| dhcp.reservations.values());
    let reserved =
        reservations.filter_map(|reservation| Some((reservation.hostname.clone()?, reservation.address)));
    LocalNames {
        interface: lan.interface.clone(),
        address: lan.address,
        domain: lan.domain.clone(),
        gateway_names: lan.gateway_names.clone(),
        hostname_pattern: lan.hostname_pattern.clone(),
        hosts: lan.hosts.clone(),
        reserved: reserved.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{document, statements};

    #[test]
    fn names_are_answered_on_every_fixed_address_of_lan_and_nowhere_else() {
        let network = document(
            "network.interfaces.eth0 = { mode = 'static', address = '192.0.2.2/24' }\n\
             network.interfaces.eth2 = { mode = 'static', address = '10.2.0.1/24' }\n\
             network.interfaces.eth3 = { mode = 'dhcp' }\n\
             network.interfaces.eth4 = { mode = 'none' }",
        )
        .network;
        let expected = ["[Resolve]", "DNSStubListenerExtra=172.20.30.1", "DNSStubListenerExtra=10.2.0.1"];
        assert_eq!(statements(&resolved(&network)), expected);
    }
}
