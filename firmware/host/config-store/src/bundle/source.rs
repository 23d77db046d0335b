//! Where members come from, for messages.

use std::path::{Path, PathBuf};

use super::name::MemberName;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    Archive(&'a Path),
    Folder(&'a Path),
}

impl Source<'_> {
    /// The file on the disk that holds a member.
    pub(crate) fn path_of(self, name: &MemberName) -> PathBuf {
        match self {
            Source::Archive(path) => path.to_owned(),
            Source::Folder(path) => path.join(name.as_str()),
        }
    }
}
