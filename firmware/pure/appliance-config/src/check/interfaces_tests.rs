use super::*;
use crate::testing::{check, with};

fn eth(number: u32, table: &str) -> String {
    format!("network.interfaces.eth{number} = {{ {table} }}\n")
}

fn rows(number: u32, rows: &[(&str, &str)]) {
    for (table, expected) in rows {
        check(&[(&eth(number, table), expected)]);
    }
}

#[test]
fn without_a_word_wan_asks_a_dhcp_server_and_lan_has_the_usual_address() {
    let interfaces = with("").unwrap().config.network.interfaces;
    let shown: Vec<(&str, Side, Addressing)> =
        interfaces.iter().map(|(name, i)| (name.as_str(), i.side, i.addressing)).collect();
    let address = "172.20.30.1/24".parse().unwrap();
    assert_eq!(
        shown,
        [
            ("eth0", Side::Wan, Addressing::Dhcp { gateway: None }),
            ("eth1", Side::Lan, Addressing::Static { address, gateway: None })
        ]
    );
}

#[test]
fn a_mode_needs_or_forbids_an_address() {
    rows(
        0,
        &[
            ("mode = 'dhcp'", ""),
            ("mode = 'static', address = '192.0.2.2/24', gateway = '192.0.2.1'", ""),
            ("", "network.interfaces.eth0.mode missing-key"),
            ("mode = 'dhcpp'", "eth0.mode bad-value … did you mean `dhcp`?"),
            ("mode = 'ppp'", "eth0.mode bad-value"),
            ("mode = true", "eth0.mode wrong-type"),
            ("mode = 'static'", "eth0.address missing-key"),
            ("mode = 'dhcp', address = '192.0.2.2/24'", "eth0.address conflict"),
            ("mode = 'dhcp', adress = '192.0.2.2/24'", "eth0.adress unknown-key … `address`"),
        ],
    );
    rows(
        1,
        &[("mode = 'dhcp'", "eth1.mode bad-value … static"), ("mode = 'static', address = '10.0.0.1/8'", "")],
    );
    rows(2, &[("mode = 'dhcp'", ""), ("mode = 'static', address = '10.0.0.1/8'", "")]);
}

#[test]
fn names_are_those_of_cards() {
    for name in ["eth", "eth01", "wlan0", "eth0x", "lo", "ETH0", "eth123456789012345"] {
        let text = format!("network.interfaces.{name} = {{ mode = 'dhcp' }}");
        check(&[(&text, &format!("network.interfaces.{name} bad-value"))]);
    }
}

#[test]
fn an_address_is_that_of_a_machine_in_a_network() {
    for (address, why) in [
        ("192.0.2.1", "prefix"),
        ("192.0.2.1/33", "prefix"),
        ("", "prefix"),
        ("2001:db8::1/64", "prefix"),
        ("192.0.2.0/24", "the network itself"),
        ("192.0.2.255/24", "everybody"),
        ("192.0.2.1/7", "8 to 30"),
        ("192.0.2.1/31", "8 to 30"),
        ("192.0.2.1/32", "8 to 30"),
        ("127.0.0.1/8", "loopback"),
        ("224.0.0.1/8", "multicast"),
        ("255.255.255.254/24", "reserved"),
        ("169.254.1.1/16", "link-local"),
        ("0.1.2.3/8", "this network"),
    ] {
        for number in [0, 1] {
            let row = format!("mode = 'static', address = '{address}'");
            rows(number, &[(&row, &format!("eth{number}.address bad-value … {why}"))]);
        }
    }
}

#[test]
fn a_gateway_is_another_machine_in_the_network() {
    for (gateway, expected) in [
        ("192.0.2.1", ""),
        ("192.0.2.2", "gateway conflict … own address"),
        ("192.0.3.1", "gateway conflict … not in the network"),
        ("192.0.2.0", "gateway conflict … no machine"),
        ("192.0.2.255", "gateway conflict … no machine"),
        ("", "gateway bad-value"),
        ("router", "gateway bad-value"),
        ("fe80::1", "gateway bad-value … IPv6"),
        ("0.0.0.0", "gateway bad-value"),
    ] {
        rows(0, &[(&format!("mode = 'static', address = '192.0.2.2/24', gateway = '{gateway}'"), expected)]);
        if !expected.contains("conflict") {
            check(&[(&format!("network.default_gateway = '{gateway}'"), expected)]);
        }
        let common = format!("network.default_gateway = '{gateway}'\n");
        check(&[(&(common + &eth(0, "mode = 'static', address = '192.0.2.2/24'")), expected)]);
    }
}

#[test]
fn two_static_networks_do_not_overlap() {
    let address = |number, address: &str| eth(number, &format!("mode = 'static', address = '{address}'"));
    let both = |a: &str, b: &str| address(0, a) + &address(1, b);
    check(&[
        (&both("192.0.2.1/24", "192.0.3.1/24"), ""),
        (&both("192.0.2.1/24", "192.0.2.2/24"), "eth1.address conflict … that of eth0, 192.0.2.1/24"),
        (&both("192.0.2.1/16", "192.0.3.1/24"), "eth1.address conflict"),
        (&both("192.0.3.1/24", "192.0.2.1/16"), "eth1.address conflict"),
        // The default of eth1 is nobody's writing.
        (&address(0, "172.20.30.7/24"), "eth0.address conflict … that of eth1, 172.20.30.1/24"),
        (&address(2, "172.20.0.1/16"), "eth2.address conflict … that of eth1"),
        (&(address(2, "10.1.0.1/24") + &address(3, "10.1.0.2/24")), "eth3.address conflict … that of eth2"),
    ]);
}

#[test]
fn settings_of_the_whole_network_are_those_of_wan() {
    let wan = |text: &str| {
        let interfaces = with(text).unwrap().config.network.interfaces;
        interfaces[&"eth0".parse().unwrap()].clone()
    };
    let common = "network.dns_servers = ['9.9.9.9', '2620:fe::fe']\nnetwork.dns_search_domains = ['Shop.Example.']\n\
                  network.default_gateway = '192.0.2.1'\n";
    let found = wan(common);
    assert_eq!(found.dns_servers, ["9.9.9.9".parse::<IpAddr>().unwrap(), "2620:fe::fe".parse().unwrap()]);
    assert_eq!(found.search_domains, ["shop.example".parse().unwrap()]);
    assert_eq!(found.addressing, Addressing::Dhcp { gateway: Some([192, 0, 2, 1].into()) });
    // Twice the same is the same.
    let twice = eth(0, "mode = 'dhcp', gateway = '192.0.2.1', dns_servers = ['9.9.9.9', '2620:fe::fe']");
    assert_eq!(wan(&format!("{common}{twice}")), found);

    check(&[
        (
            &format!("{common}{}", eth(0, "mode = 'dhcp', gateway = '192.0.2.9'")),
            "network.default_gateway conflict",
        ),
        (
            &format!("{common}{}", eth(0, "mode = 'dhcp', dns_servers = ['9.9.9.9']")),
            "network.dns_servers conflict",
        ),
        (
            &format!("{common}{}", eth(0, "mode = 'dhcp', dns_search_domains = ['lan']")),
            "network.dns_search_domains conflict",
        ),
    ]);
}

#[test]
fn names_servers_and_domains_are_what_they_should_be() {
    check(&[
        ("network.dns_servers = []", "network.dns_servers bad-value … leave the key out"),
        ("network.dns_servers = ['dns.example']", "network.dns_servers[0] bad-value"),
        ("network.dns_servers = ['0.0.0.0']", "network.dns_servers[0] bad-value"),
        ("network.dns_servers = ['9.9.9.9', 'ff02::1']", "network.dns_servers[1] bad-value"),
        ("network.dns_servers = '9.9.9.9'", "network.dns_servers wrong-type"),
        ("network.dns_search_domains = ['a b']", "network.dns_search_domains[0] bad-value"),
        ("network.dns_search_domains = []", "network.dns_search_domains bad-value"),
        (
            &eth(1, "mode = 'static', address = '10.0.0.1/24', dns_servers = ['x']"),
            "eth1.dns_servers[0] bad-value",
        ),
    ]);
}

#[test]
fn what_is_not_acted_on_yet_is_said() {
    check(&[
        ("network.dnsmasq.enable = true", "network.dnsmasq not-supported … eth1"),
        ("network.ntp.servers = ['x']", "network.ntp not-supported"),
        ("os_upgrade.server_url = 'https://x'", "os_upgrade not-supported"),
        ("network.dns = []", "network.dns unknown-key"),
        ("networks = {}", "networks unknown-key … did you mean `network`?"),
        // A key that is not supported is no advice.
        (
            "os_upgrades = {}",
            "os_upgrades unknown-key … known here: version, users, network, containers, activation)",
        ),
    ]);
}
