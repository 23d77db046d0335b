use std::collections::BTreeMap;

use crate::UserIds;
use crate::paths::is_ours;

/// All files of a configuration, and the user numbers it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefacts {
    /// By absolute path. Every path is one that [`is_ours`].
    pub files: BTreeMap<String, Artefact>,
    /// The numbers of all users there ever were, to be kept for the next rendering.
    pub user_ids: UserIds,
}

/// A file, owned by root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

/// Files while they are rendered.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<String, Artefact>);

impl Files {
    /// Adds a file that anyone may read.
    pub(crate) fn add(&mut self, path: impl Into<String>, text: String) {
        self.add_with_mode(path, text, 0o644);
    }

    pub(crate) fn add_with_mode(&mut self, path: impl Into<String>, text: String, mode: u32) {
        let path = path.into();
        debug_assert!(is_ours(&path), "{path} is no place of ours");
        let replaced = self.0.insert(path, Artefact { bytes: text.into_bytes(), mode });
        debug_assert!(replaced.is_none(), "two renderers write the same file");
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, Artefact> {
        self.0
    }
}
