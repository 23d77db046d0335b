//! What a reply says about the network.

use std::time::Duration;

use appliance_types::{DomainName, HostLabel};

use crate::client::ClientClass;
use crate::dhcp::{Options, Packet, Request, code};
use crate::policy::SubnetTable;

/// How long a client may keep an address.
pub(super) fn lease_time(subnet: &SubnetTable, class: ClientClass) -> Duration {
    let seconds = if class.is_boot_stage() { subnet.boot_lease_s } else { subnet.lease_s };
    Duration::from_secs(seconds.into())
}

/// Options 51, 58 and 59.
pub(super) fn push_times(options: &mut Options, lease: Duration) {
    let seconds = u32::try_from(lease.as_secs()).unwrap_or(u32::MAX);
    options.push(code::LEASE_TIME, &seconds.to_be_bytes());
    // RFC 2131 4.4.5: at half of it the client asks us again, at seven eighths anybody.
    options.push(code::RENEWAL_TIME, &(seconds / 2).to_be_bytes());
    options.push(code::REBINDING_TIME, &(seconds / 8 * 7).to_be_bytes());
}

/// What everybody gets who has an address in the subnet, in the order in which it may be left out at the end: option 57 of a
/// client can make room scarce. The parameter request list decides nothing here: ROMs forget to ask for what they need.
pub(super) fn push_network(options: &mut Options, subnet: &SubnetTable, hostname: Option<&HostLabel>) {
    options.push_addresses(code::SUBNET_MASK, &[subnet.network.netmask()]);
    for (code, addresses) in [(code::ROUTERS, &subnet.routers), (code::DNS_SERVERS, &subnet.dns)] {
        if !addresses.is_empty() {
            options.push_addresses(code, addresses);
        }
    }
    options.push_addresses(code::BROADCAST, &[subnet.network.broadcast()]);
    if let Some(domain) = &subnet.domain {
        options.push(code::DOMAIN_NAME, domain.as_str().as_bytes());
    }
    if let Some(hostname) = hostname {
        options.push(code::HOST_NAME, hostname.as_str().as_bytes());
    }
    if !subnet.ntp.is_empty() {
        options.push_addresses(code::NTP_SERVERS, &subnet.ntp);
    }
    if !subnet.search.is_empty() {
        options.push(code::DOMAIN_SEARCH, &search_list(&subnet.search));
    }
}

/// What came from the client or the relay and goes back unchanged: options 61 (RFC 6842) and 82 (RFC 3046 2.2).
pub(super) fn push_echoes(request: &Request, reply: &mut Packet) {
    for code in [code::CLIENT_ID, code::RELAY_AGENT] {
        if let Some(value) = request.packet.options.get(code) {
            reply.options.push(code, value);
        }
    }
}

/// Names as in DNS, one after the other (RFC 3397). Without compression, which readers need not understand.
fn search_list(names: &[DomainName]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in names {
        for label in name.as_str().split('.') {
            bytes.push(u8::try_from(label.len()).unwrap_or_default());
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
    }
    bytes
}
