//! The initramfs: early-boot as `/init` and the few kernel modules it needs, as a zstd-packed cpio archive.

use super::firmware::Firmware;
use super::kernel::Kernel;
use super::{Build, step_inputs};
use crate::namespace::Entry;
use crate::step::Plan;
use anyhow::{Context as _, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The packed archive.
pub(super) struct Initramfs {
    pub(super) file: PathBuf,
    pub(super) stamp: String,
}

pub(super) fn step(
    plan: &mut Plan,
    build: &Build<'_>,
    kernel: &Kernel,
    firmware: &Firmware,
) -> Result<Initramfs> {
    let inputs = step_inputs(build, include_str!("initramfs.rs"))
        .value("kernel", &kernel.stamp)
        .value("firmware", &firmware.stamp)
        .value("list of early modules", build.board.early_modules.join(","))
        .value("time of the sources", build.epoch.to_string());
    let stamp = inputs.stamp();
    let file = build.out.join("initrd.img");
    plan.step("initramfs", &inputs, &[&file], &build.log("initramfs"), |log| {
        let folder = kernel.modules()?;
        let modules = Modules::read(&folder)?;
        let staging = build.out.join("initramfs.partial");
        let _ = std::fs::remove_dir_all(&staging);
        std::fs::create_dir_all(&staging).with_context(|| format!("cannot create {}", staging.display()))?;
        let ordered = modules.with_dependencies(&build.board.early_modules)?;
        for module in &ordered {
            let from = folder.join(&module.path);
            let to = staging.join(from.file_name().context("a module without a name")?);
            std::fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
        let entry = Entry::default().bind(&build.out);
        let staging_text = staging.to_string_lossy().into_owned();
        // Unpacked here: the whole archive is packed better than its parts, and the kernel then links them as they are.
        build.tools.script(
            log,
            &entry,
            "cd \"$1\"; for m in *.ko.xz; do [ ! -e \"$m\" ] || xz -d \"$m\"; done",
            &[&staging_text],
        )?;

        let mut archive = Archive::new(build.epoch);
        for folder in ["dev", "proc", "sys", "run", "modules", "sysroot"] {
            archive.folder(folder);
        }
        archive.file("init", read(&firmware.init())?, 0o755);
        let mut list = String::new();
        for module in &ordered {
            let name = format!("{}.ko", module.name);
            list.push_str(&name);
            if !module.parameters.is_empty() {
                list.push(' ');
                list.push_str(&module.parameters);
            }
            list.push('\n');
            archive.file(&format!("modules/{name}"), read(&staging.join(module.file_name()))?, 0o644);
        }
        archive.file("modules/load.list", list.into_bytes(), 0o644);
        let plain = build.out.join("initramfs.cpio");
        std::fs::write(&plain, archive.finish()?)
            .with_context(|| format!("cannot write {}", plain.display()))?;
        let (plain_text, partial) =
            (plain.to_string_lossy().into_owned(), format!("{}.partial", file.display()));
        build.tools.run(log, &entry, &["zstd", "--quiet", "-19", "--force", "-o", &partial, &plain_text])?;
        std::fs::remove_dir_all(&staging).with_context(|| format!("cannot remove {}", staging.display()))?;
        std::fs::remove_file(&plain).with_context(|| format!("cannot remove {}", plain.display()))?;
        std::fs::rename(&partial, &file).with_context(|| format!("cannot move {partial}"))
    })?;
    Ok(Initramfs { file, stamp })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A module to load: its name as the kernel spells it (with `_`), its file, its parameters.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Module {
    name: String,
    path: String,
    parameters: String,
}

impl Module {
    fn file_name(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.strip_suffix(".xz").unwrap_or(name).to_owned()
    }
}

/// `modules.dep` and `modules.builtin` of a kernel.
struct Modules {
    /// Path and the paths it needs, by name.
    by_name: BTreeMap<String, (String, Vec<String>)>,
    builtin: BTreeSet<String>,
}

impl Modules {
    fn read(folder: &Path) -> Result<Modules> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        Ok(Modules::parse(&text("modules.dep")?, &text("modules.builtin")?))
    }

    fn parse(dep: &str, builtin: &str) -> Modules {
        let by_name = dep
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(path, needs)| {
                let needs = needs.split_whitespace().map(str::to_owned).collect();
                (module_name(path), (path.to_owned(), needs))
            })
            .collect();
        Modules { by_name, builtin: builtin.lines().map(module_name).collect() }
    }

    /// The wanted modules (`name parameters`) and all they need, each after what it needs. What is built into the
    /// kernel needs no loading.
    fn with_dependencies(&self, wanted: &[String]) -> Result<Vec<Module>> {
        let mut ordered: Vec<Module> = Vec::new();
        for entry in wanted {
            let (name, parameters) = entry.split_once(' ').unwrap_or((entry, ""));
            let name = name.replace('-', "_");
            if self.builtin.contains(&name) {
                continue;
            }
            let Some((path, needs)) = self.by_name.get(&name) else {
                bail!("the kernel has no module `{name}`, which the board lists in early_modules");
            };
            // depmod lists needs nearest first, so what has to be loaded first stands last.
            for path in needs.iter().rev().chain([path]) {
                let module =
                    Module { name: module_name(path), path: path.clone(), parameters: String::new() };
                if !ordered.iter().any(|known| known.name == module.name) {
                    ordered.push(module);
                }
            }
            if let Some(module) = ordered.iter_mut().find(|module| module.name == name) {
                parameters.clone_into(&mut module.parameters);
            }
        }
        Ok(ordered)
    }
}

fn module_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split(".ko").next().unwrap_or(file).replace('-', "_")
}

/// A cpio archive in the format the kernel reads (`newc`), the same bytes for the same content.
struct Archive {
    entries: Vec<(String, u32, Vec<u8>)>,
    epoch: u32,
}

impl Archive {
    fn new(epoch: u64) -> Archive {
        // The format has 32 bits for it, which last until 2106.
        Archive { entries: Vec::new(), epoch: u32::try_from(epoch).unwrap_or(u32::MAX) }
    }

    fn folder(&mut self, path: &str) {
        self.entries.push((path.to_owned(), 0o040_755, Vec::new()));
    }

    fn file(&mut self, path: &str, bytes: Vec<u8>, mode: u32) {
        self.entries.push((path.to_owned(), 0o100_000 | mode, bytes));
    }

    fn finish(self) -> Result<Vec<u8>> {
        let epoch = self.epoch;
        let inputs = self.entries.into_iter().zip(1..).map(|((path, mode, bytes), inode)| {
            let builder = cpio::newc::Builder::new(&path).ino(inode).mode(mode).uid(0).gid(0).mtime(epoch);
            (builder, std::io::Cursor::new(bytes))
        });
        cpio::write_cpio(inputs, Vec::new()).context("cannot write the initramfs archive")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "kernel/fs/squashfs/squashfs.ko.xz:\n\
        kernel/drivers/mmc/host/dw_mmc-rockchip.ko.xz: kernel/drivers/mmc/host/dw_mmc-pltfm.ko.xz kernel/drivers/mmc/host/dw_mmc.ko.xz kernel/drivers/mmc/core/mmc_core.ko.xz\n\
        kernel/drivers/mmc/host/dw_mmc-pltfm.ko.xz: kernel/drivers/mmc/host/dw_mmc.ko.xz kernel/drivers/mmc/core/mmc_core.ko.xz\n\
        kernel/drivers/mmc/host/dw_mmc.ko.xz: kernel/drivers/mmc/core/mmc_core.ko.xz\n\
        kernel/drivers/mmc/core/mmc_core.ko.xz:\n\
        kernel/drivers/mmc/core/mmc_block.ko.xz: kernel/drivers/mmc/core/mmc_core.ko.xz\n\
        kernel/drivers/watchdog/i6300esb.ko.xz:\n";

    fn names(wanted: &[&str]) -> Vec<String> {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let modules = Modules::parse(DEP, "kernel/fs/ext4/ext4.ko\n").with_dependencies(&wanted).unwrap();
        modules
            .into_iter()
            .map(|module| format!("{} {}", module.name, module.parameters).trim().to_owned())
            .collect()
    }

    #[test]
    fn a_module_comes_after_what_it_needs_and_once() {
        assert_eq!(
            names(&["mmc_block", "dw_mmc_rockchip", "squashfs"]),
            ["mmc_core", "mmc_block", "dw_mmc", "dw_mmc_pltfm", "dw_mmc_rockchip", "squashfs"]
        );
    }

    #[test]
    fn parameters_stay_with_their_module() {
        assert_eq!(names(&["i6300esb heartbeat=30"]), ["i6300esb heartbeat=30"]);
    }

    #[test]
    fn a_module_built_into_the_kernel_is_not_loaded() {
        assert!(names(&["ext4"]).is_empty());
    }

    #[test]
    fn a_module_the_kernel_does_not_have_is_an_error_that_names_it() {
        let error = Modules::parse(DEP, "").with_dependencies(&["zfs".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "the kernel has no module `zfs`, which the board lists in early_modules");
    }

    #[test]
    fn the_archive_is_the_same_bytes_for_the_same_content() {
        let make = || {
            let mut archive = Archive::new(1_767_225_600);
            archive.folder("dev");
            archive.file("init", b"x".to_vec(), 0o755);
            archive.finish().unwrap()
        };
        assert_eq!(make(), make());
        assert!(make().starts_with(b"070701"));
    }
}
