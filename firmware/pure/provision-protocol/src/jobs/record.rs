use appliance_types::{BootToken, Generation};
use serde::{Deserialize, Serialize};

use super::events::{self, EventKind};
use super::{Event, JobId, JobKind, Step};
use crate::UnixTime;
use crate::verify::Who;

/// The version of the file. A later program reads all earlier ones; an earlier one, after a rollback of the system, refuses later ones
/// by name and leaves them where they are.
const VERSION: u32 = 1;

/// The largest file, in bytes.
pub(super) const FILE_LIMIT: usize = 1024 * 1024;

/// A job, as it is kept: one file for each, `ID.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRecord {
    version: u32,
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// For whom.
    pub by: Who,
    /// Since when.
    pub started: UnixTime,
    /// In which boot.
    pub boot: BootToken,
    /// What was in force when it began; `None`: nothing.
    pub before: Option<Generation>,
    /// How far it is.
    pub state: State,
    /// What happened.
    pub events: Vec<Event>,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum State {
    /// On its way.
    Running {
        /// Where.
        step: Step,
        /// Since when.
        since: UnixTime,
    },
    /// Over.
    Ended {
        /// Since when.
        at: UnixTime,
        /// How.
        how: Ended,
    },
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Ended {
    /// What was asked for is so.
    Succeeded(Success),
    /// It is not.
    Failed(Failure),
    /// It was stopped before it changed anything.
    Cancelled,
}

/// What a job that worked has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Success {
    /// What is in force now, for a job about that.
    pub generation: Option<Generation>,
    /// It was in force already.
    pub unchanged: bool,
    /// So many seconds remain to confirm it.
    pub confirm_within_s: Option<u64>,
    /// What the owner should know.
    pub warnings: Vec<String>,
}

/// Why a job did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// On one line.
    pub reason: String,
    /// Where in `apply-config`, when it was there.
    #[serde(default)]
    pub stage: Option<String>,
    /// Everything that is wrong with the document.
    #[serde(default)]
    pub problems: Vec<String>,
    /// What is in force now.
    pub rollback: Rollback,
}

/// What became of going back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Rollback {
    /// Nothing had been changed.
    NotNeeded,
    /// What was before is in force again.
    Done {
        /// What that is; `None`: nothing.
        to: Option<Generation>,
    },
    /// Going back failed too.
    Failed {
        /// Why.
        reason: String,
    },
    /// Nobody can tell any more.
    Unknown,
}

/// Why a file is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Too large.
    #[error("the record is larger than {FILE_LIMIT} bytes")]
    TooLarge,
    /// Not JSON, or not of this form.
    #[error("the record cannot be read")]
    Format(#[from] serde_json::Error),
    /// Of a later form.
    #[error("the record is of version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// Its name is another job's.
    #[error("the file holds the record of job {0}")]
    Name(JobId),
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl JobRecord {
    pub(super) fn new(id: JobId, kind: JobKind, by: Who, start: super::Start) -> JobRecord {
        let super::Start { now, boot, before } = start;
        let mut events = Vec::new();
        events::add(&mut events, now, EventKind::Step { step: Step::Accepted });
        let state = State::Running { step: Step::Accepted, since: now };
        JobRecord { version: VERSION, id, kind, by, started: now, boot, before, state, events }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is not one of these.
    pub fn parse(bytes: &[u8]) -> Result<JobRecord, RecordError> {
        if bytes.len() > FILE_LIMIT {
            return Err(RecordError::TooLarge);
        }
        // A later version may have other fields: it is named as such, and not by the first field that is strange.
        let VersionOnly { version } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// The file's content.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and numbers only: there is nothing that JSON cannot say.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The file's name.
    pub fn file_name(&self) -> String {
        file_name(self.id)
    }

    /// Where it is; `None`: it is over.
    pub fn step(&self) -> Option<Step> {
        match self.state {
            State::Running { step, .. } => Some(step),
            State::Ended { .. } => None,
        }
    }

    /// What happened after the event of this number; everything without one.
    pub fn events_after(&self, number: Option<u32>) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| number.is_none_or(|number| event.number > number))
    }

    pub(super) fn begin(&mut self, step: Step, now: UnixTime) {
        self.state = State::Running { step, since: now };
        events::add(&mut self.events, now, EventKind::Step { step });
    }

    pub(super) fn say(&mut self, text: &str, now: UnixTime) {
        events::add(&mut self.events, now, EventKind::message(text));
    }

    pub(super) fn end(&mut self, how: Ended, now: UnixTime) {
        self.state = State::Ended { at: now, how };
        events::add(&mut self.events, now, EventKind::Ended);
    }
}

pub(super) fn file_name(id: JobId) -> String {
    format!("{id}.json")
}

impl Failure {
    pub(super) fn new(reason: impl Into<String>, rollback: Rollback) -> Failure {
        Failure { reason: reason.into(), stage: None, problems: Vec::new(), rollback }
    }
}
