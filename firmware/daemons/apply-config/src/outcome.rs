//! What became of a configuration: one line of JSON for whoever asked.

use appliance_config::{Problem, Problems};
use appliance_types::Generation;
use config_store::BundleError;
use serde::Serialize;

use crate::candidate::{Candidate, Refusal};
use crate::stage::{Failure, Stage, one_line};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    /// It is in effect, and worked as a whole.
    Settled,
    /// It is in effect, worked as a whole, and is taken back unless it is confirmed.
    Provisional,
    /// It is what was in effect already; nothing was done.
    Unchanged,
    /// What was on trial was taken back, and what was before is in effect again.
    TakenBack,
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
    pub(crate) problems: Vec<String>,
    /// What the owner should know.
    pub(crate) warnings: Vec<String>,
    /// Public keys of the administrators.
    pub(crate) admin_keys: Vec<String>,
    /// The file for this device that was laid over the configuration.
    pub(crate) overlay: Option<String>,
    /// How long it is on trial, in seconds.
    pub(crate) confirm_within_s: Option<u64>,
    /// What became of going back.
    pub(crate) rollback: Option<Rollback>,
}

/// What became of going back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Rollback {
    /// Whether all of it worked.
    done: bool,
    /// The generation that is in force again; `None`: none was before, or nobody knows.
    to: Option<Generation>,
    /// Where it failed.
    stage: Option<Stage>,
    /// Why, on one line.
    reason: Option<String>,
}

impl Rollback {
    /// It worked.
    pub(crate) fn done(to: Option<Generation>) -> Rollback {
        Rollback { done: true, to, stage: None, reason: None }
    }

    /// It did not work, or not all of it.
    pub(crate) fn failed(failure: &Failure) -> Rollback {
        let reason = Some(one_line(&failure.error));
        Rollback { done: false, to: None, stage: Some(failure.stage), reason }
    }
}

impl Outcome {
    /// It ended well.
    pub(crate) fn good(outcome: Ending, generation: Option<Generation>, candidate: &Candidate) -> Outcome {
        let loaded = &candidate.loaded;
        let admins = loaded.config.users.values().filter(|user| user.admin);
        let admin_keys = admins.flat_map(|user| &user.keys).map(|key| key.as_str().to_owned()).collect();
        let warnings = loaded.warnings.iter().map(Problem::to_string).collect();
        let overlay = candidate.overlay.clone();
        Outcome { warnings, admin_keys, overlay, ..Outcome::plain(outcome, generation) }
    }

    /// It is in effect and on trial.
    pub(crate) fn provisional(generation: Generation, seconds: u64, candidate: &Candidate) -> Outcome {
        let confirm_within_s = Some(seconds);
        Outcome { confirm_within_s, ..Outcome::good(Ending::Provisional, Some(generation), candidate) }
    }

    /// There was nothing to do.
    pub(crate) fn unchanged(generation: Option<Generation>) -> Outcome {
        Outcome::plain(Ending::Unchanged, generation)
    }

    /// What was on trial is gone.
    pub(crate) fn taken_back(generation: Option<Generation>) -> Outcome {
        Outcome::plain(Ending::TakenBack, generation).with_rollback(Rollback::done(generation))
    }

    /// It came to an end before anything was changed.
    pub(crate) fn nothing_done(failure: &Failure) -> Outcome {
        Outcome::not(Ending::Failed, None, failure)
    }

    /// The same, with what became of going back.
    pub(crate) fn with_rollback(self, rollback: Rollback) -> Outcome {
        Outcome { rollback: Some(rollback), ..self }
    }

    /// The document is not right.
    pub(crate) fn refused(problems: &Problems) -> Outcome {
        let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
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
        Outcome { stage: Some(stage), reason, ..Outcome::plain(outcome, None) }
    }

    fn plain(outcome: Ending, generation: Option<Generation>) -> Outcome {
        Outcome {
            outcome,
            generation,
            stage: None,
            reason: None,
            problems: Vec::new(),
            warnings: Vec::new(),
            admin_keys: Vec::new(),
            overlay: None,
            confirm_within_s: None,
            rollback: None,
        }
    }

    /// What is in effect, told as the import that brought it would tell.
    pub(crate) fn current(generation: Generation, candidate: &Candidate) -> Outcome {
        Outcome::good(Ending::Settled, Some(generation), candidate)
    }

    /// 0: in effect. 1: refused. 2: did not work.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.outcome {
            Ending::Settled | Ending::Provisional | Ending::Unchanged | Ending::TakenBack => 0,
            Ending::Refused => 1,
            Ending::Failed | Ending::FailedTwice => 2,
        }
    }
}

impl From<Refusal> for Outcome {
    /// For what came to an end before anything was changed.
    fn from(refusal: Refusal) -> Outcome {
        match refusal {
            Refusal::Problems(problems) => Outcome::refused(&problems),
            Refusal::Failure(failure) => {
                let is_its_own_fault = failure.stage.is_about_the_document()
                    || failure.error.downcast_ref::<BundleError>().is_some_and(BundleError::is_refusal);
                let ending = if is_its_own_fault { Ending::Refused } else { Ending::Failed };
                Outcome::not(ending, None, &failure)
            }
        }
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
