//! Our own programs for the board: fetched by the host's cargo, compiled in the tools tree without network.

use super::{Build, step_inputs};
use crate::crates;
use crate::namespace::Entry;
use crate::step::Plan;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

const TARGET: &str = "aarch64-unknown-linux-gnu";

/// Programs of the root file system, and where they go in it.
const PROGRAMS: &[(&str, &str)] = &[
    ("slipway", "usr/bin/slipway"),
    ("nic-names", "usr/lib/slipway/nic-names"),
    ("apply-config", "usr/lib/slipway/apply-config"),
    ("seed-config", "usr/lib/slipway/seed-config"),
    ("confirm-boot", "usr/lib/slipway/confirm-boot"),
    ("netbootd", "usr/lib/slipway/netbootd"),
];
/// Programs that run before there is a root file system, or without one: linked statically.
const STATIC_PROGRAMS: &[&str] = &["early-boot", "guest-init", "guest-container"];

/// The compiled programs.
pub(super) struct Firmware {
    /// Holds the programs by name.
    pub(super) folder: PathBuf,
    pub(super) guest_init: PathBuf,
    /// What the containers of tests and of the example run.
    pub(super) guest_container: PathBuf,
    pub(super) stamp: String,
}

impl Firmware {
    /// Pairs of a program's file and its path in the root file system.
    pub(super) fn programs(&self) -> Vec<(PathBuf, &'static str)> {
        PROGRAMS.iter().map(|(name, path)| (self.folder.join(name), *path)).collect()
    }

    /// The initramfs's `/init`.
    pub(super) fn init(&self) -> PathBuf {
        self.folder.join("early-boot")
    }
}

pub(super) fn step(plan: &mut Plan, build: &Build<'_>) -> Result<Firmware> {
    let context = build.context;
    let inputs = step_inputs(build, include_str!("firmware.rs"))
        .path("firmware/", &context.path("firmware"))?
        .path("tests/guest-init", &context.path("tests/guest-init"))?
        .path("tests/guest-container", &context.path("tests/guest-container"))?
        .path("Cargo.lock", &context.path("Cargo.lock"))?
        .path("Cargo.toml", &context.path("Cargo.toml"))?;
    let stamp = inputs.stamp();
    let folder = context.out.join("firmware");
    plan.step("firmware", &inputs, &[&folder], &build.log("firmware"), |log| {
        crates::fetch(context, log)?;
        let cargo_home = cargo_home()?;
        let target_folder = context.root.join("target/firmware");
        for folder in [&target_folder, &folder] {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let entry = Entry::default()
            .bind(&context.root)
            .bind(&cargo_home)
            .folder(&context.root)
            .env("CARGO_HOME", cargo_home.to_string_lossy())
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc")
            .env("CC_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-gcc")
            .env("SOURCE_DATE_EPOCH", build.epoch.to_string());
        // Paths of this machine stay out of the programs, so two checkouts build the same bytes.
        let remap = format!(
            "--remap-path-prefix={}=/slipway --remap-path-prefix={}=/cargo",
            context.root.display(),
            cargo_home.display()
        );
        let dynamic: Vec<&str> = PROGRAMS.iter().map(|(name, _)| *name).collect();
        let static_flags = format!("{remap} -C target-feature=+crt-static");
        for (kind, flags, names) in
            [("dynamic", &remap, &dynamic[..]), ("static", &static_flags, STATIC_PROGRAMS)]
        {
            let target = target_folder.join(kind);
            let target_text = target.to_string_lossy().into_owned();
            let mut program = vec![
                "cargo",
                "build",
                "--release",
                "--locked",
                "--target",
                TARGET,
                "--target-dir",
                &target_text,
            ];
            for name in names {
                program.extend(["--package", name]);
            }
            build.tools.run(log, &entry.clone().env("RUSTFLAGS", flags.as_str()), &program)?;
            for name in names {
                let from = target.join(TARGET).join("release").join(name);
                std::fs::copy(&from, folder.join(name))
                    .with_context(|| format!("cannot copy {}", from.display()))?;
            }
        }
        Ok(())
    })?;
    Ok(Firmware {
        guest_init: folder.join("guest-init"),
        guest_container: folder.join("guest-container"),
        folder,
        stamp,
    })
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CARGO_HOME").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    let home =
        std::env::var_os("HOME").context("cannot find cargo's cache: neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}
