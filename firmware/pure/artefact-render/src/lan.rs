//! What several files say of LAN.

use appliance_config::{Addressing, Network, Side};
use appliance_types::Ipv4Cidr;

/// The box's fixed addresses on LAN: what it is reached at, whatever a DHCP server says.
pub(crate) fn lan_addresses(network: &Network) -> impl Iterator<Item = Ipv4Cidr> {
    network.interfaces.values().filter(|interface| interface.side == Side::Lan).filter_map(|interface| {
        match interface.addressing {
            Addressing::Static { address, .. } => Some(address),
            Addressing::Dhcp { .. } | Addressing::None => None,
        }
    })
}

/// Whether LAN has an interface whose address nobody knows before a DHCP server says it.
pub(crate) fn has_lan_by_dhcp(network: &Network) -> bool {
    network.interfaces.values().any(|interface| {
        interface.side == Side::Lan && matches!(interface.addressing, Addressing::Dhcp { .. })
    })
}
