//! What a check found.

use std::fmt;

/// One finding, printed as one line: `check: <what>: <where>: <why> — <what to do>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    what: &'static str,
    place: String,
    why: String,
    remedy: String,
}

impl Problem {
    /// A finding of the rule `what` at `place`: a path, `path:line`, or a crate.
    pub(crate) fn new(
        what: &'static str,
        place: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem { what, place: place.into(), why: why.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { what, place, remedy, .. } = self;
        // The words of a tool may come in many lines.
        let why = self.why.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "check: {what}: {place}: {why} — {remedy}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_of_four_parts() {
        let problem =
            Problem::new("tab", "xtask/src/main.rs:3", "the line\n  holds a tab", "run `cargo fmt`");
        assert_eq!(
            problem.to_string(),
            "check: tab: xtask/src/main.rs:3: the line holds a tab — run `cargo fmt`"
        );
    }
}
