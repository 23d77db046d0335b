use super::{DOCUMENT, KeyDoc, Kind};

/// What a path leads to.
#[derive(Debug, Clone)]
pub struct Found {
    /// The path, with placeholders where the owner chooses names: `users.NAME.shell`.
    pub path: String,
    /// The key, unless the path ends in a name or is the whole document.
    pub key: Option<&'static KeyDoc>,
    /// What is there.
    pub kind: &'static Kind,
}

/// Looks up a dotted path: one with names in it as in a problem (`users.alice.ssh_keys[0]`), or with placeholders.
///
/// # Errors
/// What the path leads to as far as it leads anywhere, and the part of it that does not exist there.
pub fn find(path: &str) -> Result<Found, (Found, String)> {
    let mut found = Found { path: String::new(), key: None, kind: &DOCUMENT };
    for part in parts(path) {
        let Some(below) = step(&found, &part) else { return Err((found, part)) };
        found = below;
    }
    Ok(found)
}

/// Every path, with placeholders, that ends in a key of this name.
pub fn places_of(name: &str) -> Vec<String> {
    let mut places = Vec::new();
    walk(&mut |found| {
        if found.key.is_some_and(|key| key.name == name) {
            places.push(found.path.clone());
        }
    });
    places
}

/// Visits everything there is, tables before what is in them.
pub(crate) fn walk(visit: &mut impl FnMut(&Found)) {
    fn down(found: &Found, visit: &mut impl FnMut(&Found)) {
        visit(found);
        each_below(found.kind, &mut |part, key, kind| {
            down(&Found { path: joined(&found.path, part), key, kind }, visit);
        });
    }
    down(&Found { path: String::new(), key: None, kind: &DOCUMENT }, visit);
}

fn each_below(
    kind: &'static Kind,
    then: &mut impl FnMut(&'static str, Option<&'static KeyDoc>, &'static Kind),
) {
    match kind {
        Kind::Table(table) => table.keys.iter().for_each(|key| then(key.name, Some(key), &key.kind)),
        Kind::Names(names) => then(names.placeholder, None, &names.each),
        Kind::List(item) if item.as_table().is_some() => then("[]", None, item),
        Kind::Either(kinds) => kinds.iter().for_each(|kind| each_below(kind, then)),
        _ => {}
    }
}

fn joined(path: &str, part: &str) -> String {
    match (path, part) {
        (path, "[]") => format!("{path}[]"),
        ("", part) => part.to_owned(),
        (path, part) => format!("{path}.{part}"),
    }
}

fn step(found: &Found, part: &str) -> Option<Found> {
    if part == "[]" {
        return found.kind.item().map(|kind| Found { path: joined(&found.path, part), key: None, kind });
    }
    let (kind, key) = found.kind.below(part)?;
    let name = match found.kind.as_table() {
        Some(Kind::Names(names)) => names.placeholder,
        _ => key.map_or("", |key| key.name),
    };
    Some(Found { path: joined(&found.path, name), key, kind })
}

/// The parts of a dotted path: `a."b c"[3].d` is `a`, `b c`, `[]`, `d`. Brackets around all of it, as in a table's header, are
/// taken off.
fn parts(path: &str) -> Vec<String> {
    let path = path.trim();
    let path = path.strip_prefix('[').and_then(|path| path.strip_suffix(']')).unwrap_or(path);
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut rest = path.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => part.extend(rest.by_ref().take_while(|c| *c != '"')),
            '.' | '[' => {
                if !part.is_empty() {
                    parts.push(std::mem::take(&mut part));
                }
                if c == '[' {
                    rest.by_ref().take_while(|c| *c != ']').for_each(drop);
                    parts.push("[]".to_owned());
                }
            }
            c => part.push(c),
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_where_toml_would() {
        for (path, expected) in [
            ("", &[][..]),
            ("users", &["users"]),
            ("[users.alice]", &["users", "alice"]),
            ("users.\"a.b\".ssh_keys[12]", &["users", "a.b", "ssh_keys", "[]"]),
            ("a[0].b", &["a", "[]", "b"]),
            (" a.b ", &["a", "b"]),
        ] {
            assert_eq!(parts(path), expected, "{path}");
        }
    }

    #[test]
    fn names_and_places_in_arrays_are_found() {
        for (path, expected) in [
            ("users.alice.ssh_keys[1]", "users.NAME.ssh_keys[]"),
            ("users.NAME.shell", "users.NAME.shell"),
            ("network.firewall.inbound.wan.tcp", "network.firewall.inbound.wan.tcp"),
            ("containers.container.web.Container.Image", "containers.container.NAME.Container.KEY"),
            ("", ""),
        ] {
            assert_eq!(find(path).unwrap().path, expected, "{path}");
        }
        let (found, part) = find("network.interfaces.eth0.mod").unwrap_err();
        assert_eq!((found.path.as_str(), part.as_str()), ("network.interfaces.NAME", "mod"));
        assert!(find("users.alice.shell.x").is_err());
        assert_eq!(places_of("isAdmin"), ["users.NAME.isAdmin"]);
    }
}
