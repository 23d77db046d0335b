use proptest::prelude::*;

use super::*;
use crate::Lease;

const OF_THE_IMAGE: &str = include_str!("../../../../buildroot-overlay/etc/hosts");

fn names() -> LocalNames {
    LocalNames {
        interface: InterfaceName::card(1),
        address: "172.20.30.1/24".parse().unwrap(),
        domain: "shop.example".parse().unwrap(),
        gateway_names: vec!["gate".parse().unwrap(), "gate.example".parse().unwrap()],
        hostname_pattern: Some("box-{mac}".parse().unwrap()),
        hosts: [("nas".parse().unwrap(), "172.20.30.9".parse().unwrap())].into(),
        reserved: [("printer".parse().unwrap(), [172, 20, 30, 5].into())].into(),
    }
}

fn lease(address: &str, hostname: &str, expires_ms: u64) -> Lease {
    let hostname = (!hostname.is_empty()).then(|| hostname.to_owned());
    Lease { mac: None, address: address.parse().unwrap(), hostname, expires_ms }
}

/// The lines that the image does not have, in order, and without the comment.
fn added(names: &LocalNames, leases: &[Lease]) -> Vec<String> {
    let mac = Some("52:54:00:12:34:57".parse().unwrap());
    let text = hosts(Some(names), mac, &Leases { leases: leases.to_vec() });
    let of_the_image: Vec<&str> = OF_THE_IMAGE.lines().collect();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !of_the_image.contains(line));
    lines.map(str::to_owned).collect()
}

const CONFIGURED: [&str; 3] = [
    "172.20.30.1 gate.shop.example gate gate.example box-525400123457.shop.example box-525400123457 \
     slipway.shop.example slipway",
    "172.20.30.9 nas.shop.example nas",
    "172.20.30.5 printer.shop.example",
];

#[test]
fn without_a_configuration_it_is_the_image_s_own() {
    assert_eq!(hosts(None, None, &Leases::default()), OF_THE_IMAGE);
}

#[test]
fn names_of_the_configuration_are_there_with_and_without_the_domain() {
    assert_eq!(added(&names(), &[]), CONFIGURED);
    // A card that is not there has no address to be named by.
    let without = hosts(Some(&names()), None, &Leases::default());
    assert!(without.contains("gate.example slipway.shop.example") && !without.contains("box-"), "{without}");
    assert!(
        !without.contains("127.0.1.1"),
        "LAN machines would take this for an address of the box:\n{without}"
    );
}

#[test]
fn leases_have_names_below_the_domain_only() {
    let leases = [
        lease("172.20.30.77", "till-3", 9),
        lease("172.20.30.10", "Laptop", 9),
        lease("172.20.30.11", "", 9),
    ];
    let lines = added(&names(), &leases);
    assert_eq!(lines[..3], CONFIGURED);
    assert_eq!(lines[3..], ["172.20.30.10 laptop.shop.example", "172.20.30.77 till-3.shop.example"]);
}

#[test]
fn a_machine_takes_no_name_that_is_somebody_else_s() {
    for taken in [
        "gate",
        "NAS",
        "printer",
        "slipway",
        "box-525400123457",
        "localhost",
        "wpad",
        "isatap",
        "7",
        "a b",
        "a.b",
        "a\n10.0.0.1 b",
    ] {
        assert_eq!(added(&names(), &[lease("172.20.30.66", taken, 9)]), CONFIGURED, "{taken}");
    }
    // Nor has one outside of the network of LAN any.
    assert_eq!(added(&names(), &[lease("10.0.0.1", "bank", 9)]), CONFIGURED);
}

#[test]
fn of_two_machines_of_one_name_the_one_seen_last_has_it() {
    let (old, new) = (lease("172.20.30.10", "till", 100), lease("172.20.30.20", "till", 200));
    for leases in [[old.clone(), new.clone()], [new, old]] {
        assert_eq!(added(&names(), &leases)[3..], ["172.20.30.20 till.shop.example"]);
    }
}

#[test]
fn what_netbootd_publishes_is_read_whatever_else_it_says() {
    let text = r#"{"version":2,"leases":[
        {"mac":"52:54:00:00:00:01","address":"172.20.30.7","hostname":"a","expires_ms":7,"class":"pxe"},
        {"address":"172.20.30.8","hostname":"no name"},{"mac":null,"address":"172.20.30.9","hostname":null,"expires_ms":9}]}"#;
    let leases: Leases = serde_json::from_str(text).unwrap();
    assert_eq!(added(&names(), &leases.leases)[3..], ["172.20.30.7 a.shop.example"]);
    let again: Leases = serde_json::from_str(&serde_json::to_string(&leases).unwrap()).unwrap();
    assert_eq!(again, leases);
}

proptest! {
    #[test]
    fn every_line_is_an_address_and_names_and_no_name_has_two_addresses(
        labels in proptest::collection::vec("[a-z]{1,3}|gate|nas|slipway|localhost", 0..20),
        seed: u8,
    ) {
        let leases = labels.iter().enumerate().map(|(index, label)| {
            let last = u8::try_from(index).unwrap().wrapping_add(seed);
            lease(&format!("172.20.30.{last}"), label, u64::from(last % 7))
        });
        let text = hosts(Some(&names()), None, &Leases { leases: leases.collect() });
        let mut seen = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let address: IpAddr = words.next().unwrap().parse().unwrap();
            for name in words {
                prop_assert!(name.parse::<DomainName>().is_ok());
                let other = seen.insert(name.to_owned(), address);
                prop_assert!(other.is_none() || name == "localhost", "{} twice in\n{}", name, text);
            }
        }
    }
}
