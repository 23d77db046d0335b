//! The root file system: Debian packages, kernel modules, our programs and the overlay; pruned, and packed as squashfs.

use super::base_root::BaseRoot;
use super::firmware::Firmware;
use super::kernel::Kernel;
use super::overlay::Overlay;
use super::{Build, step_inputs};
use crate::namespace::Entry;
use crate::step::Plan;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::PathBuf;

/// The packed root and what is said about it.
pub(super) struct Root {
    pub(super) squashfs: PathBuf,
    pub(super) manifest: PathBuf,
    /// Version and content: `0.1.0-3fa9c12d01`. Two builds of the same inputs have the same one.
    pub(super) build_id: String,
    pub(super) stamp: String,
}

const SCRIPT: &str = r#"
work=$1 base=$2 kernel=$3 overlay=$4 prune=$5 drop=$6 block=$7 level=$8 out=$9
version=$(cat "$kernel/version")
rm -rf "$work"
mkdir "$work"
zstd --quiet -dc "$base" | tar -C "$work" -xp --exclude './dev/*' --xattrs --xattrs-include='*'
# What is in the image, before the package database goes.
{ dpkg-query --admindir="$work/var/lib/dpkg" --show --showformat '${Package}\t${Version}\t${Architecture}\t${Installed-Size}\n'
  cat "$kernel/package.tsv"; } | sort > "$out/packages.tsv.partial"

mkdir -p "$work/usr/lib/modules"
cp -r "$kernel/modules/$version" "$work/usr/lib/modules/"
for directory in $drop; do rm -rf "$work/usr/lib/modules/$version/$directory"; done
rm -f "$work/usr/lib/modules/$version/build" "$work/usr/lib/modules/$version/source"
# Debian packs each module with xz, which takes three times as long to unpack as the squashfs's own zstd.
find "$work/usr/lib/modules/$version" -name '*.ko.xz' -print0 | xargs -0 -r -n 50 -P 2 xz -d
cd "$work"
for pattern in $prune; do rm -rf -- $pattern; done
cd /
tar -C "$work" -xp --keep-directory-symlink -f "$overlay"
mkdir -p "$work/usr/share/slipway"
cp "$out/packages.tsv.partial" "$work/usr/share/slipway/packages.tsv"
chmod 0644 "$work/usr/share/slipway/packages.tsv"
depmod --basedir "$work" "$version"
# Users and units are decided by the overlay's files, now, so that nothing is left to chance at boot.
systemd-sysusers --root="$work"
systemctl --root="$work" --quiet preset-all
systemctl --root="$work" --quiet --global preset-all
# Left by the tools above; they hold the time of this build.
rm -f "$work"/etc/passwd- "$work"/etc/group- "$work"/etc/shadow- "$work"/etc/gshadow- "$work"/etc/.updated "$work"/etc/.pwd.lock
# systemd-resolved's package keeps the resolv.conf it replaced: the name server of the machine that builds.
rm -f "$work"/etc/.resolv.conf.systemd-resolved.bak
# The file systems' mount points, and empty state: everything that lasts is on /data.
mkdir -p "$work/boot" "$work/data" "$work/run" "$work/tmp" "$work/proc" "$work/sys" "$work/dev"
rm -rf "$work"/run/* "$work"/tmp/* "$work"/dev/*
rm -f "$out/rootfs.squashfs.partial"
# The package's name in mksquashfs is `-all-time`; SOURCE_DATE_EPOCH must then be unset.
mksquashfs "$work" "$out/rootfs.squashfs.partial" -quiet -no-progress -noappend -comp zstd -Xcompression-level "$level" \
    -b "$block" -xattrs -all-time "$EPOCH" -mkfs-time "$EPOCH"
rm -rf "$work"
mv "$out/packages.tsv.partial" "$out/packages.tsv"
mv "$out/rootfs.squashfs.partial" "$out/rootfs.squashfs"
"#;

pub(super) fn step(
    plan: &mut Plan,
    build: &Build<'_>,
    base: &BaseRoot,
    kernel: &Kernel,
    firmware: &Firmware,
) -> Result<Root> {
    let context = build.context;
    let inputs = step_inputs(build, include_str!("root.rs"))
        .value("recipe of the overlay", include_str!("overlay.rs"))
        .value("Debian packages", &base.stamp)
        .value("kernel", &kernel.stamp)
        .value("firmware", &firmware.stamp)
        .value("image/boards", build.board.canonical()?)
        .path("image/layout.toml", &context.path("image/layout.toml"))?
        .path("image/rauc", &context.path("image/rauc"))?
        // Not in the root file system, but in what the build id stands for.
        .path("image/boot", &context.path("image/boot"))?
        .path("buildroot-overlay", &context.path("buildroot-overlay"))?
        .value("time of the sources", build.epoch.to_string());
    let stamp = inputs.stamp();
    let root = Root {
        squashfs: build.out.join("rootfs.squashfs"),
        manifest: build.out.join("packages.tsv"),
        build_id: format!("{}-{}", env!("CARGO_PKG_VERSION"), &stamp[..10]),
        stamp,
    };
    plan.step("root file system", &inputs, &[&root.squashfs, &root.manifest], &build.log("root"), |log| {
        let overlay = build.out.join("overlay.tar");
        let file = std::fs::File::create(&overlay)
            .with_context(|| format!("cannot create {}", overlay.display()))?;
        contents(build, kernel, firmware, &root.build_id)?.write(file, build.epoch)?;
        let work = build.out.join("root.partial");
        let entry = Entry::default()
            .bind(&build.out)
            .bind(&base.tarball)
            .bind(&kernel.folder)
            .env("EPOCH", build.epoch.to_string());
        let arguments = [
            work.to_string_lossy().into_owned(),
            base.tarball.to_string_lossy().into_owned(),
            kernel.folder.to_string_lossy().into_owned(),
            overlay.to_string_lossy().into_owned(),
            build.board.prune.join(" "),
            build.board.drop_modules.join(" "),
            build.board.squashfs.block.to_string(),
            build.board.squashfs.level.to_string(),
            build.out.to_string_lossy().into_owned(),
        ];
        build.tools.script(log, &entry, SCRIPT, &arguments.each_ref().map(String::as_str))?;
        std::fs::remove_file(&overlay).with_context(|| format!("cannot remove {}", overlay.display()))
    })?;
    Ok(root)
}

/// Everything of ours in the root: the static overlay, programs, and the facts of this build.
fn contents(build: &Build<'_>, kernel: &Kernel, firmware: &Firmware, build_id: &str) -> Result<Overlay> {
    let facts = json!({
        "build": build_id,
        "version": env!("CARGO_PKG_VERSION"),
        "board": build.board.name,
        "description": build.board.description,
        "kernel": kernel.version()?,
        "time": build.epoch,
    });
    let nics = toml::to_string(&build.board.nics).context("cannot write nics.toml")?;
    let rauc_path = build.context.path("image/rauc/system.conf");
    let rauc = std::fs::read_to_string(&rauc_path)
        .with_context(|| format!("cannot read {}", rauc_path.display()))?;
    let rauc = rauc.replace("@COMPATIBLE@", &build.board.compatible);
    let mut overlay = Overlay::default()
        .folder(&build.context.path("buildroot-overlay"))?
        .file("usr/share/slipway/build.json", format!("{facts:#}\n").into_bytes(), false)
        .file("usr/share/slipway/nics.toml", nics.into_bytes(), false)
        .file("etc/rauc/system.conf", rauc.into_bytes(), false);
    for (program, path) in firmware.programs() {
        let bytes = std::fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
        overlay = overlay.file(path, bytes, true);
    }
    Ok(overlay)
}
