//! Building in a chroot. There, `unshare --mount` fails when the chroot's root is no mount point, and the kernel makes no
//! user namespace for anyone whose root is not that of the mount namespace. So before anything else we start once more in a mount
//! namespace of our own and make the chroot its root. It ends with us, and nothing outside sees any of it.

use crate::host;
use crate::sh;
use anyhow::{Context as _, Result};
use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::mount::{
    MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount_change, move_mount, open_tree,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;

/// What `xtask` is started again with, before its arguments.
pub(crate) const AGAIN: &str = "--in-a-mount-namespace";

/// In a chroot: starts this program again in a mount namespace of its own, and does not return. Elsewhere, and where even that is
/// not allowed, does nothing: the build then says what it is that it may not do.
///
/// # Errors
/// When the program cannot be started again.
pub(crate) fn leave() -> Result<()> {
    let namespaces = |words: &[&str]| sh::output(sh::command("unshare").args(words).arg("true")).is_ok();
    // Only root may be in a chroot, and others have a user namespace of their own around each step.
    if !host::is_root() || namespaces(&["--user", "--mount"]) || !namespaces(UNTOUCHED) {
        return Ok(());
    }
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut again = sh::command("unshare");
    again.args(UNTOUCHED).arg(program).arg(AGAIN).args(std::env::args_os().skip(1));
    Err(again.exec()).with_context(|| format!("cannot start `{}`", sh::describe(&again)))
}

/// The propagation is that of a mount which is out of sight until [`take_root`].
const UNTOUCHED: &[&str] = &["--mount", "--propagation", "unchanged"];

/// In the new mount namespace: makes the chroot its root. Must run before there is a second thread, because threads share a
/// root.
///
/// # Errors
/// When the kernel (5.2 or newer) refuses a step; with the step.
pub(crate) fn take_root() -> Result<()> {
    let folder = std::env::current_dir().context("cannot find the current folder")?;
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let chroot = open("/", directory, Mode::empty()).context("cannot open the chroot's root")?;
    let ours = open("/proc/self/ns/mnt", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .context("cannot open our mount namespace (is /proc mounted?)")?;
    // Entering a mount namespace, even the one we are in, leads to its root.
    move_into_link_name_space(ours.as_fd(), Some(LinkNameSpaceType::Mount))
        .context("cannot leave the chroot")?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .context("cannot make our mounts private")?;
    let everything =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_RECURSIVE | OpenTreeFlags::AT_EMPTY_PATH;
    let tree = open_tree(&chroot, "", everything | OpenTreeFlags::OPEN_TREE_CLOEXEC)
        .context("cannot take the chroot's mounts")?;
    move_mount(&tree, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .context("cannot put the chroot over the root")?;
    rustix::process::fchdir(&tree).context("cannot enter the new root")?;
    rustix::process::chroot(".").context("cannot make the chroot the root")?;
    std::env::set_current_dir(&folder).with_context(|| format!("cannot enter {}", folder.display()))
}
