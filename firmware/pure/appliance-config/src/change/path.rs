use serde_json::Value;
use toml_edit::Key;

use crate::reference::{Kind, find};

/// This is no dotted path of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPath(pub(super) String);

impl std::fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no path of keys, such as network.interfaces.eth1.mode", self.0)
    }
}

impl std::error::Error for InvalidPath {}

/// The keys of a path, read as TOML reads a dotted key.
pub(super) fn parse(path: &str) -> Result<Vec<String>, InvalidPath> {
    let keys = Key::parse(path).map_err(|_| InvalidPath(path.to_owned()))?;
    Ok(keys.iter().map(|key| key.get().to_owned()).collect())
}

/// A value as a person types it for the key at `path`: TOML; and what is no TOML, or stands where text belongs, is text, so that
/// nobody has to quote for two programs.
pub fn typed_value(path: &str, typed: &str) -> Value {
    let parsed = format!("x = {typed}").parse::<toml::Table>().ok();
    let value = parsed.filter(|table| table.len() == 1).and_then(|mut table| table.remove("x"));
    let wants_text = find(path).is_ok_and(|found| matches!(found.kind, Kind::Text { .. } | Kind::Word(_)));
    match value {
        Some(value) if value.is_str() || !wants_text => {
            serde_json::to_value(value).unwrap_or_else(|_| Value::from(typed))
        }
        _ => Value::from(typed),
    }
}
