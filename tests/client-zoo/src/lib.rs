//! Boot firmware, imitated over real sockets: what a Raspberry Pi, UEFI, iPXE and U-Boot send, what they wait for, and what
//! they cannot stand.
//!
//! It knows nothing of the server it talks to, and none of our crates: it can be aimed at any server, and a mistake in our
//! codecs cannot hide behind the same mistake here.
//!
//! | Job | Here |
//! |---|---|
//! | machines on a wire of their own: network namespaces | [`lab`] |
//! | one kind of firmware, from its first DISCOVER to its last file | [`firmware`] |
//! | a TFTP client with bad habits to choose from | [`tftp`] |
//! | DHCP as a ROM speaks it | [`dhcp`] |
//! | a machine at the other end of an emulated cable | [`cable`] |
//! | HTTP as firmware speaks it | [`http`] |

#![forbid(unsafe_code)]

pub mod cable;
pub mod dhcp;
pub mod firmware;
pub mod http;
pub mod lab;
pub mod tftp;
