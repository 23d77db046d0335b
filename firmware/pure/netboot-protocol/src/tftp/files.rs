//! The closed set of boot files, and which of them a client sees.
//!
//! A name that is asked for is looked up in this set, never on a disk: what is not in it does not exist, so there is no path
//! to escape from.

use super::block::LAST_WITHOUT_ROLLOVER;
use super::file_name::FileName;
use std::collections::BTreeMap;

/// Bytes per block of the smallest block size that a Raspberry Pi's firmware asks for.
const PI_BLOCK: u64 = 1024;

/// Names and sizes of all files below the root of boot files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootFiles {
    sizes: BTreeMap<FileName, u64>,
}

/// What one client may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// Nothing: this device is to boot from its own disk.
    Nothing,
    /// The files below this folder of the root; the whole root if it is empty.
    Tree {
        /// Folder, relative to the root.
        tree: String,
        /// The folders that this device puts before its names, as the firmware of a Raspberry Pi does with its serial number or
        /// its MAC address. They need not exist: what is not in them is looked up without them.
        prefixes: Vec<String>,
    },
}

/// A file of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'f> {
    /// Its path below the root.
    pub name: &'f FileName,
    /// Bytes.
    pub size: u64,
}

/// A file that is not published, because the clients of its tree could not load it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} has {size} bytes; firmware of a Raspberry Pi loads at most {limit} by TFTP, and hangs on more: \
     make it smaller, or let the device load a signed boot.img by HTTP"
)]
pub struct PublishError {
    /// Its path below the root.
    pub name: FileName,
    /// Bytes.
    pub size: u64,
    /// What the clients can take.
    pub limit: u64,
}

impl BootFiles {
    /// Takes in `files`, but for those that are in one of `pi_trees` and too large for the block counter of fielded Raspberry Pi
    /// firmware.
    pub fn publish(
        files: impl IntoIterator<Item = (FileName, u64)>,
        pi_trees: &[String],
    ) -> (BootFiles, Vec<PublishError>) {
        let limit = LAST_WITHOUT_ROLLOVER * PI_BLOCK - 1;
        let mut published = BootFiles::default();
        let mut refused = Vec::new();
        for (name, size) in files {
            if size > limit && pi_trees.iter().any(|tree| is_below(&name, tree)) {
                refused.push(PublishError { name, size, limit });
            } else {
                published.sizes.insert(name, size);
            }
        }
        (published, refused)
    }

    /// Looks up what `viewer` calls `asked`.
    #[must_use]
    pub fn find(&self, viewer: &Viewer, asked: &FileName) -> Option<Found<'_>> {
        let Viewer::Tree { tree, prefixes } = viewer else { return None };
        let in_tree = |name: &FileName| self.sizes.get_key_value(&name.below(tree));
        let without_prefix = || {
            let (first, rest) = asked.split_first()?;
            prefixes.iter().any(|prefix| prefix.eq_ignore_ascii_case(first)).then(|| in_tree(&rest))?
        };
        let (name, size) = in_tree(asked).or_else(without_prefix)?;
        Some(Found { name, size: *size })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = Found<'_>> {
        self.sizes.iter().map(|(name, size)| Found { name, size: *size })
    }
}

fn is_below(name: &FileName, tree: &str) -> bool {
    tree.is_empty() || name.as_str().strip_prefix(tree).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
