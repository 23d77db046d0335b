use std::fmt::Write as _;

use super::explain::wrapped;
use super::find::walk;
use super::{Found, KeyDoc, Kind, TableDoc};
use crate::Code;

/// How wide prose is in our documents.
const WIDTH: usize = 132;

/// The reference of the format, as `docs/config.md`.
pub fn config_md() -> String {
    let mut text = String::from(
        "# config.toml\n\n\
         <!-- Made from firmware/pure/appliance-config/src/raw/keys/ by `BLESS=1 cargo test -p appliance-config`. -->\n\n",
    );
    walk(&mut |found| match found.kind {
        Kind::Table(table) if found.path.is_empty() => document(&mut text, table),
        Kind::Table(table) => section(&mut text, found, table),
        Kind::Names(names) if names.each.as_table().is_none() => any_keys(&mut text, found),
        _ => {}
    });
    problems(&mut text);
    text
}

fn document(text: &mut String, root: &TableDoc) {
    paragraph(text, root.help);
    paragraph(
        text,
        "`slipway config check` says everything that is wrong with a document, `slipway config explain PATH` what this page says of \
         one key, and `slipway config schema` prints a JSON Schema for editors ([config.schema.json](config.schema.json)). A document \
         is checked whole before anything changes. An overlay (`devices/<mac or serial>.toml` in a bundle or on a stick) is laid \
         over it: tables are merged, everything else replaces what was there.",
    );
    paragraph(text, "`NAME` and `KEY` in a path stand for names of yours; `[]` for the items of an array.");
    keys(text, root.keys);
}

fn section(text: &mut String, found: &Found, table: &TableDoc) {
    let header = match found.path.strip_suffix("[]") {
        Some(array) => format!("[[{array}]]"),
        None => format!("[{}]", found.path),
    };
    let _ = writeln!(text, "## `{header}`\n");
    paragraph(text, table.help);
    keys(text, table.keys);
    let examples: Vec<String> =
        table.keys.iter().filter_map(|key| Some(format!("{} = {}", key.name, key.example?))).collect();
    if !examples.is_empty() {
        let _ = writeln!(text, "```toml\n{}\n{}\n```\n", example_header(found), examples.join("\n"));
    }
}

/// A table that takes any keys of a form, such as a section of a unit.
fn any_keys(text: &mut String, found: &Found) {
    let (Some(key), Kind::Names(names)) = (found.key, found.kind) else { return };
    let _ = writeln!(text, "## `[{}]`\n", found.path);
    paragraph(text, key.help);
    let _ = writeln!(text, "- **`{}`**: {}.\n", names.placeholder, names.each.in_words());
}

fn keys(text: &mut String, keys: &[KeyDoc]) {
    for key in keys {
        let mut item = format!("**`{}`**: {}", key.name, key.kind.in_words());
        if key.required {
            item.push_str("; must be there");
        }
        let _ = write!(item, ". {}", key.help);
        if let Some(default) = key.default {
            let _ = write!(item, " Without it: {default}.");
        }
        for (number, line) in wrapped(&item, WIDTH - 2).iter().enumerate() {
            let _ = writeln!(text, "{}{line}", if number == 0 { "- " } else { "  " });
        }
    }
    text.push('\n');
}

/// The header under which the examples are TOML, with names in place of the placeholders.
fn example_header(found: &Found) -> String {
    let mut kind = &super::DOCUMENT;
    let mut path = Vec::new();
    for part in found.path.split('.') {
        let (part, is_array) = part.strip_suffix("[]").map_or((part, false), |part| (part, true));
        path.push(match kind.as_table() {
            Some(Kind::Names(names)) => names.example,
            _ => part,
        });
        let Some((below, _)) = kind.below(part) else { break };
        kind = if is_array { below.item().unwrap_or(below) } else { below };
    }
    let path = path.join(".");
    if found.path.ends_with("[]") { format!("[[{path}]]") } else { format!("[{path}]") }
}

fn problems(text: &mut String) {
    let _ = writeln!(text, "## Problems\n");
    paragraph(
        text,
        "Each problem has a code, which never changes, the path of the key, line and column. With `--json`: `{\"ok\": …, \
         \"problems\": [{\"code\", \"file\", \"path\", \"line\", \"column\", \"message\", \"hint\"}], \"warnings\": […]}`.",
    );
    for code in Code::ALL {
        let doc = code.doc();
        let item = format!("**`{}`**: {} {}", code.as_str(), doc.meaning, doc.remedy);
        for (number, line) in wrapped(&item, WIDTH - 2).iter().enumerate() {
            let _ = writeln!(text, "{}{line}", if number == 0 { "- " } else { "  " });
        }
    }
}

fn paragraph(text: &mut String, words: &str) {
    for line in wrapped(words, WIDTH) {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
}
