//! HTTP boot on the LAN: the same closed set of files as TFTP, over plain HTTP/1.1, for UEFI, iPXE, U-Boot and the
//! Raspberry Pi. What firmware trips over is left out: redirects, chunked bodies, compression.

mod body;
mod range;
mod respond;
mod server;

pub(crate) use server::Server;
