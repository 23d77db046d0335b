//! The policy: a file in, a [`Policy`] or all that is wrong with it out.

use std::path::Path;

use anyhow::{Context as _, bail};
use netboot_protocol::policy::{Policy, PolicyFile};

/// Far above what a site with thousands of reservations needs.
const LARGEST: usize = 4 << 20;

pub(crate) fn read(path: &Path) -> anyhow::Result<Policy> {
    let text = host_files::read_text_bounded(path, LARGEST)?;
    let file: PolicyFile =
        toml::from_str(&text).with_context(|| format!("{} is no policy of netbootd", path.display()))?;
    match Policy::new(file) {
        Ok(policy) => Ok(policy),
        Err(problems) => {
            let list: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
            bail!("{} cannot be served:{list}", path.display())
        }
    }
}
