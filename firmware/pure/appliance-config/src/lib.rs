//! `config.toml`: bytes in, a checked [`Config`] or every [`Problem`] with its place out.
//!
//! Nothing here knows files, the system it runs on, or what is made of a configuration: facts about the system are an
//! argument, and rendering is another crate's.
//!
//! ```text
//! bytes ── Document ── RawV1 ── Config
//!        │           │        └ check: what was written against its rules and against each other
//!        │           └ raw: keys and types of one version of the format, every value with its place
//!        └ document: TOML with places; an overlay is laid over it here
//! ```
//!
//! Serde reads no configuration: it ends at the first error and forgets where a value stood. Here every stage goes on, and
//! only the end asks whether there was a problem.

#![forbid(unsafe_code)]

mod authorized_key;
pub mod change;
mod check;
mod config;
mod document;
mod load;
mod nearest;
mod network;
mod problem;
mod raw;
mod reader;
pub mod reference;
mod report;
mod secrets;
mod services;
mod system_facts;
#[cfg(test)]
mod testing;
mod time_server;
mod url;

pub use appliance_types::{DomainName, Mode};
pub use authorized_key::AuthorizedKey;
pub use config::{
    Activation, Build, Config, Container, ContainerNetwork, Containers, Pod, Publish, Resource, SecretTarget,
    SecretUse, Section, Shell, User,
};
pub use load::{Loaded, MAX_BYTES, Overlay, Sources, load};
pub use network::{
    Addressing, Firewall, Interface, Lan, LanDhcp, LanPolicy, Network, Ports, Reservation, Side, Vlan,
};
pub use problem::{Code, CodeDoc, Look, Problem, Problems};
pub use secrets::{RegistryLogin, SecretText, Secrets};
pub use services::{Devices, Netboot, NetbootMode, TimeOfDay, UpdateSource, Updates, Weekday, Window};
pub use system_facts::SystemFacts;
pub use time_server::TimeServer;
