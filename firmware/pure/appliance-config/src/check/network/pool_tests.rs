use crate::testing::{check, with};

fn table(cidr: &str, range: &str) -> String {
    format!("network.dnsmasq = {{ gateway_cidr = '{cidr}'{range} }}")
}

/// What is in the range that this makes: `first last`.
fn range(cidr: &str, more: &str) -> String {
    let dhcp = with(&table(cidr, more)).unwrap().config.network.lan.dhcp.unwrap();
    format!("{} {}", dhcp.first, dhcp.last)
}

#[test]
fn c06_a_range_that_is_not_written_follows_the_address_of_the_box() {
    for (cidr, expected) in [
        ("172.20.30.1/24", "172.20.30.10 172.20.30.254"),
        ("10.44.0.1/16", "10.44.0.10 10.44.255.254"),
        ("10.44.0.254/24", "10.44.0.10 10.44.0.253"),
        ("10.44.0.100/24", "10.44.0.101 10.44.0.254"),
        ("10.44.0.200/24", "10.44.0.10 10.44.0.199"),
        ("10.44.0.10/24", "10.44.0.11 10.44.0.254"),
        ("10.44.0.65/26", "10.44.0.74 10.44.0.126"),
        ("10.44.0.1/27", "10.44.0.2 10.44.0.30"),
        ("10.44.0.1/30", "10.44.0.2 10.44.0.2"),
        ("10.44.0.2/30", "10.44.0.1 10.44.0.1"),
    ] {
        assert_eq!(range(cidr, ""), expected, "{cidr}");
    }
}

#[test]
fn c06_one_end_of_a_range_stays_on_its_side_of_the_box() {
    for (cidr, more, expected) in [
        ("10.0.0.1/24", ", dhcp_start = '10.0.0.100'", "10.0.0.100 10.0.0.254"),
        ("10.0.0.1/24", ", dhcp_end = '10.0.0.100'", "10.0.0.10 10.0.0.100"),
        ("10.0.0.1/24", ", dhcp_end = '10.0.0.5'", "10.0.0.2 10.0.0.5"),
        ("10.0.0.50/24", ", dhcp_start = '10.0.0.20'", "10.0.0.20 10.0.0.49"),
        ("10.0.0.50/24", ", dhcp_start = '10.0.0.51'", "10.0.0.51 10.0.0.254"),
        ("10.0.0.50/24", ", dhcp_end = '10.0.0.5'", "10.0.0.1 10.0.0.5"),
        ("10.0.0.50/24", ", dhcp_end = '10.0.0.80'", "10.0.0.51 10.0.0.80"),
        ("10.44.0.1/24", ", dhcp_start = '10.44.0.10', dhcp_end = '10.44.0.200'", "10.44.0.10 10.44.0.200"),
        ("10.44.0.1/24", ", dhcp_start = '10.44.0.7', dhcp_end = '10.44.0.7'", "10.44.0.7 10.44.0.7"),
    ] {
        assert_eq!(range(cidr, more), expected, "{cidr}{more}");
    }
}

#[test]
fn c06_a_range_is_ordered_inside_the_network_and_beside_the_box() {
    for (start, end, expected) in [
        ("10.0.0.60", "10.0.0.200", ""),
        ("10.0.0.1", "10.0.0.49", ""),
        ("10.0.0.200", "10.0.0.10", "dhcp_end conflict … ends before it begins: 10.0.0.200 to 10.0.0.10"),
        ("10.0.0.10", "10.0.1.10", "dhcp_end conflict … not in the network of 10.0.0.50/24"),
        ("9.0.0.10", "10.0.0.40", "dhcp_start conflict … not in the network"),
        ("10.0.0.0", "10.0.0.40", "dhcp_start conflict … the network of 10.0.0.50/24 itself"),
        ("10.0.0.60", "10.0.0.255", "dhcp_end conflict … everybody"),
        ("10.0.0.50", "10.0.0.60", "dhcp_start conflict … the address of this box"),
        ("10.0.0.40", "10.0.0.50", "dhcp_end conflict … the address of this box"),
        ("10.0.0.40", "10.0.0.60", "dhcp_end conflict … has the address of this box in it, 10.0.0.50"),
        ("10.0.0", "10.0.0.40", "dhcp_start bad-value … not an IPv4 address"),
        ("10.0.0.10", "fd00::1", "dhcp_end bad-value"),
        ("", "10.0.0.40", "dhcp_start bad-value"),
    ] {
        let row = table("10.0.0.50/24", &format!(", dhcp_start = '{start}', dhcp_end = '{end}'"));
        let expected =
            if expected.is_empty() { String::new() } else { format!("network.dnsmasq.{expected}") };
        check(&[(&row, &expected)]);
    }
    // Both ends can be wrong at once.
    let both =
        crate::testing::said(&table("10.0.0.1/24", ", dhcp_start = '9.9.9.9', dhcp_end = '10.0.0.255'"));
    assert_eq!(both.lines().count(), 2, "{both}");
    check(&[
        (
            &table("10.0.0.1/24", ", dhcp_start = '10.0.0.255'"),
            "network.dnsmasq.dhcp_start conflict … everybody",
        ),
        (
            "network.dnsmasq.dhcp_start = '192.168.1.10'",
            "network.dnsmasq.dhcp_start conflict … 172.20.30.1/24",
        ),
        ("network.dnsmasq.dhcp_end = 254", "network.dnsmasq.dhcp_end wrong-type"),
    ]);
}
