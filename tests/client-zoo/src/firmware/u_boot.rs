//! U-Boot's `tftpboot`.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::Result;

use crate::tftp::{self, Fetched, Habits};

/// Loads a file. U-Boot asks for its own time-out, and sends from a port that it picks by its clock.
///
/// # Errors
/// What it stumbles over.
pub fn u_boot_tftp(server: SocketAddrV4, name: &str, port: u16) -> Result<Fetched> {
    let options = [("timeout", "5"), ("tsize", "0"), ("blksize", "1468")];
    let habits = Habits { port, wait: Duration::from_secs(5), ..Habits::default() };
    tftp::get(server, &tftp::file(name, &options), &habits)
        .map_err(|failure| anyhow::anyhow!("{name}: {failure}"))
}
