use serde::{Deserialize, Serialize};

use super::{Ended, Event, Failure, JobId, JobKind, JobRecord, State, Step, Success};
use crate::UnixTime;

/// A job as clients see it: `GET /api/jobs/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub command: JobKind,
    /// Since when.
    pub started: UnixTime,
    /// How it is.
    #[serde(flatten)]
    pub status: JobStatus,
    /// What happened.
    pub events: Vec<Event>,
}

/// How a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum JobStatus {
    /// On its way.
    Running {
        /// Where.
        step: Step,
        /// Since when.
        since: UnixTime,
    },
    /// It worked.
    Succeeded {
        /// Since when.
        ended: UnixTime,
        /// What came of it.
        result: Success,
    },
    /// It did not.
    Failed {
        /// Since when.
        ended: UnixTime,
        /// Why, and what is in force now.
        error: Failure,
    },
    /// It was stopped.
    Cancelled {
        /// Since when.
        ended: UnixTime,
    },
}

impl From<&JobRecord> for JobView {
    fn from(record: &JobRecord) -> JobView {
        let status = match &record.state {
            State::Running { step, since } => JobStatus::Running { step: *step, since: *since },
            State::Ended { at, how } => match how.clone() {
                Ended::Succeeded(result) => JobStatus::Succeeded { ended: *at, result },
                Ended::Failed(error) => JobStatus::Failed { ended: *at, error },
                Ended::Cancelled => JobStatus::Cancelled { ended: *at },
            },
        };
        let JobRecord { id, kind, started, events, .. } = record;
        JobView { id: *id, command: *kind, started: *started, status, events: events.clone() }
    }
}
