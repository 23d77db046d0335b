//! networkd's files. Cards that the configuration does not name stay off: the image's 30-slipway-lan.network matches them,
//! and the files here sort before it.

use appliance_config::{Addressing, Interface, Lan, Network, Side, Vlan};
use appliance_types::InterfaceName;

use crate::artefacts::Files;
use crate::paths;
use crate::unit_text::UnitText;

/// networkd gives the default route that a DHCP server on eth0 names the metric 1024; the lowest wins. A second WAN is for when
/// there is no first one.
const SECOND_WAN_ROUTE_METRIC: u32 = 1536;

/// A gateway in LAN must not win over WAN's.
const LAN_ROUTE_METRIC: u32 = 2048;

/// A name server that is not there. resolved is refused at once, and answers "failed"; the port is that of the discard service
/// (RFC 863), which no program of the image offers and only root could.
const NOBODY: &str = "127.0.0.1:9";

pub(crate) fn render(network: &Network, files: &mut Files) {
    for (name, interface) in &network.interfaces {
        let link = Link::of(network, name, interface);
        let text = match interface.side {
            _ if interface.addressing == Addressing::None => link.without_address(),
            Side::Wan => link.wan(),
            Side::Lan => link.lan(),
        };
        files.add(paths::network_file(name), text);
        if let Some(vlan) = &interface.vlan {
            files.add(paths::netdev_file(name), netdev(name, vlan));
        }
    }
}

/// An interface with what the rest of the configuration says about it.
struct Link<'a> {
    name: &'a InterfaceName,
    interface: &'a Interface,
    /// VLANs on it.
    vlans: Vec<&'a InterfaceName>,
    /// What it takes in may leave through another card, if the firewall lets it.
    forwards: bool,
    /// LAN machines are on it, whose names nobody else knows.
    home: Option<&'a Lan>,
}

impl<'a> Link<'a> {
    fn of(network: &'a Network, name: &'a InterfaceName, interface: &'a Interface) -> Link<'a> {
        let on_it = |other: &Interface| other.vlan.as_ref().is_some_and(|vlan| vlan.link == *name);
        let vlans = network.interfaces.iter().filter(|(_, other)| on_it(other)).map(|(name, _)| name);
        let home = Some(&network.lan).filter(|lan| lan.interface == *name);
        Link { name, interface, vlans: vlans.collect(), forwards: network.nat, home }
    }

    /// What the image's own WAN file says, and what the configuration has to say about IPv4 and names. IPv6 stays as the
    /// network gives it: a configuration has no words for it yet.
    fn wan(&self) -> String {
        let first = paths::is_wan(self.name);
        let mut text = UnitText::new(match first {
            true => "# WAN, from config.toml. It replaces the image's file of this name.",
            false => {
                "# WAN, from config.toml. Sorts before 30-slipway-lan.network, which keeps the other cards off."
            }
        });
        let metric = (!first).then_some(SECOND_WAN_ROUTE_METRIC);
        let own_dns = !self.interface.dns_servers.is_empty();
        text.section("Match").entry("Name", self.name);

        text.section("Network").entry("Description", "WAN");
        match self.interface.addressing {
            Addressing::Static { address, .. } => {
                text.entry("DHCP", "no").entry("ConfigureWithoutCarrier", "yes").entry("Address", address)
            }
            _ => text.entry("DHCP", "yes"),
        };
        text.entry("IPv6AcceptRA", "yes").entry("LinkLocalAddressing", "ipv6");
        self.common(&mut text);

        if let Addressing::Dhcp { gateway } = self.interface.addressing {
            text.section("DHCPv4");
            text.comment("The box keeps its own name; a server must not rename it.")
                .entry("UseHostname", "no");
            text.comment("The same device is the same client in every boot and slot.");
            text.entry("ClientIdentifier", "mac");
            match gateway {
                Some(_) => {
                    text.comment("The configuration names the gateway.");
                    text.entry("UseRoutes", "no").entry("UseGateway", "no");
                }
                None => drop(text.entries("RouteMetric", metric)),
            }
            own_names_only(&mut text, own_dns);
        }
        text.section("DHCPv6").entry("UseHostname", "no");
        own_names_only(&mut text, own_dns);
        if own_dns || !first {
            text.section("IPv6AcceptRA").entries("RouteMetric", metric);
            own_names_only(&mut text, own_dns);
        }
        route(&mut text, self.interface.addressing, metric);
        text.finish()
    }

    /// LAN has IPv4 only. An address that nobody configured, as a link-local one is, would be a door that nobody watches.
    fn lan(&self) -> String {
        let mut text = self.begin("LAN");
        match self.interface.addressing {
            // Services listen on the address, with or without a cable.
            Addressing::Static { address, .. } => {
                text.entry("DHCP", "no").entry("ConfigureWithoutCarrier", "yes").entry("Address", address)
            }
            _ => text.entry("DHCP", "ipv4"),
        };
        text.entry("IPv6AcceptRA", "no").entry("LinkLocalAddressing", "no");
        self.common(&mut text);

        if let Addressing::Dhcp { gateway } = self.interface.addressing {
            text.section("DHCPv4").entry("UseHostname", "no").entry("ClientIdentifier", "mac");
            match gateway {
                Some(_) => text.entry("UseRoutes", "no").entry("UseGateway", "no"),
                None => text.entry("RouteMetric", LAN_ROUTE_METRIC),
            };
            own_names_only(&mut text, !self.interface.dns_servers.is_empty());
        }
        route(&mut text, self.interface.addressing, Some(LAN_ROUTE_METRIC));
        text.finish()
    }

    /// Up, and nothing else: its VLANs have the addresses.
    fn without_address(&self) -> String {
        let mut text = self.begin("VLANs");
        text.entry("DHCP", "no").entry("IPv6AcceptRA", "no").entry("LinkLocalAddressing", "no");
        self.common(&mut text);
        text.finish()
    }

    fn begin(&self, description: &str) -> UnitText {
        let mut text = UnitText::new(match paths::is_wan(self.name) {
            true => "# From config.toml. It replaces the image's file of this name.",
            false => {
                "# From config.toml. Sorts before 30-slipway-lan.network, which keeps the other cards off."
            }
        });
        text.section("Match").entry("Name", self.name);
        text.section("Link");
        text.comment("Nothing waits for a cable here.").entry("RequiredForOnline", "no");
        text.section("Network").entry("Description", description);
        text
    }

    /// What every interface has in its `[Network]`. Nothing is announced or asked on the link.
    ///
    /// Forwarding is only ever turned on. Turned off for a card, networkd would write that, and a container's published port
    /// could not be reached from that card any more; what may pass between cards is the firewall's business.
    fn common(&self, text: &mut UnitText) {
        text.entry("LLMNR", "no").entry("MulticastDNS", "no").entry("LLDP", "no").entry("EmitLLDP", "no");
        text.entries("IPv4Forwarding", self.forwards.then_some("yes"));
        text.entries("DNS", &self.interface.dns_servers);
        text.entries("Domains", &self.interface.search_domains);
        if let Some(lan) = self.home.filter(|_| self.interface.dns_servers.is_empty()) {
            text.comment("What is not in /etc/hosts is not there: such questions end here, and are not the outside's to hear.");
            text.entry("DNS", NOBODY).entry("DNSDefaultRoute", "no");
            text.entries("Domains", routed(lan).iter().map(|domain| format!("~{domain}")));
        }
        text.entries("VLAN", &self.vlans);
    }
}

/// The domain of LAN, and the zones in which its addresses have names where they are few.
fn routed(lan: &Lan) -> Vec<String> {
    let [a, b, c, _] = lan.address.network().octets();
    let zones: Vec<String> = match lan.address.prefix() {
        16 => vec![format!("{b}.{a}.in-addr.arpa")],
        // A network of /20 has 16 zones.
        prefix @ 20..=24 => {
            (0..1u16 << (24 - prefix)).map(|n| format!("{}.{b}.{a}.in-addr.arpa", u16::from(c) + n)).collect()
        }
        _ => Vec::new(),
    };
    std::iter::once(lan.domain.to_string()).chain(zones).collect()
}

fn netdev(name: &InterfaceName, vlan: &Vlan) -> String {
    // The card stands here, too: with another one this is another file, and so another device.
    let mut text = UnitText::new(&format!("# A VLAN on {}, from config.toml.", vlan.link));
    text.section("NetDev").entry("Name", name).entry("Kind", "vlan");
    text.section("VLAN").entry("Id", vlan.id);
    text.finish()
}

/// The default route that the configuration names.
fn route(text: &mut UnitText, addressing: Addressing, metric: Option<u32>) {
    let (gateway, on_link) = match addressing {
        // Its network is known once a server has answered. The kernel would refuse the route until then.
        Addressing::Dhcp { gateway } => (gateway, true),
        Addressing::Static { gateway, .. } => (gateway, false),
        Addressing::None => return,
    };
    if let Some(gateway) = gateway {
        text.section("Route").entry("Gateway", gateway);
        text.entries("GatewayOnLink", on_link.then_some("yes"));
        text.entries("Metric", metric);
    }
}

fn own_names_only(text: &mut UnitText, own_dns: bool) {
    if own_dns {
        text.entry("UseDNS", "no");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{config, document, statements};

    const OF_THE_IMAGE: &str =
        include_str!("../../../../buildroot-overlay/usr/lib/systemd/network/20-slipway-wan.network");

    fn interface(side: Side, addressing: Addressing) -> Interface {
        Interface { side, vlan: None, addressing, dns_servers: vec![], search_domains: vec![] }
    }

    fn rendered(name: &str, interface: Interface) -> String {
        let mut network = config().network;
        network.interfaces = [(name.parse().unwrap(), interface)].into();
        let mut files = Files::default();
        render(&network, &mut files);
        let (_, file) = files.into_map().into_iter().next().unwrap();
        String::from_utf8(file.bytes).unwrap()
    }

    fn wan(addressing: Addressing) -> String {
        rendered("eth0", interface(Side::Wan, addressing))
    }

    fn lan(addressing: Addressing) -> String {
        rendered("eth3", interface(Side::Lan, addressing))
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
        let text = wan(Addressing::Dhcp { gateway: None });
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
        has(&wan(Addressing::Dhcp { gateway }), &own);
        has(&lan(Addressing::Dhcp { gateway }), &own);
        has_not(&wan(Addressing::Dhcp { gateway: None }), &own);
    }

    #[test]
    fn own_name_servers_are_the_only_ones() {
        let mut interface = interface(Side::Wan, Addressing::Dhcp { gateway: None });
        interface.dns_servers = vec![[192, 0, 2, 53].into(), "2001:db8::53".parse().unwrap()];
        interface.search_domains = vec!["lan".parse().unwrap()];
        let text = rendered("eth0", interface);
        has(&text, &["DNS=192.0.2.53", "DNS=2001:db8::53", "Domains=lan"]);
        // DHCPv4, DHCPv6 and router advertisements: each brings servers of its own.
        assert_eq!(statements(&text).iter().filter(|line| **line == "UseDNS=no").count(), 3);
    }

    #[test]
    fn lan_needs_no_cable_and_takes_no_default_route_from_wan() {
        let (address, gateway) = ("10.9.0.2/24".parse().unwrap(), Some([10, 9, 0, 1].into()));
        let text = lan(Addressing::Static { address, gateway });
        let no_cable = ["Address=10.9.0.2/24", "ConfigureWithoutCarrier=yes", "RequiredForOnline=no"];
        has(&text, &no_cable);
        has(&text, &["[Route]", "Gateway=10.9.0.1", "Metric=2048"]);
        let text = lan(Addressing::Dhcp { gateway: None });
        has(&text, &["DHCP=ipv4", "RouteMetric=2048", "RequiredForOnline=no"]);
    }

    #[test]
    fn a_second_wan_is_for_when_there_is_no_first() {
        let text = rendered("eth2", interface(Side::Wan, Addressing::Dhcp { gateway: None }));
        has(&text, &["DHCP=yes", "IPv6AcceptRA=yes"]);
        let metrics = statements(&text).into_iter().filter(|line| *line == "RouteMetric=1536").count();
        assert_eq!(metrics, 2, "of DHCP and of router advertisements: {text}");
        has_not(&wan(Addressing::Dhcp { gateway: None }), &["RouteMetric=1536"]);
        let (address, gateway) = ("192.0.2.2/24".parse().unwrap(), Some([192, 0, 2, 1].into()));
        let text = rendered("eth2", interface(Side::Wan, Addressing::Static { address, gateway }));
        has(&text, &["[Route]", "Metric=1536"]);
    }

    #[test]
    fn a_vlan_is_a_device_that_its_card_brings_up() {
        let network = document(
            "network.interfaces.tills = { mode = 'static', address = '10.3.0.1/24', vlan = { link = 'eth2', id = 30 } }\n\
             network.interfaces.isp = { mode = 'dhcp', vlan = { link = 'eth0', id = 7 } }\n\
             network.interfaces.eth2 = { mode = 'none' }\n",
        )
        .network;
        let mut files = Files::default();
        render(&network, &mut files);
        let files = files.into_map();
        let text = |name: &str| {
            String::from_utf8(files[&format!("/etc/systemd/network/{name}")].bytes.clone()).unwrap()
        };
        assert_eq!(
            statements(&text("25-slipway-tills.netdev")),
            ["[NetDev]", "Name=tills", "Kind=vlan", "[VLAN]", "Id=30"]
        );
        has(&text("25-slipway-eth2.network"), &["VLAN=tills", "DHCP=no", "LinkLocalAddressing=no"]);
        has(&text("25-slipway-tills.network"), &["Name=tills", "Address=10.3.0.1/24"]);
        has(&text("20-slipway-wan.network"), &["VLAN=isp", "DHCP=yes"]);
        has(&text("25-slipway-isp.network"), &["Name=isp", "DHCP=yes", "Description=WAN"]);
    }

    #[test]
    fn forwarding_is_turned_on_for_nat_and_never_off() {
        let forwards = |more: &str| {
            let mut files = Files::default();
            render(&document(more).network, &mut files);
            files
                .into_map()
                .into_values()
                .filter(|file| {
                    let text = String::from_utf8_lossy(&file.bytes);
                    assert!(!text.contains("IPv4Forwarding=no"));
                    text.contains("IPv4Forwarding=yes")
                })
                .count()
        };
        assert_eq!((forwards(""), forwards("network.nat = true")), (0, 2));
    }

    #[test]
    fn questions_about_names_of_lan_end_here() {
        let home = |cidr: &str, more: &str| {
            let text =
                format!("network.dnsmasq = {{ gateway_cidr = '{cidr}', domain = 'shop.example' }}\n{more}");
            let mut files = Files::default();
            render(&document(&text).network, &mut files);
            let file = files.into_map().remove("/etc/systemd/network/25-slipway-eth1.network").unwrap();
            let text = String::from_utf8(file.bytes).unwrap();
            let lines = text.lines().filter(|line| line.starts_with("D")).map(str::to_owned);
            lines.filter(|line| !line.starts_with("DHCP") && !line.starts_with("Desc")).collect::<Vec<_>>()
        };
        let nobody = ["DNS=127.0.0.1:9", "DNSDefaultRoute=no", "Domains=~shop.example"];
        for (cidr, zones) in [
            ("172.20.30.1/24", &["30.20.172.in-addr.arpa"][..]),
            ("10.44.0.1/16", &["44.10.in-addr.arpa"]),
            ("192.168.255.1/23", &["254.168.192.in-addr.arpa", "255.168.192.in-addr.arpa"]),
            ("10.0.0.1/26", &[]),
        ] {
            let expected = nobody.iter().map(|line| (*line).to_owned());
            let zones = zones.iter().map(|zone| format!("Domains=~{zone}"));
            assert_eq!(home(cidr, ""), expected.chain(zones).collect::<Vec<_>>(), "{cidr}");
        }
        // Somebody on LAN who knows more is asked.
        let own = "network.interfaces.eth1 = { mode = 'static', address = '10.0.0.1/24', dns_servers = ['10.0.0.2'] }";
        assert_eq!(home("10.0.0.1/24", own), ["DNS=10.0.0.2"]);
    }
}
