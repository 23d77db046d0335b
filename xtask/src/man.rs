//! `cargo xtask man`: the manual pages of `slipway`, for a machine with `man`. The appliance has none: pages are pruned there, and
//! `slipway help` says the same.

use crate::context::Context;
use crate::sh;
use anyhow::Result;

/// Has the command write its own pages.
pub(crate) fn run(context: &Context) -> Result<()> {
    let folder = context.path("target/slipway/man");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = sh::command(cargo);
    command.current_dir(&context.root).args([
        "run",
        "--quiet",
        "--locked",
        "--package",
        "slipway",
        "--",
        "man",
    ]);
    sh::output(command.arg(&folder))?;
    println!("man --local-file {}/slipway.1", folder.display());
    Ok(())
}
