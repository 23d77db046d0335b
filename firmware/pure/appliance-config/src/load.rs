//! The whole way, from bytes to a configuration.

use crate::check;
use crate::document::Document;
use crate::raw::{RawV1, Version};
use crate::report::{Report, SourceFile};
use crate::{Code, Config, Problem, Problems, SystemFacts};

/// The largest `config.toml`, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// What an owner wrote.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// `config.toml`.
    pub config: &'a [u8],
    /// What one device has other than the rest.
    pub overlay: Option<Overlay<'a>>,
}

/// A document laid over `config.toml`: tables are merged, everything else replaces what was there.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// Its name in problems: `devices/525400123456.toml`.
    pub name: &'a str,
    /// Its text.
    pub bytes: &'a [u8],
}

/// A configuration that may be put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What it means.
    pub config: Config,
    /// What the owner should know: where something other than what was written will happen.
    pub warnings: Vec<Problem>,
}

/// Reads and checks a configuration.
///
/// # Errors
/// Every problem there is, warnings among them, in the order of their places.
pub fn load(sources: &Sources<'_>, facts: &SystemFacts) -> Result<Loaded, Problems> {
    let mut files = vec![SourceFile::new("config.toml", sources.config)];
    files.extend(sources.overlay.map(|overlay| SourceFile::new(overlay.name, overlay.bytes)));
    let report = Report::new(files);
    let config = read(&report, facts);
    let (problems, warnings) = report.finish();
    match (Problems::new(problems), config) {
        (None, Some(config)) => Ok(Loaded { config, warnings }),
        (Some(problems), _) => Err(problems),
        // A stage ends early only where it reported why.
        (None, None) => Err(Problems::one(Problem {
            code: Code::Syntax,
            file: "config.toml".to_owned(),
            path: String::new(),
            line: 1,
            column: 1,
            message: "the document could not be read".to_owned(),
            hint: None,
        })),
    }
}

/// `None` where reading cannot go on. A value says nothing about problems: only the report does.
fn read(report: &Report<'_>, facts: &SystemFacts) -> Option<Config> {
    let document = Document::parse(report)?;
    let raw = match Version::of(&document, report)? {
        Version::V1 => RawV1::read(&document, report),
        // Version 2 would be read into a `RawV2` here, and what is above made into one (`RawV2::from(RawV1)`, which cannot
        // fail), so that only the newest is checked.
    };
    Some(check::check(&raw, facts, report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{KEY, read};

    fn said(config: &[u8]) -> String {
        load(&Sources { config, overlay: None }, &SystemFacts::of_image()).unwrap_err().to_string()
    }

    #[test]
    fn a_byte_order_mark_and_dos_line_ends_are_no_mistake() {
        let text =
            format!("\u{feff}version = 1\r\n[users.admin]\r\nisAdmin = true\r\nssh_key = \"{KEY}\"\r\n");
        assert!(read(&text).is_ok());
        // And they shift no column.
        assert!(read("\u{feff}verzion = 1\r\n").unwrap_err().first().column == 1);
    }

    #[test]
    fn what_is_no_text_or_too_much_of_it_is_said_and_nothing_else() {
        assert_eq!(
            said(b"version = 1\n# caf\xe9\n"),
            "config.toml:2:6: the document is not UTF-8 (save it as UTF-8 text) [syntax]"
        );
        let large = "#".repeat(MAX_BYTES + 1);
        assert!(
            said(large.as_bytes())
                .starts_with("config.toml:1:1: the document has 1048577 bytes; 1048576 are")
        );
    }

    #[test]
    fn an_overlay_alone_can_be_wrong() {
        let config = format!("version = 1\nusers.admin = {{ isAdmin = true, ssh_key = \"{KEY}\" }}\n");
        let load = |bytes: &str| {
            let overlay = Some(Overlay { name: "devices/x.toml", bytes: bytes.as_bytes() });
            load(&Sources { config: config.as_bytes(), overlay }, &SystemFacts::of_image())
        };
        assert!(load("").is_ok());
        for (overlay, expected) in [
            (
                "version = 2",
                "devices/x.toml:1:11: version: this Slipway reads version 1, not 2 [unknown-version]",
            ),
            ("users = 1", "devices/x.toml:1:9: users: it should be a table, not an integer [wrong-type]"),
            ("\n x = ", "devices/x.toml:2:6: string values must be quoted, expected literal string [syntax]"),
        ] {
            assert_eq!(load(overlay).unwrap_err().to_string(), expected);
        }
    }
}
