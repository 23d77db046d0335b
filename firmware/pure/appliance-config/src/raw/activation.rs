use crate::reader::{Field, Table};
use crate::report::At;

use super::strings;

/// `[activation]`.
#[derive(Debug)]
pub(crate) struct RawActivation {
    pub(crate) required: Vec<At<String>>,
    pub(crate) restart: Vec<At<String>>,
    /// That it was written says something by itself.
    pub(crate) allow_degraded: Option<Vec<At<String>>>,
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
            restart: table.take("restart").and_then(strings).map(|names| names.value).unwrap_or_default(),
            allow_degraded: table.take("allow_degraded").and_then(strings).map(|names| names.value),
            timeout_seconds: table.take("timeout_seconds").and_then(Field::integer),
            settle_seconds: table.take("settle_seconds").and_then(Field::integer),
            strategy: table.take("strategy").and_then(Field::string),
        };
        table.finish();
        activation
    }
}
