use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::{Ended, JobId, JobKind, JobRecord, State, Step};
use crate::UnixTime;

/// The right to run the one job there may be. The worker owns it: a client that hangs up drops nothing.
///
/// Dropped before its end, it leaves a job that [`Jobs::lost`](super::Jobs::lost) tells of.
#[derive(Debug)]
#[must_use = "a job that is accepted must be run to its end"]
pub struct Ticket {
    record: JobRecord,
    shared: Arc<Shared>,
}

/// A change of a job that is not on the disk yet. Nothing may be done because of it.
#[derive(Debug)]
#[must_use = "a change counts when it is written"]
pub struct Draft {
    record: JobRecord,
    shared: Arc<Shared>,
}

/// A change of a job that is on the disk: what the worker acts on, and readers see.
#[derive(Debug)]
#[must_use = "readers see a change when it is published"]
pub struct Written {
    pub(super) record: JobRecord,
    /// Held until it is published, so that a job is not taken for lost between its end and that.
    pub(super) shared: Arc<Shared>,
}

/// What worker and table decide between them without waiting for each other.
#[derive(Debug, Default)]
pub(super) struct Shared(AtomicU8);

const OPEN: u8 = 0;
const CANCELLED: u8 = 1;
const COMMITTED: u8 = 2;

/// Why a job does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdvanceFault {
    /// Somebody cancelled it: end it as [`Ended::Cancelled`].
    #[error("the job was cancelled")]
    Cancelled,
    /// Not a step of this kind of job, or not after the one it is at.
    #[error("a job of kind {kind} cannot go from {from} to {to}")]
    OutOfOrder {
        /// What it does.
        kind: JobKind,
        /// Where it is.
        from: Step,
        /// Where it should go.
        to: Step,
    },
}

impl Ticket {
    pub(super) fn new(record: JobRecord) -> Ticket {
        Ticket { record, shared: Arc::default() }
    }

    /// For a job that goes on where another process left it. What may have changed something cannot be cancelled any more.
    pub(super) fn resumed(record: JobRecord) -> Ticket {
        let ticket = Ticket::new(record);
        if ticket.step().changes_something() {
            ticket.shared.0.store(COMMITTED, Ordering::SeqCst);
        }
        ticket
    }

    /// Whose it is.
    pub fn id(&self) -> JobId {
        self.record.id
    }

    /// The job as the worker knows it.
    pub fn record(&self) -> &JobRecord {
        &self.record
    }

    /// Goes on to `step`. It is done once the draft is [`Written`].
    ///
    /// # Errors
    /// When the job was cancelled, or is not there yet, or past it.
    pub fn advance(&mut self, step: Step, now: UnixTime) -> Result<Draft, AdvanceFault> {
        let from = self.step();
        if !self.record.kind.allows(from, step) {
            return Err(AdvanceFault::OutOfOrder { kind: self.record.kind, from, to: step });
        }
        if !self.shared.may_go_on(step) {
            return Err(AdvanceFault::Cancelled);
        }
        self.record.begin(step, now);
        Ok(self.draft())
    }

    /// Says something: control characters and white space become single spaces, and what is longer than 500 characters is cut.
    pub fn say(&mut self, text: &str, now: UnixTime) -> Draft {
        self.record.say(text, now);
        self.draft()
    }

    /// Ends it.
    pub fn end(mut self, how: Ended, now: UnixTime) -> Draft {
        self.record.end(how, now);
        Draft { record: self.record, shared: self.shared }
    }

    pub(super) fn draft(&self) -> Draft {
        Draft { record: self.record.clone(), shared: Arc::clone(&self.shared) }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn step(&self) -> Step {
        match self.record.state {
            State::Running { step, .. } => step,
            // No ticket has an ended record: `end` takes the ticket. The last step allows no next one.
            State::Ended { .. } => Step::Restarting,
        }
    }
}

impl Draft {
    /// The name of its file.
    pub fn file_name(&self) -> String {
        self.record.file_name()
    }

    /// What the file must hold, whole and on the disk (temporary file, fsync, rename, fsync of the folder), before
    /// [`Draft::written`] is called.
    pub fn bytes(&self) -> Vec<u8> {
        self.record.to_bytes()
    }

    /// It is on the disk.
    pub fn written(self) -> Written {
        Written { record: self.record, shared: self.shared }
    }
}

impl Written {
    /// What may be done now.
    pub fn record(&self) -> &JobRecord {
        &self.record
    }
}

impl Shared {
    /// False when somebody cancelled. Steps that change something close the door behind them.
    fn may_go_on(&self, step: Step) -> bool {
        if !step.changes_something() {
            return self.0.load(Ordering::SeqCst) != CANCELLED;
        }
        let before = self.0.compare_exchange(OPEN, COMMITTED, Ordering::SeqCst, Ordering::SeqCst);
        before != Err(CANCELLED)
    }

    /// False when it is too late.
    pub(super) fn cancel(&self) -> bool {
        let before = self.0.compare_exchange(OPEN, CANCELLED, Ordering::SeqCst, Ordering::SeqCst);
        before != Err(COMMITTED)
    }
}
