//! TFTP on the LAN: sockets around `netboot_protocol::tftp`, which decides.
//!
//! One thread and one loop for all transfers ([decision 0010]): a transfer that waits costs a socket and some hundred
//! bytes, and what is sent is read from the page cache into one buffer that all share.
//!
//! ```text
//!  port 69 ── request ──▶ door.rs: may it, which file, which options ──▶ session.rs: a socket and a Transfer
//!  a session's socket ── ACK ──▶ Transfer::on_packet ─┐
//!  the clock ──────────────────▶ Transfer::on_timeout ┴─▶ Action ──▶ sender.rs
//! ```
//!
//! [decision 0010]: ../../../../../docs/decisions/0010-tftp-is-one-loop.md

mod door;
mod sender;
mod server;
mod session;

pub(crate) use door::Door;
pub(crate) use server::Server;
