//! What is wrong with a document, and where.

use std::fmt;

use serde::{Serialize, Serializer};

/// One thing that is wrong, at one place. Its `Display` is one line:
/// `config.toml:12:7: network.interfaces.eth0.mode: … (hint) [bad-value]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of problem: stable, for programs.
    pub code: Code,
    /// The file it is in: `config.toml`, or the overlay's name.
    pub file: String,
    /// Where in the document, dotted: `users.alice.ssh_key`; a key that is no bare key is quoted. Empty for the document.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Everything that is wrong with a document, in the order of its places. Never empty. `Display`: one problem on each line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    first: Box<Problem>,
    rest: Vec<Problem>,
}

impl Problems {
    /// `None` when nothing is wrong.
    pub(crate) fn new(problems: Vec<Problem>) -> Option<Problems> {
        let mut problems = problems.into_iter();
        Some(Problems { first: Box::new(problems.next()?), rest: problems.collect() })
    }

    /// One problem alone.
    pub(crate) fn one(problem: Problem) -> Problems {
        Problems { first: Box::new(problem), rest: Vec::new() }
    }

    /// The one to mention where there is room for one.
    pub fn first(&self) -> &Problem {
        &self.first
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(&*self.first).chain(&self.rest)
    }

    /// How many.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        1 + self.rest.len()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

impl std::error::Error for Problems {}

impl Serialize for Problems {
    /// A list.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Kinds of problems. Their texts are part of the interface and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Not UTF-8, or not TOML.
    Syntax,
    /// Larger than a configuration may be.
    TooLarge,
    /// A version that this Slipway does not know.
    UnknownVersion,
    /// A key or table that does not exist.
    UnknownKey,
    /// A key of a later Slipway, or one that this Slipway does not act on yet.
    NotSupported,
    /// A key that must be there and is not.
    MissingKey,
    /// A string where a number should be, and the like.
    WrongType,
    /// The right type, but not a value that can be.
    BadValue,
    /// It would get around a rule that protects the device: which network a container sees, what runs as root.
    NotAllowed,
    /// Values that exclude each other, or refer to something that is not there.
    Conflict,
    /// Nobody could administer the device.
    NoAdmin,
    /// Accepted, with a change the owner should know of. Never stops a configuration.
    Warning,
}

impl Code {
    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Syntax => "syntax",
            Code::TooLarge => "too-large",
            Code::UnknownVersion => "unknown-version",
            Code::UnknownKey => "unknown-key",
            Code::NotSupported => "not-supported",
            Code::MissingKey => "missing-key",
            Code::WrongType => "wrong-type",
            Code::BadValue => "bad-value",
            Code::NotAllowed => "not-allowed",
            Code::Conflict => "conflict",
            Code::NoAdmin => "no-admin",
            Code::Warning => "warning",
        }
    }
}

impl Problem {
    /// The problem, its line of `source` and a mark below its place, for a person at a terminal. `source` is the file that
    /// [`Problem::file`] names. The line is shown as it is: where it holds a secret, so does the result.
    pub fn excerpt(&self, source: &str) -> String {
        const BEFORE: usize = 60;
        const AFTER: usize = 40;
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let line = source.split('\n').nth(self.line.saturating_sub(1)).unwrap_or_default();
        let column = self.column.saturating_sub(1);
        // A line may be as long as the document.
        let start = column.saturating_sub(BEFORE);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let shown: String = line.chars().skip(start).take(BEFORE + AFTER).map(plain).collect();
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let mark = " ".repeat(column - start);
        format!("{self}\n{number} | {}\n{margin} | {mark}^", shown.trim_end())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { code, file, path, line, column, message, hint } = self;
        write!(f, "{file}:{line}:{column}: ")?;
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        f.write_str(message)?;
        if let Some(hint) = hint {
            write!(f, " ({hint})")?;
        }
        write!(f, " [{}]", code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize, column: usize) -> Problem {
        let (file, path, message) = ("config.toml".to_owned(), "a.b".to_owned(), "no".to_owned());
        Problem { code: Code::BadValue, file, path, line, column, message, hint: Some("yes".to_owned()) }
    }

    #[test]
    fn prints_one_line() {
        assert_eq!(problem(3, 7).to_string(), "config.toml:3:7: a.b: no (yes) [bad-value]");
        let problems = Problems::new(vec![problem(1, 1), problem(2, 1)]).unwrap();
        assert_eq!((problems.to_string().lines().count(), problems.len()), (2, 2));
        assert_eq!(problems.first(), &problem(1, 1));
        assert_eq!(Problems::new(Vec::new()), None);
    }

    #[test]
    fn an_excerpt_marks_the_place() {
        for (source, place, expected) in [
            ("a = 1\n\tö = 'x'\r\n", (2, 6), "2 |  ö = 'x'\n  |      ^"),
            ("\u{feff}a = 1", (1, 1), "1 | a = 1\n  | ^"),
            // The end of a document is a place too, and so is what is not there.
            ("a = ", (1, 5), "1 | a =\n  |     ^"),
            ("a", (9, 3), "9 | \n  |   ^"),
        ] {
            let excerpt = problem(place.0, place.1).excerpt(source);
            assert_eq!(excerpt.split_once('\n').unwrap().1, expected);
        }
        let long = problem(1, 500).excerpt(&"x".repeat(1000));
        assert!(long.lines().all(|line| line.len() < 120), "{long}");
    }
}
