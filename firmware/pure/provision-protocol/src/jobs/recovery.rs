//! A job that was interrupted, by a restart of this process or by the power: how it ended.

use appliance_types::{BootToken, Generation};

use super::{Answer, Ended, Failure, JobId, JobKind, JobRecord, Rollback, Step, Success};

/// What can be seen of the world afterwards.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// In which boot it is looked at.
    pub boot: BootToken,
    /// Whether the unit that does this job's work runs. It does not end with this process.
    pub worker_runs: bool,
    /// What that unit answered for this job.
    pub answer: Option<Answer>,
    /// What is in force.
    pub in_force: InForce,
}

/// What is in force: settled, or on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// Nothing.
    Nothing,
    /// A generation.
    Generation {
        /// Which.
        number: Generation,
        /// The job that brought it, as the generation says itself.
        brought_by: Option<JobId>,
    },
    /// It cannot be read.
    Unknown,
}

/// What to do with an interrupted job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// It goes on without us: resume it, and wait for its answer.
    GoesOn,
    /// It ended, like this.
    Ended(Ended),
}

/// How an interrupted job ended, or that it has not.
///
/// The record is never behind what was done, so a job that was not at a step that changes something changed nothing. After that an
/// answer tells; without one, what is in force does. What nobody can tell is said to be unknown, and not guessed.
pub fn recover(record: &JobRecord, evidence: &Evidence) -> Recovered {
    let Some(step) = record.step() else {
        // It is over. Asked all the same, it ended as it ended.
        return match &record.state {
            super::State::Ended { how, .. } => Recovered::Ended(how.clone()),
            super::State::Running { .. } => Recovered::GoesOn,
        };
    };
    if let Some(answer) = &evidence.answer {
        return Recovered::Ended(answer.clone().ended());
    }
    if evidence.worker_runs {
        return Recovered::GoesOn;
    }
    let restarted = evidence.boot != record.boot;
    let cause = if restarted { "the device restarted" } else { "the API restarted" };
    if !step.changes_something() {
        return failed(format!("{cause} before anything was changed"), Rollback::NotNeeded);
    }
    match record.kind {
        JobKind::Import | JobKind::Change | JobKind::Rollback => put_in_force(record, evidence, cause),
        JobKind::Confirm => confirmed(record, evidence, restarted),
        JobKind::Revert => reverted(record, evidence, cause),
        JobKind::Reboot | JobKind::UsbRecovery if restarted => {
            Recovered::Ended(Ended::Succeeded(Success::default()))
        }
        JobKind::Reboot | JobKind::UsbRecovery => {
            failed("the device did not restart".to_owned(), Rollback::NotNeeded)
        }
        JobKind::FactoryReset | JobKind::RepairData => kept(step, cause),
    }
}

fn put_in_force(record: &JobRecord, evidence: &Evidence, cause: &str) -> Recovered {
    match evidence.in_force {
        InForce::Generation { number, brought_by: Some(job) } if job == record.id => succeeded(number),
        InForce::Generation { number, .. } if Some(number) == record.before => {
            let reason =
                format!("{cause} before it had worked as a whole: generation {number} is in force as before");
            failed(reason, Rollback::Done { to: Some(number) })
        }
        InForce::Nothing if record.before.is_none() => {
            let reason = format!("{cause} before it had worked as a whole: nothing is in force, as before");
            failed(reason, Rollback::Done { to: None })
        }
        other => unknown(cause, other),
    }
}

/// A trial that is not confirmed ends with the boot.
fn confirmed(record: &JobRecord, evidence: &Evidence, restarted: bool) -> Recovered {
    match evidence.in_force {
        InForce::Generation { number, .. } if Some(number) == record.before && restarted => succeeded(number),
        InForce::Generation { number, .. } if restarted => {
            let reason =
                format!("the device restarted before it was confirmed: generation {number} is in force");
            failed(reason, Rollback::Done { to: Some(number) })
        }
        InForce::Nothing if restarted => {
            let reason = "the device restarted before it was confirmed: nothing is in force".to_owned();
            failed(reason, Rollback::Done { to: None })
        }
        other => unknown("the API restarted", other),
    }
}

fn reverted(record: &JobRecord, evidence: &Evidence, cause: &str) -> Recovered {
    match evidence.in_force {
        InForce::Generation { number, .. } if Some(number) == record.before => {
            let reason = format!("{cause} before it was taken back: generation {number} is in force");
            failed(reason, Rollback::NotNeeded)
        }
        InForce::Generation { number, .. } => succeeded(number),
        InForce::Nothing => Recovered::Ended(Ended::Succeeded(Success::default())),
        InForce::Unknown => unknown(cause, InForce::Unknown),
    }
}

/// The record is on the partition that was to be made anew.
fn kept(step: Step, cause: &str) -> Recovered {
    let what = if step == Step::Wiping {
        "while data was removed: some of it may be gone"
    } else {
        "and data is still there"
    };
    failed(format!("{cause} {what}. Ask for it again"), Rollback::Unknown)
}

fn unknown(cause: &str, in_force: InForce) -> Recovered {
    let told = match in_force {
        InForce::Nothing => "nothing is in force".to_owned(),
        InForce::Generation { number, .. } => format!("generation {number} is in force"),
        InForce::Unknown => "what is in force cannot be read".to_owned(),
    };
    failed(format!("{cause}, and apply-config left no answer: {told}"), Rollback::Unknown)
}

fn succeeded(generation: Generation) -> Recovered {
    Recovered::Ended(Ended::Succeeded(Success { generation: Some(generation), ..Success::default() }))
}

fn failed(reason: String, rollback: Rollback) -> Recovered {
    Recovered::Ended(Ended::Failed(Failure::new(reason, rollback)))
}
