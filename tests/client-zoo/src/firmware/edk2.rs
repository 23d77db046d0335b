//! UEFI as EDK2 has it, and most machines with it.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::http::Connection;
use crate::tftp::{self, Fetched, Habits};

/// PXE: asks for the size, ends that transfer with ERROR 8, and asks again for the file.
///
/// # Errors
/// What firmware stumbles over.
pub fn pxe_boot(server: SocketAddrV4, name: &str) -> Result<Fetched> {
    let probe =
        Habits { end_after_options: Some(8), linger: Duration::from_millis(300), ..Habits::default() };
    let sized = tftp::get(server, &tftp::file(name, &[("tsize", "0"), ("blksize", "1468")]), &probe);
    let sized = sized.map_err(|failure| anyhow::anyhow!("{name}: size: {failure}"))?;
    ensure!(sized.after_end == 0, "the server goes on after ERROR 8");
    let size: u64 = sized.accepted.get("tsize").context("no tsize")?.parse().context("tsize is no number")?;
    let options = [("blksize", "1468"), ("windowsize", "4")];
    let fetched = tftp::get(server, &tftp::file(name, &options), &Habits::default())
        .map_err(|failure| anyhow::anyhow!("{name}: {failure}"))?;
    ensure!(
        !fetched.accepted.contains_key("tsize"),
        "an option that was not asked for is refused with ERROR 8"
    );
    ensure!(fetched.length == size, "{} bytes came, {size} were announced", fetched.length);
    Ok(fetched)
}

/// HTTP boot: HEAD for the size, then GET on the same connection.
///
/// # Errors
/// What firmware stumbles over.
pub fn http_boot(server: SocketAddrV4, path: &str) -> Result<Vec<u8>> {
    let mut connection = Connection::open(server)?;
    let headers = [("Accept", "*/*"), ("User-Agent", "UefiHttpBoot/1.0")];
    let head = connection.ask("HEAD", path, &headers)?;
    ensure!(head.status == 200, "HEAD {path}: {}, and redirects are not followed", head.status);
    let length: usize = head.headers.get("content-length").context("no length")?.parse()?;
    let answer = connection.ask("GET", path, &headers)?;
    ensure!(answer.status == 200, "GET {path}: {}", answer.status);
    ensure!(answer.body.len() == length, "{} bytes came, {length} were announced", answer.body.len());
    Ok(answer.body)
}
