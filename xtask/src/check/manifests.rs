//! What each crate takes from the workspace manifest: lints, package facts and the versions of dependencies. Said once,
//! they cannot differ between two crates.

use super::metadata::Metadata;
use super::problem::Problem;
use anyhow::{Context as _, Result};
use toml::{Table, Value};

const WHAT: &str = "manifests";

/// Facts of `[package]` that are the same for every crate.
const SHARED_FACTS: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Checks the manifest of every workspace member.
///
/// # Errors
/// When one cannot be read.
pub(crate) fn check_checkout(metadata: &Metadata) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for (folder, package) in metadata.members() {
        let path = &package.manifest_path;
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let manifest = text.parse().with_context(|| format!("cannot read {}", path.display()))?;
        problems.extend(check(&format!("{folder}/Cargo.toml"), &manifest));
    }
    Ok(problems)
}

fn check(place: &str, manifest: &Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !inherits(manifest.get("lints")) {
        problems.push(Problem::new(
            WHAT,
            place,
            "the crate does not inherit the workspace's lints",
            "add `[lints]` with `workspace = true`; an exception belongs at its line in the code, with a reason",
        ));
    }
    for fact in SHARED_FACTS {
        if !inherits(manifest.get("package").and_then(|package| package.get(fact))) {
            let remedy = format!("write `{fact}.workspace = true`");
            problems.push(Problem::new(WHAT, place, format!("`{fact}` is not the workspace's"), remedy));
        }
    }
    for name in own_dependencies(manifest) {
        problems.push(Problem::new(
            WHAT,
            place,
            format!("the dependency `{name}` has a version of its own"),
            format!("put it into [workspace.dependencies] of Cargo.toml and write `{name}.workspace = true`"),
        ));
    }
    problems
}

/// Dependencies, of all kinds and targets, that do not come from `[workspace.dependencies]`.
fn own_dependencies(manifest: &Table) -> Vec<&str> {
    let for_targets = manifest.get("target").and_then(Value::as_table);
    let sections = for_targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let tables = std::iter::once(manifest)
        .chain(sections)
        .flat_map(|section| DEPENDENCY_TABLES.map(|name| section.get(name)))
        .filter_map(|table| table?.as_table());
    tables.flatten().filter(|(_, value)| !inherits(Some(value))).map(|(name, _)| name.as_str()).collect()
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
        [package]
        name = 'slipway'
        version.workspace = true
        edition.workspace = true
        rust-version.workspace = true
        license.workspace = true
        publish.workspace = true
        [lints]
        workspace = true
        [dependencies]
        serde.workspace = true
        clap = { workspace = true, features = ['string'] }
    ";

    fn problems(manifest: &str) -> Vec<String> {
        check("x/Cargo.toml", &manifest.parse().unwrap()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crate_that_inherits_everything_is_fine() {
        assert_eq!(problems(GOOD), [""; 0]);
    }

    #[test]
    fn lints_and_facts_of_its_own_are_found() {
        let found = problems(
            &GOOD
                .replace("[lints]\n        workspace = true", "")
                .replace("edition.workspace = true", "edition = '2021'"),
        );
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(
            found[0].starts_with(
                "check: manifests: x/Cargo.toml: the crate does not inherit the workspace's lints"
            )
        );
        assert!(found[1].contains("`edition` is not the workspace's — write `edition.workspace = true`"));
    }

    #[test]
    fn versions_of_its_own_are_found_in_every_table() {
        let more = "
            toml = '1'
            [dev-dependencies]
            tempfile = { version = '3' }
            [target.'cfg(unix)'.build-dependencies]
            cc = '1'
        ";
        let found = problems(&format!("{GOOD}{more}"));
        assert_eq!(found.len(), 3, "{found:#?}");
        for name in ["toml", "tempfile", "cc"] {
            assert!(
                found
                    .iter()
                    .any(|line| line.contains(&format!("the dependency `{name}` has a version of its own")))
            );
        }
    }
}
