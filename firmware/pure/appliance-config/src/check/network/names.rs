//! Names that the box answers for on LAN. Each means one address: the second claim on a name is a mistake in the document.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use appliance_types::HostLabel;

use super::addresses;
use crate::raw::RawHost;
use crate::report::{At, Report, Spot};
use crate::{Code, DomainName};

/// The box's own name.
const GATEWAY: &str = "slipway";

/// Domains that name servers and resolvers answer for by themselves (RFC 6761, RFC 9476): no name below them gets through.
const NEVER: [&str; 4] = ["localhost", "invalid", "alt", "arpa"];

/// The domain of local names.
pub(super) fn domain(raw: Option<&At<String>>, report: &Report<'_>) -> DomainName {
    let Some(raw) = raw else { return DomainName::internal() };
    let domain: DomainName = match raw.value.parse() {
        Ok(domain) => domain,
        Err(error) => {
            report.problem(&raw.spot, Code::BadValue, error.to_string());
            return DomainName::internal();
        }
    };
    let top = domain.as_str().rsplit('.').next().unwrap_or_default();
    // Below `arpa`, `home.arpa` is made for this (RFC 8375).
    if NEVER.contains(&top) && !domain.as_str().ends_with("home.arpa") {
        let hint = "`internal` and `home.arpa` are for local names";
        report.hinted(&raw.spot, Code::BadValue, format!("names below `{top}` are never looked up"), hint);
    }
    if top == "local" {
        let message =
            "many machines look names below `local` up by multicast (RFC 6762) and do not ask this box";
        report.hinted(&raw.spot, Code::Warning, message, "leave it out for `internal`");
    }
    domain
}

/// The names given so far.
pub(super) struct Names<'a> {
    domain: &'a DomainName,
    taken: BTreeSet<String>,
}

impl Names<'_> {
    pub(super) fn new(domain: &DomainName) -> Names<'_> {
        Names { domain, taken: BTreeSet::new() }
    }

    /// The names of the box itself. An empty list means the default, as the format has it.
    pub(super) fn of_the_gateway(
        &mut self,
        raw: Option<&At<Vec<At<String>>>>,
        report: &Report<'_>,
    ) -> Vec<DomainName> {
        let names: Vec<DomainName> = match raw.filter(|raw| !raw.value.is_empty()) {
            Some(raw) => addresses::list(raw, "a name", report),
            None => GATEWAY.parse().into_iter().collect(),
        };
        for name in &names {
            self.taken.insert(self.whole(name));
        }
        if let Some(raw) = raw {
            raw.value
                .iter()
                .filter(|raw| is_localhost(&raw.value))
                .for_each(|raw| localhost(&raw.spot, report));
        }
        names
    }

    /// Names that the owner wrote down, with their addresses.
    pub(super) fn hosts(&mut self, raw: &[RawHost], report: &Report<'_>) -> BTreeMap<DomainName, IpAddr> {
        let mut hosts = BTreeMap::new();
        for RawHost { name, address } in raw {
            let parsed = match name.value.parse::<DomainName>() {
                _ if is_localhost(&name.value) => {
                    localhost(&name.spot, report);
                    None
                }
                Ok(parsed) => self.claim(&parsed, &name.spot, report).then_some(parsed),
                Err(error) => {
                    report.problem(&name.spot, Code::BadValue, error.to_string());
                    None
                }
            };
            let address = match address.value.parse::<IpAddr>() {
                Ok(ip) if !ip.is_unspecified() && !ip.is_multicast() => Some(ip),
                _ => {
                    let message = "it is not the address of a machine";
                    report.problem(&address.spot, Code::BadValue, message);
                    None
                }
            };
            hosts.extend(parsed.zip(address));
        }
        hosts
    }

    /// The name of a machine with an address reserved.
    pub(super) fn of_a_machine(&mut self, raw: &At<String>, report: &Report<'_>) -> Option<HostLabel> {
        let label: HostLabel = match raw.value.parse() {
            Ok(label) => label,
            Err(error) => {
                report.problem(&raw.spot, Code::BadValue, error.to_string());
                return None;
            }
        };
        if is_localhost(label.as_str()) {
            localhost(&raw.spot, report);
            return None;
        }
        let Some(name) = self.domain.child(&label) else {
            let message = format!("in {} it would be longer than a name can be", self.domain);
            report.problem(&raw.spot, Code::BadValue, message);
            return None;
        };
        self.claim(&name, &raw.spot, report).then_some(label)
    }

    fn claim(&mut self, name: &DomainName, spot: &Spot, report: &Report<'_>) -> bool {
        let whole = self.whole(name);
        let message = format!("`{whole}` is the name of something else already");
        let free = self.taken.insert(whole);
        if !free {
            report.problem(spot, Code::Conflict, message);
        }
        free
    }

    /// With its domain.
    fn whole(&self, name: &DomainName) -> String {
        match name.is_short() {
            true => format!("{name}.{}", self.domain),
            false => name.to_string(),
        }
    }
}

fn is_localhost(name: &str) -> bool {
    name.trim_end_matches('.').rsplit('.').next().is_some_and(|top| top.eq_ignore_ascii_case("localhost"))
}

fn localhost(spot: &Spot, report: &Report<'_>) {
    report.problem(spot, Code::BadValue, "to every machine, `localhost` is itself");
}
