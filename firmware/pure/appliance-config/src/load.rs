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
