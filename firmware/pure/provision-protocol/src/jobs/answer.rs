use appliance_types::Generation;
use serde::Deserialize;

use super::{Ended, Failure, Rollback, Success};

/// The longest answer, in bytes.
const LIMIT: usize = 1024 * 1024;

/// What `apply-config` answers when it is done: one line of JSON. Fields that are not known are ignored: more may be said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Answer {
    outcome: Outcome,
    generation: Option<Generation>,
    stage: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    problems: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    confirm_within_s: Option<u64>,
    rollback: Option<WentBack>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Settled,
    Provisional,
    Unchanged,
    TakenBack,
    Refused,
    Failed,
    FailedTwice,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct WentBack {
    done: bool,
    to: Option<Generation>,
    reason: Option<String>,
}

/// Why an answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Too long.
    #[error("the answer of apply-config is longer than {LIMIT} bytes")]
    TooLong,
    /// Not JSON, or not of this form.
    #[error("the answer of apply-config cannot be read")]
    Format(#[from] serde_json::Error),
}

impl Answer {
    /// Reads it.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Answer, AnswerError> {
        if bytes.len() > LIMIT {
            return Err(AnswerError::TooLong);
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// How a job with this answer ended.
    pub fn ended(self) -> Ended {
        let Answer { outcome, generation, stage, reason, problems, warnings, confirm_within_s, rollback } =
            self;
        let unchanged = match outcome {
            Outcome::Settled | Outcome::Provisional | Outcome::TakenBack => false,
            Outcome::Unchanged => true,
            Outcome::Refused | Outcome::Failed | Outcome::FailedTwice => {
                let reason = reason.unwrap_or_else(|| "apply-config gave no reason".to_owned());
                let rollback = match rollback {
                    Some(WentBack { done: true, to, .. }) => Rollback::Done { to },
                    Some(WentBack { done: false, reason, .. }) => failed(reason),
                    None if outcome == Outcome::FailedTwice => failed(None),
                    None => Rollback::NotNeeded,
                };
                return Ended::Failed(Failure { reason, stage, problems, rollback });
            }
        };
        Ended::Succeeded(Success { generation, unchanged, confirm_within_s, warnings })
    }
}

fn failed(reason: Option<String>) -> Rollback {
    Rollback::Failed { reason: reason.unwrap_or_else(|| "apply-config gave no reason".to_owned()) }
}
