//! Rules about the text of the repository, which no compiler knows.

mod addresses;
mod decisions;

use super::problem::Problem;
use crate::sh;
use anyhow::{Context as _, Result};
use std::path::Path;

const HERE: &str = "xtask/src/check/hygiene.rs";

/// A Rust file is read in one sitting.
const MAX_LINES: usize = 600;

/// Rust files that are longer, each with the reason why it would be worse in parts.
const LONG_FILES: &[(&str, &str)] = &[];

/// Checks every file that git tracks or would track.
///
/// # Errors
/// When git cannot list the files or one of them cannot be read.
pub(crate) fn check_checkout(root: &Path) -> Result<Vec<Problem>> {
    let mut command = sh::command("git");
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let list = sh::output(&mut command).context("cannot list the files of the checkout")?;
    check_files(root, list.split_terminator('\0'))
}

/// Checks the files at `paths`, relative to `root` and with `/`.
fn check_files<'p>(root: &Path, paths: impl Iterator<Item = &'p str>) -> Result<Vec<Problem>> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        let full = root.join(path);
        // A link has no text of its own, and a file deleted but not committed has none any more.
        if !full.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| format!("cannot read {}", full.display()))?;
        // What is not text has no lines to check.
        if let Ok(text) = String::from_utf8(bytes) {
            problems.extend(check_file(path, &text));
            files.push((path.to_owned(), text));
        }
    }
    problems.extend(stale_long_files(&files, LONG_FILES));
    problems.extend(decisions::check(&files));
    Ok(problems)
}

fn check_file(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = addresses::check(path, text);
    let is_rust = has_extension(path, "rs");
    if is_rust || has_extension(path, "toml") {
        problems.extend(tabs_and_line_ends(path, text));
    }
    if is_rust {
        problems.extend(too_long(path, text, LONG_FILES));
        problems.extend(unsafe_outside_host(path, text));
    }
    problems
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn tabs_and_line_ends(path: &str, text: &str) -> Vec<Problem> {
    let found = |what, character: char, why: &str, remedy: &str| {
        let line = text.split('\n').position(|line| line.contains(character))?;
        Some(Problem::new(what, format!("{path}:{}", line + 1), why, remedy))
    };
    let tab = found("tab", '\t', "the line holds a tab", "indent with spaces; in a string write \\t");
    let cr = found("line end", '\r', "the line holds a carriage return", "end lines with a line feed alone");
    tab.into_iter().chain(cr).collect()
}

fn too_long(path: &str, text: &str, long_files: &[(&str, &str)]) -> Option<Problem> {
    let lines = text.lines().count();
    let listed = long_files.iter().any(|(file, _)| *file == path);
    (lines > MAX_LINES && !listed).then(|| {
        let why = format!("{lines} lines of Rust; a file has at most {MAX_LINES}");
        let remedy = format!("split it, or add it to LONG_FILES in {HERE} with the reason");
        Problem::new("long file", path, why, remedy)
    })
}

/// Entries of the list that are not needed any more.
fn stale_long_files(files: &[(String, String)], long_files: &[(&str, &str)]) -> Vec<Problem> {
    let is_long =
        |file: &str| files.iter().any(|(path, text)| path == file && text.lines().count() > MAX_LINES);
    let stale = long_files.iter().filter(|(file, _)| !is_long(file));
    let report = stale.map(|(file, _)| {
        Problem::new(
            "long file",
            HERE,
            format!("LONG_FILES names {file}, which is not long"),
            "remove the entry",
        )
    });
    report.collect()
}

/// The workspace denies `unsafe_code` and every crate inherits that (the manifests step), so unsafe code needs an
/// attribute that names the lint, and it is enough to look for that.
fn unsafe_outside_host(path: &str, text: &str) -> Vec<Problem> {
    if path.starts_with("firmware/host/") {
        return Vec::new();
    }
    let named = text.lines().enumerate().filter(|(_, line)| lifts_unsafe_code(line));
    let report = named.map(|(number, _)| {
        Problem::new(
            "unsafe",
            format!("{path}:{}", number + 1),
            "unsafe code is allowed here",
            "move it into a crate of firmware/host, or use what rustix has",
        )
    });
    report.collect()
}

/// Whether `line` has the name of the lint in code, other than to forbid it. rustfmt may put the name on a line of its
/// own, so the word before it need not be there.
fn lifts_unsafe_code(line: &str) -> bool {
    // In a comment or a string the name is only a word.
    let end = line.find("//").into_iter().chain(line.find('"')).min().unwrap_or(line.len());
    let words = line[..end].split(|c: char| !c.is_alphanumeric() && c != '_');
    let words: Vec<&str> = std::iter::once("").chain(words).collect();
    words.windows(2).any(|pair| pair[1] == "unsafe_code" && !["deny", "forbid"].contains(&pair[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(problems: impl IntoIterator<Item = Problem>) -> Vec<String> {
        problems.into_iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn a_plain_rust_file_is_fine() {
        assert_eq!(
            lines(check_file("xtask/src/main.rs", "//! Says `unsafe_code`.\n\nfn main() {}\n")),
            [""; 0]
        );
    }

    #[test]
    fn tabs_and_carriage_returns_are_found_in_rust_and_toml_only() {
        let found = lines(check_file("xtask/Cargo.toml", "a = 1\r\nb =\t2\r\n"));
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with("check: tab: xtask/Cargo.toml:2: the line holds a tab"), "{}", found[0]);
        assert!(found[1].starts_with("check: line end: xtask/Cargo.toml:1: "), "{}", found[1]);
        assert_eq!(lines(check_file("Makefile", "all:\n\techo\r\n")), [""; 0]);
    }

    #[test]
    fn a_long_file_needs_a_reason_and_a_short_one_has_none() {
        let text = "\n".repeat(601);
        let found = lines(too_long("a.rs", &text, &[]));
        assert_eq!(
            found,
            ["check: long file: a.rs: 601 lines of Rust; a file has at most 600 — \
              split it, or add it to LONG_FILES in xtask/src/check/hygiene.rs with the reason"]
        );
        let listed = [("a.rs", "a table")];
        assert_eq!(lines(too_long("a.rs", &text, &listed)), [""; 0]);
        assert_eq!(lines(stale_long_files(&[("a.rs".to_owned(), text)], &listed)), [""; 0]);
        assert_eq!(lines(stale_long_files(&[("a.rs".to_owned(), "\n".repeat(600))], &listed)).len(), 1);
        assert_eq!(lines(stale_long_files(&[], &listed)).len(), 1);
    }

    #[test]
    fn only_host_may_lift_the_lint_on_unsafe_code() {
        let text = "#[expect(\n    unsafe_code,\n    reason = \"…\"\n)]\nfn f() {}\n";
        assert_eq!(lines(unsafe_outside_host("firmware/host/host-files/src/lib.rs", text)), [""; 0]);
        let found = lines(unsafe_outside_host("firmware/device/early-boot/src/main.rs", text));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with("check: unsafe: firmware/device/early-boot/src/main.rs:2: "),
            "{}",
            found[0]
        );
        let stricter = "#![forbid(unsafe_code)]\nfn unsafe_code_is_a_word() {} // allow(unsafe_code)\n";
        assert_eq!(lines(unsafe_outside_host("firmware/pure/disk-image/src/lib.rs", stricter)), [""; 0]);
        assert_eq!(lines(unsafe_outside_host("xtask/src/main.rs", "#![allow(unsafe_code)]\n")).len(), 1);
    }

    #[test]
    fn links_deleted_files_and_binary_files_have_no_text() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("text.rs"), "\t\n").unwrap();
        std::fs::write(dir.path().join("binary.rs"), b"\xff\t\n").unwrap();
        std::os::unix::fs::symlink("text.rs", dir.path().join("link.rs")).unwrap();
        let paths = ["text.rs", "binary.rs", "link.rs", "deleted.rs"];
        let found = lines(check_files(dir.path(), paths.into_iter()).unwrap());
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("check: tab: text.rs:1: "), "{}", found[0]);
    }
}
