//! Boots the real image in QEMU and tells stories about it.
//!
//! A story makes a [`Disk`] (a private copy of the shipped image, with faults written into it), starts a [`Vm`] on it, and
//! waits for what an operator would see. It never looks through our own code: what the disk holds is judged with `sfdisk`,
//! `fw_printenv`, `unsquashfs` and the like; our crates only write faults.
//!
//! `cargo xtask test` builds the image and hands over the [`Testbed`]; without it every story fails and says so.

pub mod config;
pub mod console;
mod disk;
mod http;
mod provisioned;
mod qmp;
mod registry;
mod serial;
mod ssh;
mod stick;
mod testbed;
mod vm;
mod write_log;

pub use disk::{Disk, EnvCopy};
pub use http::http_get;
pub use provisioned::Provisioned;
pub use registry::Registry;
pub use serial::Serial;
pub use ssh::{KeyPair, Ssh};
pub use stick::{Stick, StickFormat};
pub use testbed::Testbed;
pub use vm::{Nic, Vm, VmOptions};
pub use write_log::{DiskEvent, WriteLog};

use std::time::Duration;

/// How long a full boot may take here before a story gives up: about 35 s alone on two emulated cores, several times
/// that when the machine is loaded.
pub const BOOT: Duration = Duration::from_secs(300);

/// How long a test slot may take from power-on: about 10 s alone.
pub const TEST_SLOT: Duration = Duration::from_secs(120);

/// How long a configuration may take from power-on until what it requires runs: about 70 s alone with one small container.
pub const IMPORT: Duration = Duration::from_secs(600);

/// How long one command of an operator may take.
pub const COMMAND: Duration = Duration::from_secs(120);
