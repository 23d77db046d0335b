//! `config.toml`: bytes in, a checked [`Config`] or every [`Problem`] with its place out.
//!
//! Nothing here knows files, the system it runs on, or what is made of a configuration: facts about the system are an
//! argument, and rendering is another crate's.

#![forbid(unsafe_code)]

mod authorized_key;
mod config;
mod domain_name;
mod problem;

pub use authorized_key::AuthorizedKey;
pub use config::{
    Activation, Addressing, Config, Container, ContainerNetwork, Containers, Firewall, Interface, LanPolicy,
    Mode, Network, Ports, Publish, Resource, Section, Shell, Side, User,
};
pub use domain_name::DomainName;
pub use problem::{Code, Problem};
