//! networkd's files. Cards that the configuration does not name stay off: the image's 30-slipway-lan.network matches them,
//! and the files here sort before it.

use appliance_config::{Addressing, Interface, Network, Side};
use appliance_types::InterfaceName;

use crate::artefacts::Files;
use crate::paths;
use crate::unit_text::UnitText;

/// Of default routes, networkd gives one from DHCP the metric 1024. A gateway in LAN must not win over WAN's.
const LAN_ROUTE_METRIC: u32 = 2048;

pub(crate) fn render(network: &Network, files: &mut Files) {
    for (card, interface) in &network.interfaces {
        match interface.side {
            Side::Wan => files.add(paths::WAN, wan(card, interface)),
            Side::Lan => files.add(paths::lan_file(card), lan(card, interface)),
        }
    }
}

/// What the image's own WAN file says, and what the configuration has to say about IPv4 and names. IPv6 stays as the
/// network gives it: a configuration has no words for it yet.
fn wan(card: &InterfaceName, interface: &Interface) -> String {
    let mut text = UnitText::new("# WAN, from config.toml. It replaces the image's file of this name.");
    let own_dns = !interface.dns_servers.is_empty();
    text.section("Match").entry("Name", card);

    text.section("Network").entry("Description", "WAN");
    match interface.addressing {
        Addressing::Dhcp { gateway } => {
            text.entry("DHCP", "yes");
            // networkd sets it once an address whose network it lies in is there.
            text.entries("Gateway", gateway);
        }
        Addressing::Static { address, gateway } => {
            text.entry("DHCP", "no").entry("ConfigureWithoutCarrier", "yes").entry("Address", address);
            text.entries("Gateway", gateway);
        }
    }
    text.entry("IPv6AcceptRA", "yes").entry("LinkLocalAddressing", "ipv6");
    quiet(&mut text);
    names(&mut text, interface);

    if let Addressing::Dhcp { gateway } = interface.addressing {
        text.section("DHCPv4");
        text.comment("The box keeps its own name; a server must not rename it.").entry("UseHostname", "no");
        text.comment("The same device is the same client in every boot and slot.");
        text.entry("ClientIdentifier", "mac");
        if gateway.is_some() {
            text.comment("The configuration names the gateway.");
            text.entry("UseRoutes", "no").entry("UseGateway", "no");
        }
        own_names_only(&mut text, own_dns);
    }
    text.section("DHCPv6").entry("UseHostname", "no");
    own_names_only(&mut text, own_dns);
    if own_dns {
        text.section("IPv6AcceptRA");
        own_names_only(&mut text, own_dns);
    }
    text.finish()
}

/// LAN has IPv4 only. An address that nobody configured, as a link-local one is, would be a door that nobody watches.
///
/// Forwarding is not set here. networkd would write it for each card, after which a container's published port could not
/// be reached from that card; what may pass between cards is the firewall's business, and it lets nothing.
fn lan(card: &InterfaceName, interface: &Interface) -> String {
    let mut text = UnitText::new(
        "# LAN, from config.toml. Sorts before 30-slipway-lan.network, which keeps the other cards off.",
    );
    text.section("Match").entry("Name", card);
    text.section("Link");
    text.comment("Nothing waits for a cable in LAN.").entry("RequiredForOnline", "no");

    text.section("Network").entry("Description", "LAN");
    match interface.addressing {
        Addressing::Dhcp { .. } => text.entry("DHCP", "ipv4"),
        // Services listen on the address, with or without a cable.
        Addressing::Static { address, .. } => {
            text.entry("DHCP", "no").entry("ConfigureWithoutCarrier", "yes").entry("Address", address)
        }
    };
    text.entry("IPv6AcceptRA", "no").entry("LinkLocalAddressing", "no");
    quiet(&mut text);
    names(&mut text, interface);

    match interface.addressing {
        Addressing::Dhcp { gateway } => {
            text.section("DHCPv4").entry("UseHostname", "no").entry("ClientIdentifier", "mac");
            match gateway {
                Some(_) => text.entry("UseRoutes", "no").entry("UseGateway", "no"),
                None => text.entry("RouteMetric", LAN_ROUTE_METRIC),
            };
            own_names_only(&mut text, !interface.dns_servers.is_empty());
            route(&mut text, gateway);
        }
        Addressing::Static { gateway, .. } => route(&mut text, gateway),
    }
    text.finish()
}

fn route(text: &mut UnitText, gateway: Option<std::net::Ipv4Addr>) {
    if let Some(gateway) = gateway {
        text.section("Route").entry("Gateway", gateway).entry("Metric", LAN_ROUTE_METRIC);
    }
}

/// Nothing is announced or asked on the link.
fn quiet(text: &mut UnitText) {
    text.entry("LLMNR", "no").entry("MulticastDNS", "no").entry("LLDP", "no").entry("EmitLLDP", "no");
}

fn names(text: &mut UnitText, interface: &Interface) {
    text.entries("DNS", &interface.dns_servers);
    text.entries("Domains", &interface.search_domains);
}

fn own_names_only(text: &mut UnitText, own_dns: bool) {
    if own_dns {
        text.entry("UseDNS", "no");
    }
}
