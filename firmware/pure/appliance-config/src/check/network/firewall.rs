use std::collections::BTreeSet;

use crate::raw::{RawNetwork, RawPorts};
use crate::report::{At, Report};
use crate::{Code, Firewall, LanPolicy, Ports};

/// Where the console listens. It is for LAN: on WAN it would be one guess away from everybody.
const CONSOLE: u16 = 8080;

const SSH: u16 = 22;

pub(super) fn check(raw: &RawNetwork, report: &Report<'_>) -> Firewall {
    for port in &raw.wan.tcp {
        if port.value == i64::from(CONSOLE) {
            let message = "8080 is the console, which is never reachable from WAN";
            report.hinted(&port.spot, Code::NotAllowed, message, "let your container use another port");
        }
        if port.value == i64::from(SSH) {
            let message = "SSH is not opened to WAN among other ports, where it may not be meant";
            report.hinted(&port.spot, Code::NotAllowed, message, "write `ssh = true` beside the list");
        }
    }
    let lan = match ports(&raw.lan, report) {
        ports if ports == Ports::default() => LanPolicy::Open,
        ports => LanPolicy::Only(ports),
    };
    let wan_ssh = raw.wan_ssh.as_ref().is_some_and(|raw| raw.value);
    Firewall { wan: ports(&raw.wan, report), wan_ssh, lan }
}

fn ports(raw: &RawPorts, report: &Report<'_>) -> Ports {
    Ports { tcp: list(&raw.tcp, report), udp: list(&raw.udp, report) }
}

fn list(raw: &[At<i64>], report: &Report<'_>) -> BTreeSet<u16> {
    let port = |raw: &At<i64>| match u16::try_from(raw.value) {
        Ok(port @ 1..) => Some(port),
        _ => {
            report.problem(
                &raw.spot,
                Code::BadValue,
                format!("{} is no port: they go from 1 to 65535", raw.value),
            );
            None
        }
    };
    raw.iter().filter_map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, with};

    #[test]
    fn ports_are_numbers_from_1_to_65535() {
        check(&[
            ("network.firewall.inbound.wan.tcp = [443, 1, 65535]", ""),
            ("network.firewall.inbound.wan.udp = [8080]", ""),
            ("network.firewall.inbound.lan.tcp = [8080]", ""),
            ("network.firewall.inbound.wan.tcp = [0]", "inbound.wan.tcp[0] bad-value … 0 is no port"),
            ("network.firewall.inbound.wan.tcp = [65536]", "inbound.wan.tcp[0] bad-value"),
            ("network.firewall.inbound.lan.udp = [53, -1]", "inbound.lan.udp[1] bad-value"),
            (
                "network.firewall.inbound.wan.tcp = [true]",
                "wan.tcp[0] wrong-type … an integer, not a boolean",
            ),
            ("network.firewall.inbound.wan.tcp = ['443']", "wan.tcp[0] wrong-type"),
            ("network.firewall.inbound.wan.tcp = 443", "wan.tcp wrong-type … an array"),
            ("network.firewall.inbound.wan.tcp = [443.0]", "wan.tcp[0] wrong-type … a float"),
            (
                "network.firewall.inbound.wan.tcp = [99999999999999999999]",
                "wan.tcp[0] wrong-type … beyond 64 bits",
            ),
            ("network.firewall.inbound.dmz.tcp = []", "network.firewall.inbound.dmz unknown-key … wan, lan"),
            ("network.firewall.outbound = {}", "network.firewall.outbound unknown-key"),
            ("network.firewall.inbound.wan.tpc = []", "wan.tpc unknown-key … did you mean `tcp`?"),
        ]);
    }

    #[test]
    fn the_console_is_never_on_wan_and_ssh_only_by_its_own_key() {
        check(&[
            ("network.firewall.inbound.wan.tcp = [443, 8080]", "wan.tcp[1] not-allowed … console"),
            ("network.firewall.inbound.wan.tcp = [22]", "wan.tcp[0] not-allowed … SSH … `ssh = true`"),
            ("network.firewall.inbound.wan.udp = [22]", ""),
            ("network.firewall.inbound.lan.tcp = [22]", ""),
            ("network.firewall.inbound.lan.ssh = true", "inbound.lan.ssh unknown-key"),
            ("network.firewall.inbound.wan.ssh = 22", "inbound.wan.ssh wrong-type … true or false"),
        ]);
        let open = |text: &str| with(text).unwrap().config.network.firewall.wan_ssh;
        assert!(open("network.firewall.inbound.wan = { ssh = true, tcp = [443] }"));
        assert!(!open("network.firewall.inbound.wan = { ssh = false }") && !open(""));
    }

    #[test]
    fn lan_is_open_until_a_port_is_listed() {
        let lan = |text: &str| with(text).unwrap().config.network.firewall.lan;
        assert_eq!(lan(""), LanPolicy::Open);
        assert_eq!(lan("network.firewall.inbound.lan = { tcp = [], udp = [] }"), LanPolicy::Open);
        let only = Ports { tcp: [443].into(), udp: [].into() };
        assert_eq!(
            lan("network.firewall.inbound.lan = { tcp = [443, 443], udp = [] }"),
            LanPolicy::Only(only)
        );
    }
}
