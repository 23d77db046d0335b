//! What `[network]` means, once it is known to be right.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use appliance_types::{DomainName, HostLabel, HostnamePattern, InterfaceName, Ipv4Cidr, MacAddress, VlanId};

use crate::TimeServer;

/// Interfaces, what LAN machines are given, and the firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// By name. Always has `eth0` (WAN) and the interface of [`Lan`], with defaults where the document says nothing. The
    /// networks of static ones do not overlap.
    pub interfaces: BTreeMap<InterfaceName, Interface>,
    /// What the machines on LAN are given.
    pub lan: Lan,
    /// Where the time comes from. Empty: from where the image takes it.
    pub time_servers: Vec<TimeServer>,
    /// Whether LAN machines reach WAN through this box, under its address there.
    pub nat: bool,
    /// What the firewall lets in.
    pub firewall: Firewall,
}

/// A network card, or a VLAN on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// `eth0` is WAN. A VLAN is on the side of what it is on, every other LAN, unless the document says otherwise.
    pub side: Side,
    /// `Some`: no card, but a VLAN on one.
    pub vlan: Option<Vlan>,
    /// Where its address comes from.
    pub addressing: Addressing,
    /// Name servers, in the order written. With DHCP and a list, the server's own are not used.
    pub dns_servers: Vec<IpAddr>,
    /// Domains that short names are looked up in.
    pub search_domains: Vec<DomainName>,
}

/// A virtual network on a card (IEEE 802.1Q).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vlan {
    /// The interface whose frames carry the number. It is in [`Network::interfaces`], and no VLAN itself.
    pub link: InterfaceName,
    /// The number; no two VLANs of one link have the same.
    pub id: VlanId,
}

/// Towards whom an interface leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The outside.
    Wan,
    /// The owner's machines.
    Lan,
}

/// Where an address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// A DHCP server's. With a gateway here, the server's routes are not used.
    Dhcp {
        /// The default gateway.
        gateway: Option<Ipv4Addr>,
    },
    /// A fixed one, there with or without a cable.
    Static {
        /// Address and network.
        address: Ipv4Cidr,
        /// The default gateway; it lies in the network.
        gateway: Option<Ipv4Addr>,
    },
    /// None: it only carries VLANs.
    None,
}

/// What the machines on LAN are given: addresses, names, the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lan {
    /// The interface they are on. Static, on the LAN side.
    pub interface: InterfaceName,
    /// The box's address there: their gateway, name server and time server.
    pub address: Ipv4Cidr,
    /// Addresses by DHCP. `None`: somebody else on this LAN hands them out.
    pub dhcp: Option<LanDhcp>,
    /// The domain of local names.
    pub domain: DomainName,
    /// Names of the box itself. A short one is also one in [`Lan::domain`].
    pub gateway_names: Vec<DomainName>,
    /// One more name of the box, made from the MAC address of [`Lan::interface`].
    pub hostname_pattern: Option<HostnamePattern>,
    /// Names the owner wrote down, with their addresses. A short one is also one in [`Lan::domain`].
    pub hosts: BTreeMap<DomainName, IpAddr>,
}

/// What the DHCP server hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanDhcp {
    /// The first address for machines that have none reserved. All up to the last lie in the network of [`Lan::address`], and
    /// neither is the box's own, the network's, nor everybody's.
    pub first: Ipv4Addr,
    /// The last one; not before the first.
    pub last: Ipv4Addr,
    /// How long a machine may keep an address without asking again, 2 min to 30 days.
    pub lease_time: Duration,
    /// Machines that always get the same one, by MAC address. No two have the same address or name.
    pub reservations: BTreeMap<MacAddress, Reservation>,
}

/// What one machine always gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its address, a host's in the network of [`Lan::address`]; it may lie between [`LanDhcp::first`] and [`LanDhcp::last`].
    pub address: Ipv4Addr,
    /// Its name in [`Lan::domain`], whatever it calls itself.
    pub hostname: Option<HostLabel>,
}

/// What the firewall lets in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Firewall {
    /// From WAN: these, and nothing else. Never SSH, nor the console.
    pub wan: Ports,
    /// Whether administrators may log in from WAN, too.
    pub wan_ssh: bool,
    /// From LAN.
    pub lan: LanPolicy,
}

/// What LAN machines may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LanPolicy {
    /// Everything: nothing was listed.
    #[default]
    Open,
    /// These ports, and always the platform's own (SSH 22/tcp, DNS 53, DHCP 67/udp, NTP 123/udp, console 8080/tcp; with netboot HTTP 80/tcp, TFTP 69
    /// and PXE 4011/udp).
    Only(Ports),
}

/// Port numbers, 1 to 65535.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    /// TCP.
    pub tcp: BTreeSet<u16>,
    /// UDP.
    pub udp: BTreeSet<u16>,
}
