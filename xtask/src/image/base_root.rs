//! The Debian packages, installed and configured for the board's architecture: a tarball, shared by checkouts.

use super::Build;
use crate::emulation;
use crate::namespace::Entry;
use crate::step::{Inputs, Plan};
use crate::tools::SUITE;
use anyhow::Result;
use std::path::PathBuf;

/// The tarball (zstd) and the stamp of what went into it.
pub(super) struct BaseRoot {
    pub(super) tarball: PathBuf,
    pub(super) stamp: String,
}

const SCRIPT: &str = r#"
out=$1 suite=$2 include=$3
# The tree's own lists, so that tools and appliance are of one archive; backports are for tools only.
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep '^deb ' | grep -v backports > /tmp/sources.list
mmdebstrap --mode=root --variant=essential --architectures=arm64 --skip=check/qemu --format=tar \
    --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --include="$include" "$suite" /tmp/base.tar /tmp/sources.list
zstd --quiet -3 -T0 --force -o "$out.partial" /tmp/base.tar
sync "$out.partial"
mv "$out.partial" "$out"
"#;

pub(super) fn step(plan: &mut Plan, build: &Build<'_>, age: &str) -> Result<BaseRoot> {
    let include = build.board.packages.join(",");
    let inputs = Inputs::default()
        .value("recipe", SCRIPT)
        .value("suite", SUITE)
        .value("list of packages", &include)
        .value("age of packages", age);
    let stamp = inputs.stamp();
    let tarball = build.context.cache.join(format!("base-{}.tar.zst", &stamp[..16]));
    plan.cached(build.context, "Debian packages", &inputs, &tarball, |log| {
        let entry = Entry::default()
            .bind(&build.context.cache)
            .bind(std::path::Path::new("/etc/resolv.conf"))
            // Enough for the time stamps of what the packages' own scripts generate.
            .env("SOURCE_DATE_EPOCH", build.epoch.to_string());
        let entry = emulation::enter(entry, &build.tools)?;
        let out = tarball.to_string_lossy();
        build.tools.script(log, &entry, SCRIPT, &[&out, SUITE, &include])
    })?;
    Ok(BaseRoot { tarball, stamp })
}
