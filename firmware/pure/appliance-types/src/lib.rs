//! The words every Slipway crate shares: slot names, build ids, interface and user names, addresses, generations.
//!
//! Each is a newtype whose constructor is the only door: a value that exists obeys the rule written at its type, so
//! nothing behind the edge checks again, and none of them can carry a space, a quote, a line break or a control
//! character into a kernel command line, a boot script or a rendered file.
//!
//! Every type parses with [`std::str::FromStr`], prints with [`std::fmt::Display`] in the one canonical form that
//! parses back, and is that same text in JSON and TOML.

#![forbid(unsafe_code)]

mod boot_token;
mod build_id;
mod container_name;
mod generation;
mod interface_name;
mod invalid_word;
mod ipv4_cidr;
mod mac_address;
mod machine_id;
mod slot_name;
mod user_name;

pub use boot_token::BootToken;
pub use build_id::BuildId;
pub use container_name::ContainerName;
pub use generation::Generation;
pub use interface_name::InterfaceName;
pub use invalid_word::InvalidWord;
pub use ipv4_cidr::Ipv4Cidr;
pub use mac_address::MacAddress;
pub use machine_id::MachineId;
pub use slot_name::SlotName;
pub use user_name::UserName;
