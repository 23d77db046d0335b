//! The system that a configuration is made true on: where things are, and what it says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use appliance_config::SystemFacts;
use artefact_render::ImageFacts;
use host_files::read_text_bounded;

use crate::installed::below;

/// Places.
#[derive(Debug, Clone)]
pub(crate) struct System {
    root: PathBuf,
    base: PathBuf,
    config: PathBuf,
}

/// The image's account files.
pub(crate) struct Accounts {
    passwd: String,
    group: String,
    shadow: String,
    gshadow: String,
}

const LIMIT: usize = 1 << 20;

impl System {
    /// The machine we run on.
    pub(crate) fn here() -> System {
        System { root: "/".into(), base: "/run/rootfs-base".into(), config: "/data/config".into() }
    }

    /// The root of the running system.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The image's own root, as it was built.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// Where generations are kept.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// A place of ours in memory.
    pub(crate) fn run(&self, name: &str) -> PathBuf {
        below(&self.root, "/run/slipway").join(name)
    }

    /// What the image says of itself.
    pub(crate) fn build_facts(&self) -> PathBuf {
        below(&self.root, host_files::BuildFacts::PATH)
    }

    /// The accounts of the image, before any configuration.
    pub(crate) fn accounts(&self) -> anyhow::Result<Accounts> {
        let read = |path: &str| read_text_bounded(&below(&self.base, path), LIMIT);
        Ok(Accounts {
            passwd: read("/etc/passwd")?,
            group: read("/etc/group")?,
            shadow: read("/etc/shadow")?,
            gshadow: read("/etc/gshadow")?,
        })
    }

    /// What a configuration must keep clear of: the image's accounts and units.
    pub(crate) fn facts(&self, accounts: &Accounts) -> anyhow::Result<SystemFacts> {
        let units = units(&below(&self.base, "/usr/lib/systemd/system"))?;
        Ok(SystemFacts::of_image().and(&accounts.passwd, &accounts.group, units))
    }
}

impl Accounts {
    /// As the renderer wants them.
    pub(crate) fn facts(&self) -> ImageFacts<'_> {
        ImageFacts { passwd: &self.passwd, group: &self.group, shadow: &self.shadow, gshadow: &self.gshadow }
    }
}

/// Names of the services in a folder, without `.service`.
fn units(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.strip_suffix(".service").map(str::to_owned)).collect())
}
