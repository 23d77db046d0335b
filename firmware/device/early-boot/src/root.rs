//! The slot's root file system: squashfs below, memory above.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use disk_image::blackbox::stage;
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};
use rustix::mount::MountFlags;

use crate::command_line::CommandLine;
use crate::mounts::mount_at;
use crate::report::{At, Failure, Report};
use crate::sysfs::Disk;

/// Where the squashfs is mounted, also for the running system.
const BASE: &str = "/run/rootfs-base";

/// Where the memory above it is mounted, also for the running system.
const OVERLAY: &str = "/run/overlay-root";

/// Where the two together are mounted until they become `/`.
const ROOT: &str = "/sysroot";

/// The mounted root file system. Having it means that it can be used: its init was read.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    path: PathBuf,
}

impl Root {
    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it, by its path there.
    pub(crate) fn file(&self, absolute: &str) -> PathBuf {
        self.path.join(absolute.trim_start_matches('/'))
    }

    #[cfg(test)]
    pub(crate) fn at(path: &Path) -> Root {
        Root { path: path.to_owned() }
    }
}

/// Mounts the root file system of the slot that was started.
pub(crate) fn mount(disk: &Disk, command_line: &CommandLine, report: &mut Report) -> Result<Root, Failure> {
    let node = mount_base(disk, command_line).at(stage::ROOTFS)?;
    report.reached(stage::ROOTFS, format_args!("{} is mounted", node.display()));

    mount_overlay().at(stage::OVERLAY)?;
    let root = Root { path: ROOT.into() };
    check_init(root.path(), &command_line.init).at(stage::OVERLAY)?;
    report.reached(stage::OVERLAY, "the writable layer is ready");
    Ok(root)
}

fn mount_base<'a>(disk: &'a Disk, command_line: &CommandLine) -> anyhow::Result<&'a Path> {
    let name = format!("rootfs-{}", command_line.slot.lower());
    let node =
        disk.partition(&name).with_context(|| format!("cannot find {name} on {}", disk.node.display()))?;
    // A block that cannot be unpacked means a damaged slot. Left alone, it would kill whichever program touches it,
    // again and again; as a panic it is reset, remembered and counted, and the other slot gets its turn.
    let flags = MountFlags::RDONLY | MountFlags::NODEV;
    mount_at("squashfs", node, Path::new(BASE), flags, "errors=panic")?;
    Ok(node)
}

fn mount_overlay() -> anyhow::Result<()> {
    // What is written here is gone at reboot, so whatever writes without end should meet a wall before it has all memory.
    mount_at("tmpfs", "overlay", Path::new(OVERLAY), MountFlags::empty(), "mode=0755,size=25%")?;
    for folder in ["upper", "work"] {
        let path = Path::new(OVERLAY).join(folder);
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
    }
    let layers = format!("lowerdir={BASE},upperdir={OVERLAY}/upper,workdir={OVERLAY}/work");
    mount_at("overlay", "overlay", Path::new(ROOT), MountFlags::empty(), &layers)
}

/// Reads the beginning of init: what hands over to it next would otherwise fail past the point of no return, and a
/// confirmed slot would have got its tries back.
fn check_init(root: &Path, init: &Path) -> anyhow::Result<()> {
    let action = || format!("cannot read {} of the slot", init.display());
    let folder =
        open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).with_context(action)?;
    // Links in the slot are to be followed within the slot.
    let file = openat2(&folder, init, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT);
    let mut start = [0; 4];
    let read = File::from(file.with_context(action)?).read(&mut start).with_context(action)?;
    ensure!(
        start == *b"\x7fELF" || start.starts_with(b"#!"),
        "{}: {read} bytes that are no program",
        action()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn root_with(init: &[u8]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("usr/lib/systemd")).unwrap();
        std::fs::create_dir(root.path().join("sbin")).unwrap();
        std::fs::write(root.path().join("usr/lib/systemd/systemd"), init).unwrap();
        // Absolute: it means a file of the slot, never one of the initramfs.
        symlink("/usr/lib/systemd/systemd", root.path().join("sbin/init")).unwrap();
        root
    }

    fn check(root: &tempfile::TempDir, init: &str) -> Result<(), String> {
        check_init(root.path(), Path::new(init)).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn an_init_that_can_be_run_passes_also_behind_a_link() {
        let root = root_with(b"\x7fELF\x02\x01");
        check(&root, "/usr/lib/systemd/systemd").unwrap();
        check(&root, "/sbin/init").unwrap();
        check(&root_with(b"#!/bin/sh\n"), "/sbin/init").unwrap();
    }

    #[test]
    fn a_missing_or_empty_init_is_refused_and_named() {
        let root = root_with(b"\0\0\0\0");
        let missing = check(&root, "/sbin/none").unwrap_err();
        assert!(missing.starts_with("cannot read /sbin/none of the slot: No such file"), "{missing}");
        assert_eq!(
            check(&root, "/sbin/init").unwrap_err(),
            "cannot read /sbin/init of the slot: 4 bytes that are no program"
        );
        let empty = check(&root_with(b""), "/sbin/init").unwrap_err();
        assert_eq!(empty, "cannot read /sbin/init of the slot: 0 bytes that are no program");
    }

    #[test]
    fn a_link_cannot_lead_out_of_the_slot() {
        let root = root_with(b"");
        symlink("../../../../../bin/sh", root.path().join("sbin/out")).unwrap();
        check(&root, "/sbin/out").unwrap_err();
    }
}
