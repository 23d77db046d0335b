use serde_json::Value;
use toml::Table;

use super::{Change, ChangeError, How};
use crate::Overlay;
use crate::reader::joined;

/// Refuses a change that an overlay would take back.
pub(super) fn check(overlay: Option<Overlay<'_>>, change: &Change) -> Result<(), ChangeError> {
    // One that cannot be read is said where the whole is checked.
    let read = |overlay: Overlay<'_>| std::str::from_utf8(overlay.bytes).ok()?.parse::<Table>().ok();
    let Some((overlay, over)) = overlay.and_then(|overlay| Some((overlay, read(overlay)?))) else {
        return Ok(());
    };
    let over = toml::Value::Table(over);
    match taken_back(&over, &change.path, &change.how) {
        Some(path) => Err(ChangeError::Overlaid { path: dotted(&path), overlay: overlay.name.to_owned() }),
        None => Ok(()),
    }
}

/// The first key of the change that the overlay has, too.
fn taken_back(over: &toml::Value, path: &[String], how: &How) -> Option<Vec<String>> {
    let mut at = over;
    for (depth, key) in path.iter().enumerate() {
        match at {
            toml::Value::Table(table) => at = table.get(key)?,
            _ => return Some(path[..depth].to_vec()),
        }
    }
    match how {
        How::Merge(patch) => leaf(at, patch).map(|below| [path, &below].concat()),
        How::Put(_) | How::Remove => Some(path.to_vec()),
    }
}

fn leaf(over: &toml::Value, patch: &Value) -> Option<Vec<String>> {
    match (over, patch) {
        (toml::Value::Table(table), Value::Object(patch)) => patch.iter().find_map(|(key, value)| {
            let below = leaf(table.get(key)?, value)?;
            Some([vec![key.clone()], below].concat())
        }),
        _ => Some(Vec::new()),
    }
}

pub(super) fn dotted(path: &[String]) -> String {
    path.iter().fold(String::new(), |path, key| joined(&path, key))
}
