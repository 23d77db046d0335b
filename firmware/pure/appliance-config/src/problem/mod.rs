//! What is wrong with a document, and where.

mod code;
mod excerpt;

use std::fmt;

use serde::{Serialize, Serializer};

pub use code::{Code, CodeDoc};
pub use excerpt::Look;

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
}
