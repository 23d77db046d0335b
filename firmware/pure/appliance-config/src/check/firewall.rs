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
            report.problem(&port.spot, Code::Warning, "this opens SSH to everybody on WAN");
        }
    }
    let lan = match ports(&raw.lan, report) {
        ports if ports == Ports::default() => LanPolicy::Open,
        ports => LanPolicy::Only(ports),
    };
    Firewall { wan: ports(&raw.wan, report), lan }
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
