//! What became of a configuration: one line of JSON for whoever asked.

use appliance_config::{Loaded, Problem, Problems};
use appliance_types::Generation;
use serde::Serialize;

use crate::stage::{Failure, Stage, one_line};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    /// It is in effect, and worked as a whole.
    Settled,
    /// It is what was in effect already; nothing was done.
    Unchanged,
    /// It is not right, and nothing was changed.
    Refused,
    /// It did not work, and what was before is in effect again.
    Failed,
    /// It did not work, and going back did not work either.
    FailedTwice,
}

/// The answer of `apply-config import` and `check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) outcome: Ending,
    /// The generation in question; none when it was refused.
    pub(crate) generation: Option<Generation>,
    /// Where it failed.
    pub(crate) stage: Option<Stage>,
    /// Why, on one line.
    pub(crate) reason: Option<String>,
    /// Everything that is wrong with the document, each with its place.
    pub(crate) problems: Vec<Problem>,
    /// What the owner should know.
    pub(crate) warnings: Vec<Problem>,
    /// Public keys of the administrators.
    pub(crate) admin_keys: Vec<String>,
}

impl Outcome {
    /// It ended well.
    pub(crate) fn good(outcome: Ending, generation: Option<Generation>, loaded: &Loaded) -> Outcome {
        let admins = loaded.config.users.values().filter(|user| user.admin);
        let admin_keys = admins.flat_map(|user| &user.keys).map(|key| key.as_str().to_owned()).collect();
        let warnings = loaded.warnings.clone();
        Outcome { outcome, generation, stage: None, reason: None, problems: Vec::new(), warnings, admin_keys }
    }

    /// The document is not right.
    pub(crate) fn refused(problems: &Problems) -> Outcome {
        let problems: Vec<Problem> = problems.iter().cloned().collect();
        let more = match problems.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let reason = problems.first().map(|first| format!("{first}{more}"));
        Outcome { problems, ..Outcome::ended(Ending::Refused, Stage::Config, reason) }
    }

    /// It could not be read, kept or made true.
    pub(crate) fn not(outcome: Ending, generation: Option<Generation>, failure: &Failure) -> Outcome {
        Outcome { generation, ..Outcome::ended(outcome, failure.stage, Some(one_line(&failure.error))) }
    }

    fn ended(outcome: Ending, stage: Stage, reason: Option<String>) -> Outcome {
        Outcome {
            outcome,
            generation: None,
            stage: Some(stage),
            reason,
            problems: Vec::new(),
            warnings: Vec::new(),
            admin_keys: Vec::new(),
        }
    }

    /// 0: in effect. 1: refused. 2: did not work.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.outcome {
            Ending::Settled | Ending::Unchanged => 0,
            Ending::Refused => 1,
            Ending::Failed | Ending::FailedTwice => 2,
        }
    }
}
