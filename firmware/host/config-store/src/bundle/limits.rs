//! How much a bundle may be.

use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// The largest `config.toml` and the largest file for a device, in bytes.
pub const CONFIG_LIMIT: u64 = MIB;

/// How many folders a member may lie in, and one for itself.
pub const DEPTH_LIMIT: usize = 16;

/// How much a bundle may be. Archives of container images count in none of these but `spare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that are read when they are compressed.
    pub compressed: u64,
    /// Bytes that come out, with the headers of a tar archive.
    pub unpacked: u64,
    /// Files and folders.
    pub members: usize,
    /// Bytes of one file.
    pub member: u64,
    /// From first to last byte.
    pub time: Duration,
    /// Bytes that container images leave free on the disk they are unpacked to.
    pub spare: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            compressed: 32 * MIB,
            unpacked: 256 * MIB,
            members: 4096,
            member: 64 * MIB,
            time: Duration::from_secs(30),
            spare: 256 * MIB,
        }
    }
}
