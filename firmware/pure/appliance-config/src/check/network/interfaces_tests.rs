use std::net::IpAddr;

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
        &[
            ("mode = 'dhcp'", "eth1.mode bad-value … static"),
            ("mode = 'none'", "eth1.mode bad-value … static"),
            ("mode = 'static', address = '10.0.0.1/16'", ""),
        ],
    );
    rows(2, &[("mode = 'dhcp'", ""), ("mode = 'static', address = '10.0.0.1/8'", "")]);
}

#[test]
fn names_are_those_of_cards_or_plain_words() {
    for (name, why) in [
        ("eth", "no interface"),
        ("eth01", "no interface"),
        ("eth0x", "no interface"),
        ("ETH0", "no interface"),
        ("lo", "the system"),
        ("podman0", "the system"),
        ("vethx", "the system"),
        ("'-x'", "begins with a letter"),
        ("'a{b'", "letters, digits"),
        ("'a\"b'", "letters, digits"),
        ("'eth0:1'", "printable"),
        ("eth123456789012345", "1 to 15"),
        ("'7'", "interface index"),
    ] {
        let text = format!("network.interfaces.{name} = {{ mode = 'dhcp' }}");
        check(&[(&text, &format!("network.interfaces. … bad-value … {why}"))]);
    }
    check(&[
        (
            "network.interfaces.wwan0 = { mode = 'dhcp' }",
            "network.interfaces.wwan0 warning … unless its driver",
        ),
        ("network.interfaces.eth12 = { mode = 'dhcp' }", ""),
    ]);
}

#[test]
fn an_interface_without_an_address_has_nothing_that_needs_one() {
    rows(2, &[("mode = 'none'", "")]);
    for key in [
        "address = '10.0.0.1/24'",
        "gateway = '10.0.0.1'",
        "dns_servers = ['9.9.9.9']",
        "dns_search_domains = ['x']",
    ] {
        let path = key.split(' ').next().unwrap();
        rows(2, &[(&format!("mode = 'none', {key}"), &format!("eth2.{path} conflict … no address"))]);
    }
    check(&[(
        "network.default_gateway = '192.0.2.1'\nnetwork.interfaces.eth0 = { mode = 'none' }",
        "network.default_gateway conflict … eth0 has no address",
    )]);
}

#[test]
fn a_side_is_said_where_it_is_not_the_usual_one() {
    let side =
        |text: &str, name: &str| with(text).unwrap().config.network.interfaces[&name.parse().unwrap()].side;
    assert_eq!(side(&eth(2, "mode = 'dhcp'"), "eth2"), Side::Lan);
    assert_eq!(side(&eth(2, "mode = 'dhcp', side = 'wan'"), "eth2"), Side::Wan);
    rows(
        0,
        &[
            ("mode = 'dhcp', side = 'wan'", ""),
            ("mode = 'dhcp', side = 'lan'", "eth0.side not-allowed … WAN"),
        ],
    );
    rows(
        1,
        &[
            ("mode = 'static', address = '10.0.0.1/24', side = 'lan'", ""),
            (
                "mode = 'static', address = '10.0.0.1/24', side = 'wan'",
                "eth1.side not-allowed … LAN machines",
            ),
            (
                "mode = 'static', address = '10.0.0.1/24', side = 'dmz'",
                "eth1.side bad-value … `wan` or `lan`",
            ),
        ],
    );
}

#[test]
fn a_vlan_is_on_a_card_under_a_number_of_its_own() {
    let vlan = |name: &str, link: &str, id: i64, more: &str| {
        format!(
            "network.interfaces.{name} = {{ mode = 'dhcp', vlan = {{ link = '{link}', id = {id} }}{more} }}\n"
        )
    };
    let (first, last) = (vlan("a", "eth1", 1, ""), vlan("b", "eth1", 4094, ""));
    let interfaces = with(&(first + &last + &vlan("isp", "eth0", 7, ""))).unwrap().config.network.interfaces;
    let found: Vec<(&str, Side, Option<String>)> = interfaces
        .iter()
        .map(|(name, i)| {
            (name.as_str(), i.side, i.vlan.as_ref().map(|vlan| format!("{}.{}", vlan.link, vlan.id)))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("a", Side::Lan, Some("eth1.1".to_owned())),
            ("b", Side::Lan, Some("eth1.4094".to_owned())),
            ("eth0", Side::Wan, None),
            ("eth1", Side::Lan, None),
            ("isp", Side::Wan, Some("eth0.7".to_owned())),
        ]
    );
    let trunk = with(&vlan("shop", "eth0", 7, ", side = 'lan'")).unwrap().config.network;
    assert_eq!(trunk.interfaces[&"shop".parse().unwrap()].side, Side::Lan);

    let twice = vlan("a", "eth1", 5, "") + &vlan("b", "eth1", 5, "");
    check(&[
        (&vlan("a", "eth1", 0, ""), "interfaces.a.vlan.id bad-value … 1 to 4094"),
        (&vlan("a", "eth1", 4095, ""), "interfaces.a.vlan.id bad-value"),
        (&vlan("a", "eth1", -1, ""), "interfaces.a.vlan.id bad-value"),
        (&vlan("a", "eth2", 5, ""), "interfaces.a.vlan.link conflict … declared … did you mean"),
        (&vlan("a", "switch", 5, ""), "interfaces.a.vlan.link conflict … declared … mode = \"none\""),
        (&vlan("a", "a", 5, ""), "interfaces.a.vlan.link conflict … on itself"),
        (&vlan("a", "x y", 5, ""), "interfaces.a.vlan.link bad-value"),
        (&vlan("eth5", "eth1", 5, ""), "interfaces.eth5 bad-value … another one"),
        (&twice, "interfaces.b.vlan.id conflict … VLAN 5 on eth1"),
        (&(vlan("a", "eth1", 5, "") + &vlan("b", "eth0", 5, "")), ""),
        (
            &(vlan("a", "eth1", 5, "") + &vlan("b", "a", 6, "")),
            "interfaces.b.vlan.link conflict … another VLAN",
        ),
        ("network.interfaces.a = { mode = 'dhcp', vlan = { id = 5 } }", "interfaces.a.vlan.link missing-key"),
        (
            "network.interfaces.a = { mode = 'dhcp', vlan = { link = 'eth1' } }",
            "interfaces.a.vlan.id missing-key",
        ),
        ("network.interfaces.a = { mode = 'dhcp', vlan = 5 }", "interfaces.a.vlan wrong-type … a table"),
    ]);
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
fn what_does_not_exist_or_is_not_acted_on_yet_is_said() {
    check(&[
        ("network.dns = []", "network.dns unknown-key"),
        ("networks = {}", "networks unknown-key … did you mean `network`?"),
        ("os_upgrades = {}", "os_upgrades unknown-key … did you mean `os_upgrade`?"),
    ]);
}
