//! What is on a Slipway disk, as bytes: partition table, boot state, black box, layout.
//!
//! Bytes in, values out, and back. Nothing here opens a file, asks for the time or waits: the image builder, early-boot,
//! the command line and the tests all read and write the disk through the same functions, each with its own IO.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`layout`] | `image/layout.toml`: what is where on the disk |
//! | [`gpt`] | the partition table |
//! | [`boot_state`] | the 512-byte environment in `env0` and `env1`: which slot boots, how many tries it has left |
//! | [`blackbox`] | the `blackbox` partition: the selector's note, the records, the breadcrumb ring and what it tells |

#![forbid(unsafe_code)]

pub mod layout;

pub mod gpt;

pub mod boot_state;

pub mod blackbox;

mod key_values;

/// The size of a sector in bytes. The whole disk format counts in these, also on disks with larger physical sectors.
pub const SECTOR_BYTES: usize = 512;

/// One sector.
pub type Sector = [u8; SECTOR_BYTES];
