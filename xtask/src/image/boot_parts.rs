//! The FAT partitions: `boot` (kernel, initramfs, device trees, slot.scr; the same for slot A and B) and `bootsel` (the selector).

use super::initramfs::Initramfs;
use super::kernel::Kernel;
use super::root::Root;
use super::{Build, step_inputs};
use crate::namespace::Entry;
use crate::step::Plan;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// The two file system images.
pub(super) struct BootParts {
    pub(super) boot: PathBuf,
    pub(super) bootsel: PathBuf,
    pub(super) stamp: String,
}

/// What an operator finds beside the selector on the partition that any computer can read.
const README: &str = "This partition belongs to a Slipway appliance.\r\n\r\n\
    boot.scr starts it: do not change or remove it.\r\n";

/// Makes a FAT image of `$2` bytes with label `$3` and serial `$4` out of the files in `$5`.
const SCRIPT: &str = r#"
out=$1 size=$2 label=$3 serial=$4 folder=$5
rm -f "$out.partial"
truncate --size "$size" "$out.partial"
mkfs.vfat --invariant -i "$serial" -n "$label" "$out.partial" > /dev/null
find "$folder" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
cd "$folder"
# In the order of their names: the same bytes from any file system.
for entry in $(ls -A | LC_ALL=C sort); do mcopy -s -p -m -i "$out.partial" "$entry" ::/; done
mv "$out.partial" "$out"
"#;

pub(super) fn step(
    plan: &mut Plan,
    build: &Build<'_>,
    root: &Root,
    kernel: &Kernel,
    initramfs: &Initramfs,
) -> Result<BootParts> {
    let scripts = build.context.path("image/boot");
    let inputs = step_inputs(build, include_str!("boot_parts.rs"))
        .path("image/boot", &scripts)?
        .path("image/layout.toml", &build.context.path("image/layout.toml"))?
        .value("kernel", &kernel.stamp)
        .value("initramfs", &initramfs.stamp)
        .value("list of device trees", build.board.dtbs.join(","))
        .value("build id", &root.build_id)
        .value("time of the sources", build.epoch.to_string());
    let stamp = inputs.stamp();
    let parts =
        BootParts { boot: build.out.join("boot.vfat"), bootsel: build.out.join("bootsel.vfat"), stamp };
    plan.step("boot partitions", &inputs, &[&parts.boot, &parts.bootsel], &build.log("boot"), |log| {
        let staging = build.out.join("boot.partial");
        let _ = std::fs::remove_dir_all(&staging);
        let (boot, bootsel) = (staging.join("boot"), staging.join("bootsel"));
        for folder in [&boot, &bootsel] {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }

        let mut values = vec![("BUILD_ID", root.build_id.clone())];
        for (name, from) in [("vmlinuz", kernel.image()), ("initrd.img", initramfs.file.clone())] {
            values.push((
                if name == "vmlinuz" { "VMLINUZ_CRC32" } else { "INITRD_CRC32" },
                copy(&from, &boot.join(name))?,
            ));
        }
        if build.board.dtbs.len() != 1 {
            bail!(
                "slot.cmd knows the checksum of one device tree; the board lists {}",
                build.board.dtbs.len()
            );
        }
        for dtb in &build.board.dtbs {
            let to = boot.join("dtbs").join(dtb);
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("cannot create {}", folder.display()))?;
            }
            values.push(("DTB_CRC32", copy(&kernel.folder.join("dtbs").join(dtb), &to)?));
        }
        write_script(&scripts.join("slot.cmd"), &staging.join("slot.cmd"), &values)?;
        write_script(&scripts.join("boot.cmd"), &staging.join("boot.cmd"), &values)?;
        std::fs::write(bootsel.join("README.txt"), README).context("cannot write README.txt")?;

        let entry = Entry::default()
            .bind(&build.out)
            .folder(&staging)
            .env("SOURCE_DATE_EPOCH", build.epoch.to_string());
        for (script, out) in [("slot.cmd", "boot/slot.scr"), ("boot.cmd", "bootsel/boot.scr")] {
            let mkimage =
                ["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-n", script, "-d", script, out];
            build.tools.run(log, &entry, &mkimage)?;
        }
        for (part, name, folder) in [(&parts.boot, "boot-a", &boot), (&parts.bootsel, "bootsel", &bootsel)] {
            let place = build.layout.partition(name).with_context(|| format!("the layout lacks {name}"))?;
            let size = place.bytes().to_string();
            let label = place.label().with_context(|| format!("the layout gives {name} no label"))?;
            // The serial number is part of the label in spirit: fixed, so that two builds are the same bytes.
            let serial = format!("{:08x}", crc32fast::hash(label.as_bytes()));
            let (out, folder) = (part.to_string_lossy(), folder.to_string_lossy());
            build.tools.script(log, &entry, SCRIPT, &[&out, &size, label, &serial, &folder]).with_context(
                || format!("cannot make the {name} file system of {size} bytes (are its files larger?)"),
            )?;
        }
        std::fs::remove_dir_all(&staging).with_context(|| format!("cannot remove {}", staging.display()))
    })?;
    Ok(parts)
}

/// Copies a file and returns its CRC-32 as U-Boot writes it: eight hex digits.
fn copy(from: &Path, to: &Path) -> Result<String> {
    let bytes = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    std::fs::write(to, &bytes).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(format!("{:08x}", crc32fast::hash(&bytes)))
}

/// Fills the placeholders of a U-Boot script. One that nobody fills would be a silent fault at boot.
fn write_script(from: &Path, to: &Path, values: &[(&str, String)]) -> Result<()> {
    let text = std::fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
    let text = fill(&text, values).with_context(|| format!("cannot use {}", from.display()))?;
    std::fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))
}

fn fill(text: &str, values: &[(&str, String)]) -> Result<String> {
    let mut text = text.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("@{name}@"), value);
    }
    // Comments may talk of placeholders; commands may not hold one.
    if let Some(line) = text.lines().find(|line| !line.trim_start().starts_with('#') && has_placeholder(line))
    {
        bail!("nothing fills the placeholder in `{}`", line.trim());
    }
    Ok(text)
}

fn has_placeholder(line: &str) -> bool {
    line.split('@').skip(1).step_by(2).any(|part| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_a_forgotten_one_is_an_error() {
        let values = [("BUILD_ID", "0.1.0-ab".to_owned())];
        assert_eq!(
            fill("echo build @BUILD_ID@\n# @OTHER@\n", &values).unwrap(),
            "echo build 0.1.0-ab\n# @OTHER@\n"
        );
        let error = fill("crc32 -v @VMLINUZ_CRC32@", &values).unwrap_err().to_string();
        assert_eq!(error, "nothing fills the placeholder in `crc32 -v @VMLINUZ_CRC32@`");
    }
}
