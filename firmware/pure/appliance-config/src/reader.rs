//! Reading keys out of tables: typed, with every problem reported and none in the way of the next.
//!
//! A [`Table`] remembers which keys were asked for; [`Table::finish`] reports the ones nobody took, with the nearest that
//! somebody would have.

use std::collections::BTreeMap;

use crate::Code;
use crate::document::{Document, Entry, Node, Value};
use crate::nearest::nearest;
use crate::reference::{DOCUMENT, KeyDoc, Kind, places_of};
use crate::report::{At, Place, Report, Spot};

/// A table that is being read.
pub(crate) struct Table<'d> {
    report: &'d Report<'d>,
    spot: Spot,
    entries: &'d BTreeMap<String, Entry>,
    known: Vec<&'static str>,
    not_supported: Vec<&'static str>,
    /// What is known of it. `None`: nothing, and a test says so.
    kind: Option<&'static Kind>,
}

/// A key's value, not yet of any type.
pub(crate) struct Field<'d> {
    report: &'d Report<'d>,
    pub(crate) spot: Spot,
    /// Where its key stands.
    pub(crate) key: Spot,
    pub(crate) node: &'d Node,
    kind: Option<&'static Kind>,
    /// The key whose value this is, or is part of.
    doc: Option<&'static KeyDoc>,
}

impl<'d> Table<'d> {
    /// The whole document.
    pub(crate) fn root(document: &'d Document, report: &'d Report<'d>) -> Table<'d> {
        let spot = Spot { place: Place { file: 0, offset: 0 }, path: String::new() };
        Table::new(report, spot, &document.entries, Some(&DOCUMENT))
    }

    fn new(
        report: &'d Report<'d>,
        spot: Spot,
        entries: &'d BTreeMap<String, Entry>,
        kind: Option<&'static Kind>,
    ) -> Table<'d> {
        let kind = kind.and_then(Kind::as_table);
        Table { report, spot, entries, known: Vec::new(), not_supported: Vec::new(), kind }
    }

    /// Where it is.
    pub(crate) fn spot(&self) -> &Spot {
        &self.spot
    }

    /// The value of a key, if it is there.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Field<'d>> {
        self.known.push(key);
        self.note(key);
        self.entries.get(key).map(|entry| self.field(key, entry))
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&mut self, key: &'static str, hint: &str) -> Option<Field<'d>> {
        let field = self.take(key);
        if field.is_none() {
            let spot = Spot { place: self.spot.place, path: joined(&self.spot.path, key) };
            self.report.hinted(&spot, Code::MissingKey, "it is missing", hint);
        }
        field
    }

    /// A key of the format that is not acted on yet. Never silent: its owner would wait for an effect.
    pub(crate) fn not_supported(&mut self, key: &'static str, why: &str) {
        self.not_supported.push(key);
        if let Some(field) = self.entries.get(key).map(|entry| self.field(key, entry)) {
            self.report.problem(&field.key, Code::NotSupported, why);
        }
    }

    /// For the test that holds the readers and what is said of the keys together.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only a test asks"))]
    fn note(&self, _key: &'static str) {
        #[cfg(test)]
        if let Some(Kind::Table(table)) = self.kind {
            let table = std::ptr::from_ref::<crate::reference::TableDoc>(*table) as usize;
            self.report.asked.borrow_mut().insert((table, _key));
        }
    }

    /// All keys of a table whose keys are names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'d str, Field<'d>)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), self.field(key, entry)))
    }

    /// Reports the keys that nobody took.
    pub(crate) fn finish(self) {
        for (key, field) in self.fields() {
            if self.known.contains(&key) || self.not_supported.contains(&key) || self.report.is_full() {
                continue;
            }
            let hint = match (nearest(key, self.known.iter().copied()), places_of(key).as_slice()) {
                (Some(known), _) => format!("did you mean `{known}`?"),
                (None, [elsewhere]) => format!("did you mean `{elsewhere}`?"),
                (None, _) => format!("known here: {}", self.known.join(", ")),
            };
            self.report.hinted(&field.key, Code::UnknownKey, "there is no such key", hint);
        }
    }

    fn field(&self, key: &str, entry: &'d Entry) -> Field<'d> {
        let path = joined(&self.spot.path, key);
        let at = |place| Spot { place, path: path.clone() };
        let (kind, doc) = self.kind.and_then(|kind| kind.below(key)).unzip();
        let (spot, key) = (at(entry.node.place), at(entry.key));
        Field { report: self.report, spot, key, node: &entry.node, kind, doc: doc.flatten() }
    }
}

impl<'d> Field<'d> {
    /// A table.
    pub(crate) fn table(self) -> Option<Table<'d>> {
        match &self.node.value {
            Value::Table(entries) => Some(Table::new(self.report, self.spot, entries, self.kind)),
            _ => self.wrong_type("a table"),
        }
    }

    /// A string.
    pub(crate) fn string(self) -> Option<At<String>> {
        match &self.node.value {
            Value::String(text) => Some(At { spot: self.spot, value: text.clone() }),
            _ => self.wrong_type("a string"),
        }
    }

    /// An integer.
    pub(crate) fn integer(self) -> Option<At<i64>> {
        match self.node.value {
            Value::Integer(value) => Some(At { spot: self.spot, value }),
            _ => self.wrong_type("an integer"),
        }
    }

    /// A boolean.
    pub(crate) fn boolean(self) -> Option<At<bool>> {
        match self.node.value {
            Value::Boolean(value) => Some(At { spot: self.spot, value }),
            _ => self.wrong_type("true or false"),
        }
    }

    /// An array; what is in it is read by `read`, one after the other, and left out where that finds a problem.
    pub(crate) fn array<T>(self, read: impl Fn(Field<'d>) -> Option<T>) -> Option<At<Vec<T>>> {
        let Value::Array(nodes) = &self.node.value else {
            return self.wrong_type("an array");
        };
        let items = nodes.iter().enumerate().map(|(index, node)| {
            let spot = Spot { place: node.place, path: format!("{}[{index}]", self.spot.path) };
            let kind = self.kind.and_then(Kind::item);
            Field { report: self.report, key: spot.clone(), spot, node, kind, doc: self.doc }
        });
        let value = items.filter_map(read).collect();
        Some(At { spot: self.spot, value })
    }

    /// Reports that this is not `expected`.
    pub(crate) fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let message = format!("it should be {expected}, not {}", self.node.value.kind());
        match self.doc.and_then(|doc| Some((doc.name, doc.example?))) {
            Some((name, example)) => {
                let hint = format!("for example `{name} = {example}`");
                self.report.hinted(&self.spot, Code::WrongType, message, hint);
            }
            None => self.report.problem(&self.spot, Code::WrongType, message),
        }
        None
    }
}

/// A dotted path. A key that is no bare key is quoted as TOML would quote it, and a long one cut: a path is one short line.
pub(crate) fn joined(path: &str, key: &str) -> String {
    const SHOWN: usize = 64;
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let shown: String = key.chars().take(SHOWN).collect();
    let more = if shown.len() < key.len() { "…" } else { "" };
    let key = match bare {
        true => format!("{shown}{more}"),
        false => format!("\"{}{more}\"", shown.escape_debug()),
    };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_short_line() {
        for (path, key, expected) in [
            ("", "users", "users"),
            ("users", "alice", "users.alice"),
            ("users", "a b", "users.\"a b\""),
            ("users", "", "users.\"\""),
            ("users", "a\n\"", "users.\"a\\n\\\"\""),
        ] {
            assert_eq!(joined(path, key), expected);
        }
        assert_eq!(joined("", &"a".repeat(1000)).chars().count(), 65);
    }
}
