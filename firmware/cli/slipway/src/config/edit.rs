//! `slipway config set` and `unset`: keys of a config.toml changed where they stand, everything else as it was.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use appliance_config::change::{Change, ChangeError, Changed, change, typed_value};
use appliance_config::{MAX_BYTES, Problem, Sources};
use host_files::{read_bounded, write_atomic};

use super::answer::{self, Answer};
use super::{image, print};
use crate::arguments::{EditOptions, SetOptions, UnsetOptions};

pub(crate) fn set(options: &SetOptions) -> anyhow::Result<ExitCode> {
    let change = |assignment: &String| {
        let Some((path, value)) = split(assignment) else {
            bail!("`{assignment}` is no PATH=VALUE, such as network.interfaces.eth0.mode=dhcp");
        };
        Ok(Change::set(path, typed_value(path, value))?)
    };
    run(&options.edit, &options.assignments.iter().map(change).collect::<anyhow::Result<Vec<_>>>()?)
}

pub(crate) fn unset(options: &UnsetOptions) -> anyhow::Result<ExitCode> {
    let changes = options.paths.iter().map(|path| Ok(Change::unset(path)?));
    run(&options.edit, &changes.collect::<anyhow::Result<Vec<_>>>()?)
}

/// Cuts at the first `=` that is in no quoted key.
fn split(assignment: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in assignment.char_indices() {
        match (quote, c) {
            (None, '=') => return Some((assignment[..at].trim(), assignment[at + 1..].trim())),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

/// Exit code 0 when the file is as asked for, 1 when the changed configuration would be refused; then nothing was written.
fn run(options: &EditOptions, changes: &[Change]) -> anyhow::Result<ExitCode> {
    let (path, mode) = find(options)?;
    let bytes = read_bounded(&path, MAX_BYTES)?;
    let changed = change(&Sources { config: &bytes, overlay: None }, changes, &image::system_facts()?);
    let name = options.file.display().to_string();
    let (answer, code) = match changed {
        Ok(Changed { config, loaded }) => {
            if config.as_bytes() != bytes {
                write_atomic(&path, config.as_bytes(), mode)?;
            }
            (found(&name, config, &loaded.warnings), ExitCode::SUCCESS)
        }
        Err(ChangeError::Refused { config, problems }) => {
            let problems: Vec<Problem> = problems.iter().cloned().collect();
            (found(&name, config, &problems), ExitCode::FAILURE)
        }
        Err(ChangeError::Value { path, message }) => bail!("{path} cannot be set: {message}"),
        Err(ChangeError::Overlaid { path, overlay }) => bail!("{overlay} sets {path}: change it there"),
    };
    print(&match (options.json, answer.is_ok()) {
        (true, _) => answer.json()?,
        (false, true) => answer.in_words(&name, answer::look(&std::io::stdout())),
        (false, false) => {
            let told = answer.in_words("what it would become", answer::look(&std::io::stdout()));
            format!("{told}{name} is unchanged\n")
        }
    })?;
    Ok(code)
}

/// The file itself: a link to it stays one.
fn find(options: &EditOptions) -> anyhow::Result<(PathBuf, u32)> {
    let given = match options.file.is_dir() {
        true => options.file.join("config.toml"),
        false => options.file.clone(),
    };
    let path = given.canonicalize().with_context(|| format!("cannot open {}", given.display()))?;
    let metadata = fs::metadata(&path).with_context(|| format!("cannot look at {}", path.display()))?;
    if !metadata.is_file() {
        bail!("{} is no file", given.display());
    }
    Ok((path, metadata.permissions().mode() & 0o7777))
}

fn found(name: &str, config: String, problems: &[Problem]) -> Answer {
    let renamed = problems.iter().map(|problem| Problem { file: name.to_owned(), ..problem.clone() });
    Answer::new(renamed, BTreeMap::from([(name.to_owned(), config)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_cut_where_its_path_ends() {
        for (assignment, expected) in [
            ("a.b=c", Some(("a.b", "c"))),
            ("a.b = [1, 2]", Some(("a.b", "[1, 2]"))),
            ("a.\"x=y\".b=c=d", Some(("a.\"x=y\".b", "c=d"))),
            ("a.b=", Some(("a.b", ""))),
            ("a.b", None),
            ("a.\"b=c", None),
        ] {
            assert_eq!(split(assignment), expected);
        }
    }
}
