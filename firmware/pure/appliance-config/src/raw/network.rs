use crate::reader::{Field, Table};
use crate::report::{At, Spot};

use super::strings;

/// A list of texts, where it was written.
pub(crate) type RawList = Option<At<Vec<At<String>>>>;

/// `[network]`.
#[derive(Debug, Default)]
pub(crate) struct RawNetwork {
    pub(crate) default_gateway: Option<At<String>>,
    pub(crate) dns_servers: RawList,
    pub(crate) search_domains: RawList,
    pub(crate) nat: Option<At<bool>>,
    pub(crate) interfaces: Vec<RawInterface>,
    pub(crate) dnsmasq: RawDnsmasq,
    pub(crate) time_servers: RawList,
    pub(crate) hosts: Vec<RawHost>,
    pub(crate) wan: RawPorts,
    pub(crate) wan_ssh: Option<At<bool>>,
    pub(crate) lan: RawPorts,
}

/// `[network.interfaces.NAME]`.
#[derive(Debug)]
pub(crate) struct RawInterface {
    pub(crate) name: At<String>,
    /// The table itself.
    pub(crate) spot: Spot,
    /// `None`: missing or unreadable, and reported.
    pub(crate) mode: Option<At<String>>,
    pub(crate) address: Option<At<String>>,
    pub(crate) gateway: Option<At<String>>,
    pub(crate) dns_servers: RawList,
    pub(crate) search_domains: RawList,
    pub(crate) side: Option<At<String>>,
    pub(crate) vlan: Option<RawVlan>,
}

/// `vlan = { link = …, id = … }`. Empty where it was no table, and that was reported.
#[derive(Debug, Default)]
pub(crate) struct RawVlan {
    /// `None`: missing or unreadable, and reported.
    pub(crate) link: Option<At<String>>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) id: Option<At<i64>>,
}

/// `[network.dnsmasq]`. The format names the table after the program that once did this.
#[derive(Debug, Default)]
pub(crate) struct RawDnsmasq {
    pub(crate) enable: Option<At<bool>>,
    pub(crate) interface: Option<At<String>>,
    pub(crate) gateway_cidr: Option<At<String>>,
    pub(crate) dhcp_start: Option<At<String>>,
    pub(crate) dhcp_end: Option<At<String>>,
    pub(crate) lease_seconds: Option<At<i64>>,
    pub(crate) static_leases: Option<At<Vec<RawStaticLease>>>,
    pub(crate) domain: Option<At<String>>,
    pub(crate) hostname_pattern: Option<At<String>>,
    pub(crate) gateway_aliases: RawList,
}

/// One of `static_leases`.
#[derive(Debug)]
pub(crate) struct RawStaticLease {
    /// `None`: missing or unreadable, and reported.
    pub(crate) mac: Option<At<String>>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) address: Option<At<String>>,
    pub(crate) hostname: Option<At<String>>,
}

/// A name of `[network.hosts]`.
#[derive(Debug)]
pub(crate) struct RawHost {
    pub(crate) name: At<String>,
    pub(crate) address: At<String>,
}

/// `[network.firewall.inbound.SIDE]`.
#[derive(Debug, Default)]
pub(crate) struct RawPorts {
    pub(crate) tcp: Vec<At<i64>>,
    pub(crate) udp: Vec<At<i64>>,
}

impl RawNetwork {
    pub(super) fn read(mut table: Table<'_>) -> RawNetwork {
        let mut network = RawNetwork {
            default_gateway: table.take("default_gateway").and_then(Field::string),
            dns_servers: table.take("dns_servers").and_then(strings),
            search_domains: table.take("dns_search_domains").and_then(strings),
            nat: table.take("nat").and_then(Field::boolean),
            ..RawNetwork::default()
        };
        if let Some(interfaces) = table.take("interfaces").and_then(Field::table) {
            network.interfaces =
                interfaces.fields().filter_map(|(name, field)| interface(name, field)).collect();
        }
        network.dnsmasq = table.take("dnsmasq").and_then(Field::table).map(dnsmasq).unwrap_or_default();
        if let Some(mut ntp) = table.take("ntp").and_then(Field::table) {
            network.time_servers = ntp.take("servers").and_then(strings);
            ntp.finish();
        }
        if let Some(hosts) = table.take("hosts").and_then(Field::table) {
            let host = |(name, field): (&str, Field<'_>)| {
                let name = At { spot: field.key.clone(), value: name.to_owned() };
                Some(RawHost { name, address: field.string()? })
            };
            network.hosts = hosts.fields().filter_map(host).collect();
        }
        if let Some(mut firewall) = table.take("firewall").and_then(Field::table) {
            if let Some(mut inbound) = firewall.take("inbound").and_then(Field::table) {
                if let Some(mut wan) = inbound.take("wan").and_then(Field::table) {
                    network.wan_ssh = wan.take("ssh").and_then(Field::boolean);
                    network.wan = ports(wan);
                }
                network.lan = inbound.take("lan").and_then(Field::table).map(ports).unwrap_or_default();
                inbound.finish();
            }
            firewall.finish();
        }
        table.finish();
        network
    }
}

fn interface(name: &str, field: Field<'_>) -> Option<RawInterface> {
    let name = At { spot: field.key.clone(), value: name.to_owned() };
    let mut table = field.table()?;
    let interface = RawInterface {
        name,
        spot: table.spot().clone(),
        mode: table
            .required("mode", "write `mode = \"dhcp\"` or `mode = \"static\"`")
            .and_then(Field::string),
        address: table.take("address").and_then(Field::string),
        gateway: table.take("gateway").and_then(Field::string),
        dns_servers: table.take("dns_servers").and_then(strings),
        search_domains: table.take("dns_search_domains").and_then(strings),
        side: table.take("side").and_then(Field::string),
        vlan: table.take("vlan").map(|field| field.table().map(vlan).unwrap_or_default()),
    };
    table.finish();
    Some(interface)
}

fn vlan(mut table: Table<'_>) -> RawVlan {
    let vlan = RawVlan {
        link: table.required("link", "write on which card it is: `link = \"eth1\"`").and_then(Field::string),
        id: table.required("id", "write its number: `id = 10`").and_then(Field::integer),
    };
    table.finish();
    vlan
}

fn dnsmasq(mut table: Table<'_>) -> RawDnsmasq {
    let dnsmasq = RawDnsmasq {
        enable: table.take("enable").and_then(Field::boolean),
        interface: table.take("interface").and_then(Field::string),
        gateway_cidr: table.take("gateway_cidr").and_then(Field::string),
        dhcp_start: table.take("dhcp_start").and_then(Field::string),
        dhcp_end: table.take("dhcp_end").and_then(Field::string),
        lease_seconds: table.take("lease_seconds").and_then(Field::integer),
        static_leases: table.take("static_leases").and_then(|field| field.array(static_lease)),
        domain: table.take("domain").and_then(Field::string),
        hostname_pattern: table.take("hostname_pattern").and_then(Field::string),
        gateway_aliases: table.take("gateway_aliases").and_then(strings),
    };
    table.finish();
    dnsmasq
}

fn static_lease(field: Field<'_>) -> Option<RawStaticLease> {
    let mut table = field.table()?;
    let lease = RawStaticLease {
        mac: table
            .required("mac", "write whose it is: `mac = \"52:54:00:12:34:56\"`")
            .and_then(Field::string),
        address: table
            .required("address", "write what it gets: `address = \"172.20.30.5\"`")
            .and_then(Field::string),
        hostname: table.take("hostname").and_then(Field::string),
    };
    table.finish();
    Some(lease)
}

fn ports(mut table: Table<'_>) -> RawPorts {
    let mut list = |key| {
        let list = table.take(key).and_then(|field| field.array(Field::integer));
        list.map(|list| list.value).unwrap_or_default()
    };
    let ports = RawPorts { tcp: list("tcp"), udp: list("udp") };
    table.finish();
    ports
}
