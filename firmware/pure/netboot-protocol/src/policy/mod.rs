//! The policy of `netbootd`: which interfaces, which addresses for whom, what boots.
//!
//! [`PolicyFile`] is what is written; [`Policy`] is what it means, and exists only when all of it makes sense.

mod file;

mod check;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use appliance_types::{InterfaceName, Ipv4Cidr, MacAddress};

use crate::boot_policy::{BootAnswer, BootPolicy};
use crate::client::{Client, ClientClass};

pub use check::Problem;
pub use file::{
    AddressRange, BootRuleTable, BootTable, DhcpMode, DhcpTable, Identity, InterfaceTable, ListenTable,
    PiSerial, PolicyFile, PxeStrategy, ReservationTable, StateTable, SubnetTable,
};

/// A policy that makes sense as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    file: PolicyFile,
    by_mac: BTreeMap<MacAddress, usize>,
    by_client_id: BTreeMap<Vec<u8>, usize>,
    by_address: BTreeMap<Ipv4Addr, usize>,
}

impl Policy {
    /// The policy of this file.
    ///
    /// # Errors
    /// All that is wrong with it, at once.
    pub fn new(file: PolicyFile) -> Result<Policy, Vec<Problem>> {
        check::check(file)
    }

    /// Where state is kept and told.
    pub fn state(&self) -> &StateTable {
        &self.file.state
    }

    /// Ports.
    pub fn listen(&self) -> &ListenTable {
        &self.file.listen
    }

    /// How the DHCP server behaves.
    pub fn dhcp(&self) -> &DhcpTable {
        &self.file.dhcp
    }

    /// What is booted.
    pub fn boot(&self) -> &BootTable {
        &self.file.boot
    }

    /// The interfaces that are served.
    pub fn interfaces(&self) -> impl Iterator<Item = (&InterfaceName, &InterfaceTable)> {
        self.file.interfaces.iter()
    }

    /// The subnets, in the order they are written.
    pub fn subnets(&self) -> &[SubnetTable] {
        &self.file.subnets
    }

    /// The subnet that `address` is in.
    pub fn subnet_of(&self, address: Ipv4Addr) -> Option<&SubnetTable> {
        self.file.subnets.iter().find(|subnet| subnet.network.contains(address))
    }

    /// Whether a subnet is on none of our own wires.
    pub fn is_behind_relays(&self, subnet: &SubnetTable) -> bool {
        !self.file.interfaces.values().any(|interface| subnet.network.contains(interface.address.address()))
    }

    /// What is allowed and has a catch.
    pub fn warnings(&self) -> Vec<String> {
        let proxies = self.file.interfaces.iter().filter(|(_, interface)| interface.dhcp == DhcpMode::Proxy);
        let mut warnings: Vec<String> = proxies
            .map(|(name, _)| {
                format!(
                    "interfaces.{name}: some UEFI firmware takes the address and the boot file from one server only, and will \
                     not boot from a proxy; let netbootd be the only DHCP server there if a machine does not"
                )
            })
            .collect();
        if self.file.dhcp.force {
            warnings.push(
                "dhcp.force: another DHCP server on the same wire will not keep this one from starting"
                    .to_owned(),
            );
        }
        warnings
    }

    /// Every reservation.
    pub fn reservations(&self) -> impl Iterator<Item = &ReservationTable> {
        self.file.reservations.iter()
    }

    /// The addresses reserved for a client, by its identifier (option 61) and by its card.
    pub fn reservations_for(
        &self,
        client_id: Option<&[u8]>,
        mac: Option<MacAddress>,
    ) -> impl Iterator<Item = &ReservationTable> {
        let by_id = client_id.and_then(|id| self.by_client_id.get(id)).copied();
        let by_mac = mac.and_then(|mac| self.by_mac.get(&mac)).copied();
        by_id.into_iter().chain(by_mac).filter_map(|index| self.file.reservations.get(index))
    }

    /// The reservation that an address belongs to.
    pub fn reservation_of(&self, address: Ipv4Addr) -> Option<&ReservationTable> {
        self.by_address.get(&address).and_then(|&index| self.file.reservations.get(index))
    }

    /// Our own addresses.
    pub fn is_ours(&self, address: Ipv4Addr) -> bool {
        self.file.interfaces.values().any(|interface| interface.address.address() == address)
    }

    /// What a client boots, by the rules and by what is published for its card.
    pub fn boot_for<'p>(
        &'p self,
        published: Option<&'p BootPolicy>,
        client: &Client,
        mac: Option<MacAddress>,
    ) -> BootChoice<'p> {
        match published.and_then(|published| published.answer(mac)) {
            Some(BootAnswer::Local) => BootChoice::Local { because: "boot-policy.json" },
            Some(BootAnswer::Boot(target)) => BootChoice::Boot(BootOffer {
                name: target.intent.as_deref().unwrap_or("boot-policy.json"),
                tree: Some(&target.tree),
                file: target.file.as_deref(),
                url: None,
                pxe: PxeStrategy::Auto,
                pxelinux_config: None,
                pxelinux_prefix: None,
            }),
            None => self.boot_by_rule(client, mac),
        }
    }

    fn boot_by_rule(&self, client: &Client, mac: Option<MacAddress>) -> BootChoice<'_> {
        let Some(rule) = self.file.boot.rules.iter().find(|rule| rule.matches(client, mac)) else {
            return BootChoice::Nothing;
        };
        if rule.local {
            return BootChoice::Local { because: &rule.name };
        }
        BootChoice::Boot(BootOffer {
            name: &rule.name,
            tree: rule.tree.as_deref(),
            file: rule.file.as_deref(),
            url: rule.url.as_deref(),
            pxe: rule.pxe,
            pxelinux_config: rule.pxelinux_config.as_deref(),
            pxelinux_prefix: rule.pxelinux_prefix.as_deref(),
        })
    }
}

/// What a client is told to boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootChoice<'p> {
    /// Its own disk.
    Local {
        /// What says so.
        because: &'p str,
    },
    /// From here.
    Boot(BootOffer<'p>),
    /// Nobody has said anything about it.
    Nothing,
}

/// What a client is offered to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootOffer<'p> {
    /// The rule or order behind it, for logs.
    pub name: &'p str,
    /// The folder below the root of boot files that it sees.
    pub tree: Option<&'p str>,
    /// The file in it that DHCP names.
    pub file: Option<&'p str>,
    /// What is named instead of a file of ours.
    pub url: Option<&'p str>,
    /// How a PXE client learns of it.
    pub pxe: PxeStrategy,
    /// Option 209.
    pub pxelinux_config: Option<&'p str>,
    /// Option 210.
    pub pxelinux_prefix: Option<&'p str>,
}

impl BootRuleTable {
    /// Whether it is about this client.
    pub fn matches(&self, client: &Client, mac: Option<MacAddress>) -> bool {
        fn listed<T: PartialEq>(list: Option<&Vec<T>>, value: Option<T>) -> bool {
            list.is_none_or(|list| value.is_some_and(|value| list.contains(&value)))
        }
        let serial = |serials: &Vec<PiSerial>| {
            client.pi.is_some_and(|pi| serials.iter().any(|serial| pi.may_be(serial.number())))
        };
        listed(self.class.as_ref(), Some(client.class))
            && listed(self.architecture.as_ref(), client.architecture)
            && listed(self.mac.as_ref(), mac)
            && self.serial.as_ref().is_none_or(serial)
            // A rule without classes is about what boots, not about every laptop that wants an address.
            && (self.class.is_some() || client.class != ClientClass::Generic)
    }
}

/// The interface's own network.
impl InterfaceTable {
    /// Whether `address` is on the wire of this interface.
    pub fn is_on_link(&self, address: Ipv4Addr) -> bool {
        let network: Ipv4Cidr = self.address;
        network.contains(address)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
