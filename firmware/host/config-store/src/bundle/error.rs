//! Why a bundle was not taken.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::staging_folder::StagingError;

use super::limits::{CONFIG_LIMIT, DEPTH_LIMIT};
use super::name::NAME_LIMIT;

/// Why a bundle was not unpacked. Nothing of it is left in the staging folder then.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// One member of it is not acceptable.
    #[error("{member}: {fault}")]
    Member {
        /// Its name, as far as it can be shown.
        member: String,
        /// What is wrong with it.
        fault: MemberFault,
    },
    /// It is not acceptable as a whole.
    #[error(transparent)]
    Bundle(#[from] BundleFault),
    /// It could not be read: the stick is broken or was pulled out.
    #[error("cannot {action} {path}")]
    Source {
        /// The step that failed, as a verb.
        action: &'static str,
        /// What was read.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Its content could not be written.
    #[error(transparent)]
    Target(#[from] StagingError),
}

/// What is wrong with a member of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberFault {
    /// A symbolic link.
    #[error("it is a symbolic link; a bundle holds regular files and folders only")]
    Symlink,
    /// A second name of another member.
    #[error("it is a hard link; a bundle holds regular files and folders only")]
    Hardlink,
    /// A device, a named pipe, a socket.
    #[error("it is a {0}; a bundle holds regular files and folders only")]
    Special(&'static str),
    /// A file with holes in it.
    #[error("it is a sparse file; pack the bundle without --sparse")]
    Sparse,
    /// A tar archive's own kinds of members.
    #[error("it is of a kind that is not known here ({0:?}); a bundle holds regular files and folders only")]
    Unknown(char),
    /// Two sizes for one member: different programs would see different files.
    #[error("its two sizes differ")]
    TwoSizes,
    /// Begins with a slash.
    #[error("its name is absolute")]
    Absolute,
    /// `..`
    #[error("its name leads out of the bundle (`..`)")]
    DotDot,
    /// No name, `a//b`, `a/./b`.
    #[error("its name has an empty part")]
    EmptyName,
    /// A NUL, a line break, an escape.
    #[error("its name has a control character in it")]
    ControlCharacter,
    /// The name's bytes.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// More than the kernel or a person can handle.
    #[error("its name is longer than {NAME_LIMIT} bytes, or a part of it longer than 255")]
    LongName,
    /// Too many folders in folders.
    #[error("it lies more than {DEPTH_LIMIT} levels deep")]
    Deep,
    /// Neither `config.toml` nor below `files/` or `devices/`.
    #[error(
        "it does not belong here: at the top of a bundle are config.toml, files/ and devices/, nothing else"
    )]
    TopEntry,
    /// A second member of this name.
    #[error("it is there twice")]
    Duplicate,
    /// A file that would have to be a folder.
    #[error("it is a file and a folder at once")]
    Clash,
    /// A folder where a file must be.
    #[error("it is a folder, and must be a file")]
    NotAFile,
    /// A file where a folder must be.
    #[error("it is a file, and must be a folder")]
    NotAFolder,
    /// Too large.
    #[error("it has {bytes} bytes, more than the {limit} allowed")]
    Large {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A container image that would fill the disk.
    #[error("it has {bytes} bytes, and the disk has room for {room}")]
    NoRoom {
        /// Its size.
        bytes: u64,
        /// What is free, without what is kept free.
        room: u64,
    },
    /// Below `files/images/` and no container image.
    #[error("it is no archive of container images: {0}")]
    NotAnImage(String),
    /// It grew or shrank while it was read.
    #[error("it was changed while it was read")]
    Changed,
}

/// What is wrong with a bundle as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// The one member that must be there.
    #[error("there is no config.toml in it")]
    NoConfig,
    /// Too many members.
    #[error("it holds more than {0} files and folders")]
    Members(usize),
    /// Too much in.
    #[error("it has more than {0} compressed bytes, container images not counted")]
    Compressed(u64),
    /// Too much out.
    #[error("it expands to more than {0} bytes, container images not counted")]
    Unpacked(u64),
    /// Too slow.
    #[error("it took more than {} s to read, container images not counted", .0.as_secs_f32())]
    Time(Duration),
    /// A lone `config.toml` that is none.
    #[error(
        "it has more than {CONFIG_LIMIT} bytes and is neither a tar archive nor compressed with gzip or zstd"
    )]
    NotABundle,
    /// Not what its first bytes promise.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The end is missing.
    #[error("it is cut off: its end is missing")]
    CutOff,
    /// Something after the end, which other programs might read.
    #[error("there are bytes after the end of the archive")]
    Trailing,
    /// Neither a file nor a folder.
    #[error("it is neither a regular file nor a folder")]
    Kind,
}

impl BundleError {
    /// True when the bundle is to blame and would be refused again; false when reading or writing failed, or when the disk
    /// had no room.
    pub fn is_refusal(&self) -> bool {
        match self {
            BundleError::Member { fault, .. } => !matches!(fault, MemberFault::NoRoom { .. }),
            BundleError::Bundle(_) => true,
            BundleError::Source { .. } | BundleError::Target(_) => false,
        }
    }
}
