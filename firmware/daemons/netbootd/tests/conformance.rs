//! `docs/conformance.md` says which rule of netboot is proven by which test. It is made from `rules.tsv` beside this file and from
//! the names of the tests in `firmware/`: a rule without a test or a reason, and a test of no rule, fail.
//!
//! `SLIPWAY_BLESS=1 cargo test -p netbootd --test conformance` writes the page anew.

#![allow(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
# Conformance

What a netboot server is judged by, rule by rule, and the tests that show it. A test is named after its rule: `r4_1_03_…` for
4.1.3. This page is made from those names and from `firmware/daemons/netbootd/tests/rules.tsv`; do not edit it.
";

/// A line of `rules.tsv`.
enum Line<'t> {
    Section(&'t str),
    Rule { number: &'t str, rule: &'t str, instead: Option<&'t str> },
}

#[test]
fn every_rule_is_proven_or_says_why_not() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let tests = tests_by_rule(&checkout.join("firmware"));
    let rules = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules.tsv")).unwrap();
    let lines: Vec<Line<'_>> = rules.lines().filter_map(parse).collect();

    let mut wrong = Vec::new();
    let mut known = Vec::new();
    for line in &lines {
        let Line::Rule { number, instead, .. } = line else { continue };
        known.push(test_prefix(number));
        match (tests.contains_key(&test_prefix(number)), instead) {
            (false, None) => wrong.push(format!("{number} has neither a test nor a reason")),
            (true, Some(_)) => {
                wrong.push(format!("{number} has tests, so its reason in rules.tsv is out of date"));
            }
            _ => {}
        }
    }
    let strangers = tests.keys().filter(|rule| !known.contains(rule));
    wrong.extend(strangers.map(|rule| format!("tests named {rule}_… belong to no rule of rules.tsv")));
    assert!(wrong.is_empty(), "{wrong:#?}");

    let path = checkout.join("docs/conformance.md");
    let page = page(&lines, &tests);
    if std::env::var_os("SLIPWAY_BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/conformance.md is out of date; SLIPWAY_BLESS=1 writes it anew");
}

fn parse(line: &str) -> Option<Line<'_>> {
    if let Some(title) = line.strip_prefix("## ") {
        return Some(Line::Section(title));
    }
    let mut fields = line.split('\t');
    let (number, rule) = (fields.next().filter(|number| !number.starts_with('#'))?, fields.next()?);
    Some(Line::Rule { number, rule, instead: fields.next() })
}

/// `r4_1_03` for `4.1.3`.
fn test_prefix(number: &str) -> String {
    let parts: Vec<u32> = number.split('.').map(|part| part.parse().unwrap()).collect();
    format!("r{}_{}_{:02}", parts[0], parts[1], parts[2])
}

/// The names of all tests `r4_1_03_…`, by their first part.
fn tests_by_rule(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                for name in test_names(&fs::read_to_string(&path).unwrap()) {
                    found.entry(name[..7].to_owned()).or_default().push(name);
                }
            }
        }
    }
    found.values_mut().for_each(|names| names.sort());
    found
}

fn test_names(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("fn "));
    let names = names.filter_map(|rest| rest.split('(').next());
    names.filter(|name| name.starts_with("r4_") && name.len() > 8).map(str::to_owned).collect()
}

fn page(lines: &[Line<'_>], tests: &BTreeMap<String, Vec<String>>) -> String {
    let mut page = HEAD.to_owned();
    for line in lines {
        match line {
            Line::Section(title) => {
                write!(page, "\n## {title}\n\n| Rule | | Shown by |\n|---|---|---|\n").unwrap();
            }
            Line::Rule { number, rule, instead } => {
                let shown = match (tests.get(&test_prefix(number)), instead) {
                    (Some(names), _) => {
                        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join("<br>")
                    }
                    (None, Some(reason)) => match reason.split_once(": ") {
                        Some(("not", reason)) => format!("does not apply: {reason}"),
                        Some((_, reason)) => format!("**open**: {reason}"),
                        None => (*reason).to_owned(),
                    },
                    (None, None) => String::new(),
                };
                writeln!(page, "| {number} | {rule} | {shown} |").unwrap();
            }
        }
    }
    page
}
