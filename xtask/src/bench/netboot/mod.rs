//! Netboot: our server against those that everybody runs, from Debian, in turns, between two network namespaces on this machine.

mod dhcp;
mod load;
mod peers;
mod server;

use super::Row;
use crate::context::Context;
use crate::sh::{self, Log};
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// How servers and clients are nice to what else runs on this machine.
const NICE: &str = "-10";

/// The lines of the table.
pub(super) fn rows(context: &Context, runs: usize) -> Result<Vec<Row>> {
    let peers = peers::ensure(context)?;
    let ours = build(context)?;
    // Threads that are started from now on have it too.
    rustix::process::setpriority_process(None, -10).context("cannot take precedence: only root may")?;
    let rows = dhcp::rows(context, &peers, &ours, runs);
    rustix::process::setpriority_process(None, 0)?;
    rows
}

/// `netbootd` for this machine, as it is released.
fn build(context: &Context) -> Result<PathBuf> {
    eprintln!("      building netbootd");
    let log = Log::create(context.log_path("bench-netbootd"))?;
    let mut command = sh::command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&context.root).args(["build", "--release", "--locked", "--package", "netbootd"]);
    log.run(&mut command).context("cannot build netbootd")?;
    Ok(context.root.join("target/release/netbootd"))
}
