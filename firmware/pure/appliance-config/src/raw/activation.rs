use crate::Code;
use crate::document::Value;
use crate::reader::{Field, Table};
use crate::report::At;

use super::strings;

/// `[activation]`.
#[derive(Debug)]
pub(crate) struct RawActivation {
    pub(crate) required: Vec<At<String>>,
    pub(crate) timeout_seconds: Option<At<i64>>,
    pub(crate) settle_seconds: Option<At<i64>>,
    pub(crate) strategy: Option<At<String>>,
}

impl RawActivation {
    pub(super) fn read(mut table: Table<'_>) -> RawActivation {
        const REQUIRED: &str = "name the containers that must run; `required = []` if none must";
        let required = table.required("required", REQUIRED).and_then(strings);
        let activation = RawActivation {
            required: required.map(|names| names.value).unwrap_or_default(),
            timeout_seconds: table.take("timeout_seconds").and_then(Field::integer),
            settle_seconds: table.take("settle_seconds").and_then(Field::integer),
            strategy: table.take("strategy").and_then(Field::string),
        };
        not_yet(&mut table, "restart", "this Slipway restarts what changed, and nothing else yet");
        not_yet(
            &mut table,
            "allow_degraded",
            "in this Slipway, what is not in `required` may fail; leave it out there",
        );
        table.finish();
        activation
    }
}

/// A list that asks for nothing while it is empty.
fn not_yet(table: &mut Table<'_>, key: &'static str, why: &str) {
    let Some(field) = table.take(key) else { return };
    match &field.node.value {
        Value::Array(names) if names.is_empty() => {}
        Value::Array(_) => table.problem(&field.key, Code::NotSupported, why),
        _ => {
            let _reported: Option<()> = field.wrong_type("an array");
        }
    }
}
