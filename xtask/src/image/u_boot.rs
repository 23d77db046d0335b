//! U-Boot, built for the board and for QEMU from Debian's source package with our options (docs/decisions/0001).

use super::Build;
use crate::namespace::Entry;
use crate::step::{Inputs, Plan};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The loaders of the board and of its emulation.
pub(super) struct UBoot {
    /// First stage, where the boot ROM looks.
    pub(super) idbloader: PathBuf,
    /// U-Boot proper with TF-A, as a FIT.
    pub(super) itb: PathBuf,
    /// For QEMU's `-bios`.
    pub(super) qemu: PathBuf,
    pub(super) stamp: String,
}

/// The source that our options were written for. Debian keeps only the newest of a release, so the script takes that one when this one is
/// gone, and refuses it if an option no longer holds.
const VERSION: &str = "2025.01-3+deb13u1";

/// `$1` result folder, `$2` image/boot/u-boot, `$3` board's defconfig, `$4` QEMU's defconfig, `$5` package and `$6` file of BL31.
const SCRIPT: &str = include_str!("u_boot.sh");

pub(super) fn step(plan: &mut Plan, build: &Build<'_>) -> Result<UBoot> {
    let options = build.context.path("image/boot/u-boot");
    let loader = &build.board.loader;
    let inputs = Inputs::default()
        .value("recipe", SCRIPT)
        .value("version", VERSION)
        .value("compiler and tools", &build.tools.stamp)
        .path("image/boot/u-boot", &options)?
        .value(
            "board",
            [&loader.defconfig, &build.board.qemu.defconfig, &loader.bl31_file].map(String::as_str).join(" "),
        );
    let stamp = inputs.stamp();
    let folder = build.context.cache.join(format!("u-boot-{}", &stamp[..16]));
    plan.cached(build.context, "U-Boot", &inputs, &folder, |log| {
        let entry =
            Entry::default().bind(&build.context.cache).bind(&options).bind(Path::new("/etc/resolv.conf"));
        let (out, options) = (folder.to_string_lossy(), options.to_string_lossy());
        let arguments = [
            &out,
            &*options,
            VERSION,
            &loader.defconfig,
            &build.board.qemu.defconfig,
            &loader.bl31_package,
            &loader.bl31_file,
        ];
        build.tools.script(log, &entry, SCRIPT, &arguments)
    })?;
    Ok(UBoot {
        idbloader: folder.join("idbloader.img"),
        itb: folder.join("u-boot.itb"),
        qemu: folder.join("qemu-u-boot.bin"),
        stamp,
    })
}
