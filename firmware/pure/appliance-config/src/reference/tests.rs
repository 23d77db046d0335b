//! The readers and what is said of their keys, held together; and what is said, against TOML itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use toml::Value;

use super::*;
use crate::document::Document;
use crate::raw::RawV1;
use crate::report::{Report, SourceFile};

/// A document in which every table and every key is, so that every reader runs.
fn everything() -> String {
    let mut text = String::new();
    table(&ROOT, "", &mut text);
    text
}

fn table(table: &TableDoc, path: &str, text: &mut String) {
    for key in table.keys.iter().filter(|key| key.kind.as_table().is_none()) {
        if let Some(example) = key.example {
            writeln!(text, "{} = {example}", key.name).unwrap();
        }
    }
    for key in table.keys {
        let path = format!("{path}{}", key.name);
        match key.kind {
            Kind::List(Kind::Table(below)) => section(below, &path, ["[[", "]]"], text),
            _ => match key.kind.as_table_or_none() {
                Some(Kind::Table(below)) => section(below, &path, ["[", "]"], text),
                Some(Kind::Names(names)) => match names.each {
                    Kind::Table(below) => {
                        section(below, &format!("{path}.{}", names.example), ["[", "]"], text);
                    }
                    _ => writeln!(text, "[{path}]").unwrap(),
                },
                _ => {}
            },
        }
    }
}

fn section(below: &TableDoc, path: &str, [open, close]: [&str; 2], text: &mut String) {
    writeln!(text, "{open}{path}{close}").unwrap();
    table(below, &format!("{path}."), text);
}

impl Kind {
    fn as_table_or_none(self) -> Option<Kind> {
        match self {
            Kind::Table(_) | Kind::Names(_) => Some(self),
            Kind::Either(kinds) => kinds.iter().find_map(|kind| kind.as_table_or_none()),
            _ => None,
        }
    }
}

/// Every table of fixed keys, by its place in memory, with its path.
fn tables() -> BTreeMap<usize, (String, &'static TableDoc)> {
    let mut tables = BTreeMap::new();
    walk(&mut |found| {
        if let Kind::Table(table) = found.kind {
            let place = std::ptr::from_ref::<TableDoc>(*table) as usize;
            tables.entry(place).or_insert_with(|| (found.path.clone(), *table));
        }
    });
    tables
}

/// A key that a reader takes and nobody describes, or the other way round, is named here. Put its line into the file of
/// `src/raw/keys/` that has the table.
#[test]
fn the_readers_ask_for_the_keys_that_are_described() {
    let text = everything();
    let report = Report::new(vec![SourceFile::new("config.toml", text.as_bytes())]);
    let document = Document::parse(&report).unwrap_or_else(|| panic!("not TOML:\n{text}"));
    let _raw = RawV1::read(&document, &report);
    let asked = report.asked.borrow();
    let tables = tables();
    let mut wrong = Vec::new();
    for (table, key) in &*asked {
        let (path, doc) = &tables[table];
        if doc.key(key).is_none() {
            wrong.push(format!("a reader takes `{key}` in [{path}], and src/raw/keys/ does not describe it"));
        }
    }
    for (table, (path, doc)) in &tables {
        for key in doc.keys.iter().filter(|key| !asked.contains(&(*table, key.name))) {
            wrong.push(format!("`{}` of [{path}] is described, and no reader takes it", key.name));
        }
    }
    drop(asked);
    assert!(wrong.is_empty(), "{}\n\nThe document was:\n{text}", wrong.join("\n"));
    let unknown = report.finish().0.into_iter().filter(|problem| problem.code != crate::Code::NotSupported);
    assert_eq!(unknown.map(|problem| problem.to_string()).collect::<Vec<_>>(), [""; 0], "{text}");
}

#[test]
fn examples_are_what_they_are_examples_of() {
    walk(&mut |found| {
        let Some(key) = found.key else { return };
        match key.example {
            None => {
                let tables = matches!(key.kind, Kind::List(Kind::Table(_)));
                assert!(tables || key.kind.as_table_or_none().is_some(), "{} has no example", found.path);
            }
            Some(example) => {
                let value = format!("x = {example}").parse::<toml::Table>().unwrap().remove("x").unwrap();
                assert!(key.kind.accepts(&value), "{}: {example} is not {}", found.path, key.kind.in_words());
            }
        }
    });
}

#[test]
fn what_is_said_is_one_paragraph_and_ends() {
    walk(&mut |found| {
        let helps = found.key.map(|key| key.help).into_iter();
        let helps = helps.chain(if let Kind::Table(table) = found.kind { Some(table.help) } else { None });
        for help in helps {
            assert!(!help.contains('\n') && help.ends_with(['.', ')']), "{}: {help:?}", found.path);
        }
    });
}

impl Kind {
    fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Kind::Boolean, Value::Boolean(_)) | (Kind::Text { .. }, Value::String(_)) => true,
            (Kind::Integer { min, max }, Value::Integer(value)) => (min..=max).contains(&value),
            (Kind::Word(words), Value::String(word)) => words.contains(&word.as_str()),
            (Kind::List(item), Value::Array(items)) => items.iter().all(|value| item.accepts(value)),
            (Kind::EmptyList, Value::Array(items)) => items.is_empty(),
            (Kind::Either(kinds), value) => kinds.iter().any(|kind| kind.accepts(value)),
            (Kind::Table(table), Value::Table(values)) => {
                values.iter().all(|(key, value)| table.key(key).is_some_and(|key| key.kind.accepts(value)))
            }
            (Kind::Names(names), Value::Table(values)) => {
                values.values().all(|value| names.each.accepts(value))
            }
            _ => false,
        }
    }
}
