//! What the table tests share: a right document to add to, and problems in a form that fits into a row.

use crate::{Loaded, Problems, Sources, SystemFacts, load};

pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

pub(crate) fn read(document: &str) -> Result<Loaded, Problems> {
    load(&Sources { config: document.as_bytes(), overlay: None }, &SystemFacts::of_image())
}

/// A document with an administrator, and `more`.
pub(crate) fn with(more: &str) -> Result<Loaded, Problems> {
    read(&format!("version = 1\nusers.admin = {{ isAdmin = true, ssh_key = \"{KEY}\" }}\n{more}"))
}

/// All that is said about a document with an administrator and `more`: `path code message (hint)`, one on each line.
pub(crate) fn said(more: &str) -> String {
    let problems = match with(more) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems.iter().cloned().collect(),
    };
    let line = |problem: &crate::Problem| {
        let hint = problem.hint.as_deref().unwrap_or_default();
        format!("{} {} {} ({hint})", problem.path, problem.code.as_str(), problem.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Each row: what is added to a document, and what is said then. `""`: nothing. Otherwise exactly one thing, which has all
/// the words of the row in it.
pub(crate) fn check(rows: &[(&str, &str)]) {
    for (more, expected) in rows {
        let said = said(more);
        let words = expected.split(" … ").all(|words| said.contains(words));
        let count = said.lines().count();
        assert!(
            words && count == usize::from(!expected.is_empty()),
            "{more}\n  expected: {expected}\n  said: {said}"
        );
    }
}
