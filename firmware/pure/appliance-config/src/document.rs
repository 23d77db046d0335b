//! A document as a tree in which every key and value knows its place, and the laying of one document over another.
//!
//! The tree owns what it holds and borrows nothing from the parser: two files end up in one tree, and each problem still
//! names its own.

use std::collections::BTreeMap;

use toml::de::{DeInteger, DeTable, DeValue};

use crate::Code;
use crate::load::MAX_BYTES;
use crate::report::{Place, Report, Spot};

/// A whole document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) entries: BTreeMap<String, Entry>,
}

/// A value.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where it begins. A table begins at its header, or where it is first named.
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What is written.
#[derive(Debug)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(BTreeMap<String, Entry>),
    /// What no key of ours takes, in words.
    Other(&'static str),
}

/// A key with its value.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Place,
    pub(crate) node: Node,
}

impl Document {
    /// The report's files as one document: each laid over the one before. `None` where one of them is not TOML: what could
    /// be read of it would only mislead.
    pub(crate) fn parse(report: &Report<'_>) -> Option<Document> {
        let before = report.len();
        let parsed: Vec<_> = (0..report.files.len()).map(|file| parse_file(file, report)).collect();
        if report.len() > before {
            return None;
        }
        let mut entries = BTreeMap::new();
        parsed.into_iter().flatten().for_each(|over| lay(&mut entries, over));
        Some(Document { entries })
    }
}

impl Value {
    /// With its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
            Value::Other(kind) => kind,
        }
    }
}

/// `None` where nothing could be read.
fn parse_file(file: usize, report: &Report<'_>) -> Option<BTreeMap<String, Entry>> {
    let bytes = report.files[file].bytes;
    let spot = |offset| Spot { place: Place { file, offset }, path: String::new() };
    if bytes.len() > MAX_BYTES {
        let message = format!("the document has {} bytes; {MAX_BYTES} are allowed", bytes.len());
        report.hinted(&spot(0), Code::TooLarge, message, "files for containers go below files/ of a bundle");
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let message = "the document is not UTF-8";
            report.hinted(&spot(error.valid_up_to()), Code::Syntax, message, "save it as UTF-8 text");
            return None;
        }
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        report.problem(
            &spot(error.span().map_or(0, |span| span.start)),
            Code::Syntax,
            one_line(error.message()),
        );
    }
    Some(entries(file, table.into_inner()))
}

/// The parser's words are for a terminal; a problem is one line.
fn one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join(", ")
}

fn entries(file: usize, table: DeTable<'_>) -> BTreeMap<String, Entry> {
    let entry = |(key, value): (toml::Spanned<_>, toml::Spanned<_>)| {
        let place = |span: std::ops::Range<usize>| Place { file, offset: span.start };
        let (key_place, value_place) = (place(key.span()), place(value.span()));
        let node = Node { place: value_place, value: converted(file, value.into_inner()) };
        (std::borrow::Cow::into_owned(key.into_inner()), Entry { key: key_place, node })
    };
    table.into_iter().map(entry).collect()
}

/// The parser itself allows 80 levels, so this cannot go too deep.
fn converted(file: usize, value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(integer) => {
            number(&integer).map_or(Value::Other("an integer beyond 64 bits"), Value::Integer)
        }
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Boolean(boolean) => Value::Boolean(boolean),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Array(array) => {
            let node = |value: toml::Spanned<DeValue<'_>>| {
                let place = Place { file, offset: value.span().start };
                Node { place, value: converted(file, value.into_inner()) }
            };
            Value::Array(array.into_iter().map(node).collect())
        }
        DeValue::Table(table) => Value::Table(entries(file, table)),
    }
}

fn number(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Lays one table over another: tables are merged, everything else is replaced. A table that both have keeps its place in
/// the lower one, where the larger part of it stands.
fn lay(below: &mut BTreeMap<String, Entry>, over: BTreeMap<String, Entry>) {
    for (key, entry) in over {
        match (below.get_mut(&key).map(|entry| &mut entry.node.value), entry) {
            (Some(Value::Table(below)), Entry { node: Node { value: Value::Table(over), .. }, .. }) => {
                lay(below, over);
            }
            (_, entry) => {
                below.insert(key, entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;
    use crate::report::SourceFile;

    fn parse(config: &str, overlay: &str) -> Result<Document, Vec<String>> {
        let files = [("config.toml", config), ("over.toml", overlay)];
        let files = files.map(|(name, text)| SourceFile::new(name, text.as_bytes()));
        let report = Report::new(files.into());
        let document = Document::parse(&report);
        document.ok_or_else(|| report.finish().0.iter().map(Problem::to_string).collect())
    }

    /// `.path value @file:offset` of everything but tables.
    fn leaves(entries: &BTreeMap<String, Entry>, path: &str, out: &mut Vec<String>) {
        for (key, Entry { node, .. }) in entries {
            match &node.value {
                Value::Table(entries) => leaves(entries, &format!("{path}.{key}"), out),
                value => {
                    out.push(format!("{path}.{key} {value:?} @{}:{}", node.place.file, node.place.offset));
                }
            }
        }
    }

    #[test]
    fn an_overlay_merges_tables_and_replaces_everything_else() {
        let tree =
            parse("a = 1\n[t]\nb = 2\nc = { d = 3, e = 4 }\n", "[t]\nb = true\n[t.c]\nd = 5\n[u]\nf = 6\n");
        let mut out = Vec::new();
        leaves(&tree.unwrap().entries, "", &mut out);
        assert_eq!(
            out,
            [
                ".a Integer(1) @0:4",
                ".t.b Boolean(true) @1:8",
                ".t.c.d Integer(5) @1:23",
                ".t.c.e Integer(4) @0:33",
                ".u.f Integer(6) @1:33"
            ]
        );
    }

    #[test]
    fn a_table_and_a_value_replace_each_other() {
        for (config, overlay, expected) in
            [("a = 1", "a.b = 2", ".a.b Integer(2) @1:6"), ("a.b = 2", "a = 1", ".a Integer(1) @1:4")]
        {
            let mut out = Vec::new();
            leaves(&parse(config, overlay).unwrap().entries, "", &mut out);
            assert_eq!(out, [expected]);
        }
    }

    #[test]
    fn all_syntax_errors_of_both_files_are_found() {
        let problems = parse("a = 1\na = 2\nb = \n", "x y\n").unwrap_err();
        let starts: Vec<&str> = problems.iter().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(starts, ["config.toml:2:1:", "config.toml:3:5:", "over.toml:1:3:"], "{problems:#?}");
    }

    #[test]
    fn depth_ends_in_a_problem() {
        for text in [format!("a{} = 1", ".a".repeat(100_000)), format!("a = {}", "[".repeat(100_000))] {
            assert!(parse(&text, "").is_err());
        }
    }
}
