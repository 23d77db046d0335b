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
        Addressing::Dhcp { .. } => text.entry("DHCP", "yes"),
        Addressing::Static { address, .. } => {
            text.entry("DHCP", "no").entry("ConfigureWithoutCarrier", "yes").entry("Address", address)
        }
    };
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
    route(&mut text, interface.addressing, None);
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

    if let Addressing::Dhcp { gateway } = interface.addressing {
        text.section("DHCPv4").entry("UseHostname", "no").entry("ClientIdentifier", "mac");
        match gateway {
            Some(_) => text.entry("UseRoutes", "no").entry("UseGateway", "no"),
            None => text.entry("RouteMetric", LAN_ROUTE_METRIC),
        };
        own_names_only(&mut text, !interface.dns_servers.is_empty());
    }
    route(&mut text, interface.addressing, Some(LAN_ROUTE_METRIC));
    text.finish()
}

/// The default route that the configuration names.
fn route(text: &mut UnitText, addressing: Addressing, metric: Option<u32>) {
    let (gateway, on_link) = match addressing {
        // Its network is known once a server has answered. The kernel would refuse the route until then.
        Addressing::Dhcp { gateway } => (gateway, true),
        Addressing::Static { gateway, .. } => (gateway, false),
    };
    if let Some(gateway) = gateway {
        text.section("Route").entry("Gateway", gateway);
        text.entries("GatewayOnLink", on_link.then_some("yes"));
        text.entries("Metric", metric);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{config, statements};

    const OF_THE_IMAGE: &str =
        include_str!("../../../../buildroot-overlay/usr/lib/systemd/network/20-slipway-wan.network");

    fn interface(side: Side, addressing: Addressing) -> Interface {
        Interface { side, addressing, dns_servers: vec![], search_domains: vec![] }
    }

    fn has(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(statements(text).contains(line), "{line} is missing:\n{text}");
        }
    }

    fn has_not(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(!statements(text).contains(line), "{line} is there:\n{text}");
        }
    }

    #[test]
    fn wan_without_a_word_about_it_is_the_image_s_own() {
        let card = "eth0".parse().unwrap();
        let text = wan(&card, &config().network.interfaces[&card]);
        assert_eq!(statements(&text), statements(OF_THE_IMAGE));
    }

    #[test]
    fn every_card_has_one_file_and_the_others_are_left_to_the_image() {
        let mut network = config().network;
        let dhcp = interface(Side::Lan, Addressing::Dhcp { gateway: None });
        network.interfaces.insert("eth12".parse().unwrap(), dhcp);
        let mut files = Files::default();
        render(&network, &mut files);
        let paths: Vec<String> = files.into_map().into_keys().collect();
        let folder = "/etc/systemd/network";
        let expected = ["20-slipway-wan", "25-slipway-eth1", "25-slipway-eth12"];
        assert_eq!(paths, expected.map(|name| format!("{folder}/{name}.network")));
    }

    #[test]
    fn a_gateway_beside_dhcp_replaces_the_server_s_routes() {
        let gateway = Some([192, 0, 2, 254].into());
        let own = ["[Route]", "Gateway=192.0.2.254", "GatewayOnLink=yes", "UseRoutes=no", "UseGateway=no"];
        let card = "eth0".parse().unwrap();
        has(&wan(&card, &interface(Side::Wan, Addressing::Dhcp { gateway })), &own);
        has(&lan(&card, &interface(Side::Lan, Addressing::Dhcp { gateway })), &own);
        has_not(&wan(&card, &interface(Side::Wan, Addressing::Dhcp { gateway: None })), &own);
    }

    #[test]
    fn own_name_servers_are_the_only_ones() {
        let mut interface = interface(Side::Wan, Addressing::Dhcp { gateway: None });
        interface.dns_servers = vec![[192, 0, 2, 53].into(), "2001:db8::53".parse().unwrap()];
        interface.search_domains = vec!["lan".parse().unwrap()];
        let text = wan(&"eth0".parse().unwrap(), &interface);
        has(&text, &["DNS=192.0.2.53", "DNS=2001:db8::53", "Domains=lan"]);
        // DHCPv4, DHCPv6 and router advertisements: each brings servers of its own.
        assert_eq!(statements(&text).iter().filter(|line| **line == "UseDNS=no").count(), 3);
    }

    #[test]
    fn lan_needs_no_cable_and_takes_no_default_route_from_wan() {
        let (address, gateway) = ("10.9.0.2/24".parse().unwrap(), Some([10, 9, 0, 1].into()));
        let card = "eth3".parse().unwrap();
        let text = lan(&card, &interface(Side::Lan, Addressing::Static { address, gateway }));
        let no_cable = ["Address=10.9.0.2/24", "ConfigureWithoutCarrier=yes", "RequiredForOnline=no"];
        has(&text, &no_cable);
        has(&text, &["[Route]", "Gateway=10.9.0.1", "Metric=2048"]);
        let text = lan(&card, &interface(Side::Lan, Addressing::Dhcp { gateway: None }));
        has(&text, &["DHCP=ipv4", "RouteMetric=2048", "RequiredForOnline=no"]);
    }
}
