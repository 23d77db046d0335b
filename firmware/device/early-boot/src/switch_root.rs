//! Handing over: the slot's root becomes `/`, its init takes our place as PID 1.

use std::convert::Infallible;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use disk_image::blackbox::{BreadcrumbKind, stage};
use rustix::mount::mount_move;

use crate::command_line::CommandLine;
use crate::report::Report;
use crate::root::Root;

/// The kernel's file systems go along, with what is mounted below them.
const MOVED: [&str; 4] = ["/dev", "/proc", "/sys", "/run"];

/// Does not return unless it fails.
#[expect(
    clippy::disallowed_methods,
    reason = "exec: the program takes our place, there is nothing to wait for"
)]
pub(crate) fn switch(
    root: &Root,
    command_line: &CommandLine,
    report: &mut Report,
) -> anyhow::Result<Infallible> {
    let init = &command_line.init;
    report.leave(
        BreadcrumbKind::SwitchRoot,
        stage::SWITCH_ROOT,
        format_args!("handing over to {}", init.display()),
    );

    free_the_initramfs();
    for folder in MOVED {
        let target = root.file(folder);
        mount_move(folder, &target)
            .with_context(|| format!("cannot move {folder} to {}", target.display()))?;
    }
    let path = root.path();
    std::env::set_current_dir(path).with_context(|| format!("cannot enter {}", path.display()))?;
    mount_move(".", "/").with_context(|| format!("cannot make {} the root", path.display()))?;
    std::os::unix::fs::chroot(".").context("cannot make the slot's root ours")?;
    std::env::set_current_dir("/").context("cannot enter the new root")?;

    // What the kernel could not make sense of on its command line is meant for init.
    let error = Command::new(init).args(std::env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("cannot start {}", init.display()))
}

/// The files of the initramfs stay in memory for as long as they have a name. Whatever cannot be removed costs a few
/// hundred KiB, nothing else.
fn free_the_initramfs() {
    let _freed = fs::remove_dir_all(Path::new("/modules"));
    let _freed = fs::remove_file(Path::new("/init"));
}
