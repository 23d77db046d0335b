use crate::reader::{Field, Table};
use crate::report::{At, Spot};

use super::strings;

/// `[network]`.
#[derive(Debug, Default)]
pub(crate) struct RawNetwork {
    pub(crate) default_gateway: Option<At<String>>,
    pub(crate) dns_servers: Option<At<Vec<At<String>>>>,
    pub(crate) search_domains: Option<At<Vec<At<String>>>>,
    pub(crate) interfaces: Vec<RawInterface>,
    pub(crate) wan: RawPorts,
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
    pub(crate) dns_servers: Option<At<Vec<At<String>>>>,
    pub(crate) search_domains: Option<At<Vec<At<String>>>>,
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
            ..RawNetwork::default()
        };
        if let Some(interfaces) = table.take("interfaces").and_then(Field::table) {
            network.interfaces =
                interfaces.fields().filter_map(|(name, field)| interface(name, field)).collect();
        }
        if let Some(mut firewall) = table.take("firewall").and_then(Field::table) {
            if let Some(mut inbound) = firewall.take("inbound").and_then(Field::table) {
                network.wan = inbound.take("wan").and_then(Field::table).map(ports).unwrap_or_default();
                network.lan = inbound.take("lan").and_then(Field::table).map(ports).unwrap_or_default();
                inbound.finish();
            }
            firewall.finish();
        }
        let dnsmasq = "this Slipway hands out no addresses and names on LAN yet; for the address of the LAN side write \
                       network.interfaces.eth1";
        table.not_supported("dnsmasq", dnsmasq);
        table.not_supported(
            "ntp",
            "this Slipway takes its time servers from no configuration yet; remove the table",
        );
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
    };
    table.finish();
    Some(interface)
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
