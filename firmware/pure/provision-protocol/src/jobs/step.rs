use std::fmt;

use serde::{Deserialize, Serialize};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// Puts a new configuration in force.
    Import,
    /// Puts a changed configuration in force.
    Change,
    /// Keeps what is on trial.
    Confirm,
    /// Takes back what is on trial.
    Revert,
    /// Puts an older configuration in force.
    Rollback,
    /// Starts the device again.
    Reboot,
    /// Starts the device as a disk.
    UsbRecovery,
    /// Forgets everything.
    FactoryReset,
    /// Makes a new data partition.
    RepairData,
}

/// Where in its way a job is. Steps come in the order of [`JobKind::steps`]; some may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// It is written down.
    Accepted,
    /// What came is checked, and put where `apply-config` finds it.
    Checking,
    /// `apply-config` runs.
    Applying,
    /// What was before is put in force again.
    GoingBack,
    /// Data is removed.
    Wiping,
    /// The device starts again.
    Restarting,
}

impl JobKind {
    /// All steps it may take, in order.
    pub fn steps(self) -> &'static [Step] {
        use Step::{Accepted, Applying, Checking, GoingBack, Restarting, Wiping};
        match self {
            JobKind::Import | JobKind::Change => &[Accepted, Checking, Applying, GoingBack],
            JobKind::Confirm | JobKind::Revert | JobKind::Rollback => &[Accepted, Applying, GoingBack],
            JobKind::Reboot | JobKind::UsbRecovery => &[Accepted, Restarting],
            JobKind::FactoryReset | JobKind::RepairData => &[Accepted, Wiping, Restarting],
        }
    }

    /// Whether `next` may follow `current`.
    pub(super) fn allows(self, current: Step, next: Step) -> bool {
        let place = |step| self.steps().iter().position(|&other| other == step);
        matches!((place(current), place(next)), (Some(current), Some(next)) if current < next)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            JobKind::Import => "import",
            JobKind::Change => "change",
            JobKind::Confirm => "confirm",
            JobKind::Revert => "revert",
            JobKind::Rollback => "rollback",
            JobKind::Reboot => "reboot",
            JobKind::UsbRecovery => "usb-recovery",
            JobKind::FactoryReset => "factory-reset",
            JobKind::RepairData => "repair-data",
        }
    }
}

impl Step {
    /// Whether something may be different once it has begun. Before that a job can be cancelled, and an interrupted one did nothing.
    pub fn changes_something(self) -> bool {
        !matches!(self, Step::Accepted | Step::Checking)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Accepted => "accepted",
            Step::Checking => "checking",
            Step::Applying => "applying",
            Step::GoingBack => "going-back",
            Step::Wiping => "wiping",
            Step::Restarting => "restarting",
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
