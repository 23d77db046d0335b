//! Names of the machines on LAN: from a configuration and the leases in force, as a hosts file.
//!
//! ```text
//! local-names.json (rendered from config.toml) ──▶ LocalNames ──┐
//! leases.json (netbootd's)                     ──▶ Leases ──────┼──▶ hosts ──▶ /etc/hosts ──▶ systemd-resolved answers
//! the MAC address of the LAN interface         ─────────────────┘
//! ```
//!
//! What a machine says of itself is believed for one thing: its name below the domain of LAN, where nobody has taken that yet. No
//! machine gets a name without a domain, which other machines and the box itself look up for other reasons, and none gets one
//! that machines look up to be configured by whoever has it.

#![forbid(unsafe_code)]

mod hosts;
mod leases;

pub use hosts::{LocalNames, hosts};
pub use leases::{Lease, Leases};
