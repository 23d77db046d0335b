//! The crates that Cargo.lock names, on this machine.

use crate::context::Context;
use crate::sh::{self, Log};
use anyhow::{Context as _, Result};

/// Fetches them: none when all are in cargo's cache already, so a rebuild needs no network.
pub(crate) fn fetch(context: &Context, log: &Log) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let fetch = |more: &[&str]| {
        let mut command = sh::command(&cargo);
        log.run(command.current_dir(&context.root).args(["fetch", "--locked"]).args(more))
    };
    fetch(&["--offline"]).or_else(|_| fetch(&[])).context("cannot fetch the crates that Cargo.lock names")
}
