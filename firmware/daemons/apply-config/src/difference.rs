//! What two kept configurations have in common and what not, as this image renders them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use appliance_types::Generation;
use artefact_render::{Artefacts, actions};
use config_store::StoredGenerations;
use serde::Serialize;

use crate::arguments::DiffOptions;
use crate::boot;
use crate::bring_up::in_words;
use crate::stage::Failure;
use crate::system::System;

/// The answer of `apply-config diff`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    from: Generation,
    to: Generation,
    /// Files that are not the same in both.
    files: Vec<FileDifference>,
    /// What going from one to the other does, in order.
    actions: Vec<String>,
}

/// A file that is not the same in both.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FileDifference {
    path: String,
    change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Added,
    Removed,
    Changed,
}

/// Compares two generations. Changes nothing.
///
/// # Errors
/// When one of them cannot be read by this image.
pub(crate) fn between(system: &System, options: &DiffOptions) -> anyhow::Result<Difference> {
    let stored = StoredGenerations::at(system.config());
    let rendered = |generation| -> anyhow::Result<Artefacts> {
        let kept = stored.read(generation)?;
        let made = boot::make(system, &kept).map_err(Failure::from);
        let made = made.map_err(|failure| failure.error);
        Ok(made.with_context(|| format!("generation {generation} cannot be read by this image"))?.artefacts)
    };
    let (before, after) = (rendered(options.from)?, rendered(options.to)?);
    let in_place: BTreeMap<String, Vec<u8>> =
        before.files.iter().map(|(path, file)| (path.clone(), file.bytes.clone())).collect();
    let actions = actions(&in_place, &after).iter().map(in_words).collect();
    Ok(Difference { from: options.from, to: options.to, files: files(&before, &after), actions })
}

fn files(before: &Artefacts, after: &Artefacts) -> Vec<FileDifference> {
    let paths: BTreeSet<&String> = before.files.keys().chain(after.files.keys()).collect();
    let changes = paths.into_iter().filter_map(|path| {
        let change = match (before.files.get(path), after.files.get(path)) {
            (before, after) if before == after => return None,
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            _ => Change::Changed,
        };
        Some(FileDifference { path: path.clone(), change })
    });
    changes.collect()
}
