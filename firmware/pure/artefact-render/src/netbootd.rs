//! What netbootd serves on LAN: addresses, what goes with them, and what boots.

use std::collections::BTreeMap;

use appliance_config::{Lan, LanDhcp, Netboot, NetbootMode, Network};
use appliance_types::Ipv4Cidr;
use netboot_protocol::policy::{
    AddressRange, BootTable, DhcpMode, DhcpTable, InterfaceTable, ListenTable, PolicyFile, ReservationTable,
    StateTable, SubnetTable,
};

use crate::artefacts::Files;
use crate::paths;

const HEAD: &str = "# What netbootd serves on LAN, from config.toml.\n\n";

/// A stage of a boot keeps its address this long, in seconds; the system that it starts asks again.
const BOOT_LEASE: u32 = 300;

/// What machines may load lies below it.
const BOOT_FILES: &str = "/data/netboot/files";

pub(crate) fn render(network: &Network, netboot: &Netboot, files: &mut Files) {
    // Tables with texts and numbers only: there is nothing that TOML could not say.
    let text = toml::to_string(&policy(&network.lan, netboot)).unwrap_or_default();
    files.add(paths::NETBOOTD, HEAD.to_owned() + &text);
}

fn policy(lan: &Lan, netboot: &Netboot) -> PolicyFile {
    let boots = netboot.mode != NetbootMode::Off;
    // Beside another server, which gives out the addresses, a configuration that says nothing about ours means none.
    let dhcp = lan.dhcp.as_ref().filter(|_| netboot.mode != NetbootMode::Proxy);
    let mode = match (dhcp, netboot.mode) {
        (Some(_), _) => DhcpMode::Server,
        (None, NetbootMode::Proxy) => DhcpMode::Proxy,
        (None, _) => DhcpMode::Off,
    };
    let all = ListenTable::default();
    let table = InterfaceTable { address: lan.address, dhcp: mode };
    PolicyFile {
        state: StateTable {
            dir: "/data/netboot".into(),
            leases_json: Some("/run/slipway/netboot/leases.json".into()),
            boot_policy: Some("/run/slipway/boot-policy.json".into()),
            control: Some("/run/slipway/netboot/control.sock".into()),
        },
        listen: if boots { all } else { ListenTable { pxe_port: 0, tftp_port: 0, http_port: 0, ..all } },
        interfaces: BTreeMap::from([(lan.interface.clone(), table)]),
        dhcp: DhcpTable { force: netboot.force, ..DhcpTable::default() },
        subnets: dhcp.iter().map(|dhcp| subnet(lan, dhcp)).collect(),
        reservations: dhcp.into_iter().flat_map(reservations).collect(),
        boot: BootTable { root: boots.then(|| BOOT_FILES.into()), ..BootTable::default() },
    }
}

/// The box is the gateway, the name server and the time server of its LAN.
fn subnet(lan: &Lan, dhcp: &LanDhcp) -> SubnetTable {
    let own = lan.address.address();
    let seconds = u32::try_from(dhcp.lease_time.as_secs()).unwrap_or(u32::MAX);
    // What is a name here is one there.
    let domain = lan.domain.as_str().parse().ok();
    SubnetTable {
        network: Ipv4Cidr::new(lan.address.network(), lan.address.prefix()).unwrap_or(lan.address),
        pools: AddressRange::new(dhcp.first, dhcp.last).into_iter().collect(),
        lease_s: seconds,
        boot_lease_s: seconds.min(BOOT_LEASE),
        routers: vec![own],
        dns: vec![own],
        ntp: vec![own],
        search: domain.iter().cloned().collect(),
        domain,
    }
}

fn reservations(dhcp: &LanDhcp) -> impl Iterator<Item = ReservationTable> {
    dhcp.reservations.iter().map(|(mac, reservation)| ReservationTable {
        mac: Some(*mac),
        client_id: None,
        address: reservation.address,
        hostname: reservation.hostname.as_ref().and_then(|name| name.as_str().parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use appliance_types::HostLabel;
    use netboot_protocol::policy::Policy;

    use super::*;
    use crate::testing::document;

    fn policy_of(more: &str) -> PolicyFile {
        let mut files = Files::default();
        let config = document(more);
        render(&config.network, &config.netboot, &mut files);
        let text = String::from_utf8(files.into_map().remove(paths::NETBOOTD).unwrap().bytes).unwrap();
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn n01_lan_machines_are_given_the_box_for_everything() {
        let file = policy_of(
            "network.dnsmasq = { gateway_cidr = '10.44.0.1/24', dhcp_end = '10.44.0.200', domain = 'shop.example' }",
        );
        assert_eq!(file.interfaces[&"eth1".parse().unwrap()].dhcp, DhcpMode::Server);
        let [subnet] = file.subnets.as_slice() else { panic!("{file:?}") };
        let own = vec!["10.44.0.1".parse::<std::net::Ipv4Addr>().unwrap()];
        assert_eq!((&subnet.routers, &subnet.dns, &subnet.ntp), (&own, &own, &own));
        assert_eq!(subnet.network.to_string(), "10.44.0.0/24");
        assert_eq!(subnet.pools[0].to_string(), "10.44.0.10-10.44.0.200");
        assert_eq!((subnet.lease_s, subnet.boot_lease_s), (86_400, 300));
        assert_eq!(subnet.domain.as_ref().unwrap().as_str(), "shop.example");
        assert!(Policy::new(file).is_ok());
    }

    #[test]
    fn reserved_addresses_are_the_machines_own() {
        let file = policy_of(
            "network.dnsmasq = { lease_seconds = 120, static_leases = [\
             { mac = '52:54:00:00:00:01', address = '172.20.30.5', hostname = 'till' },\
             { mac = '52:54:00:00:00:02', address = '172.20.30.77' }] }",
        );
        assert_eq!(file.subnets[0].boot_lease_s, 120);
        let shown = |entry: &ReservationTable| {
            format!(
                "{} {} {:?}",
                entry.mac.unwrap(),
                entry.address,
                entry.hostname.as_ref().map(HostLabel::as_str)
            )
        };
        let shown: Vec<String> = file.reservations.iter().map(shown).collect();
        assert_eq!(
            shown,
            ["52:54:00:00:00:01 172.20.30.5 Some(\"till\")", "52:54:00:00:00:02 172.20.30.77 None"]
        );
        assert!(Policy::new(file).is_ok());
    }

    #[test]
    fn beside_another_server_nothing_is_handed_out() {
        let file = policy_of("network.dnsmasq.enable = false");
        assert_eq!(file.interfaces[&"eth1".parse().unwrap()].dhcp, DhcpMode::Off);
        assert!(file.subnets.is_empty() && Policy::new(file).is_ok());
    }

    #[test]
    fn what_boots_is_served_when_it_is_asked_for() {
        let off = policy_of("");
        assert_eq!((off.listen.dhcp_port, off.listen.tftp_port, off.listen.http_port), (67, 0, 0));
        assert_eq!(off.boot.root, None);
        let server = policy_of("netboot = { mode = 'server', force = true }");
        assert_eq!((server.listen, server.dhcp.force), (ListenTable::default(), true));
        assert!(server.boot.root.is_some() && Policy::new(server).is_ok());
        let proxy = policy_of("netboot.mode = 'proxy'");
        assert_eq!(proxy.interfaces[&"eth1".parse().unwrap()].dhcp, DhcpMode::Proxy);
        assert!(proxy.subnets.is_empty() && Policy::new(proxy).is_ok());
    }
}
