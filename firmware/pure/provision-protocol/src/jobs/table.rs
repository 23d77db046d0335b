use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use appliance_types::{BootToken, Generation};

use super::record::file_name;
use super::ticket::Shared;
use super::{Draft, JobId, JobKind, JobRecord, RecordError, Ticket, Written};
use crate::UnixTime;
use crate::command::Command;
use crate::verify::Authorised;

/// How many jobs that are over are kept.
pub const HISTORY: usize = 64;

/// All jobs: the one that runs, and those that are over.
#[derive(Debug, Default)]
pub struct Jobs {
    running: Option<Running>,
    /// Oldest first.
    over: VecDeque<JobRecord>,
}

#[derive(Debug)]
struct Running {
    record: JobRecord,
    /// Nothing else holds it but the ticket, and what came from it: gone when the worker is.
    shared: Weak<Shared>,
    /// Whether it is on the disk, and a client may know of it.
    published: bool,
}

/// What a job begins with.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// When.
    pub now: UnixTime,
    /// In which boot.
    pub boot: BootToken,
    /// What is in force.
    pub before: Option<Generation>,
}

/// Another job runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("job {job_id} ({command}) runs since {since}: one job at a time")]
pub struct Busy {
    /// Which.
    pub job_id: JobId,
    /// What it does.
    pub command: JobKind,
    /// Since when.
    pub since: UnixTime,
}

/// Why a job was not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotStarted {
    /// Another one runs.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The command is done while its request waits.
    #[error("{0} is no job")]
    NoJob(&'static str),
}

/// Why a job was not cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CancelFault {
    /// There is no such job.
    #[error("there is no job {0}")]
    Unknown(JobId),
    /// It is over.
    #[error("job {0} is over already")]
    Over(JobId),
    /// It is past the point where nothing was changed.
    #[error("job {0} changes something already, and either works or goes back by itself")]
    TooLate(JobId),
}

/// What follows from a change that readers see now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Files of records that are not kept any longer.
    pub remove: Vec<String>,
}

/// What was found on the disk at the start.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Jobs that are over.
    pub jobs: Jobs,
    /// Jobs that were not, for [`recover`](super::recover). More than one is possible only by a fault.
    pub interrupted: Vec<JobRecord>,
    /// Files that are no records, to be told of and left alone.
    pub unreadable: Vec<(String, RecordError)>,
    /// Files of records that are not kept any longer.
    pub remove: Vec<String>,
}

impl Jobs {
    /// Reads what earlier processes left: names and contents of the files `*.json`, in any order.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Loaded {
        let mut loaded = Loaded::default();
        let mut over: Vec<JobRecord> = Vec::new();
        for (name, bytes) in files {
            match JobRecord::parse(bytes) {
                Ok(record) if record.file_name() != name => {
                    loaded.unreadable.push((name.to_owned(), RecordError::Name(record.id)));
                }
                Ok(record) if record.step().is_some() => loaded.interrupted.push(record),
                Ok(record) => over.push(record),
                Err(error) => loaded.unreadable.push((name.to_owned(), error)),
            }
        }
        // The clock may have been set between two jobs; among equals the id decides, so that the order is one.
        over.sort_by_key(|record| (record.started, record.id));
        for record in over {
            loaded.remove.extend(loaded.jobs.keep(record));
        }
        loaded
    }

    /// Starts the job that does `asked`, if none runs. It is accepted once the draft is written and published.
    ///
    /// # Errors
    /// When one runs, at once; nothing is queued. Or when it is no job.
    pub fn try_start(
        &mut self,
        asked: &Authorised<Command>,
        id: JobId,
        start: Start,
    ) -> Result<(Ticket, Draft), NotStarted> {
        let kind = asked.command().job().ok_or(NotStarted::NoJob(asked.command().name()))?;
        if let Some(running) = self.running.as_ref().filter(|running| running.counts()) {
            return Err(running.busy().into());
        }
        let ticket = Ticket::new(JobRecord::new(id, kind, asked.by().clone(), start));
        let draft = ticket.draft();
        self.hold(&ticket, false);
        Ok((ticket, draft))
    }

    /// Goes on with a job that was found running.
    ///
    /// # Errors
    /// When another one runs.
    pub fn resume(&mut self, record: JobRecord) -> Result<Ticket, Busy> {
        if let Some(running) = self.running.as_ref().filter(|running| running.is_other(record.id)) {
            return Err(running.busy());
        }
        let ticket = Ticket::resumed(record);
        self.hold(&ticket, true);
        Ok(ticket)
    }

    /// Shows a change to readers.
    pub fn publish(&mut self, written: Written) -> Published {
        let Written { record, shared } = written;
        let remove = match record.step() {
            Some(_) => {
                self.running = Some(Running { record, shared: Arc::downgrade(&shared), published: true });
                Vec::new()
            }
            None => {
                if self.running.as_ref().is_some_and(|running| running.record.id == record.id) {
                    self.running = None;
                }
                self.keep(record)
            }
        };
        Published { remove }
    }

    /// Stops a job, if it did not change anything yet. It ends when its worker sees it.
    ///
    /// # Errors
    /// When there is none, or it is over, or too late.
    pub fn cancel(&self, id: JobId) -> Result<(), CancelFault> {
        match &self.running {
            Some(running) if running.record.id == id => match running.shared.upgrade() {
                Some(shared) if shared.cancel() => Ok(()),
                Some(_) | None => Err(CancelFault::TooLate(id)),
            },
            _ if self.over.iter().any(|record| record.id == id) => Err(CancelFault::Over(id)),
            _ => Err(CancelFault::Unknown(id)),
        }
    }

    /// The job of this id.
    pub fn find(&self, id: JobId) -> Option<&JobRecord> {
        self.iter().find(|record| record.id == id)
    }

    /// All of them, the latest first.
    pub fn iter(&self) -> impl Iterator<Item = &JobRecord> {
        let running = self.running.iter().filter(|running| running.published).map(|running| &running.record);
        running.chain(self.over.iter().rev())
    }

    /// What runs.
    pub fn running(&self) -> Option<Busy> {
        self.running.as_ref().filter(|running| running.counts()).map(Running::busy)
    }

    /// A job whose worker is gone without having ended it: for [`recover`](super::recover), as after a restart.
    pub fn lost(&self) -> Option<&JobRecord> {
        let running = self.running.as_ref()?;
        (running.published && running.shared.strong_count() == 0).then_some(&running.record)
    }

    fn hold(&mut self, ticket: &Ticket, published: bool) {
        let shared = Arc::downgrade(ticket.shared());
        self.running = Some(Running { record: ticket.record().clone(), shared, published });
    }

    /// Files that are not kept any longer.
    fn keep(&mut self, record: JobRecord) -> Vec<String> {
        self.over.push_back(record);
        let surplus = self.over.len().saturating_sub(HISTORY);
        self.over.drain(..surplus).map(|record| file_name(record.id)).collect()
    }
}

impl Running {
    /// A job that was never written, and whose ticket is gone, was never accepted.
    fn counts(&self) -> bool {
        self.published || self.shared.strong_count() > 0
    }

    fn is_other(&self, id: JobId) -> bool {
        self.counts() && self.record.id != id
    }

    fn busy(&self) -> Busy {
        Busy { job_id: self.record.id, command: self.record.kind, since: self.record.started }
    }
}
