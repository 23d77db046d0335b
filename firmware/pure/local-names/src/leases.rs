use std::net::Ipv4Addr;

use appliance_types::MacAddress;
use serde::{Deserialize, Serialize};

/// The leases in force, as netbootd publishes them: `{"leases":[{"mac":…,"address":…,"hostname":…,"expires_ms":…}]}`.
///
/// Whoever reads it ignores what else is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leases {
    /// In any order; no address twice.
    pub leases: Vec<Lease>,
}

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The machine's card. Not every machine says it.
    #[serde(default)]
    pub mac: Option<MacAddress>,
    /// The address.
    pub address: Ipv4Addr,
    /// What the machine calls itself, or what was reserved for it. Whether it is a name is asked where it becomes one.
    #[serde(default)]
    pub hostname: Option<String>,
    /// When the lease ends, in milliseconds since 1970 by the clock of the box.
    #[serde(default)]
    pub expires_ms: u64,
}
