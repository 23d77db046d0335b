use serde::{Deserialize, Serialize};

use crate::UnixTime;
use crate::command::Command;
use crate::jobs::{Ended, JobId, JobKind};
use crate::problem::Code;
use crate::verify::Who;
use crate::words::Peer;

/// One thing that was asked or done. It holds no secret, no signature and no body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// When, as far as the device knew.
    pub at: UnixTime,
    /// Who; `None`: nobody who proved who he is.
    pub who: Option<Who>,
    /// From where; `None`: the device itself.
    pub peer: Option<String>,
    /// What.
    pub what: Action,
    /// What came of it.
    pub outcome: Outcome,
}

/// What was asked or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// A request.
    Request {
        /// The command's name; `None`: not one of ours.
        command: Option<String>,
        /// Method and path, without the query.
        request: String,
    },
    /// A browser used a one-time URL.
    SignIn,
    /// A session ended because its key is no administrator's any more.
    SessionEnded,
    /// A job ended.
    JobEnded {
        /// Which.
        job: JobId,
        /// What it did.
        command: JobKind,
    },
    /// The log itself was found with a fault.
    LogFault,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It became a job.
    Accepted {
        /// Which.
        job: JobId,
    },
    /// It was not done.
    Refused {
        /// Why.
        code: Code,
    },
    /// It was tried, and did not work.
    Failed {
        /// Why, on one line.
        reason: String,
    },
}

/// The longest text of others that an entry repeats, in characters.
const REPEATED: usize = 200;

impl AuditEntry {
    /// A request, done or not. `request` is method and path as they came.
    pub fn request(
        at: UnixTime,
        who: Option<Who>,
        peer: Peer,
        command: Option<&Command>,
        request: &str,
        outcome: Outcome,
    ) -> AuditEntry {
        let path = request.split(['?', '#']).next().unwrap_or_default();
        let command = command.map(|command| command.name().to_owned());
        let what = Action::Request { command, request: shown(path) };
        AuditEntry { at, who, peer: Some(peer.to_string()), what, outcome }
    }

    /// A job that ended.
    pub fn job_ended(at: UnixTime, who: Who, job: JobId, command: JobKind, how: &Ended) -> AuditEntry {
        let outcome = match how {
            Ended::Succeeded(_) => Outcome::Done,
            Ended::Failed(failure) => Outcome::Failed { reason: shown(&failure.reason) },
            Ended::Cancelled => Outcome::Failed { reason: "cancelled".to_owned() },
        };
        AuditEntry { at, who: Some(who), peer: None, what: Action::JobEnded { job, command }, outcome }
    }
}

/// One short line. The secret of a one-time URL is in its path, and does not get here: that request is a [`Action::SignIn`].
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REPEATED).collect()
}
