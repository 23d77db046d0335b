//! A section's keys and texts: only keys that may be used, and only values that are one line, whole, and the same line to
//! systemd as to us.

use crate::nearest::nearest;
use crate::raw::{RawEntry, RawSection, RawValue};
use crate::report::{At, Report, Spot};
use crate::{Code, Section};

use super::keys::Keys;

/// systemd puts something in place of `%` and a letter, after everything here was checked. These are facts about the
/// device that no rule looks at, and `%%` is the sign itself. All others are refused: `%p` or `%j` could spell, from the
/// container's own name, a value that was refused when written.
const SPECIFIERS: &str = "%HNbhmnt";

/// A section that was cleaned.
pub(super) struct Clean<'a> {
    name: &'static str,
    pub(super) spot: &'a Spot,
    pub(super) entries: Vec<CleanEntry<'a>>,
}

/// A key that may be used.
pub(super) struct CleanEntry<'a> {
    pub(super) key: &'a At<String>,
    /// Without spaces around them, and none empty. At least one, but where a value was reported.
    pub(super) values: Vec<At<String>>,
}

impl<'a> Clean<'a> {
    /// Reports and leaves out what may not be.
    pub(super) fn new(raw: &'a RawSection, keys: &Keys, report: &Report<'_>) -> Clean<'a> {
        let entries = raw.entries.iter().filter(|entry| may_be_used(entry, raw.name, keys, report));
        let entries = entries.map(|entry| clean(entry, keys, report)).collect();
        Clean { name: raw.name, spot: &raw.spot, entries }
    }

    /// The values of a key, in the order written.
    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &At<String>> {
        self.entries.iter().filter(move |entry| entry.key.value == key).flat_map(|entry| &entry.values)
    }

    /// The key itself, if it is there.
    pub(super) fn key(&self, key: &str) -> Option<&'a At<String>> {
        self.entries.iter().map(|entry| entry.key).find(|entry| entry.value == key)
    }

    /// The section, with `written` deciding about each value.
    pub(super) fn section(&self, mut written: impl FnMut(&str, &At<String>) -> Option<String>) -> Section {
        let entry = |entry: &CleanEntry<'_>| {
            let key = &entry.key.value;
            let values: Vec<String> = entry.values.iter().filter_map(|value| written(key, value)).collect();
            (!values.is_empty()).then(|| (key.clone(), values))
        };
        Section { name: self.name, entries: self.entries.iter().filter_map(entry).collect() }
    }
}

fn may_be_used(entry: &RawEntry, section: &str, keys: &Keys, report: &Report<'_>) -> bool {
    let At { spot, value: key } = &entry.key;
    if keys.allowed().any(|allowed| allowed == key) {
        return true;
    }
    let near = || if report.is_full() { None } else { nearest(key, keys.allowed()) };
    if let Some((_, why)) = keys.without_effect.iter().find(|(other, _)| other == key) {
        report.problem(spot, Code::Warning, *why);
    } else if let Some((_, why)) = keys.refused.iter().find(|(refused, _)| refused == key) {
        report.problem(spot, Code::NotAllowed, *why);
    } else if let Some(known) = near() {
        let hint = format!("did you mean `{known}`?");
        report.hinted(spot, Code::UnknownKey, format!("section `{section}` has no such key"), hint);
    } else if let Some(why) = keys.others {
        let list: Vec<&str> = keys.allowed().collect();
        report.hinted(spot, Code::NotAllowed, why, format!("allowed here: {}", list.join(", ")));
    } else {
        report.problem(spot, Code::UnknownKey, format!("section `{section}` has no such key in Podman 5.4"));
    }
    false
}

fn clean<'a>(entry: &'a RawEntry, keys: &Keys, report: &Report<'_>) -> CleanEntry<'a> {
    let key = entry.key.value.as_str();
    if let [_, second, ..] = entry.values.as_slice()
        && keys.single.contains(&key)
    {
        let hint = match key {
            "Exec" | "Entrypoint" | "HealthCmd" => "write the whole command as one string",
            _ => "write one value",
        };
        report.hinted(
            &second.spot,
            Code::BadValue,
            format!("`{key}` has one value: the last would win"),
            hint,
        );
    }
    let mut values = Vec::new();
    for raw in &entry.values {
        match text(raw, report).filter(|value| !keys.as_options.contains(&key) || is_word(value, report)) {
            Some(value) if value.value.is_empty() => {
                let (message, hint) = match values.is_empty() {
                    true => ("an empty value says nothing: it is left out", "leave the key out"),
                    false => ("an empty value clears the ones before it", "leave them out"),
                };
                report.hinted(&value.spot, Code::Warning, message, hint);
                values.clear();
            }
            value => values.extend(value),
        }
    }
    CleanEntry { key: &entry.key, values }
}

/// An option's value must not become several.
fn is_word(value: &At<String>, report: &Report<'_>) -> bool {
    let text = value.value.strip_prefix("${FILES_DIR}/").unwrap_or(&value.value);
    let word = !text.contains(|c: char| c.is_whitespace() || "\"'\\$".contains(c));
    if !word {
        report.problem(&value.spot, Code::BadValue, "it is one word without quotes and `$`");
    }
    word
}

fn text(raw: &At<RawValue>, report: &Report<'_>) -> Option<At<String>> {
    let text = match &raw.value {
        // Quadlet reads it without the spaces too.
        RawValue::Text(text) => {
            text.trim_matches(|c: char| c == '\t' || (c.is_whitespace() && !c.is_control())).to_owned()
        }
        RawValue::Integer(integer) => integer.to_string(),
        RawValue::Boolean(boolean) => boolean.to_string(),
    };
    let problem = |message: &str, hint: &str| report.hinted(&raw.spot, Code::BadValue, message, hint);
    if text.chars().any(char::is_control) {
        problem("a value is one line without control characters", "it would end the line in the unit's file");
    } else if text.ends_with('\\') {
        problem("a value does not end in a backslash", "it would join the next line to this one");
    } else if let Some(other) = other_specifier(&text) {
        let message = format!("systemd would put something in place of `%{other}`");
        let hint = "write `%%` for the sign itself; %H %N %b %h %m %n %t may be used";
        report.hinted(&raw.spot, Code::NotAllowed, message, hint);
    } else {
        return Some(At { spot: raw.spot.clone(), value: text });
    }
    None
}

/// What follows the first `%` that is not allowed: a letter, or nothing.
fn other_specifier(text: &str) -> Option<String> {
    let mut chars = text.chars();
    while chars.any(|c| c == '%') {
        match chars.next() {
            Some(c) if SPECIFIERS.contains(c) => {}
            other => return Some(other.map(String::from).unwrap_or_default()),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_facts_about_the_device_may_be_put_in() {
        for (text, other) in [
            ("plain", None),
            ("100%%", None),
            ("%H-%m", None),
            ("%%p", None),
            ("%p", Some("p")),
            ("%%%j", Some("j")),
            ("50%", Some("")),
            ("%é", Some("é")),
        ] {
            assert_eq!(other_specifier(text).as_deref(), other, "{text:?}");
        }
    }
}
