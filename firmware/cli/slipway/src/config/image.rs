//! What the image of the appliance already has: on a box, from that box; elsewhere, what a usual image has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use appliance_config::SystemFacts;
use artefact_render::ImageFacts;
use host_files::read_text_bounded;

/// The root of the image as it was built, where there is an appliance around us.
const BASE: &str = "/run/rootfs-base";

const LIMIT: usize = 1 << 20;

/// Names that a configuration must keep clear of.
pub(crate) fn system_facts() -> anyhow::Result<SystemFacts> {
    facts_below(Path::new(BASE))
}

fn facts_below(base: &Path) -> anyhow::Result<SystemFacts> {
    let facts = SystemFacts::of_image();
    if !base.exists() {
        return Ok(facts);
    }
    let read = |path: &str| read_text_bounded(&base.join(path), LIMIT);
    Ok(facts.and(&read("etc/passwd")?, &read("etc/group")?, services(&base.join("usr/lib/systemd/system"))?))
}

fn services(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.strip_suffix(".service").map(str::to_owned)).collect())
}

/// The account files that users are added to.
pub(crate) struct Accounts {
    passwd: String,
    group: String,
    shadow: String,
    gshadow: String,
}

impl Accounts {
    /// Those of this box, else of a usual image.
    pub(crate) fn here() -> anyhow::Result<Accounts> {
        let base = Path::new(BASE);
        if !base.exists() {
            let usual = ImageFacts::USUAL;
            let [passwd, group, shadow, gshadow] =
                [usual.passwd, usual.group, usual.shadow, usual.gshadow].map(str::to_owned);
            return Ok(Accounts { passwd, group, shadow, gshadow });
        }
        let read = |path: &str| read_text_bounded(&base.join(path), LIMIT);
        let secret = |path: &str| {
            read(path).context("on an appliance, only root may render: run0 slipway config render …")
        };
        Ok(Accounts {
            passwd: read("etc/passwd")?,
            group: read("etc/group")?,
            shadow: secret("etc/shadow")?,
            gshadow: secret("etc/gshadow")?,
        })
    }

    pub(crate) fn facts(&self) -> ImageFacts<'_> {
        ImageFacts { passwd: &self.passwd, group: &self.group, shadow: &self.shadow, gshadow: &self.gshadow }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_adds_its_own_names_to_the_usual_ones() {
        let base = tempfile::tempdir().unwrap();
        assert_eq!(facts_below(&base.path().join("none")).unwrap(), SystemFacts::of_image());
        fs::create_dir_all(base.path().join("usr/lib/systemd/system")).unwrap();
        fs::create_dir(base.path().join("etc")).unwrap();
        fs::write(base.path().join("etc/passwd"), "frob:x:77:77::/:/bin/false\n").unwrap();
        fs::write(base.path().join("etc/group"), "crew:x:78:\n").unwrap();
        fs::write(base.path().join("usr/lib/systemd/system/frobd.service"), "").unwrap();
        fs::write(base.path().join("usr/lib/systemd/system/frobd.socket"), "").unwrap();
        let facts = facts_below(base.path()).unwrap();
        let usual = SystemFacts::of_image();
        assert_eq!(facts.accounts.difference(&usual.accounts).collect::<Vec<_>>(), ["crew", "frob"]);
        assert_eq!(facts.units.difference(&usual.units).collect::<Vec<_>>(), ["frobd"]);
    }
}
