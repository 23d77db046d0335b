//! The disk image: partition table, loader, factory boot state, selector and slot A, in one sparse file.

use super::boot_parts::BootParts;
use super::root::Root;
use super::u_boot::UBoot;
use super::{Build, step_inputs};
use crate::step::Plan;
use anyhow::{Context as _, Result};
use disk_image::SECTOR_BYTES;
use disk_image::boot_state::BootState;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What is read and written at once, and the grain of holes.
const BLOCK: usize = 64 << 10;

pub(super) fn step(
    plan: &mut Plan,
    build: &Build<'_>,
    root: &Root,
    parts: &BootParts,
    u_boot: &UBoot,
) -> Result<PathBuf> {
    let inputs = step_inputs(build, include_str!("disk.rs"))
        .value("root file system", &root.stamp)
        .value("boot partitions", &parts.stamp)
        .value("U-Boot", &u_boot.stamp)
        .value("image/boards", build.board.canonical()?)
        .path("image/layout.toml", &build.context.path("image/layout.toml"))?;
    let image = build.out.join(format!("slipway-{}.img", build.board.name));
    plan.step("disk image", &inputs, &[&image], &build.log("disk"), |_| {
        let partial = image.with_extension("img.partial");
        write(build, root, parts, u_boot, &partial)?;
        std::fs::rename(&partial, &image).with_context(|| format!("cannot move {}", partial.display()))
    })?;
    Ok(image)
}

fn write(build: &Build<'_>, root: &Root, parts: &BootParts, u_boot: &UBoot, path: &Path) -> Result<()> {
    let _ = std::fs::remove_file(path);
    let file = File::create_new(path).with_context(|| format!("cannot create {}", path.display()))?;
    let image = Image { file, path, layout: &build.layout };
    let size = image.layout.image_sectors() * SECTOR_BYTES as u64;
    image.file.set_len(size).with_context(|| format!("cannot make {} {size} bytes large", path.display()))?;

    let gpt = image.layout.gpt();
    image.write_at(&gpt.head(), 0)?;
    image.write_at(&gpt.tail(), gpt.tail_lba() * SECTOR_BYTES as u64)?;
    let loader = &build.board.loader;
    let end =
        image.layout.partition("loader").context("image/layout.toml has no partition loader")?.end_lba();
    image.copy_to_lbas("idbloader.img", &u_boot.idbloader, loader.idbloader_lba..loader.u_boot_lba)?;
    image.copy_to_lbas("u-boot.itb", &u_boot.itb, loader.u_boot_lba..end)?;
    let factory = BootState::factory().to_env().encode();
    for copy in ["env0", "env1"] {
        image.write_at(&factory, image.offset(copy)?)?;
    }
    image.copy("bootsel", &parts.bootsel)?;
    image.copy("boot-a", &parts.boot)?;
    image.copy("rootfs-a", &root.squashfs)?;
    image.file.sync_all().with_context(|| format!("cannot write {} to the disk", path.display()))
}

struct Image<'a> {
    file: File,
    path: &'a Path,
    layout: &'a disk_image::layout::Layout,
}

impl Image<'_> {
    fn offset(&self, partition: &str) -> Result<u64> {
        let found = self.layout.partition(partition);
        Ok(found.with_context(|| format!("image/layout.toml has no partition {partition}"))?.offset())
    }

    /// Fills a partition from its start. A file larger than the partition is an error that names both sizes.
    fn copy(&self, partition: &str, from: &Path) -> Result<()> {
        self.layout.artefact_fits(&from.display().to_string(), partition, length(from)?)?;
        self.copy_at(from, self.offset(partition)?)
    }

    /// Writes a part of the loader at the sectors where the stage before looks for it.
    fn copy_to_lbas(&self, what: &str, from: &Path, lbas: std::ops::Range<u64>) -> Result<()> {
        let start = lbas.start * SECTOR_BYTES as u64;
        self.layout.artefact_fits_at(what, "loader", lbas, length(from)?)?;
        self.copy_at(from, start)
    }

    /// Copies what is not zero; the rest stays a hole.
    fn copy_at(&self, from: &Path, mut offset: u64) -> Result<()> {
        let mut source = File::open(from).with_context(|| format!("cannot open {}", from.display()))?;
        let mut block = vec![0; BLOCK];
        loop {
            let count = source.read(&mut block).with_context(|| format!("cannot read {}", from.display()))?;
            if count == 0 {
                return Ok(());
            }
            if block[..count].iter().any(|byte| *byte != 0) {
                self.write_at(&block[..count], offset)?;
            }
            offset += count as u64;
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(bytes, offset).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn length(path: &Path) -> Result<u64> {
    Ok(path.metadata().with_context(|| format!("cannot read {}", path.display()))?.len())
}
