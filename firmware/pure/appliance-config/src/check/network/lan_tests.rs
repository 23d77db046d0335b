use super::*;
use crate::testing::{check, with};

fn lan(text: &str) -> Lan {
    with(text).unwrap().config.network.lan
}

fn dnsmasq(table: &str) -> String {
    format!("network.dnsmasq = {{ {table} }}\n")
}

fn eth(number: u32, address: &str) -> String {
    format!("network.interfaces.eth{number} = {{ mode = 'static', address = '{address}' }}\n")
}

#[test]
fn without_a_word_lan_machines_get_addresses_and_a_domain_that_is_nobody_else_s() {
    let lan = lan("");
    assert_eq!((lan.interface.as_str(), lan.address.to_string().as_str()), ("eth1", "172.20.30.1/24"));
    assert_eq!(lan.domain.as_str(), "internal");
    assert_eq!(lan.gateway_names, ["slipway".parse().unwrap()]);
    assert_eq!((lan.hostname_pattern, lan.hosts), (None, BTreeMap::new()));
    let dhcp = lan.dhcp.unwrap();
    let range = [dhcp.first, dhcp.last].map(|address| address.to_string());
    assert_eq!(range, ["172.20.30.10", "172.20.30.254"]);
    assert_eq!((dhcp.lease_time, dhcp.reservations), (Duration::from_secs(86_400), BTreeMap::new()));
}

#[test]
fn the_address_is_written_at_either_place() {
    for text in [dnsmasq("gateway_cidr = '10.44.0.1/24'"), eth(1, "10.44.0.1/24")] {
        let network = with(&text).unwrap().config.network;
        assert_eq!(network.lan.address, "10.44.0.1/24".parse().unwrap(), "{text}");
        let card = &network.interfaces[&"eth1".parse().unwrap()];
        assert_eq!(card.addressing, Addressing::Static { address: network.lan.address, gateway: None });
        assert_eq!(network.lan.dhcp.unwrap().first, Ipv4Addr::new(10, 44, 0, 10));
    }
    let both = |cidr: &str| dnsmasq(&format!("gateway_cidr = '{cidr}'")) + &eth(1, "10.44.0.1/24");
    check(&[
        (&both("10.44.0.1/24"), ""),
        (&both("10.44.0.2/24"), "network.dnsmasq.gateway_cidr conflict … 10.44.0.1/24 … keep one"),
        (&both("10.44.0.1/25"), "network.dnsmasq.gateway_cidr conflict"),
    ]);
}

#[test]
fn c06_the_lan_is_a_network_that_machines_can_be_in() {
    for (cidr, why) in [
        ("127.0.0.1/24", "loopback"),
        ("224.0.0.1/24", "multicast"),
        ("169.254.7.1/24", "link-local"),
        ("0.0.0.1/24", "this network"),
        ("250.0.0.1/24", "reserved"),
        ("10.0.0.0/24", "the network itself"),
        ("10.0.0.255/24", "everybody"),
        ("10.0.0.1", "prefix"),
        ("10.0.0.1/31", "8 to 30"),
        ("fd00::1/64", "prefix"),
        ("", "prefix"),
        ("10.0.0.1/15", "handed out in networks from /16 to /30, not in a /15"),
    ] {
        let row = dnsmasq(&format!("gateway_cidr = '{cidr}'"));
        check(&[(&row, &format!("network.dnsmasq.gateway_cidr bad-value … {why}"))]);
    }
    check(&[
        (&dnsmasq("gateway_cidr = '10.0.0.1/16'"), ""),
        (&dnsmasq("gateway_cidr = '10.0.0.1/30'"), ""),
        (&dnsmasq("gateway_cidr = '10.0.0.1/8', enable = false"), ""),
        (&eth(1, "10.0.0.1/8"), "network.interfaces.eth1.address bad-value … not in a /8"),
        (&dnsmasq("gateway_cidr = 10"), "network.dnsmasq.gateway_cidr wrong-type"),
    ]);
}

#[test]
fn c06_lan_and_wan_do_not_overlap() {
    let cidr = dnsmasq("gateway_cidr = '192.0.2.1/24'");
    check(&[
        (&(cidr.clone() + &eth(0, "192.0.2.9/24")), "network.dnsmasq.gateway_cidr conflict … that of eth0"),
        (&(cidr.clone() + &eth(0, "192.0.3.9/16")), "network.dnsmasq.gateway_cidr conflict … that of eth0"),
        (&(cidr + &eth(2, "192.0.2.9/30")), "network.dnsmasq.gateway_cidr conflict … that of eth2"),
        (&eth(0, "172.20.30.9/24"), "network.interfaces.eth0.address conflict … that of eth1"),
    ]);
}

#[test]
fn c06_no_network_of_containers_overlaps_the_lan() {
    let network = |subnet: &str| format!("containers.network.back.Network = {{ Subnet = '{subnet}' }}\n");
    let cidr = dnsmasq("gateway_cidr = '10.88.0.1/24'");
    let path = "containers.network.back.Network.Subnet conflict … network of eth1, 10.88.0.1/24";
    check(&[
        (&(cidr.clone() + &network("10.88.0.0/16")), path),
        (&(cidr.clone() + &network("10.88.0.128/25")), path),
        (&(cidr + &network("10.89.0.0/24")), ""),
        (&network("172.20.30.0/28"), "Subnet conflict … network of eth1, 172.20.30.1/24"),
    ]);
}

#[test]
fn somebody_else_may_hand_out_the_addresses() {
    assert_eq!(lan(&dnsmasq("enable = false")).dhcp, None);
    assert!(lan(&dnsmasq("enable = true")).dhcp.is_some());
    check(&[
        (&dnsmasq("enable = 'yes'"), "network.dnsmasq.enable wrong-type"),
        (
            &dnsmasq("enable = false, dhcp_start = '172.20.30.9'"),
            "network.dnsmasq.dhcp_start conflict … no addresses",
        ),
        (&dnsmasq("enable = false, dhcp_end = '172.20.30.9'"), "network.dnsmasq.dhcp_end conflict"),
        (&dnsmasq("enable = false, lease_seconds = 600"), "network.dnsmasq.lease_seconds conflict"),
        (&dnsmasq("enable = false, static_leases = []"), "network.dnsmasq.static_leases conflict"),
    ]);
}

#[test]
fn a_lease_lasts_from_two_minutes_to_a_month() {
    assert_eq!(lan(&dnsmasq("lease_seconds = 120")).dhcp.unwrap().lease_time, Duration::from_secs(120));
    check(&[
        (&dnsmasq("lease_seconds = 119"), "network.dnsmasq.lease_seconds bad-value … 120"),
        (&dnsmasq("lease_seconds = 2592001"), "network.dnsmasq.lease_seconds bad-value"),
        (&dnsmasq("lease_seconds = -1"), "network.dnsmasq.lease_seconds bad-value"),
        (&dnsmasq("lease_seconds = '24h'"), "network.dnsmasq.lease_seconds wrong-type"),
    ]);
}

#[test]
fn lan_machines_are_on_an_interface_that_is_declared_and_no_wan() {
    let two = eth(2, "10.2.0.1/24");
    let network = with(&(two.clone() + &dnsmasq("interface = 'eth2'"))).unwrap().config.network;
    assert_eq!(network.lan.interface.as_str(), "eth2");
    assert_eq!(network.lan.address, "10.2.0.1/24".parse().unwrap());
    let names: Vec<&str> = network.interfaces.keys().map(InterfaceName::as_str).collect();
    assert_eq!(names, ["eth0", "eth2"], "eth1 stays off when nobody is to be on it");

    let vlan = |side: &str| {
        let table =
            format!("mode = 'static', address = '10.3.0.1/24', vlan = {{ link = 'eth0', id = 3 }}{side}");
        format!("network.interfaces.shop = {{ {table} }}\n") + &dnsmasq("interface = 'shop'")
    };
    check(&[
        (&dnsmasq("interface = 'eth1'"), ""),
        (&dnsmasq("interface = 'eth0'"), "network.dnsmasq.interface not-allowed … WAN"),
        (&dnsmasq("interface = 'eth3'"), "network.dnsmasq.interface conflict … declared … `eth1`"),
        (
            &(two + &dnsmasq("interface = 'switch'")),
            "network.dnsmasq.interface conflict … declared: eth2, eth1",
        ),
        (&vlan(", side = 'lan'"), ""),
        (&vlan(""), "network.interfaces.shop conflict … card of WAN … side = \"lan\""),
        (
            &("network.interfaces.eth2 = { mode = 'dhcp' }\n".to_owned() + &dnsmasq("interface = 'eth2'")),
            "network.interfaces.eth2.mode bad-value … it is static",
        ),
    ]);
}

#[test]
fn the_domain_is_one_that_is_asked_for() {
    assert_eq!(lan(&dnsmasq("domain = 'Shop.Example.'")).domain.as_str(), "shop.example");
    // A key that is written keeps its effect.
    assert_eq!(lan(&dnsmasq("domain = 'local'")).domain.as_str(), "local");
    check(&[
        (&dnsmasq("domain = 'local'"), "network.dnsmasq.domain warning … multicast"),
        (&dnsmasq("domain = 'home.arpa'"), ""),
        (&dnsmasq("domain = 'x.invalid'"), "network.dnsmasq.domain bad-value … never looked up"),
        (&dnsmasq("domain = 'localhost'"), "network.dnsmasq.domain bad-value"),
        (&dnsmasq("domain = '30.172.in-addr.arpa'"), "network.dnsmasq.domain bad-value"),
        (&dnsmasq("domain = ''"), "network.dnsmasq.domain bad-value"),
        (&dnsmasq("domain = 'a b'"), "network.dnsmasq.domain bad-value"),
    ]);
}

#[test]
fn the_box_has_the_names_that_are_listed() {
    let names = |table: &str| lan(&dnsmasq(table)).gateway_names;
    assert_eq!(
        names("gateway_aliases = ['Gate', 'gate.example']"),
        ["gate".parse().unwrap(), "gate.example".parse().unwrap()]
    );
    assert_eq!(names("gateway_aliases = []"), ["slipway".parse().unwrap()]);
    let pattern = |text: &str| lan(&dnsmasq(&format!("hostname_pattern = '{text}'"))).hostname_pattern;
    assert_eq!(pattern(""), None);
    assert_eq!(pattern("till-{mac}").unwrap().as_str(), "till-{mac}");
    check(&[
        (&dnsmasq("gateway_aliases = ['a b']"), "network.dnsmasq.gateway_aliases[0] bad-value"),
        (&dnsmasq("gateway_aliases = ['a', 'A']"), "network.dnsmasq.gateway_aliases[1] warning … before"),
        (
            &dnsmasq("gateway_aliases = ['localhost']"),
            "network.dnsmasq.gateway_aliases[0] bad-value … itself",
        ),
        (&dnsmasq("hostname_pattern = 'till'"), "network.dnsmasq.hostname_pattern bad-value … {mac}"),
        (&dnsmasq("hostname_pattern = 'a b-{mac}'"), "network.dnsmasq.hostname_pattern bad-value"),
    ]);
}

#[test]
fn hosts_are_names_of_machines() {
    let found = lan("network.hosts = { Printer = '172.20.30.5', 'nas.example' = '2001:db8::5' }").hosts;
    let shown: Vec<String> = found.iter().map(|(name, address)| format!("{name} {address}")).collect();
    assert_eq!(shown, ["nas.example 2001:db8::5", "printer 172.20.30.5"]);
    check(&[
        ("network.hosts = { 'a b' = '10.0.0.1' }", "network.hosts.\"a b\" bad-value"),
        ("network.hosts = { a = '10.0.0.300' }", "network.hosts.a bad-value … address"),
        ("network.hosts = { a = '0.0.0.0' }", "network.hosts.a bad-value"),
        ("network.hosts = { a = '224.0.0.1' }", "network.hosts.a bad-value"),
        ("network.hosts = { a = 7 }", "network.hosts.a wrong-type"),
        ("network.hosts = { a = '10.0.0.1', A = '10.0.0.2' }", "network.hosts.a conflict … `a.internal`"),
        ("network.hosts = { a = '10.0.0.1', 'a.internal' = '10.0.0.2' }", "conflict … `a.internal`"),
        ("network.hosts = { slipway = '10.0.0.1' }", "network.hosts.slipway conflict"),
        ("network.hosts = { localhost = '10.0.0.1' }", "network.hosts.localhost bad-value … itself"),
        ("network.hosts = []", "network.hosts wrong-type … a table"),
    ]);
}

#[test]
fn time_servers_are_names_or_addresses() {
    let servers =
        with("network.ntp.servers = ['time.example', '192.0.2.4']").unwrap().config.network.time_servers;
    assert_eq!(servers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["time.example", "192.0.2.4"]);
    assert_eq!(with("").unwrap().config.network.time_servers, []);
    check(&[
        ("network.ntp.servers = []", "network.ntp.servers bad-value … empty"),
        ("network.ntp.servers = ['a b']", "network.ntp.servers[0] bad-value"),
        ("network.ntp.servers = [\"a\\nb\"]", "network.ntp.servers[0] bad-value"),
        ("network.ntp.servers = ['a', 'a']", "network.ntp.servers[1] warning"),
        ("network.ntp.server = 'a'", "network.ntp.server unknown-key … did you mean `servers`?"),
        ("network.nat = 'yes'", "network.nat wrong-type"),
    ]);
    assert!(with("network.nat = true").unwrap().config.network.nat && !with("").unwrap().config.network.nat);
}
