use crate::testing::{check, with};

fn leases(leases: &[&str]) -> String {
    let tables: Vec<String> = leases.iter().map(|lease| format!("{{ {lease} }}")).collect();
    format!("network.dnsmasq.static_leases = [{}]\n", tables.join(", "))
}

#[test]
fn a_machine_gets_an_address_and_may_get_a_name() {
    let text = leases(&[
        "mac = '52-54-00-AB-CD-0F', address = '172.20.30.5', hostname = 'Till'",
        "mac = '525400abcd10', address = '172.20.30.77'",
    ]);
    let dhcp = with(&text).unwrap().config.network.lan.dhcp.unwrap();
    let shown: Vec<String> = dhcp
        .reservations
        .iter()
        .map(|(mac, r)| {
            format!("{mac} {} {}", r.address, r.hostname.as_ref().map_or("-", |name| name.as_str()))
        })
        .collect();
    assert_eq!(shown, ["52:54:00:ab:cd:0f 172.20.30.5 till", "52:54:00:ab:cd:10 172.20.30.77 -"]);
}

#[test]
fn each_machine_is_one_and_gets_what_nobody_else_has() {
    const FIRST: &str = "mac = '52:54:00:00:00:01', address = '172.20.30.5', hostname = 'a'";
    for (second, expected) in [
        ("mac = '52:54:00:00:00:02', address = '172.20.30.6', hostname = 'b'", ""),
        ("mac = '525400000001', address = '172.20.30.6'", "[1].mac conflict … already"),
        ("mac = '52:54:00:00:00:02', address = '172.20.30.5'", "[1].address conflict … another machine"),
        (
            "mac = '52:54:00:00:00:02', address = '172.20.30.6', hostname = 'A'",
            "[1].hostname conflict … `a.internal`",
        ),
        ("mac = '52:54:00:00:00:02', address = '172.20.30.6', hostname = 'slipway'", "[1].hostname conflict"),
        (
            "mac = '52:54:00:00:00:02', address = '172.20.30.6', hostname = 'a.b'",
            "[1].hostname bad-value … no dot",
        ),
        (
            "mac = '52:54:00:00:00:02', address = '172.20.30.6', hostname = 'localhost'",
            "[1].hostname bad-value",
        ),
        ("mac = '52:54:00:00:00:02', address = '172.20.30.1'", "[1].address conflict … this box"),
        ("mac = '52:54:00:00:00:02', address = '172.20.30.0'", "[1].address conflict"),
        ("mac = '52:54:00:00:00:02', address = '172.20.30.255'", "[1].address conflict … everybody"),
        ("mac = '52:54:00:00:00:02', address = '172.20.31.6'", "[1].address conflict … not in the network"),
        ("mac = '52:54:00:00:00:02', address = 'x'", "[1].address bad-value"),
        ("mac = '52:54:00:00:00', address = '172.20.30.6'", "[1].mac bad-value"),
        ("mac = '01:00:5e:00:00:01', address = '172.20.30.6'", "[1].mac bad-value … no machine's"),
        ("mac = '00:00:00:00:00:00', address = '172.20.30.6'", "[1].mac bad-value"),
        ("address = '172.20.30.6'", "[1].mac missing-key"),
        ("mac = '52:54:00:00:00:02'", "[1].address missing-key"),
        ("mac = '52:54:00:00:00:02', address = '172.20.30.6', name = 'b'", "[1].name unknown-key"),
    ] {
        let expected = if expected.is_empty() { String::new() } else { format!("static_leases{expected}") };
        check(&[(&leases(&[FIRST, second]), &expected)]);
    }
    let host = "network.hosts = { till = '172.20.30.9' }\n".to_owned();
    let lease = leases(&["mac = '52:54:00:00:00:02', address = '172.20.30.6', hostname = 'till'"]);
    check(&[(&(host + &lease), "static_leases[0].hostname conflict … `till.internal`")]);
}
