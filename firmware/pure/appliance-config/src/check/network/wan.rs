//! `default_gateway` and `dns_*` of `[network]`. They are eth0's: written in both places, they say the same or the document
//! says two things.

use std::net::{IpAddr, Ipv4Addr};

use super::addresses;
use crate::raw::{RawInterface, RawNetwork};
use crate::report::{Report, Spot};
use crate::{Addressing, Code, DomainName, Interface};

pub(super) struct Common<'a> {
    gateway: Option<(Ipv4Addr, &'a Spot)>,
    dns_servers: Option<(Vec<IpAddr>, &'a Spot)>,
    search_domains: Option<(Vec<DomainName>, &'a Spot)>,
}

impl<'a> Common<'a> {
    pub(super) fn new(raw: &'a RawNetwork, report: &Report<'_>) -> Common<'a> {
        let gateway = raw.default_gateway.as_ref();
        let servers = raw.dns_servers.as_ref();
        let domains = raw.search_domains.as_ref();
        Common {
            gateway: gateway.and_then(|raw| Some((addresses::gateway(raw, report)?, &raw.spot))),
            dns_servers: servers.map(|raw| (addresses::dns_servers(raw, report), &raw.spot)),
            search_domains: domains.map(|raw| (addresses::search_domains(raw, report), &raw.spot)),
        }
    }

    pub(super) fn apply(self, written: Option<&RawInterface>, wan: &mut Interface, report: &Report<'_>) {
        let conflict = |spot: &Spot, key: &str| {
            let message = format!("network.interfaces.eth0.{key} says something else");
            report.hinted(spot, Code::Conflict, message, "it is the same setting: keep one of the two");
        };
        if let Some((gateway, spot)) = self.gateway {
            match &mut wan.addressing {
                Addressing::None => {
                    let message = "eth0 has no address, and so no gateway";
                    report.hinted(
                        spot,
                        Code::Conflict,
                        message,
                        "write `gateway` at the interface that has it",
                    );
                }
                Addressing::Dhcp { gateway: Some(own) } | Addressing::Static { gateway: Some(own), .. }
                    if *own != gateway =>
                {
                    conflict(spot, "gateway");
                }
                Addressing::Dhcp { gateway: own } => *own = Some(gateway),
                Addressing::Static { address, gateway: own } => {
                    addresses::check_on_link(*address, gateway, spot, report);
                    *own = Some(gateway);
                }
            }
        }
        if let Some((servers, spot)) = self.dns_servers {
            match written.is_some_and(|raw| raw.dns_servers.is_some()) && wan.dns_servers != servers {
                true => conflict(spot, "dns_servers"),
                false => wan.dns_servers = servers,
            }
        }
        if let Some((domains, spot)) = self.search_domains {
            match written.is_some_and(|raw| raw.search_domains.is_some()) && wan.search_domains != domains {
                true => conflict(spot, "dns_search_domains"),
                false => wan.search_domains = domains,
            }
        }
    }
}
