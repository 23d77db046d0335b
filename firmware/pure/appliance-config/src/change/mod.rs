//! Partial changes of a document: typed, as an API takes them, and by path, as a person types them.
//!
//! What is not changed stays as its owner wrote it: order, comments, empty lines. The changed document is then checked whole,
//! so that a change cannot bring about what an import would refuse: the last administrator stays.

mod edit;
mod overlaid;
mod path;
mod secrets;

use serde_json::Value;
use toml_edit::DocumentMut;

pub use path::{InvalidPath, typed_value};
pub use secrets::{Public, without_secrets};

use crate::{Loaded, Problems, Sources, SystemFacts, load};

/// A change of one part of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    path: Vec<String>,
    how: How,
}

#[derive(Debug, Clone, PartialEq)]
enum How {
    /// It becomes this and nothing else.
    Put(Value),
    /// RFC 7396: objects are merged, `null` removes, everything else replaces.
    Merge(Value),
    /// It is no longer there. It need not have been.
    Remove,
}

/// What a document has by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// `[users.NAME]`
    User,
    /// `[containers.container.NAME]`
    Container,
    /// `[containers.network.NAME]`
    ContainerNetwork,
    /// `[containers.volume.NAME]`
    ContainerVolume,
}

/// A changed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// `config.toml`, the same text as before where nothing was changed.
    pub config: String,
    /// What it means.
    pub loaded: Loaded,
}

/// Why a document was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeError {
    /// The changed document would be refused.
    Refused {
        /// The changed document: the problems' places are in it.
        config: String,
        /// What is wrong with it.
        problems: Problems,
    },
    /// The change would have no effect: the file for this device says something else there.
    Overlaid {
        /// The key, dotted.
        path: String,
        /// The file.
        overlay: String,
    },
    /// TOML cannot say this value.
    Value {
        /// The key, dotted.
        path: String,
        /// What about it.
        message: &'static str,
    },
}

impl Change {
    /// Adds what has this name, or puts it in place of what is there.
    pub fn put(what: Named, name: &str, value: Value) -> Change {
        Change { path: what.path(name), how: How::Put(value) }
    }

    /// Removes what has this name, if it is there.
    pub fn remove(what: Named, name: &str) -> Change {
        Change { path: what.path(name), how: How::Remove }
    }

    /// Merges into `[network]` (RFC 7396): `null` removes a key, a list replaces a list.
    pub fn merge_network(patch: Value) -> Change {
        Change { path: vec!["network".to_owned()], how: How::Merge(patch) }
    }

    /// Sets the value at a dotted path: `network.interfaces.eth0.mode`.
    ///
    /// # Errors
    /// When it is no path.
    pub fn set(path: &str, value: Value) -> Result<Change, InvalidPath> {
        Ok(Change { path: path::parse(path)?, how: How::Put(value) })
    }

    /// Removes what is at a dotted path, if anything is.
    ///
    /// # Errors
    /// When it is no path.
    pub fn unset(path: &str) -> Result<Change, InvalidPath> {
        Ok(Change { path: path::parse(path)?, how: How::Remove })
    }
}

impl Named {
    fn path(self, name: &str) -> Vec<String> {
        let tables: &[&str] = match self {
            Named::User => &["users"],
            Named::Container => &["containers", "container"],
            Named::ContainerNetwork => &["containers", "network"],
            Named::ContainerVolume => &["containers", "volume"],
        };
        tables.iter().copied().chain([name]).map(str::to_owned).collect()
    }
}

/// Changes `config.toml`, one change after the other; only what comes out in the end must be right. An overlay is not changed.
///
/// # Errors
/// When the changed document would be refused, with all that is wrong; or when a change would have no effect.
pub fn change(
    sources: &Sources<'_>,
    changes: &[Change],
    facts: &SystemFacts,
) -> Result<Changed, ChangeError> {
    for change in changes {
        overlaid::check(sources.overlay, change)?;
    }
    let config = match text(sources.config) {
        Some((text, document)) => changed(text, document, changes)?,
        // The document cannot be read: the check below says where.
        None => String::from_utf8_lossy(sources.config).into_owned(),
    };
    match load(&Sources { config: config.as_bytes(), overlay: sources.overlay }, facts) {
        Ok(loaded) => Ok(Changed { config, loaded }),
        Err(problems) => Err(ChangeError::Refused { config, problems }),
    }
}

/// `None`: not TOML.
fn text(bytes: &[u8]) -> Option<(&str, DocumentMut)> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some((text, text.trim_start_matches(BOM).parse().ok()?))
}

const BOM: char = '\u{feff}';

fn changed(text: &str, mut document: DocumentMut, changes: &[Change]) -> Result<String, ChangeError> {
    let before = document.to_string();
    for change in changes {
        edit::apply(document.as_item_mut(), change)?;
    }
    Ok(if document.to_string() == before { text.to_owned() } else { written(text, &document) })
}

/// The document with the line ends and the mark that its text had.
fn written(text: &str, document: &DocumentMut) -> String {
    let mut after = document.to_string();
    // As on the machine it was written on.
    if text.contains("\r\n") && !text.replace("\r\n", "").contains('\n') {
        after = after.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if text.starts_with(BOM) { format!("{BOM}{after}") } else { after }
}

#[cfg(test)]
mod tests;
