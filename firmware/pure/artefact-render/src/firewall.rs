//! nftables' rules: the image's own table, with what the configuration opens.
//!
//! # Containers
//!
//! A rootless container's ports are opened on the host by its own process, and a container on the host's network opens its
//! own: for both, the input chain decides. A rootful container on a network of its own sits behind a bridge, and its
//! packets are forwarded. Netavark has a table of its own for them (masquerading, published ports), but a packet has to be
//! accepted by every chain on its way, and our forward chain drops. So it lets pass, and only when such a network exists:
//!
//! * out of a bridge to WAN;
//! * to a published port, which is to say what Netavark's table has redirected, from where the rules for the box's own
//!   ports would have let it in: a WAN port must be listed, LAN as its policy says, the port being the one on the host;
//! * from a bridge to a port that another container publishes.
//!
//! Never between two cards, although Netavark turns on forwarding for the whole machine; never from one network of
//! containers to another; and not from a bridge to LAN: a container that serves LAN machines publishes a port, and one that
//! has to call them runs without a bridge.
//!
//! The bridges are known by the name Podman gives them, `podman` and a number. Podman 5.4 has no key for another one in a
//! `.network` unit, and a configuration cannot give the argument.

use std::collections::BTreeSet;
use std::fmt::Display;

use appliance_config::{
    Addressing, Containers, Interface, LanPolicy, Mode, NetbootMode, Network, Ports, Side,
};
use appliance_types::InterfaceName;

use crate::artefacts::Files;
use crate::paths;

const HEAD: &str = "\
#!/usr/sbin/nft -f
# The firewall of config.toml: nothing gets in but what we asked for, errors, pings, what IPv6 and DHCP cannot work without,
# and what is opened below. Only our own table is replaced, so that a reload leaves the containers' tables alone.

table inet slipway
delete table inet slipway

table inet slipway {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;

\t\tiif lo accept
\t\tct state established,related accept
\t\tct state invalid drop

\t\ticmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept
\t\ticmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
\t\t# Neighbours and routers are on this link: what was forwarded has a smaller hop limit (RFC 4861 7.1).
\t\tip6 hoplimit 255 icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept
\t\tip6 saddr fe80::/10 icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept
";

/// The platform's own services, which LAN machines always reach: SSH, DNS, DHCP, NTP, the console.
const LAN_TCP: [u16; 3] = [22, 53, 8080];
const LAN_UDP: [u16; 3] = [53, 67, 123];

/// What machines need that boot from this box: HTTP; TFTP, and the answers of a proxy (PXE's 4011).
const BOOT_TCP: [u16; 1] = [80];
const BOOT_UDP: [u16; 2] = [69, 4011];

const BRIDGES: &str = "\"podman*\"";

pub(crate) fn render(network: &Network, containers: &Containers, netboot: NetbootMode, files: &mut Files) {
    let bridges = containers.networks.values().any(|network| network.modes.contains(&Mode::Rootful));
    let mut text = Rules(HEAD.to_owned());
    dhcp(&mut text, network);
    let sides = Sides::of(network, netboot != NetbootMode::Off);
    for side in &sides {
        side.input(&mut text);
    }
    if bridges {
        text.blank().comment("Containers behind a bridge ask the box for names (aardvark-dns).");
        text.rule(format_args!("iifname {BRIDGES} meta l4proto {{ tcp, udp }} th dport 53 accept"));
    }
    text.0.push_str("\t}\n\n\tchain forward {\n");
    text.rule("type filter hook forward priority filter; policy drop;");
    let through = network.nat.then(|| through(network)).flatten();
    if bridges || through.is_some() {
        text.blank().rule("ct state established,related accept").rule("ct state invalid drop");
    }
    if let Some(through) = &through {
        text.blank().comment("LAN machines reach WAN, and only what they asked for comes back.");
        text.rule(format_args!("{through} accept"));
    }
    if bridges {
        text.blank().comment("Containers behind a bridge: out to WAN, and in to what they publish.");
        for side in &sides {
            side.forward(&mut text);
        }
        text.rule(format_args!("iifname {BRIDGES} oifname {BRIDGES} ct status dnat accept"));
    }
    text.0.push_str("\t}\n");
    if let Some(through) = &through {
        text.0.push_str("\n\tchain postrouting {\n");
        text.rule("type nat hook postrouting priority srcnat; policy accept;");
        text.blank().comment("What LAN machines send leaves under the box's own address.");
        text.rule(format_args!("{through} masquerade"));
        text.0.push_str("\t}\n");
    }
    text.0.push_str("}\n");
    files.add_with_mode(paths::FIREWALL, text.0, 0o755);
}

/// What goes from LAN to WAN. `None` where there is no card on one of the sides. LAN machines have IPv4 only, and so has NAT.
fn through(network: &Network) -> Option<String> {
    let (lan, wan) = (cards(network, Side::Lan), cards(network, Side::Wan));
    let both = !lan.is_empty() && !wan.is_empty();
    both.then(|| format!("meta nfproto ipv4 iifname {} oifname {}", quoted(&lan), quoted(&wan)))
}

/// Answers to our own requests.
fn dhcp(text: &mut Rules, network: &Network) {
    let clients: Vec<&InterfaceName> = network
        .interfaces
        .iter()
        .filter(|(_, interface)| matches!(interface.addressing, Addressing::Dhcp { .. }))
        .map(|(name, _)| name)
        .collect();
    text.blank();
    text.comment(
        "Answers to our DHCP requests: they come from a server that the request, a broadcast, did not name.",
    );
    if !clients.is_empty() {
        text.rule(format_args!("iifname {} udp sport 67 udp dport 68 accept", quoted(&clients)));
    }
    for wan in cards(network, Side::Wan) {
        text.rule(format_args!("iifname \"{wan}\" ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept"));
    }
}

/// Cards on one side, and what may come in there: all, or these ports.
struct Sides<'a> {
    side: Side,
    cards: Vec<&'a InterfaceName>,
    ports: Option<Ports>,
    /// SSH has a rule of its own: it is the box's, and never a container's published port.
    ssh: bool,
}

impl Sides<'_> {
    fn of(network: &Network, boots: bool) -> Vec<Sides<'_>> {
        let (boot_tcp, boot_udp): (&[u16], &[u16]) = if boots { (&BOOT_TCP, &BOOT_UDP) } else { (&[], &[]) };
        let lan = match &network.firewall.lan {
            LanPolicy::Open => None,
            LanPolicy::Only(ports) => Some(Ports {
                tcp: ports.tcp.iter().chain(&LAN_TCP).chain(boot_tcp).copied().collect(),
                udp: ports.udp.iter().chain(&LAN_UDP).chain(boot_udp).copied().collect(),
            }),
        };
        let wan = (Side::Wan, Some(network.firewall.wan.clone()), network.firewall.wan_ssh);
        let sides = [wan, (Side::Lan, lan, false)].into_iter();
        let with_cards =
            sides.map(|(side, ports, ssh)| Sides { side, cards: cards(network, side), ports, ssh });
        with_cards.filter(|side| !side.cards.is_empty()).collect()
    }

    fn input(&self, text: &mut Rules) {
        let from = quoted(&self.cards);
        if self.ssh {
            text.blank().comment("Administrators log in from WAN, too.");
            text.rule(format_args!("iifname {from} tcp dport 22 accept"));
        }
        match (&self.ports, self.side) {
            (None, _) => {
                text.blank().comment("LAN reaches everything on this box.");
                text.rule(format_args!("iifname {from} accept"));
            }
            (Some(ports), side) => {
                if ports.tcp.is_empty() && ports.udp.is_empty() {
                    return;
                }
                text.blank().comment(match side {
                    Side::Wan => "Opened to WAN.",
                    Side::Lan => "Opened to LAN, and what LAN machines need of this box in any case.",
                });
                for (protocol, numbers) in protocols(ports) {
                    text.rule(format_args!("iifname {from} {protocol} dport {} accept", set(numbers)));
                }
            }
        }
    }

    fn forward(&self, text: &mut Rules) {
        let from = quoted(&self.cards);
        if self.side == Side::Wan {
            text.rule(format_args!("iifname {BRIDGES} oifname {from} accept"));
        }
        let published = format!("iifname {from} oifname {BRIDGES} ct status dnat");
        match &self.ports {
            None => {
                text.rule(format_args!("{published} accept"));
            }
            Some(ports) => {
                for (protocol, numbers) in protocols(ports) {
                    let numbers = set(numbers);
                    text.rule(format_args!(
                        "{published} meta l4proto {protocol} ct original proto-dst {numbers} accept"
                    ));
                }
            }
        }
    }
}

fn protocols(ports: &Ports) -> impl Iterator<Item = (&'static str, &BTreeSet<u16>)> {
    [("tcp", &ports.tcp), ("udp", &ports.udp)].into_iter().filter(|(_, numbers)| !numbers.is_empty())
}

/// Interfaces of a side that have an address.
fn cards(network: &Network, side: Side) -> Vec<&InterfaceName> {
    let on_side = |interface: &Interface| interface.side == side && interface.addressing != Addressing::None;
    network.interfaces.iter().filter(|(_, interface)| on_side(interface)).map(|(name, _)| name).collect()
}

/// Names in quotes: an interface may be called as a word of nft is.
fn quoted(names: &[&InterfaceName]) -> String {
    set(names.iter().map(|name| format!("\"{name}\"")))
}

/// `22`, or `{ 22, 53 }`.
fn set(items: impl IntoIterator<Item: Display>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.as_slice() {
        [one] => one.clone(),
        _ => format!("{{ {} }}", items.join(", ")),
    }
}

struct Rules(String);

impl Rules {
    fn rule(&mut self, rule: impl Display) -> &mut Rules {
        self.0.push_str(&format!("\t\t{rule}\n"));
        self
    }

    fn comment(&mut self, text: &str) -> &mut Rules {
        self.rule(format_args!("# {text}"))
    }

    fn blank(&mut self) -> &mut Rules {
        self.0.push('\n');
        self
    }
}

#[cfg(test)]
mod tests {
    use appliance_config::Resource;

    use super::*;
    use crate::testing::{config, document, resource, section, statements};

    const OF_THE_IMAGE: &str = include_str!("../../../../buildroot-overlay/etc/nftables.conf");

    fn rendered(network: &Network, containers: &Containers) -> String {
        let mut files = Files::default();
        render(network, containers, NetbootMode::Off, &mut files);
        String::from_utf8(files.into_map().remove(paths::FIREWALL).unwrap().bytes).unwrap()
    }

    /// The rules that the image does not have. All of the image's are there.
    fn added(network: &Network, containers: &Containers) -> Vec<String> {
        let text = rendered(network, containers);
        let (ours, image) = (statements(&text), statements(OF_THE_IMAGE));
        let mut left = image.iter().peekable();
        let more: Vec<String> = ours
            .iter()
            .filter(|line| left.next_if(|next| next == line).is_none())
            .map(|line| (*line).to_owned())
            .collect();
        assert_eq!(left.next(), None, "a rule of the image is missing:\n{text}");
        more
    }

    fn ports(tcp: &[u16], udp: &[u16]) -> Ports {
        Ports { tcp: tcp.iter().copied().collect(), udp: udp.iter().copied().collect() }
    }

    fn with_network(mode: Mode) -> Containers {
        let network: Resource = resource(&[mode], section("Network", &[]));
        Containers { networks: [("back".parse().unwrap(), network)].into(), ..Containers::default() }
    }

    #[test]
    fn with_nothing_opened_it_is_the_image_s_own_and_lan() {
        assert_eq!(added(&config().network, &Containers::default()), ["iifname \"eth1\" accept"]);
    }

    #[test]
    fn a_list_of_ports_for_lan_closes_it_but_for_the_platform_s() {
        let mut network = config().network;
        network.firewall.lan = LanPolicy::Only(ports(&[9000], &[]));
        network.firewall.wan = ports(&[], &[51820]);
        let expected = [
            "iifname \"eth0\" udp dport 51820 accept",
            "iifname \"eth1\" tcp dport { 22, 53, 8080, 9000 } accept",
            "iifname \"eth1\" udp dport { 53, 67, 123 } accept",
        ];
        assert_eq!(added(&network, &Containers::default()), expected);
    }

    #[test]
    fn what_boots_from_this_box_reaches_it_through_a_list_of_ports() {
        let mut network = config().network;
        network.firewall.lan = LanPolicy::Only(ports(&[9000], &[]));
        let rules = |mode| {
            let mut files = Files::default();
            render(&network, &Containers::default(), mode, &mut files);
            String::from_utf8(files.into_map().remove(paths::FIREWALL).unwrap().bytes).unwrap()
        };
        for mode in [NetbootMode::Server, NetbootMode::Proxy] {
            assert!(rules(mode).contains("iifname \"eth1\" tcp dport { 22, 53, 80, 8080, 9000 } accept"));
            assert!(rules(mode).contains("iifname \"eth1\" udp dport { 53, 67, 69, 123, 4011 } accept"));
        }
        assert!(!rules(NetbootMode::Off).contains("4011"));
    }

    #[test]
    fn rootless_networks_change_nothing_and_rootful_ones_forward_only_what_is_published() {
        let mut network = config().network;
        assert_eq!(added(&network, &with_network(Mode::Rootless)), ["iifname \"eth1\" accept"]);
        network.firewall.wan = ports(&[443, 80], &[]);
        let expected = [
            "iifname \"eth0\" tcp dport { 80, 443 } accept",
            "iifname \"eth1\" accept",
            "iifname \"podman*\" meta l4proto { tcp, udp } th dport 53 accept",
            "ct state established,related accept",
            "ct state invalid drop",
            "iifname \"podman*\" oifname \"eth0\" accept",
            "iifname \"eth0\" oifname \"podman*\" ct status dnat meta l4proto tcp ct original proto-dst { 80, 443 } accept",
            "iifname \"eth1\" oifname \"podman*\" ct status dnat accept",
            "iifname \"podman*\" oifname \"podman*\" ct status dnat accept",
        ];
        assert_eq!(added(&network, &with_network(Mode::Rootful)), expected);
    }

    #[test]
    fn ssh_from_wan_has_a_rule_of_its_own() {
        let mut network = config().network;
        network.firewall.wan_ssh = true;
        let expected = ["iifname \"eth0\" tcp dport 22 accept", "iifname \"eth1\" accept"];
        assert_eq!(added(&network, &Containers::default()), expected);
        let forwarded = added(&network, &with_network(Mode::Rootful));
        assert!(
            !forwarded
                .iter()
                .any(|rule| rule.contains("oifname \"podman*\" ct status dnat meta l4proto tcp"))
        );
    }

    #[test]
    fn nat_lets_lan_out_and_only_answers_in() {
        let network = document("network.nat = true\nnetwork.interfaces.eth2 = { mode = 'dhcp' }").network;
        let expected = [
            "iifname { \"eth0\", \"eth2\" } udp sport 67 udp dport 68 accept",
            "iifname { \"eth1\", \"eth2\" } accept",
            "ct state established,related accept",
            "ct state invalid drop",
            "meta nfproto ipv4 iifname { \"eth1\", \"eth2\" } oifname \"eth0\" accept",
            "chain postrouting {",
            "type nat hook postrouting priority srcnat; policy accept;",
            "meta nfproto ipv4 iifname { \"eth1\", \"eth2\" } oifname \"eth0\" masquerade",
        ];
        let text = rendered(&network, &Containers::default());
        for rule in &expected {
            assert!(statements(&text).contains(rule), "{rule} is missing:\n{text}");
        }
        assert!(!text.contains("oifname \"eth1\""), "{text}");
    }

    #[test]
    fn an_interface_without_an_address_is_in_no_rule() {
        let network = document(
            "network.interfaces.eth2 = { mode = 'none' }\n\
             network.interfaces.log = { mode = 'dhcp', vlan = { link = 'eth2', id = 5 } }",
        )
        .network;
        let text = rendered(&network, &Containers::default());
        assert!(!text.contains("eth2") && text.contains("iifname { \"eth1\", \"log\" } accept"), "{text}");
    }

    #[test]
    fn dhcp_answers_come_in_where_we_ask() {
        let mut network = config().network;
        let address = "192.0.2.1/24".parse().unwrap();
        network.interfaces.get_mut(&"eth0".parse().unwrap()).unwrap().addressing =
            Addressing::Static { address, gateway: None };
        let text = rendered(&network, &Containers::default());
        assert!(!text.contains("dport 68"), "{text}");
        assert!(text.contains("iifname \"eth0\" ip6 saddr fe80::/10 udp sport 547"), "{text}");

        network.interfaces.get_mut(&"eth1".parse().unwrap()).unwrap().addressing =
            Addressing::Dhcp { gateway: None };
        let text = rendered(&network, &Containers::default());
        assert!(text.contains("iifname \"eth1\" udp sport 67 udp dport 68 accept"), "{text}");
    }
}
