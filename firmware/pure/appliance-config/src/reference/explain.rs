use std::fmt::Write as _;

use super::{Found, Kind, find, places_of, root};
use crate::Code;
use crate::nearest::nearest;
use crate::problem::CodeDoc;

/// Nothing of this name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Where there is nothing, and where there is something.
    pub message: String,
    /// What may have been meant.
    pub hint: Option<String>,
}

/// What a path of the document or a code of a problem means, for a terminal. Nothing asked: what there is to ask for.
///
/// # Errors
/// When there is no such path and no such code.
pub fn explain(what: &str) -> Result<String, Unknown> {
    if let Ok(code) = what.parse::<Code>() {
        return Ok(of_code(code));
    }
    match find(what) {
        Ok(found) if found.path.is_empty() => Ok(contents()),
        Ok(found) => Ok(of_place(&found)),
        Err((found, part)) => Err(unknown(what, &found, &part)),
    }
}

fn of_code(code: Code) -> String {
    let CodeDoc { meaning, remedy } = code.doc();
    let mut text = format!("{}\n\n", code.as_str());
    paragraph(&mut text, meaning);
    paragraph(&mut text, remedy);
    text.trim_end().to_owned() + "\n"
}

fn of_place(found: &Found) -> String {
    let mut text = format!("{}\n\n", heading(found));
    if let Some(key) = found.key {
        paragraph(&mut text, key.help);
        let mut facts = vec![("Type", key.kind.in_words())];
        facts.push(("Must be there", if key.required { "yes" } else { "no" }.to_owned()));
        facts.extend(key.default.map(|default| ("Without it", default.to_owned())));
        facts.extend(key.example.map(|example| ("Example", format!("{} = {example}", key.name))));
        for (name, fact) in facts {
            let _ = writeln!(text, "  {name:<14} {fact}");
        }
        text.push('\n');
    }
    below(&mut text, found);
    text.trim_end().to_owned() + "\n"
}

/// A table by its header, anything else by its path.
fn heading(found: &Found) -> String {
    match found.kind.as_table() {
        Some(Kind::Table(_)) => format!("[{}]", found.path),
        _ => found.path.clone(),
    }
}

/// What is in a table.
fn below(text: &mut String, found: &Found) {
    match found.kind.as_table() {
        Some(Kind::Table(table)) => {
            if found.key.is_none_or(|key| key.help != table.help) {
                paragraph(text, table.help);
            }
            for key in table.keys {
                let required = if key.required { ", must be there" } else { "" };
                let _ = writeln!(text, "  {}  ({}{required})", key.name, key.kind.in_words());
                for line in wrapped(key.help, 92) {
                    let _ = writeln!(text, "      {line}");
                }
            }
        }
        Some(Kind::Names(names)) => {
            let _ = writeln!(
                text,
                "  {} is a name of yours, as in {}.{}.",
                names.placeholder, found.path, names.example
            );
            if let Some(Kind::Table(_)) = names.each.as_table() {
                let path = format!("{}.{}", found.path, names.placeholder);
                let _ = writeln!(text, "\n[{path}]\n");
                below(text, &Found { path, key: None, kind: &names.each });
            }
        }
        _ => {}
    }
}

fn contents() -> String {
    let mut text = String::new();
    paragraph(&mut text, root().help);
    let _ = writeln!(text, "Tables and keys, for `slipway config explain PATH`:\n");
    super::find::walk(&mut |found| {
        if !found.path.is_empty() && found.key.is_some() {
            let _ = writeln!(text, "  {}", found.path);
        }
    });
    let _ = writeln!(text, "\nCodes of problems, for `slipway config explain CODE`:\n");
    for code in Code::ALL {
        let _ = writeln!(text, "  {}", code.as_str());
    }
    text
}

fn unknown(what: &str, found: &Found, part: &str) -> Unknown {
    let place = match found.path.as_str() {
        "" => "a document".to_owned(),
        path => format!("[{path}]"),
    };
    let words: Vec<&str> = match found.kind.as_table() {
        Some(Kind::Table(table)) => table.keys.iter().map(|key| key.name).collect(),
        _ => Vec::new(),
    };
    let codes = Code::ALL.iter().map(|code| code.as_str()).filter(|_| found.path.is_empty());
    let known = nearest(part, words.iter().copied().chain(codes));
    let hint = match (known, places_of(part).as_slice()) {
        (Some(known), _) if found.path.is_empty() => Some(format!("did you mean `{known}`?")),
        (Some(known), _) => Some(format!("did you mean `{}.{known}`?", found.path)),
        (None, [_, ..]) => Some(format!("did you mean {}?", listed(&places_of(part)))),
        (None, []) if words.is_empty() => None,
        (None, []) => Some(format!("known here: {}", words.join(", "))),
    };
    Unknown {
        message: format!("there is no `{part}` in {place}, and no problem has the code `{what}`"),
        hint,
    }
}

fn listed(places: &[String]) -> String {
    places.iter().map(|place| format!("`{place}`")).collect::<Vec<_>>().join(" or ")
}

fn paragraph(text: &mut String, words: &str) {
    for line in wrapped(words, 98) {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
}

/// Cut between words into lines of at most `width` characters, where words allow it.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_explained_wherever_it_stands() {
        let text = explain("network.interfaces.eth1.mode").unwrap();
        assert_eq!(explain("network.interfaces.NAME.mode").unwrap(), text);
        assert!(text.starts_with("network.interfaces.NAME.mode\n\nWhere its address comes from."), "{text}");
        assert!(text.contains("  Type           one of `\"dhcp\"`, `\"static\"`"), "{text}");
        assert!(text.contains("  Must be there  yes\n"), "{text}");
        assert!(text.contains("  Example        mode = \"static\"\n"), "{text}");
    }

    #[test]
    fn a_table_is_explained_with_its_keys() {
        for (table, heading) in
            [("users", "users"), ("[users.alice]", "[users.NAME]"), ("activation", "[activation]")]
        {
            let text = explain(table).unwrap();
            assert!(text.starts_with(&format!("{heading}\n\n")), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= 132), "{text}");
        }
        assert!(explain("users").unwrap().contains("  isAdmin  (`true` or `false`)\n"));
    }

    #[test]
    fn every_code_and_every_path_is_explained_and_listed() {
        let contents = explain("").unwrap();
        for code in Code::ALL {
            let text = explain(code.as_str()).unwrap();
            assert!(
                text.starts_with(&format!("{}\n\n", code.as_str())) && text.lines().count() >= 4,
                "{text}"
            );
            assert!(contents.contains(&format!("  {}\n", code.as_str())), "{contents}");
        }
        super::super::find::walk(&mut |found| {
            let text = explain(&found.path).unwrap_or_else(|unknown| panic!("{}: {unknown:?}", found.path));
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text:?}");
        });
    }

    #[test]
    fn what_is_unknown_has_a_neighbour() {
        for (what, message, hint) in [
            (
                "network.interfaces.eth0.mod",
                "no `mod` in [network.interfaces.NAME]",
                "`network.interfaces.NAME.mode`",
            ),
            ("usres", "no `usres` in a document", "`users`"),
            ("unknown-kye", "no problem has the code `unknown-kye`", "`unknown-key`"),
            ("isAdmin", "no `isAdmin` in a document", "`users.NAME.isAdmin`"),
            ("activation.frobnicate", "no `frobnicate` in [activation]", "known here: required, "),
        ] {
            let unknown = explain(what).unwrap_err();
            assert!(unknown.message.contains(message), "{unknown:?}");
            assert!(unknown.hint.as_deref().unwrap_or_default().contains(hint), "{unknown:?}");
        }
        assert_eq!(explain("users.alice.shell.deeper").unwrap_err().hint, None);
    }
}
