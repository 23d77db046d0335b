//! The change itself, on a document that keeps its form.

use serde_json::{Map, Value};
use toml_edit::{Array, InlineTable, Item, Table, TableLike};

use super::overlaid::dotted;
use super::{Change, ChangeError, How};

pub(super) fn apply(root: &mut Item, change: &Change) -> Result<(), ChangeError> {
    let Some((last, tables)) = change.path.split_last() else { return Ok(()) };
    let mut at = root;
    for key in tables {
        let there = at.get(key).is_some_and(Item::is_table_like);
        if !there && change.how == How::Remove {
            return Ok(());
        }
        at = table_at(at, key);
    }
    let mut write = Write { path: change.path.clone(), merge: matches!(change.how, How::Merge(_)) };
    match &change.how {
        How::Remove => {
            remove(at, last);
            Ok(())
        }
        How::Put(value) | How::Merge(value) => write.value(at, last, value),
    }
}

/// Writing one value, with all that is in it.
struct Write {
    /// Where we are, for messages.
    path: Vec<String>,
    /// Whether what is not named stays.
    merge: bool,
}

impl Write {
    fn value(&mut self, parent: &mut Item, key: &str, value: &Value) -> Result<(), ChangeError> {
        match value {
            Value::Null => {
                remove(parent, key);
                Ok(())
            }
            Value::Object(entries) => self.table(parent, key, entries),
            value => {
                let new = self.simple(value)?;
                set(parent, key, new);
                Ok(())
            }
        }
    }

    fn table(
        &mut self,
        parent: &mut Item,
        key: &str,
        entries: &Map<String, Value>,
    ) -> Result<(), ChangeError> {
        let table = table_at(parent, key);
        if !self.merge {
            let keys: Vec<String> = keys(table).filter(|key| !entries.contains_key(key)).collect();
            keys.iter().for_each(|key| remove(table, key));
        }
        for (key, value) in entries {
            self.path.push(key.clone());
            self.value(table, key, value)?;
            self.path.pop();
        }
        stay(table);
        Ok(())
    }

    /// A value in one piece.
    fn simple(&self, value: &Value) -> Result<toml_edit::Value, ChangeError> {
        let failed = |message| Err(ChangeError::Value { path: dotted(&self.path), message });
        Ok(match value {
            Value::Null => return failed("TOML has no null in an array"),
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => integer.into(),
                (None, Some(float)) if number.is_f64() => float.into(),
                _ => return failed("TOML has no integers beyond 64 bits"),
            },
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.simple(item)).collect::<Result<Array, _>>()?;
                toml_edit::Value::Array(items)
            }
            Value::Object(entries) => {
                let mut table = InlineTable::new();
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                    table.insert(key, self.simple(value)?);
                }
                toml_edit::Value::InlineTable(table)
            }
        })
    }
}

fn keys(table: &Item) -> impl Iterator<Item = String> {
    table.as_table_like().into_iter().flat_map(TableLike::iter).map(|(key, _)| key.to_owned())
}

/// The table `key` of a table, made if there is none, in the form of its parent.
fn table_at<'i>(parent: &'i mut Item, key: &str) -> &'i mut Item {
    if !parent.get(key).is_some_and(Item::is_table_like) {
        let new = match &*parent {
            Item::Table(parent) => {
                let mut table = Table::new();
                table.set_implicit(true);
                table.set_dotted(parent.is_dotted());
                Item::Table(table)
            }
            _ => Item::Value(InlineTable::new().into()),
        };
        insert(parent, key, new);
    }
    &mut parent[key]
}

/// Sets a value; what stands around the one before, such as a comment behind it, stays.
fn set(parent: &mut Item, key: &str, mut new: toml_edit::Value) {
    match parent.get_mut(key) {
        Some(Item::Value(old)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        _ => insert(parent, key, Item::Value(new)),
    }
}

fn insert(parent: &mut Item, key: &str, item: Item) {
    // Under its own key nothing else may be: a table's header would otherwise stay behind.
    remove(parent, key);
    if let Some(table) = parent.as_table_like_mut() {
        table.insert(key, item);
    }
    tidy(parent);
}

pub(super) fn remove(parent: &mut Item, key: &str) {
    let removed = parent.as_table_like_mut().and_then(|table| table.remove(key));
    if removed.is_some() {
        tidy(parent);
        stay(parent);
    }
}

/// A table that has become empty is still there: with a header of its own, or as a value where its form has no header.
fn stay(item: &mut Item) {
    match item {
        Item::Table(table) if table.is_empty() && table.is_dotted() => {
            *item = Item::Value(InlineTable::new().into());
        }
        Item::Table(table) if table.is_empty() => table.set_implicit(false),
        _ => {}
    }
}

/// Commas and spaces of a table on one line.
fn tidy(table: &mut Item) {
    if let Item::Value(toml_edit::Value::InlineTable(table)) = table {
        table.fmt();
    }
}
