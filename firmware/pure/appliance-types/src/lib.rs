//! The words every Slipway crate shares: slot names, build ids, names of interfaces, users and machines, addresses,
//! generations.
//!
//! Each is a newtype whose constructor is the only door: a value that exists obeys the rule written at its type, so
//! nothing behind the edge checks again, and none of them can carry a space, a quote, a line break or a control
//! character into a kernel command line, a boot script or a rendered file.
//!
//! Every type parses with [`std::str::FromStr`], prints with [`std::fmt::Display`] in the one canonical form that
//! parses back, and is that same text in JSON and TOML. Numbers ([`VlanId`]) are numbers there.

#![forbid(unsafe_code)]

mod boot_token;
mod build_id;
mod container_name;
mod domain_name;
mod generation;
mod health;
mod host_label;
mod hostname_pattern;
mod interface_name;
mod invalid_word;
mod ipv4_cidr;
mod mac_address;
mod machine_id;
mod mode;
mod probe_name;
mod secret_name;
mod slot_name;
mod user_name;
mod vlan_id;

pub use boot_token::BootToken;
pub use build_id::BuildId;
pub use container_name::ContainerName;
pub use domain_name::DomainName;
pub use generation::Generation;
pub use health::{HealthSet, Probe, ProbeCheck, ProbeContainer, ProbeHost};
pub use host_label::HostLabel;
pub use hostname_pattern::HostnamePattern;
pub use interface_name::InterfaceName;
pub use invalid_word::InvalidWord;
pub use ipv4_cidr::Ipv4Cidr;
pub use mac_address::MacAddress;
pub use machine_id::MachineId;
pub use mode::Mode;
pub use probe_name::ProbeName;
pub use secret_name::SecretName;
pub use slot_name::SlotName;
pub use user_name::UserName;
pub use vlan_id::{InvalidVlanId, VlanId};
