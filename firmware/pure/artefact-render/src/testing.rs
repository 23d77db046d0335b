//! Configurations for the tests of the modules.

use std::time::Duration;

use appliance_config::{
    Activation, Config, Container, ContainerNetwork, Containers, Mode, Resource, Section, Shell, Sources,
    SystemFacts, User, load,
};

pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

/// One administrator, no container, and of the network what a document has that says nothing about it.
pub(crate) fn config() -> Config {
    Config {
        users: [("alice".parse().unwrap(), user(true))].into(),
        network: document("").network,
        containers: Containers::default(),
        secrets: Default::default(),
        health: Default::default(),
        updates: Default::default(),
        netboot: Default::default(),
        devices: Default::default(),
        activation: Activation {
            required: [].into(),
            restart: [].into(),
            allow_degraded: None,
            timeout: Duration::from_secs(300),
            settle: Duration::ZERO,
        },
    }
}

/// The configuration of an administrator and `more`, a piece of a document.
pub(crate) fn document(more: &str) -> Config {
    let text = format!("version = 1\nusers.alice = {{ isAdmin = true, ssh_key = \"{KEY}\" }}\n{more}");
    let sources = Sources { config: text.as_bytes(), overlay: None };
    load(&sources, &SystemFacts::of_image()).unwrap().config
}

pub(crate) fn user(admin: bool) -> User {
    User { admin, keys: vec![KEY.parse().unwrap()], shell: Shell::Bash }
}

pub(crate) fn container(mode: Mode, network: ContainerNetwork, sections: Vec<Section>) -> Container {
    Container { mode, network, publish: vec![], secrets: vec![], sections }
}

pub(crate) fn resource(modes: &[Mode], section: Section) -> Resource {
    Resource { modes: modes.iter().copied().collect(), section }
}

pub(crate) fn section(name: &'static str, entries: &[(&str, &str)]) -> Section {
    let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]));
    Section { name, entries: entries.collect() }
}

/// A file's lines without comments and empty ones.
pub(crate) fn statements(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}
