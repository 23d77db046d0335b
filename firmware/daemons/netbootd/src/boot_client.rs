//! Who loads: what the file services know of the machine at an address, and which files exist for it.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{PoisonError, RwLock};

use appliance_types::MacAddress;
use netboot_protocol::client::{Client, ClientClass, PiIdentity};
use netboot_protocol::policy::{BootChoice, PiSerial};
use netboot_protocol::tftp::{FileName, Rollover, Viewer};

use crate::shared::Shared;

/// More machines than a LAN has addresses for; beyond it they are known again after their next DHCP packet.
const MOST: usize = 65_536;

/// The machines that DHCP has seen, by the address they have.
#[derive(Default)]
pub(crate) struct SeenClients {
    by_address: RwLock<HashMap<Ipv4Addr, (MacAddress, Client)>>,
}

/// A machine that asks for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BootClient {
    /// The files that exist for it.
    pub(crate) viewer: Viewer,
    /// How far it counts blocks.
    pub(crate) rollover: Rollover,
}

impl SeenClients {
    /// `client`, with the card `mac`, has or gets `address`.
    pub(crate) fn note(&self, address: Ipv4Addr, mac: MacAddress, client: Client) {
        let mut known = self.by_address.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(&address) {
            known.clear();
        }
        known.insert(address, (mac, client));
    }

    fn at(&self, address: Ipv4Addr) -> Option<(MacAddress, Client)> {
        self.by_address.read().unwrap_or_else(PoisonError::into_inner).get(&address).cloned()
    }
}

/// Who `address` is, when it asks for `name`: what DHCP has seen, else what the name tells.
pub(crate) fn boot_client(shared: &Shared, address: Ipv4Addr, name: &FileName) -> BootClient {
    let seen = shared.seen.at(address);
    let mac = seen.as_ref().map(|(mac, _)| *mac);
    if let Some(mac) = mac {
        // It has understood where its files are.
        shared.pxe_memory().loads(netboot_protocol::dhcp::Hardware::ethernet(mac));
    }
    let client = match seen {
        Some((_, client)) => client,
        None => by_name(name),
    };
    let published = shared.boot_policy();
    let viewer = match shared.policy.boot_for(published.as_deref(), &client, mac) {
        BootChoice::Local { .. } | BootChoice::Nothing => Viewer::Nothing,
        BootChoice::Boot(offer) => match offer.tree {
            Some(tree) => Viewer::Tree { tree: tree.to_owned(), prefixes: prefixes(&client, mac, name) },
            None => Viewer::Nothing,
        },
    };
    // Fielded firmware of a Raspberry Pi cannot count beyond 65535, and hangs.
    let rollover = match client.class {
        ClientClass::RaspberryPi => Rollover::Refuse,
        _ => Rollover::ToZero,
    };
    BootClient { viewer, rollover }
}

/// The trees that the firmware of a Raspberry Pi loads from.
pub(crate) fn pi_trees(policy: &netboot_protocol::policy::Policy) -> Vec<String> {
    let for_pis = policy.boot().rules.iter().filter(|rule| {
        rule.class.as_ref().is_some_and(|classes| classes.contains(&ClientClass::RaspberryPi))
    });
    for_pis.filter_map(|rule| rule.tree.clone()).collect()
}

/// A machine that got its address from somebody else. A Raspberry Pi puts its serial number before every name.
fn by_name(name: &FileName) -> Client {
    let serial = name.split_first().and_then(|(first, _)| first.parse::<PiSerial>().ok());
    // Option 97 as older firmware fills it: four times the serial number.
    let pi = serial.and_then(|serial| {
        let machine_id = [&[0][..], &serial.number().to_be_bytes().repeat(4)].concat();
        PiIdentity::from_option_97(&machine_id)
    });
    let class = if pi.is_some() { ClientClass::RaspberryPi } else { ClientClass::Generic };
    Client { class, architecture: None, pi }
}

/// What this machine may put before its names.
fn prefixes(client: &Client, mac: Option<MacAddress>, name: &FileName) -> Vec<String> {
    if client.class != ClientClass::RaspberryPi {
        return Vec::new();
    }
    let serials = client.pi.and_then(|pi| pi.serials());
    let mut prefixes: Vec<String> =
        serials.iter().flatten().map(|serial| PiSerial::from(*serial).to_string()).collect();
    if serials.is_none()
        && let Some((first, _)) = name.split_first()
        && first.len() == 8
        && first.parse::<PiSerial>().is_ok()
    {
        // The boot ROM of a Pi 3 does not tell its serial number to DHCP.
        prefixes.push(first.to_owned());
    }
    prefixes.extend(mac.map(|mac| mac.to_string().replace(':', "-")));
    prefixes
}
