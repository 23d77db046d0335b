//! Jobs: what takes longer than a request, and survives its client, this process and the power.
//!
//! ```text
//!                    ┌────────── running ──────────┐
//!   try_start ──▶ accepted ──▶ checking ──▶ applying ──▶ succeeded | failed { rollback } | cancelled
//!      │ Busy                     │ cancel   └▶ going-back ─▶ failed
//!      ▼ who, since when          └─▶ cancelled     (from `applying` on nothing stops it)
//! ```
//!
//! One at a time. Each change is a [`Draft`]: it is written to the disk, and becomes [`Written`]; only that is acted on and shown. So
//! what is found after a power cut is never behind what was done, and [`recover`] tells from it, and from what is in force, how it ended.

mod answer;
mod events;
mod id;
mod record;
mod recovery;
mod step;
mod table;
mod ticket;
mod view;

pub use answer::{Answer, AnswerError};
pub use events::{Event, EventKind};
pub use id::JobId;
pub use record::{Ended, Failure, JobRecord, RecordError, Rollback, State, Success};
pub use recovery::{Evidence, InForce, Recovered, recover};
pub use step::{JobKind, Step};
pub use table::{Busy, CancelFault, HISTORY, Jobs, Loaded, NotStarted, Published, Start};
pub use ticket::{AdvanceFault, Draft, Ticket, Written};
pub use view::{JobStatus, JobView};

#[cfg(test)]
mod recovery_tests;
#[cfg(test)]
mod tests;
