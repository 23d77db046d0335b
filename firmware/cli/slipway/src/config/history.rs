//! `slipway config history`: which configurations are kept, and which one is in force.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use appliance_types::Generation;
use config_store::{Manifest, StoredGenerations};
use host_files::BootMoment;
use serde::Serialize;

use crate::change_arguments::JsonOption;
use crate::system::only_root;
use crate::when;

/// A kept configuration.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Entry {
    generation: Generation,
    state: State,
    /// How long it is still on trial, in seconds.
    confirm_within_s: Option<u64>,
    /// When it was accepted, in milliseconds since 1970; `None` when the clock was not set, or nobody knows.
    accepted_unix_ms: Option<u64>,
    /// Where it came from.
    source: Option<String>,
    /// The build that accepted it.
    build: Option<String>,
    /// SHA-256 of its config.toml: the same for the same document.
    config_sha256: Option<String>,
    /// The file for this device that belongs to it.
    overlay: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    InForce,
    OnTrial,
    Kept,
    /// Its description cannot be read.
    Damaged,
}

pub(crate) fn run(options: &JsonOption) -> anyhow::Result<ExitCode> {
    only_root("config history")?;
    let entries = entries(&StoredGenerations::at(StoredGenerations::PATH.as_ref()), &BootMoment::now()?)?;
    let text = match options.json {
        true => format!("{}\n", serde_json::to_string_pretty(&entries).context("cannot write JSON")?),
        false => in_words(&entries),
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the history")?;
    Ok(ExitCode::SUCCESS)
}

/// Newest first.
fn entries(stored: &StoredGenerations, now: &BootMoment) -> anyhow::Result<Vec<Entry>> {
    let current = stored.current()?;
    let trial = stored.on_trial(now)?;
    let mut generations = stored.settled()?;
    generations.extend(trial.iter().map(|trial| trial.generation));
    let entry = |generation| {
        let left = trial.as_ref().filter(|trial| trial.generation == generation);
        let left = left.and_then(|trial| trial.deadline.left(now)).map(|left| left.as_secs());
        let manifest = stored.manifest(generation).ok();
        let state = match (&manifest, left) {
            (_, Some(_)) => State::OnTrial,
            _ if current == Some(generation) => State::InForce,
            (None, _) => State::Damaged,
            _ => State::Kept,
        };
        Entry::new(generation, state, left, manifest.as_ref())
    };
    Ok(generations.into_iter().rev().map(entry).collect())
}

impl Entry {
    fn new(generation: Generation, state: State, left: Option<u64>, manifest: Option<&Manifest>) -> Entry {
        Entry {
            generation,
            state,
            confirm_within_s: left,
            accepted_unix_ms: manifest.and_then(|manifest| manifest.accepted_unix_ms),
            source: manifest.map(|manifest| manifest.source.clone()),
            build: manifest.map(|manifest| manifest.build.to_string()),
            config_sha256: manifest.map(|manifest| manifest.config_sha256.clone()),
            overlay: manifest.and_then(|manifest| Some(manifest.overlay.as_ref()?.name.clone())),
        }
    }

    fn state_in_words(&self) -> String {
        match (self.state, self.confirm_within_s) {
            (State::OnTrial, Some(seconds)) => format!("on trial for {}", when::duration(seconds)),
            (State::OnTrial, None) => "on trial".to_owned(),
            (State::InForce, _) => "in force".to_owned(),
            (State::Kept, _) => "kept".to_owned(),
            (State::Damaged, _) => "damaged".to_owned(),
        }
    }
}

fn in_words(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "no configuration has been accepted yet\n".to_owned();
    }
    let rows: Vec<[String; 5]> =
        std::iter::once(["generation", "state", "accepted", "build", "from"].map(str::to_owned))
            .chain(entries.iter().map(|entry| {
                [
                    entry.generation.to_string(),
                    entry.state_in_words(),
                    entry
                        .accepted_unix_ms
                        .map_or("before the clock was set".to_owned(), |ms| when::utc(ms / 1000)),
                    entry.build.clone().unwrap_or("-".to_owned()),
                    entry.source.clone().unwrap_or("-".to_owned()),
                ]
            }))
            .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  "));
        format!("{}{}\n", cells.collect::<String>(), row[4])
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn put(root: &Path, number: u64, settled: bool) {
        let folder = root.join(format!("generations/{number}"));
        fs::create_dir_all(&folder).unwrap();
        let manifest = format!(
            r#"{{"generation":{number},"build":"0.1.0-a","source":"USB stick","accepted_unix_ms":1767225600000,
               "config_sha256":"aa","overlay":null,"files_digest":null,"images":[],"user_ids":{{}}}}"#
        );
        fs::write(folder.join("manifest.json"), manifest).unwrap();
        if settled {
            fs::write(folder.join("settled"), "").unwrap();
        }
    }

    #[test]
    fn kept_ones_the_one_in_force_and_one_on_trial_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let stored = StoredGenerations::at(root.path());
        let now = BootMoment { boot_id: "a".to_owned(), uptime_ms: 1000 };
        assert_eq!(in_words(&entries(&stored, &now).unwrap()), "no configuration has been accepted yet\n");
        for number in 1..=2 {
            put(root.path(), number, true);
        }
        put(root.path(), 3, false);
        fs::write(root.path().join("generations/1/manifest.json"), "{").unwrap();
        std::os::unix::fs::symlink("generations/3", root.path().join("current")).unwrap();
        fs::write(
            root.path().join("generations/3/trial.json"),
            r#"{"boot_id":"a","uptime_ms":91000,"unix_ms":null}"#,
        )
        .unwrap();
        let found = entries(&stored, &now).unwrap();
        let states: Vec<State> = found.iter().map(|entry| entry.state).collect();
        assert_eq!(states, [State::OnTrial, State::Kept, State::Damaged]);
        assert_eq!(found[0].confirm_within_s, Some(90));
        let text = in_words(&found);
        assert!(text.contains("3           on trial for 1 min 30 s  2026-01-01 00:00:00 UTC"), "{text}");
        assert!(text.lines().all(|line| line == line.trim_end()), "{text}");

        // Its time is over, and nobody has taken it back yet: it is not promised any more.
        let later = BootMoment { uptime_ms: 91_000, ..now };
        let states: Vec<State> = entries(&stored, &later).unwrap().iter().map(|entry| entry.state).collect();
        assert_eq!(states, [State::Kept, State::Damaged]);
    }
}
