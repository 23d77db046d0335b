//! `PublishPort=`: which ports of a container are ports of the device.
//!
//! A container of the application user publishes on loopback only, whatever is written: what reaches it from outside goes
//! through a privileged container, where the owner sees it in one place. The other address is replaced with a warning.

use std::net::{IpAddr, Ipv4Addr};

use crate::report::{At, Report};
use crate::{Code, ContainerNetwork, Mode, Publish};

/// Below this, ports are root's.
const UNPRIVILEGED: u16 = 1024;

/// A port that was published, to find two containers that publish the same one.
pub(super) struct Taken {
    address: IpAddr,
    protocol: Protocol,
    first: u16,
    last: u16,
    at: At<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    fn word(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        }
    }
}

/// One port, or as many on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
}

/// The ports of one container. They are also noted in `taken`.
pub(super) fn check<'v>(
    values: impl Iterator<Item = &'v At<String>>,
    mode: Mode,
    network: &ContainerNetwork,
    taken: &mut Vec<Taken>,
    report: &Report<'_>,
) -> Vec<Publish> {
    let mut published = Vec::new();
    for value in values {
        match network {
            ContainerNetwork::Host => {
                let message = "it has no effect: the container has the device's own network, and its ports are the device's";
                report.problem(&value.spot, Code::Warning, message);
            }
            ContainerNetwork::None => {
                report.problem(&value.spot, Code::Warning, "it has no effect: the container has no network");
            }
            // Reported as the pod's.
            ContainerNetwork::Pod(_) => {}
            ContainerNetwork::Pasta | ContainerNetwork::Joined(_) => {
                let Some((publish, port)) = one(value, mode, report) else { continue };
                taken.push(port);
                published.push(publish);
            }
        }
    }
    published
}

/// Reports ports that are published twice.
pub(super) fn check_taken(mut taken: Vec<Taken>, report: &Report<'_>) {
    taken.sort_by_key(|port| (port.protocol, port.first));
    let mut taken = taken.iter();
    let Some(mut before) = taken.next() else { return };
    for port in taken {
        let meet = port.address == before.address
            || port.address.is_unspecified()
            || before.address.is_unspecified();
        if port.protocol == before.protocol && port.first <= before.last && meet {
            // The one further down is the one to change.
            let (first, second) =
                if port.at.spot.place > before.at.spot.place { (before, port) } else { (port, before) };
            let message = format!("{} publishes port {} too", first.at.spot.path, port.first);
            report.hinted(
                &second.at.spot,
                Code::Conflict,
                message,
                "a port of the device leads to one container",
            );
        }
        if port.protocol != before.protocol || port.last >= before.last {
            before = port;
        }
    }
}

fn one(value: &At<String>, mode: Mode, report: &Report<'_>) -> Option<(Publish, Taken)> {
    const FORM: &str = "write `8080:80`: the device's port, then the container's; also `8000-8005:8000-8005` and `53:53/udp`";
    let problem = |message: &str| {
        report.hinted(&value.spot, Code::BadValue, message, FORM);
        None
    };
    let (ports, protocol) = match value.value.rsplit_once('/') {
        None => (value.value.as_str(), Protocol::Tcp),
        Some((ports, "tcp")) => (ports, Protocol::Tcp),
        Some((ports, "udp")) => (ports, Protocol::Udp),
        Some(_) => return problem("the protocol is `tcp` or `udp`"),
    };
    let Some((rest, container)) = ports.rsplit_once(':') else {
        return problem("the device's port must be named: a free one would be another at each start");
    };
    let (host, device) = rest.rsplit_once(':').map_or((None, rest), |(host, device)| (Some(host), device));
    let (Some(device), Some(container)) = (range(device), range(container)) else {
        return problem("these are no two ports from 1 to 65535");
    };
    if device.last - device.first != container.last - container.first {
        return problem("both ranges have as many ports");
    }
    if mode == Mode::Rootless && device.first < UNPRIVILEGED {
        let message = "a container of the application user cannot have a port below 1024";
        report.hinted(&value.spot, Code::BadValue, message, "use a higher one, or write `privileged = true`");
        return None;
    }
    let Ok(host) = host.map(address).transpose() else {
        return problem("what stands before the ports is an address of the device, not a name");
    };
    let address = match mode {
        Mode::Rootless => loopback(host, value, report),
        Mode::Rootful => host.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
    };
    let publish = match address {
        IpAddr::V4(address) => format!("{address}:{device}:{container}/{}", protocol.word()),
        IpAddr::V6(address) => format!("[{address}]:{device}:{container}/{}", protocol.word()),
    };
    let taken = Taken { address, protocol, first: device.first, last: device.last, at: value.clone() };
    Some((Publish(publish), taken))
}

/// An address, in brackets or not; `localhost` is one.
fn address(text: &str) -> Result<IpAddr, std::net::AddrParseError> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse().map(IpAddr::V6),
        None if text == "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
        None => text.parse(),
    }
}

/// Without an address, and for every name of this device itself, 127.0.0.1 is what was asked for. Otherwise it is not.
fn loopback(host: Option<IpAddr>, value: &At<String>, report: &Report<'_>) -> IpAddr {
    match host {
        None => Ipv4Addr::LOCALHOST.into(),
        Some(IpAddr::V4(host)) if host.is_loopback() => host.into(),
        Some(IpAddr::V6(host)) if host.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        Some(host) => {
            let message = format!(
                "published on 127.0.0.1 instead of {host}: this container is not reachable from outside"
            );
            let hint = "let a privileged container, such as a reverse proxy, pass requests on to it";
            report.hinted(&value.spot, Code::Warning, message, hint);
            Ipv4Addr::LOCALHOST.into()
        }
    }
}

fn range(text: &str) -> Option<Range> {
    let port = |text: &str| {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = Range { first: port(first)?, last: port(last)? };
    (range.first <= range.last).then_some(range)
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}
