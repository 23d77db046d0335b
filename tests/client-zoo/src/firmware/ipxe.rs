//! iPXE: a script or kernel by TFTP or HTTP, large files in ranges.

use std::net::SocketAddrV4;

use anyhow::{Result, ensure};

use crate::http::Connection;
use crate::tftp::{self, Habits};

/// What iPXE does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ipxe {
    /// `tftp://`
    Tftp,
    /// `http://`, read as `sanboot` reads a disk: by ranges, on one connection.
    HttpRanges,
}

/// Loads a file of this name.
///
/// # Errors
/// What it stumbles over.
pub fn ipxe_boot(how: Ipxe, server: SocketAddrV4, name: &str) -> Result<Vec<u8>> {
    match how {
        Ipxe::Tftp => {
            let options = [("blksize", "1432"), ("tsize", "0")];
            let fetched = tftp::get(server, &tftp::file(name, &options), &Habits::default())
                .map_err(|failure| anyhow::anyhow!("{name}: {failure}"))?;
            Ok(fetched.content)
        }
        Ipxe::HttpRanges => {
            let mut connection = Connection::open(server)?;
            let path = format!("/{name}");
            let size: usize = connection
                .ask("HEAD", &path, &[])?
                .headers
                .get("content-length")
                .map_or(Ok(0), |v| v.parse())?;
            let mut content = Vec::new();
            while content.len() < size {
                let last = (content.len() + 65_536).min(size) - 1;
                let range = format!("bytes={}-{last}", content.len());
                let answer = connection.ask("GET", &path, &[("Range", &range)])?;
                ensure!(answer.status == 206, "{range}: {}", answer.status);
                let expected = format!("bytes {}-{last}/{size}", content.len());
                ensure!(answer.headers.get("content-range") == Some(&expected), "{:?}", answer.headers);
                content.extend(answer.body);
            }
            Ok(content)
        }
    }
}
