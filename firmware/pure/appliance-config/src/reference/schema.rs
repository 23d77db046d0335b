use serde_json::{Map, Value, json};

use super::{KeyDoc, Kind, NamesDoc, TableDoc, root};

/// A JSON Schema (draft 2020-12) of the document, for editors that know one: what keys there are, of which types, and what they
/// do. It says less than `load`: what values have to do with each other is not in it. What `load` accepts, it accepts.
pub fn json_schema() -> String {
    let mut schema = table(root());
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("Slipway's config.toml, version 1"));
    let mut text = format!("{:#}", Value::Object(schema));
    text.push('\n');
    text
}

fn table(doc: &TableDoc) -> Map<String, Value> {
    let properties: Map<String, Value> =
        doc.keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    let required: Vec<&str> = doc.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = object(&json!({
        "type": "object",
        "description": doc.help,
        "properties": properties,
        "additionalProperties": false,
    }));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn names(doc: &NamesDoc) -> Map<String, Value> {
    object(&json!({
        "type": "object",
        "patternProperties": { doc.pattern: kind(&doc.each) },
        "additionalProperties": false,
    }))
}

fn described(key: &KeyDoc) -> Value {
    let mut schema = kind(&key.kind);
    let default = key.default.map(|default| format!("\n\nWithout it: {default}.")).unwrap_or_default();
    schema.insert("description".to_owned(), json!(format!("{}{default}", key.help)));
    if let Some(example) = key.example.and_then(value) {
        schema.insert("examples".to_owned(), json!([example]));
    }
    Value::Object(schema)
}

/// A value of TOML as one of JSON.
fn value(toml: &str) -> Option<Value> {
    let mut table: toml::Table = format!("x = {toml}").parse().ok()?;
    serde_json::to_value(table.remove("x")?).ok()
}

fn kind(kind: &Kind) -> Map<String, Value> {
    match kind {
        Kind::Boolean => object(&json!({ "type": "boolean" })),
        Kind::Integer { min, max } => {
            let mut schema = object(&json!({ "type": "integer" }));
            let mut bound = |name: &str, bound: i64, none: i64| {
                if bound != none {
                    schema.insert(name.to_owned(), json!(bound));
                }
            };
            bound("minimum", *min, i64::MIN);
            bound("maximum", *max, i64::MAX);
            schema
        }
        Kind::Text { pattern: None, .. } => object(&json!({ "type": "string" })),
        Kind::Text { pattern: Some(pattern), .. } => object(&json!({ "type": "string", "pattern": pattern })),
        Kind::Word(words) => object(&json!({ "enum": words })),
        Kind::List(item) => object(&json!({ "type": "array", "items": kind_value(item) })),
        Kind::EmptyList => object(&json!({ "type": "array", "maxItems": 0 })),
        Kind::Either(kinds) => {
            let kinds: Vec<Value> = kinds.iter().map(kind_value).collect();
            object(&json!({ "anyOf": kinds }))
        }
        Kind::Table(doc) => table(doc),
        Kind::Names(doc) => names(doc),
    }
}

fn kind_value(of: &Kind) -> Value {
    Value::Object(kind(of))
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
