//! Boots the real image in QEMU and tells stories about it.
//!
//! A story makes a [`Disk`] (a private copy of the shipped image, with faults written into it), starts a [`Vm`] on it, and
//! waits for what an operator would see. It never looks through our own code: what the disk holds is judged with `sfdisk`,
//! `fw_printenv`, `unsquashfs` and the like; our crates only write faults.
//!
//! `cargo xtask test` builds the image and hands over the [`Testbed`]; without it every story fails and says so.

mod disk;
mod qmp;
mod serial;
mod testbed;
mod vm;
mod write_log;

pub use disk::{Disk, EnvCopy};
pub use serial::Serial;
pub use testbed::Testbed;
pub use vm::{Nic, Vm, VmOptions};
pub use write_log::{DiskEvent, WriteLog};

use std::time::Duration;

/// How long a full boot may take here before a story gives up: about 35 s alone on two emulated cores, several times
/// that when the machine is loaded.
pub const BOOT: Duration = Duration::from_secs(300);

/// How long a test slot may take from power-on: about 10 s alone.
pub const TEST_SLOT: Duration = Duration::from_secs(120);
