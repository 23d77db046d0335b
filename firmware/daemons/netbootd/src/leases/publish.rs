//! `leases.json`: the leases in force, for whoever makes names of them. Replaced whole, at most once a second.
//!
//! ```json
//! { "version": 1, "leases": [
//!   { "address": "172.20.30.100", "mac": "52:54:00:12:34:56", "hostname": "laptop", "class": "generic", "expires_ms": 1764000000000 }
//! ] }
//! ```
//!
//! A host name stands there for one lease only: a reservation's first, then whoever has had it for longest.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use appliance_types::{HostLabel, MacAddress};
use netboot_protocol::dhcp::{Lease, LeaseState, LeaseTable};
use netboot_protocol::policy::Policy;
use serde::{Deserialize, Serialize};

use crate::clock::Anchor;

/// A storm of leases is one change.
const SHORTEST: Duration = Duration::from_secs(1);

/// The file of the largest pools, many times over, in bytes.
const LONGEST_FILE: usize = 32 << 20;

/// Wakes the thread that writes the file.
#[derive(Clone, Default)]
pub(crate) struct Publisher {
    changed: Arc<(Mutex<bool>, Condvar)>,
}

#[derive(Serialize)]
struct Published<'l> {
    version: u32,
    leases: Vec<Entry<'l>>,
}

#[derive(Serialize)]
struct Entry<'l> {
    address: Ipv4Addr,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<MacAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'l HostLabel>,
    class: &'static str,
    expires_ms: i64,
}

impl Publisher {
    /// Something is different from what the file says.
    pub(crate) fn changed(&self) {
        let (flag, wake) = &*self.changed;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_one();
    }

    /// Writes the file whenever something changed, until it cannot be written.
    pub(crate) fn run(&self, path: &Path, policy: &Policy, leases: &Mutex<LeaseTable>) -> anyhow::Error {
        let mut holders = holders_in(path);
        loop {
            let bytes = {
                let in_force: Vec<Lease> = {
                    let table = leases.lock().unwrap_or_else(PoisonError::into_inner);
                    table
                        .iter()
                        .filter(|lease| matches!(lease.state, LeaseState::Bound { .. }))
                        .cloned()
                        .collect()
                };
                published(policy, &in_force, &mut holders, Anchor::now())
            };
            if let Err(error) = host_files::write_atomic(path, &bytes, 0o644) {
                return anyhow::Error::new(error).context("cannot publish the leases");
            }
            self.wait();
        }
    }

    fn wait(&self) {
        let (flag, wake) = &*self.changed;
        let guard = flag.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guard = wake.wait_while(guard, |changed| !*changed).unwrap_or_else(PoisonError::into_inner);
        *guard = false;
        // What comes within the next second is told with it.
        let (mut guard, _) =
            wake.wait_timeout_while(guard, SHORTEST, |_| true).unwrap_or_else(PoisonError::into_inner);
        *guard = false;
    }
}

/// Who has which name.
type Holders = BTreeMap<HostLabel, Ipv4Addr>;

/// As an earlier run of ours left it. Without its file nobody has held a name for longer than others.
fn holders_in(path: &Path) -> Holders {
    #[derive(Deserialize)]
    struct File {
        leases: Vec<Line>,
    }
    #[derive(Deserialize)]
    struct Line {
        address: Ipv4Addr,
        hostname: Option<HostLabel>,
    }
    let bytes = host_files::read_bounded(path, LONGEST_FILE).unwrap_or_default();
    let file: File = serde_json::from_slice(&bytes).unwrap_or(File { leases: Vec::new() });
    file.leases.into_iter().filter_map(|line| Some((line.hostname?, line.address))).collect()
}

fn published(policy: &Policy, in_force: &[Lease], holders: &mut Holders, anchor: Anchor) -> Vec<u8> {
    let mut by_address: BTreeMap<Ipv4Addr, &Lease> = BTreeMap::new();
    by_address.extend(in_force.iter().map(|lease| (lease.address, lease)));
    let named_by_policy: BTreeSet<&HostLabel> =
        policy.reservations().filter_map(|reservation| reservation.hostname.as_ref()).collect();
    let reserved =
        |address| policy.reservation_of(address).and_then(|reservation| reservation.hostname.as_ref());
    let said = |lease: &Lease| {
        let name = lease.hostname.clone().filter(|name| !named_by_policy.contains(name));
        name.filter(|_| reserved(lease.address).is_none())
    };
    // Whoever has a name keeps it as long as it wants it: nobody takes another's by asking for it from a lower address.
    holders.retain(|name, address| {
        by_address.get(address).is_some_and(|lease| said(lease).as_ref() == Some(name))
    });
    for lease in by_address.values() {
        if let Some(name) = said(lease) {
            holders.entry(name).or_insert(lease.address);
        }
    }
    let leases = by_address.values().map(|lease| {
        let held = lease.hostname.as_ref().filter(|name| holders.get(name) == Some(&lease.address));
        Entry {
            address: lease.address,
            mac: lease.client.hardware.mac(),
            hostname: reserved(lease.address).or(held),
            class: lease.class.as_str(),
            expires_ms: match lease.state {
                LeaseState::Bound { until } => anchor.to_wall_ms(until),
                _ => 0,
            },
        }
    });
    let published = Published { version: 1, leases: leases.collect() };
    let mut bytes = serde_json::to_vec(&published).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_protocol::client::ClientClass;
    use netboot_protocol::dhcp::{ClientKey, Hardware};
    use netboot_protocol::policy::PolicyFile;

    #[test]
    fn names_are_given_once_and_the_policys_are_not_for_others() {
        let text = "[state]\ndir = \"/s\"\n[interfaces.eth1]\naddress = \"10.0.0.1/24\"\n\
                    [[subnet]]\nnetwork = \"10.0.0.0/24\"\npools = [\"10.0.0.10-10.0.0.20\"]\n\
                    [[reservation]]\nmac = \"02:00:00:00:00:09\"\naddress = \"10.0.0.9\"\nhostname = \"printer\"\n";
        let policy = Policy::new(toml::from_str::<PolicyFile>(text).unwrap()).unwrap();
        let lease = |last: u8, name: &str| Lease {
            address: Ipv4Addr::new(10, 0, 0, last),
            client: ClientKey { hardware: Hardware::new(1, &[2, 0, 0, 0, 0, last]).unwrap(), id: None },
            class: ClientClass::Generic,
            hostname: name.parse().ok(),
            state: LeaseState::Bound { until: crate::clock::now() },
        };
        let leases =
            [lease(10, "laptop"), lease(11, "laptop"), lease(12, "printer"), lease(9, "x"), lease(13, "")];
        let mut holders = Holders::new();
        let text = String::from_utf8(published(&policy, &leases, &mut holders, Anchor::now())).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let names: Vec<(&str, Option<&str>)> = json["leases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["address"].as_str().unwrap(), entry["hostname"].as_str()))
            .collect();
        assert_eq!(
            names,
            [
                ("10.0.0.9", Some("printer")),
                ("10.0.0.10", Some("laptop")),
                ("10.0.0.11", None),
                ("10.0.0.12", None),
                ("10.0.0.13", None)
            ]
        );
        assert_eq!(json["leases"][0]["mac"], "02:00:00:00:00:09");

        // Somebody at a lower address wants a name that another one has, also after a restart; and gets it when that one is gone.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leases.json");
        let holder = |leases: &[Lease], holders: &mut Holders| {
            std::fs::write(&path, published(&policy, leases, holders, Anchor::now())).unwrap();
            holders_in(&path).get(&"laptop".parse().unwrap()).copied().map(|address| address.octets()[3])
        };
        let mut holders = Holders::new();
        assert_eq!(holder(&[lease(15, "laptop")], &mut holders), Some(15));
        assert_eq!(holder(&[lease(10, "laptop"), lease(15, "laptop")], &mut holders), Some(15));
        assert_eq!(holder(&[lease(10, "laptop"), lease(15, "laptop")], &mut holders_in(&path)), Some(15));
        assert_eq!(holder(&[lease(10, "laptop")], &mut holders_in(&path)), Some(10));
    }
}
