//! `dhcp_start` and `dhcp_end`. Where one or both are missing, they follow the box's own address.

use std::net::Ipv4Addr;

use appliance_types::Ipv4Cidr;

use super::addresses;
use crate::Code;
use crate::raw::RawDnsmasq;
use crate::report::{At, Report};

/// In networks of this prefix and shorter, the first nine addresses are left for machines that are set up by hand.
const ROOMY: u8 = 26;

/// First and last address for machines that have none reserved. Where something was reported, a range that would be right.
pub(super) fn check(raw: &RawDnsmasq, lan: Ipv4Cidr, report: &Report<'_>) -> (Ipv4Addr, Ipv4Addr) {
    let bound = |raw: &At<String>| addresses::of_a_machine(raw, lan, report);
    let (start, end) = (raw.dhcp_start.as_ref().map(bound), raw.dhcp_end.as_ref().map(bound));
    let (first, last) = complete(lan, start.flatten(), end.flatten());
    let written = raw.dhcp_end.as_ref().or(raw.dhcp_start.as_ref());
    // What is wrong with one of the two was said; together they would only be wrong again.
    let Some(At { spot, .. }) = written.filter(|_| start != Some(None) && end != Some(None)) else {
        return (first, last);
    };
    if first > last {
        report.problem(spot, Code::Conflict, format!("the range ends before it begins: {first} to {last}"));
    } else if (first..=last).contains(&lan.address()) {
        let message =
            format!("the range {first} to {last} has the address of this box in it, {}", lan.address());
        report.hinted(spot, Code::Conflict, message, "let it end before, or begin after");
    }
    (first, last)
}

/// The range with these bounds, the missing ones as far away as they can be without reaching the box's own address. Without
/// any, the larger part of the network beside it.
fn complete(lan: Ipv4Cidr, start: Option<Ipv4Addr>, end: Option<Ipv4Addr>) -> (Ipv4Addr, Ipv4Addr) {
    let own = lan.address().to_bits();
    let (lowest, highest) = (lan.network().to_bits() + 1, lan.broadcast().to_bits() - 1);
    let low = if lan.prefix() <= ROOMY { lowest + 9 } else { lowest };
    let (first, last) = match (start.map(Ipv4Addr::to_bits), end.map(Ipv4Addr::to_bits)) {
        (Some(start), Some(end)) => (start, end),
        (Some(start), None) => (start, if start < own { own - 1 } else { highest }),
        (None, Some(end)) => {
            let bottom = if end > own { own + 1 } else { lowest };
            let start = bottom.max(low);
            (if start <= end { start } else { bottom }, end)
        }
        (None, None) => {
            let (below, above) = ((low, own - 1), (low.max(own + 1), highest));
            let size = |(first, last): (u32, u32)| (last + 1).saturating_sub(first);
            if size(below) > size(above) { below } else { above }
        }
    };
    (first.into(), last.into())
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
