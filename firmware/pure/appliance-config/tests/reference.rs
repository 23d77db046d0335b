//! What is made from the facts about the keys, and checked in: the reference for people and the schema for editors. Both are up to
//! date (`BLESS=1 cargo test -p appliance-config` makes them so), and a validator that knows nothing of us agrees with the schema.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test: it reads its cases from files")]

use std::path::{Path, PathBuf};

use appliance_config::reference::{config_md, find, json_schema};
use appliance_config::{Code, Problem, Sources, SystemFacts, load};
use serde_json::Value;

#[test]
fn the_reference_and_the_schema_are_up_to_date() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs");
    let mut old = Vec::new();
    for (name, text) in [("config.md", config_md()), ("config.schema.json", json_schema())] {
        let path = docs.join(name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        } else if !path.exists() || std::fs::read_to_string(&path).unwrap() != text {
            old.push(name);
        }
    }
    assert!(
        old.is_empty(),
        "BLESS=1 cargo test -p appliance-config would write docs/{}",
        old.join(" and docs/")
    );
}

#[test]
fn the_schema_is_one() {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
}

#[test]
fn the_schema_accepts_what_is_accepted() {
    let validator = validator();
    for path in documents("accepts") {
        let document = as_json(&path).unwrap();
        let errors =
            validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path()));
        assert_eq!(errors.collect::<Vec<_>>(), [""; 0], "{path:?}");
    }
}

#[test]
fn the_schema_refuses_what_has_the_wrong_shape() {
    let validator = validator();
    let mut refused = 0;
    for path in documents("fails") {
        let Some(document) = as_json(&path) else { continue };
        let text = std::fs::read(&path).unwrap();
        let problems = load(&Sources { config: &text, overlay: None }, &SystemFacts::of_image());
        if problems.is_err_and(|problems| problems.iter().any(is_about_the_shape)) {
            assert!(!validator.is_valid(&document), "{path:?}");
            refused += 1;
        }
    }
    assert!(refused >= 3);
}

/// Whether a schema without any meaning could know it: a section of a unit has rules that only `load` knows.
fn is_about_the_shape(problem: &Problem) -> bool {
    match problem.code {
        Code::UnknownVersion | Code::WrongType => true,
        Code::UnknownKey => find(&problem.path).is_err(),
        Code::MissingKey => find(&problem.path).is_ok_and(|found| found.key.is_some_and(|key| key.required)),
        _ => false,
    }
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&serde_json::from_str(&json_schema()).unwrap()).unwrap()
}

/// `None`: not TOML.
fn as_json(path: &Path) -> Option<Value> {
    let document: toml::Table = std::fs::read_to_string(path).unwrap().parse().ok()?;
    Some(serde_json::to_value(document).unwrap())
}

/// The whole documents of a folder: those without an overlay of their own.
fn documents(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let whole = |path: &PathBuf| {
        let name = path.to_str().unwrap();
        name.ends_with(".toml")
            && !name.ends_with(".overlay.toml")
            && !path.with_extension("overlay.toml").exists()
    };
    let documents: Vec<PathBuf> = paths.filter(whole).collect();
    assert!(!documents.is_empty());
    documents
}
