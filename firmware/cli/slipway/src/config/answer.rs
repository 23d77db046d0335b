//! What is said of a configuration: one answer, as text with the lines in question, or as JSON.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use anyhow::Context;
use appliance_config::{Code, Look, Problem};
use serde::Serialize;

/// What was found. As JSON it is the answer of `--json`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Answer {
    /// Whether an appliance would accept it.
    ok: bool,
    /// What is wrong, in the order of their places.
    problems: Vec<Problem>,
    /// What is worth knowing.
    warnings: Vec<Problem>,
    /// The text of each file that problems name.
    #[serde(skip)]
    texts: BTreeMap<String, String>,
}

impl Answer {
    /// Problems and warnings, in any order and also twice; `texts` has the files they name.
    pub(crate) fn new(found: impl IntoIterator<Item = Problem>, texts: BTreeMap<String, String>) -> Answer {
        let mut answer = Answer { texts, ..Answer::default() };
        for problem in found {
            let list =
                if problem.code == Code::Warning { &mut answer.warnings } else { &mut answer.problems };
            if !list.contains(&problem) {
                list.push(problem);
            }
        }
        answer.ok = answer.problems.is_empty();
        answer
    }

    /// A bundle that is refused before its document is looked at. `name` is what it was given as.
    pub(crate) fn refused(name: &str, message: String) -> Answer {
        let (path, hint) = (String::new(), None);
        let problem =
            Problem { code: Code::Bundle, file: name.to_owned(), path, line: 1, column: 1, message, hint };
        Answer::new([problem], BTreeMap::new())
    }

    /// Whether an appliance would accept it.
    pub(crate) fn is_ok(&self) -> bool {
        self.ok
    }

    pub(crate) fn json(&self) -> anyhow::Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self).context("cannot write JSON")?))
    }

    /// For a person. `name` is what was looked at.
    pub(crate) fn in_words(&self, name: &str, look: Look) -> String {
        let mut text = String::new();
        for problem in self.problems.iter().chain(&self.warnings) {
            text.push_str(&match self.texts.get(&problem.file) {
                Some(source) => problem.excerpt(source, look),
                None => format!("error[{}]: {}: {}", problem.code.as_str(), problem.file, problem.message),
            });
            text.push_str("\n\n");
        }
        let (problems, warnings) =
            (count(self.problems.len(), "problem"), count(self.warnings.len(), "warning"));
        text.push_str(&match (self.problems.first(), self.warnings.len()) {
            (None, 0) => format!("{name} is right\n"),
            (None, _) => format!("{name} is right, with {warnings}\n"),
            (Some(first), more) => {
                let more = if more == 0 { String::new() } else { format!(" and {warnings}") };
                let code = first.code.as_str();
                format!("{name} would be refused: {problems}{more}; for more, try `slipway config explain {code}`\n")
            }
        });
        text
    }
}

/// Colours, if whoever looks at the output can see them and has not asked for none.
pub(crate) fn look(output: &impl IsTerminal) -> Look {
    let none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if output.is_terminal() && !none && !dumb { Look::Coloured } else { Look::Plain }
}

fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
