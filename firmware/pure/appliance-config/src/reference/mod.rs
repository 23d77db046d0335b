//! What every table and key of a document is: its type, its default, what it does, an example.
//!
//! The facts stand beside the readers, in `raw/keys/`, once; from them come the reference for people, the JSON Schema for
//! editors, `slipway config explain`, and hints about keys. That the readers ask for exactly these keys is a test: neither can
//! get ahead of the other.

mod explain;
mod find;
mod markdown;
mod schema;

pub use explain::{Unknown, explain};
#[cfg(test)]
pub(crate) use find::walk;
pub use find::{Found, find, places_of};
pub use markdown::config_md;
pub use schema::json_schema;

use crate::raw::keys::ROOT;

/// A table with keys that are fixed.
#[derive(Debug)]
pub struct TableDoc {
    /// What it is for; Markdown.
    pub help: &'static str,
    /// Its keys, in the order people should read them.
    pub keys: &'static [KeyDoc],
}

/// A table whose keys are names that the owner chooses.
#[derive(Debug)]
pub struct NamesDoc {
    /// What stands for a name in paths: `NAME`.
    pub placeholder: &'static str,
    /// What names are allowed, as a regular expression of ECMA-262.
    pub pattern: &'static str,
    /// A name.
    pub example: &'static str,
    /// What is below each name.
    pub each: Kind,
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct KeyDoc {
    /// As it is written.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What it does; Markdown, one paragraph.
    pub help: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What holds without it, in TOML or in words.
    pub default: Option<&'static str>,
    /// A value, in TOML. Tables have none: their keys have.
    pub example: Option<&'static str>,
}

/// What a value is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A number in a range.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A string.
    Text {
        /// What it is, with its article: `an IPv4 address`.
        what: &'static str,
        /// What it looks like, as a regular expression of ECMA-262. Never narrower than what is accepted.
        pattern: Option<&'static str>,
    },
    /// One of these strings.
    Word(&'static [&'static str]),
    /// An array.
    List(&'static Kind),
    /// An array that has nothing in it.
    EmptyList,
    /// One or the other.
    Either(&'static [Kind]),
    /// A table with fixed keys.
    Table(&'static TableDoc),
    /// A table of names.
    Names(&'static NamesDoc),
}

/// The whole document.
pub fn root() -> &'static TableDoc {
    &ROOT
}

/// A key that may be left out.
pub(crate) const fn key(name: &'static str, kind: Kind, help: &'static str) -> KeyDoc {
    KeyDoc { name, kind, help, required: false, default: None, example: None }
}

/// A string of any form.
pub(crate) const fn text(what: &'static str) -> Kind {
    Kind::Text { what, pattern: None }
}

/// A string of a form.
pub(crate) const fn pattern(what: &'static str, pattern: &'static str) -> Kind {
    Kind::Text { what, pattern: Some(pattern) }
}

/// A number of at least `min` and at most `max`.
pub(crate) const fn integer(min: i64, max: i64) -> Kind {
    Kind::Integer { min, max }
}

impl KeyDoc {
    /// It must be there.
    pub(crate) const fn required(mut self) -> KeyDoc {
        self.required = true;
        self
    }

    /// What holds without it.
    pub(crate) const fn default(mut self, default: &'static str) -> KeyDoc {
        self.default = Some(default);
        self
    }

    /// A value, in TOML.
    pub(crate) const fn example(mut self, example: &'static str) -> KeyDoc {
        self.example = Some(example);
        self
    }
}

impl TableDoc {
    /// What is known of a key.
    pub fn key(&self, name: &str) -> Option<&'static KeyDoc> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Kind {
    /// What is below a key of such a table.
    pub(crate) fn below(&'static self, key: &str) -> Option<(&'static Kind, Option<&'static KeyDoc>)> {
        match self.as_table()? {
            Kind::Table(table) => table.key(key).map(|key| (&key.kind, Some(key))),
            Kind::Names(names) => Some((&names.each, None)),
            _ => None,
        }
    }

    /// What is in such an array.
    pub(crate) fn item(&'static self) -> Option<&'static Kind> {
        match self {
            Kind::List(item) => Some(item),
            Kind::Either(kinds) => kinds.iter().find_map(Kind::item),
            _ => None,
        }
    }

    /// This, or the one among its alternatives, that is a table.
    pub(crate) fn as_table(&'static self) -> Option<&'static Kind> {
        match self {
            Kind::Table(_) | Kind::Names(_) => Some(self),
            Kind::Either(kinds) => kinds.iter().find_map(Kind::as_table),
            _ => None,
        }
    }

    /// Its fixed keys, if it has any.
    pub(crate) fn as_table_doc(&self) -> Option<&'static TableDoc> {
        match self {
            Kind::Table(table) => Some(table),
            Kind::Either(kinds) => kinds.iter().find_map(Kind::as_table_doc),
            _ => None,
        }
    }

    /// In words, with its article: `an integer from 1 to 3600`.
    pub fn in_words(&self) -> String {
        match self {
            Kind::Boolean => "`true` or `false`".to_owned(),
            Kind::Integer { min: i64::MIN, max: i64::MAX } => "an integer".to_owned(),
            Kind::Integer { min, max } if min == max => format!("`{min}`"),
            Kind::Integer { min, max: i64::MAX } => format!("an integer, {min} or more"),
            Kind::Integer { min, max } => format!("an integer from {min} to {max}"),
            Kind::Text { what, .. } => (*what).to_owned(),
            Kind::Word([word]) => format!("`\"{word}\"`"),
            Kind::Word(words) => {
                let words = words.iter().map(|word| format!("`\"{word}\"`"));
                format!("one of {}", words.collect::<Vec<_>>().join(", "))
            }
            Kind::List(item) => format!("an array, each item {}", item.in_words()),
            Kind::EmptyList => "an empty array".to_owned(),
            Kind::Either(kinds) => kinds.iter().map(Kind::in_words).collect::<Vec<_>>().join(", or "),
            Kind::Table(_) => "a table".to_owned(),
            Kind::Names(names) if names.each.as_table_doc().is_some() => {
                format!("a table for each {}", names.placeholder)
            }
            Kind::Names(_) => "a table".to_owned(),
        }
    }
}

/// Below which [`Kind`] a document begins.
pub(crate) static DOCUMENT: Kind = Kind::Table(&ROOT);

#[cfg(test)]
mod tests;
