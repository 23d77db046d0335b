//! `cargo xtask check`: what is true of the whole repository, checked in one go. Every step runs whatever the others
//! said, and all problems are listed together at the end.

mod dependencies;
mod hygiene;
mod layers;
mod manifests;
mod metadata;
mod problem;
mod spdx;
mod tools;

use crate::context::Context;
use anyhow::{Result, bail};
use metadata::Metadata;
use problem::Problem;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Arguments of `cargo xtask check`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct CheckArgs {
    /// Run only these steps; without any, all of them.
    #[arg(value_enum)]
    steps: Vec<Step>,
    /// Do not use the network: the crates must have been fetched before, and advisories are not checked.
    #[arg(long)]
    offline: bool,
}

impl CheckArgs {
    /// What needs neither a compiler nor the network: for the start of every test run.
    pub(crate) fn quick() -> CheckArgs {
        CheckArgs {
            steps: vec![Step::Hygiene, Step::Manifests, Step::Layers, Step::Dependencies],
            offline: true,
        }
    }
}

/// What is checked, the quick steps first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Step {
    /// File lengths, tabs, line ends, `unsafe`, names of mirrors and machines, decision numbers.
    Hygiene,
    /// Lints and versions that each crate takes from the workspace.
    Manifests,
    /// Which crate imports which.
    Layers,
    /// Banned crates, licences and sources, by the lists in deny.toml.
    Dependencies,
    /// Formatting.
    Fmt,
    /// Lints, warnings being errors.
    Clippy,
    /// Documentation, warnings being errors.
    Doc,
    /// cargo-deny, where it is installed: the same lists, and advisories.
    Deny,
}

/// What came out of a step.
enum Outcome {
    /// The step ran and found these.
    Checked(Vec<Problem>),
    /// The step could not run here, which is no error; the reason ends in what would make it run.
    Skipped(String),
}

/// Runs the steps of `args` on the checkout.
///
/// # Errors
/// When anything was found. The findings have been printed by then, one line each.
pub(crate) fn run(context: &Context, args: &CheckArgs) -> Result<()> {
    let steps = if args.steps.is_empty() { <Step as clap::ValueEnum>::value_variants() } else { &args.steps };
    let mut problems = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let line = Line::begin(index + 1, steps.len(), *step);
        // A step that cannot do its work is a finding like any other: the rest still runs.
        let outcome = step.run(context, args.offline).unwrap_or_else(|error| {
            Outcome::Checked(vec![Problem::new(
                step.name(),
                ".",
                format!("the step cannot run: {error:#}"),
                "mend that, then check again",
            )])
        });
        line.end(&outcome);
        if let Outcome::Checked(found) = outcome {
            problems.extend(found);
        }
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("the check found 1 problem"),
        count => bail!("the check found {count} problems"),
    }
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Step::Hygiene => "hygiene",
            Step::Manifests => "manifests",
            Step::Layers => "layers",
            Step::Dependencies => "dependencies",
            Step::Fmt => "fmt",
            Step::Clippy => "clippy",
            Step::Doc => "doc",
            Step::Deny => "deny",
        }
    }

    fn run(self, context: &Context, offline: bool) -> Result<Outcome> {
        let root = &context.root;
        Ok(Outcome::Checked(match self {
            Step::Hygiene => hygiene::check_checkout(root)?,
            Step::Manifests => manifests::check_checkout(&Metadata::load(root, None, offline)?)?,
            Step::Layers => {
                layers::check(&Metadata::load(root, None, offline)?, layers::RULES, layers::PURE_EXTERNALS)
            }
            Step::Dependencies => dependencies::check_checkout(root, offline)?,
            Step::Fmt => tools::fmt(context)?,
            Step::Clippy => tools::clippy(context, offline)?,
            Step::Doc => tools::doc(context, offline)?,
            Step::Deny => return tools::deny(context, offline),
        }))
    }
}

/// The progress line of a step: `[2/8] clippy … ok (12 s)`. On a terminal it is one line; in a log, where a line
/// cannot be finished later, the beginning stands on its own.
struct Line {
    head: String,
    begun: Instant,
}

impl Line {
    fn begin(number: usize, total: usize, step: Step) -> Line {
        let head = format!("[{number}/{total}] {} …", step.name());
        if std::io::stderr().is_terminal() {
            eprint!("{head}");
            // A line that stays unseen until the step ends costs nothing else.
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{head}");
        }
        Line { head, begun: Instant::now() }
    }

    fn end(self, outcome: &Outcome) {
        let Line { head, begun } = self;
        let clear = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
        let took = seconds(begun.elapsed());
        match outcome {
            Outcome::Checked(found) if found.is_empty() => eprintln!("{clear}{head} ok ({took})"),
            Outcome::Checked(found) => eprintln!("{clear}{head} {} found ({took})", found.len()),
            Outcome::Skipped(reason) => eprintln!("{clear}{head} skipped: {reason}"),
        }
    }
}

/// A duration for a person: tenths below ten seconds.
fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn a_step_is_printed_by_the_name_that_selects_it() {
        for step in Step::value_variants() {
            assert_eq!(Step::from_str(step.name(), false), Ok(*step));
        }
    }

    #[test]
    fn durations_show_what_can_be_felt() {
        assert_eq!(seconds(Duration::from_millis(340)), "0.3 s");
        assert_eq!(seconds(Duration::from_millis(12_400)), "12 s");
    }
}
