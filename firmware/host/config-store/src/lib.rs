//! Configurations as they were written: taken out of what an owner hands us, kept as generations on the data partition.
//!
//! | Job | Here |
//! |---|---|
//! | open what may hold a configuration, take it out within bounds | [`Bundle`], [`Limits`], [`Unpacked`] |
//! | a folder that is written into and never out of | [`StagingFolder`] |
//! | one change of the configuration, from folder to in force | [`Generations`] |
//! | what is kept, for readers that change nothing | [`StoredGenerations`] |
//! | was it the disk that is full | [`is_disk_full`] |
//!
//! The types of a change are its order: [`Staging`] → [`Staged`] → [`Checked`] → [`Active`] → [`Settled`], or, for one that
//! somebody has to confirm, [`Active`] → [`Provisional`] → [`Settled`]. Nothing here reads TOML or knows what is rendered from
//! it: bytes come in, bytes are kept.

#![forbid(unsafe_code)]

mod bundle;
mod generations;
mod hex;
mod space;
mod staging_folder;
#[cfg(test)]
mod testing;

pub use bundle::{
    ArchiveKind, Bundle, BundleError, BundleFault, CONFIG_LIMIT, DEPTH_LIMIT, ImageArchive, Limits,
    MemberFault, PackError, Packing, Unpacked,
};
pub use generations::{
    Active, Checked, Deadline, GenerationsError, Manifest, NewGeneration, OnTrial, Overlay, Provisional,
    ReplacedImage, Settled, Staged, Staging, StoredGeneration, StoredGenerations, StoredImage, StoredOverlay,
};
pub use generations::{Generations, KEPT};
pub use space::{free_bytes, is_disk_full};
pub use staging_folder::{StagingError, StagingFolder};
