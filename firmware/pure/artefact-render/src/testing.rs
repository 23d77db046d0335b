//! Configurations for the tests of the modules.

use std::time::Duration;

use appliance_config::{
    Activation, Addressing, Config, Container, ContainerNetwork, Containers, Firewall, Interface, Mode,
    Network, Resource, Section, Shell, Side, User,
};

pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

/// One administrator, WAN by DHCP, LAN 172.20.30.1/24, no container.
pub(crate) fn config() -> Config {
    let interface =
        |side, addressing| Interface { side, addressing, dns_servers: vec![], search_domains: vec![] };
    let wan = interface(Side::Wan, Addressing::Dhcp { gateway: None });
    let address = "172.20.30.1/24".parse().unwrap();
    let lan = interface(Side::Lan, Addressing::Static { address, gateway: None });
    let interfaces = [("eth0".parse().unwrap(), wan), ("eth1".parse().unwrap(), lan)].into();
    Config {
        users: [("alice".parse().unwrap(), user(true))].into(),
        network: Network { interfaces, firewall: Firewall::default() },
        containers: Containers::default(),
        activation: Activation {
            required: [].into(),
            timeout: Duration::from_secs(300),
            settle: Duration::ZERO,
        },
    }
}

pub(crate) fn user(admin: bool) -> User {
    User { admin, keys: vec![KEY.parse().unwrap()], shell: Shell::Bash }
}

pub(crate) fn container(mode: Mode, network: ContainerNetwork, sections: Vec<Section>) -> Container {
    Container { mode, network, publish: vec![], sections }
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
