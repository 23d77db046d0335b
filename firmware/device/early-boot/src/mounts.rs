//! The kernel's own file systems, and mounting in general.

use std::ffi::CString;
use std::path::Path;

use anyhow::Context;
use rustix::mount::{MountFlags, mount};

/// Mounts `/dev`, `/proc`, `/sys` and `/run`, which move into the root file system later.
pub(crate) fn mount_kernel_file_systems() -> anyhow::Result<()> {
    let sealed = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let rows = [
        ("devtmpfs", "/dev", MountFlags::NOSUID, "mode=0755"),
        ("proc", "/proc", sealed, ""),
        ("sysfs", "/sys", sealed, ""),
        // As systemd would mount it. A fifth of the memory is systemd's own limit, too.
        ("tmpfs", "/run", MountFlags::NOSUID | MountFlags::NODEV, "mode=0755,size=20%,nr_inodes=800k"),
    ];
    for (kind, target, flags, options) in rows {
        mount_at(kind, kind, Path::new(target), flags, options)?;
    }
    Ok(())
}

/// Mounts `source` on `target`, which is created when missing.
pub(crate) fn mount_at(
    kind: &str,
    source: impl AsRef<Path>,
    target: &Path,
    flags: MountFlags,
    options: &str,
) -> anyhow::Result<()> {
    let source = source.as_ref();
    std::fs::create_dir_all(target).with_context(|| format!("cannot create {}", target.display()))?;
    let options = CString::new(options).context("cannot mount with options that hold a NUL")?;
    mount(source, target, kind, flags, options.as_c_str())
        .with_context(|| format!("cannot mount {} on {} as {kind}", source.display(), target.display()))
}
