//! What machines that boot from the network say, and what they are answered. No sockets, files, clock or randomness.
//!
//! ```text
//! bytes ── parse ──▶ Request (classified, once) ── decide(policy, leases, request, now) ──▶ Decision ── encode ──▶ bytes
//! ```
//!
//! | Job | Here |
//! |---|---|
//! | what `netbootd --config` reads, and what it means | [`policy`] |
//! | what is answered to one device, as `boot-policy.json` says | [`boot_policy`] |
//! | what kind of firmware asks | [`client`] |
//! | DHCPv4: packets, leases, the server's and the proxy's decisions | [`dhcp`] |
//! | why a machine did not boot, from its packets | [`explain`] |
//! | TFTP: transfers, the closed set of boot files, who may load when all want to | [`tftp`] |
//! | IPv4, UDP and ARP for clients without an address | [`frame`] |

#![forbid(unsafe_code)]

pub mod boot_policy;
pub mod client;
pub mod dhcp;
pub mod explain;
pub mod frame;
pub mod policy;
pub mod tftp;
