//! The servers that ours is measured against: Debian's, of the release that the appliance is made of, in a chroot of their own, so
//! that none of them is ever started on this machine by being installed.

use crate::context::Context;
use crate::host::{self, Mirror};
use crate::namespace::{self, Entry};
use crate::sh::Log;
use crate::step::{Inputs, Plan};
use crate::tools::{SUITE, remove_tree};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

const PACKAGES: &[&str] = &["dnsmasq-base", "kea-dhcp4-server"];

/// Makes the tree, once per list of packages: about a minute and a half.
pub(super) fn ensure(context: &Context) -> Result<PathBuf> {
    let inputs = Inputs::default().value("suite", SUITE).value("list of peers", PACKAGES.join(" "));
    let tree = context.cache.join(format!("peers-{}", &inputs.stamp()[..16]));
    Plan::new(1).cached(context, "peers", &inputs, &tree, |log| {
        host::ensure_packages(log)?;
        build(log, &tree)
    })?;
    Ok(tree)
}

fn build(log: &Log, tree: &Path) -> Result<()> {
    let partial = tree.with_extension("partial");
    remove_tree(log, &partial)?;
    let (packages, keyring) =
        (format!("--include={}", PACKAGES.join(",")), format!("--keyring={}", host::KEYRING));
    let out = partial.to_str().context("a cache path that is not UTF-8")?;
    let mut program =
        vec!["mmdebstrap", "--mode=root", "--variant=apt", "--skip=output/mknod", &packages, &keyring];
    program.extend(["--aptopt=Apt::Install-Recommends \"false\"", SUITE, out]);
    let lines = Mirror::choose(None).lines(SUITE, Some(host::KEYRING), &[], false);
    program.extend(lines.iter().map(String::as_str));
    namespace::run(log, Path::new("/"), &Entry::default(), &program).context("cannot bootstrap Debian")?;
    std::fs::rename(&partial, tree).with_context(|| format!("cannot move the peers to {}", tree.display()))
}
