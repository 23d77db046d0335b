//! What the owner says must work: rendered with a configuration, read by what waits for it and by what judges a boot.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ContainerName, Mode, ProbeName};

/// The health set: every probe of a configuration. [`HealthSet::PATH`] holds it as JSON; keys not listed here are passed over, so
/// that a reader takes the set of a newer image too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthSet {
    /// By name.
    pub probes: BTreeMap<ProbeName, Probe>,
}

impl HealthSet {
    /// Where it is, while a configuration is in force.
    pub const PATH: &str = "/etc/slipway/health.json";
}

/// One question, asked again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What is asked.
    #[serde(flatten)]
    pub check: ProbeCheck,
    /// How long one answer may take, in seconds: 1 to 60.
    pub timeout_s: u64,
}

impl Probe {
    /// How long one answer may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProbeCheck {
    /// `GET` over plain HTTP. No redirect is followed: the answer to this request is what counts.
    Http {
        /// Whom to ask.
        host: ProbeHost,
        /// At which TCP port.
        port: u16,
        /// The request's target, which begins with `/`: path and query.
        target: String,
        /// Status codes that are well. Empty: 200 to 299.
        #[serde(default)]
        status: Vec<u16>,
        /// A text that the first 64 KiB of the body must hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contains: Option<String>,
    },
    /// A TCP connection is accepted.
    Tcp {
        /// Whom to ask.
        host: ProbeHost,
        /// At which TCP port.
        port: u16,
    },
    /// A program ends with 0.
    Command {
        /// The program and its arguments, with no shell in between. At least one; on the device itself the first is a whole path.
        words: Vec<String>,
        /// In this container; else on the device, as the application user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        container: Option<ProbeContainer>,
    },
    /// A unit is active, and is not restarted in between.
    Unit {
        /// Its full name: `web.service`.
        unit: String,
        /// Whose service manager runs it.
        mode: Mode,
    },
}

/// A container to run a command in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeContainer {
    /// Its name in the configuration.
    pub name: ContainerName,
    /// Its name in Podman.
    pub podman_name: String,
    /// Whose Podman.
    pub mode: Mode,
}

/// Whom a probe asks: an address, or a name to be looked up each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProbeHost {
    /// An address.
    Address(IpAddr),
    /// A DNS name, lower-case.
    Name(String),
}

impl std::fmt::Display for ProbeHost {
    /// As in a URL: an IPv6 address stands in brackets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ProbeHost::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            ProbeHost::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            ProbeHost::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written once and never changed: an image that was shipped writes this.
    const FIRST: &str = concat!(
        r#"{"probes":{"#,
        r#""dns":{"kind":"unit","unit":"web.service","mode":"rootless","timeout_s":5},"#,
        r#""job":{"kind":"command","words":["/usr/bin/test","-e","/x"],"container":{"name":"web","podman_name":"systemd-web","#,
        r#""mode":"rootful"},"timeout_s":5},"#,
        r#""port":{"kind":"tcp","host":"::1","port":53,"timeout_s":1},"#,
        r#""shop":{"kind":"http","host":"shop.lan","port":8080,"target":"/health","status":[200],"contains":"ok","timeout_s":60}}}"#,
    );

    #[test]
    fn the_first_form_is_read_and_written() {
        let set: HealthSet = serde_json::from_str(FIRST).unwrap();
        assert_eq!(set.probes.len(), 4);
        assert_eq!(serde_json::to_string(&set).unwrap(), FIRST);
        let Probe { check: ProbeCheck::Tcp { host, port }, .. } = &set.probes[&"port".parse().unwrap()]
        else {
            panic!("{set:?}")
        };
        assert_eq!((host.to_string().as_str(), *port), ("[::1]", 53));
    }

    #[test]
    fn what_may_be_left_out_may_be_left_out_and_later_keys_are_passed_over() {
        let text = r#"{"later":1,"probes":{"a":{"kind":"http","host":"127.0.0.1","port":80,"target":"/","timeout_s":5,"later":2}}}"#;
        let set: HealthSet = serde_json::from_str(text).unwrap();
        let probe = &set.probes[&"a".parse().unwrap()];
        assert_eq!(probe.timeout(), Duration::from_secs(5));
        assert!(
            matches!(&probe.check, ProbeCheck::Http { status, contains: None, .. } if status.is_empty()),
            "{probe:?}"
        );
    }
}
