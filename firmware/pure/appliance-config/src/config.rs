//! What a configuration means, once it is known to be right. Nothing behind this checks again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use appliance_types::{ContainerName, HealthSet, Mode, SecretName, UserName};

use crate::{AuthorizedKey, Devices, Netboot, Network, Secrets, Updates};

/// A whole, checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The people who may log in. At least one is an administrator with a key.
    pub users: BTreeMap<UserName, User>,
    /// Interfaces, what LAN is given, and the firewall.
    pub network: Network,
    /// What runs in containers.
    pub containers: Containers,
    /// What must run before this configuration counts as working.
    pub activation: Activation,
    /// What nobody but its user may read.
    pub secrets: Secrets,
    /// What must work, beyond running. Tokens in commands (`${FILES_DIR}`) as written.
    pub health: HealthSet,
    /// Where updates come from, and when.
    pub updates: Updates,
    /// What machines on LAN are offered when they boot from the network.
    pub netboot: Netboot,
    /// The machines that this appliance looks after.
    pub devices: Devices,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Administrators may become root, and sign requests to the appliance.
    pub admin: bool,
    /// Public keys, in the order written. Empty: this user cannot log in.
    pub keys: Vec<AuthorizedKey>,
    /// What runs at a login.
    pub shell: Shell,
}

/// A login shell. The image has no zsh: a configuration that asks for it gets bash, and a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// `/bin/bash`, the default.
    Bash,
    /// `/bin/sh`.
    Sh,
}

/// What runs in containers: Quadlet units, checked, with everything that decides isolation taken out of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Containers {
    /// Containers, by name.
    pub containers: BTreeMap<ContainerName, Container>,
    /// Networks of their own that containers join.
    pub networks: BTreeMap<ContainerName, Resource>,
    /// Named volumes.
    pub volumes: BTreeMap<ContainerName, Resource>,
    /// Images to pull before a container starts.
    pub images: BTreeMap<ContainerName, Resource>,
    /// Images to build before a container starts.
    pub builds: BTreeMap<ContainerName, Build>,
    /// Containers that share a network and its ports.
    pub pods: BTreeMap<ContainerName, Pod>,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Whose Podman.
    pub mode: Mode,
    /// What its network is. `Network=` is not among the `sections`.
    pub network: ContainerNetwork,
    /// Ports it publishes on the host. `PublishPort=` is not among the `sections`.
    pub publish: Vec<Publish>,
    /// Secrets it reads. Each is in [`Secrets::values`]; `Secret=` with another name, one of Podman's own store, is among the
    /// `sections`.
    pub secrets: Vec<SecretUse>,
    /// `Unit`, `Container`, `Service`, `Install`, in this order, where written. References to other units of the document are
    /// in the form Quadlet links (`data.volume:/srv`), tokens (`${FILES_DIR}`) as written.
    pub sections: Vec<Section>,
}

/// A secret in a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretUse {
    /// Which.
    pub name: SecretName,
    /// Where the container finds it.
    pub target: SecretTarget,
}

/// Where a container finds a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretTarget {
    /// A file, by its whole path in the container.
    File(String),
    /// An environment variable, by its name. The secret is one line.
    Variable(String),
}

/// Containers that share a network and its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Whose Podman; that of each of its containers.
    pub mode: Mode,
    /// What its network is. Never [`ContainerNetwork::Pod`]. `Network=` is not among the `sections`.
    pub network: ContainerNetwork,
    /// Ports it publishes on the host. `PublishPort=` is not among the `sections`.
    pub publish: Vec<Publish>,
    /// `Unit`, `Pod`, `Service`, `Install`, in this order, where written.
    pub sections: Vec<Section>,
}

/// The network of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerNetwork {
    /// The host's own (rootful only).
    Host,
    /// A private connection through the host's stack (rootless only).
    Pasta,
    /// None at all.
    None,
    /// Networks declared in this document; each is in [`Containers::networks`].
    Joined(Vec<ContainerName>),
    /// That of a pod, which is in [`Containers::pods`].
    Pod(ContainerName),
}

/// A published port. Text that Podman reads as `PublishPort=`, with the host's address always written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Publish(pub(crate) String);

impl Publish {
    /// As in the unit: `127.0.0.1:8080:80/tcp`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An image that is built on the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// In which Podmans it is made, as [`Resource::modes`].
    pub modes: BTreeSet<Mode>,
    /// Secrets that its steps may read, each under its own name. Each is in [`Secrets::values`].
    pub secrets: BTreeSet<SecretName>,
    /// Its one section, `Build`, in which `Network=` and `Volume=` name units of the document as Quadlet links them.
    pub section: Section,
}

/// A network, volume or image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// In which Podmans it is made: those of the containers that use it; rootful where none does.
    pub modes: BTreeSet<Mode>,
    /// Its one section: `Network`, `Volume` or `Image`.
    pub section: Section,
}

/// A section of a unit: keys with one or more values each, sorted by key, values in the order written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `Unit`, `Container`, …
    pub name: &'static str,
    /// Keys are letters and digits, values have no control character and end in no backslash. A boolean is `true`/`false`.
    pub entries: Vec<(String, Vec<String>)>,
}

/// What must run before this configuration counts as working, and what is done when it does not: the configuration before it
/// is put in force again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// Containers that must be running. Each is in [`Containers::containers`].
    pub required: BTreeSet<ContainerName>,
    /// Containers to restart at every change of the configuration, in this order, also where nothing of theirs changed.
    pub restart: Vec<ContainerName>,
    /// Containers that may fail at a change of the configuration. `None`: every one that is not required may. `Some`: only
    /// these; the list does not concern later boots.
    pub allow_degraded: Option<BTreeSet<ContainerName>>,
    /// How long they have, 1 s to 1 h.
    pub timeout: Duration,
    /// How long they must keep running, 0 to 300 s.
    pub settle: Duration,
}
