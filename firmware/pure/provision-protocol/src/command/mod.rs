//! What can be asked of the appliance: a closed set, told from method, path and query alone.

mod access;
mod route;
#[cfg(test)]
mod tests;

use std::time::Duration;

use appliance_types::{ContainerName, Generation, UserName};

pub use access::{Access, Guarded, Scope, SessionUse};
pub use route::{Open, Route, RouteFault};

use crate::Sha256Digest;
use crate::jobs::{JobId, JobKind};
use crate::tokens::TokenId;

/// What needs somebody who may ask it. The body, where there is one, is read by who does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Checks a configuration and says what it would change. Changes nothing.
    Validate,
    /// Makes a configuration the one in force.
    Import {
        /// Takes it back after that long, unless it is confirmed.
        confirm: Option<ConfirmWindow>,
    },
    /// Keeps the configuration that is on trial.
    Confirm,
    /// Takes back the configuration that is on trial.
    Revert,
    /// Makes a configuration that was kept the one in force again.
    Rollback {
        /// Which one; `None`: the one before.
        to: Option<Generation>,
        /// As for an import.
        confirm: Option<ConfirmWindow>,
    },
    /// Changes a part of the configuration.
    Change(PartialChange),
    /// Hands out the configuration as it was written.
    Export,
    /// Lists the configurations that are kept.
    History,
    /// Takes in an image archive with this hash.
    UploadImage(Sha256Digest),
    /// Lists jobs.
    Jobs,
    /// Stops a job before it changes anything.
    CancelJob(JobId),
    /// Slot, version, disk, containers.
    Status,
    /// How the last boots ended.
    Why,
    /// The journal.
    Logs,
    /// What the image is made of.
    Sbom,
    /// Who did what.
    Audit,
    /// Makes a one-time URL for a browser.
    OpenSession,
    /// Ends the session that asks for it.
    CloseSession,
    /// Lists tokens.
    Tokens,
    /// Makes a token.
    CreateToken,
    /// Makes a token void.
    RevokeToken(TokenId),
    /// Starts the device again.
    Reboot,
    /// Starts the device as a disk on its USB port.
    UsbRecovery,
    /// Forgets configuration, containers and data.
    FactoryReset,
    /// Makes a new data partition, when the old one cannot be mounted.
    RepairData,
}

/// A change of a part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartialChange {
    /// Adds what has this name, or puts it in place of what is there.
    Put(Named),
    /// Removes what has this name, if it is there.
    Remove(Named),
    /// Merges into a section (RFC 7396).
    Merge(Section),
}

/// What a configuration has by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// `[users.NAME]`
    User(UserName),
    /// `[containers.container.NAME]`
    Container(ContainerName),
    /// `[containers.network.NAME]`
    ContainerNetwork(ContainerName),
    /// `[containers.volume.NAME]`
    ContainerVolume(ContainerName),
}

/// A section that is changed by merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `[network]`
    Network,
    /// `[updates]`
    Updates,
    /// `[health]`
    Health,
    /// `[netboot]`
    Netboot,
}

/// How long a configuration is on trial: 10 s to a day, as `apply-config` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmWindow(u32);

impl ConfirmWindow {
    /// `None` when it is too short or too long.
    pub fn from_secs(seconds: u32) -> Option<ConfirmWindow> {
        (10..=86_400).contains(&seconds).then_some(ConfirmWindow(seconds))
    }

    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl Command {
    /// The kind of job that does it; `None`: it is done while the request waits.
    pub fn job(&self) -> Option<JobKind> {
        Some(match self {
            Command::Import { .. } => JobKind::Import,
            Command::Confirm => JobKind::Confirm,
            Command::Revert => JobKind::Revert,
            Command::Rollback { .. } => JobKind::Rollback,
            Command::Change(_) => JobKind::Change,
            Command::Reboot => JobKind::Reboot,
            Command::UsbRecovery => JobKind::UsbRecovery,
            Command::FactoryReset => JobKind::FactoryReset,
            Command::RepairData => JobKind::RepairData,
            Command::Validate
            | Command::Export
            | Command::History
            | Command::UploadImage(_)
            | Command::Jobs
            | Command::CancelJob(_)
            | Command::Status
            | Command::Why
            | Command::Logs
            | Command::Sbom
            | Command::Audit
            | Command::OpenSession
            | Command::CloseSession
            | Command::Tokens
            | Command::CreateToken
            | Command::RevokeToken(_) => return None,
        })
    }

    /// Its name in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Validate => "validate",
            Command::Import { .. } => "import",
            Command::Confirm => "confirm",
            Command::Revert => "revert",
            Command::Rollback { .. } => "rollback",
            Command::Change(_) => "change",
            Command::Export => "export",
            Command::History => "history",
            Command::UploadImage(_) => "upload-image",
            Command::Jobs => "jobs",
            Command::CancelJob(_) => "cancel-job",
            Command::Status => "status",
            Command::Why => "why",
            Command::Logs => "logs",
            Command::Sbom => "sbom",
            Command::Audit => "audit",
            Command::OpenSession => "open-session",
            Command::CloseSession => "close-session",
            Command::Tokens => "tokens",
            Command::CreateToken => "create-token",
            Command::RevokeToken(_) => "revoke-token",
            Command::Reboot => "reboot",
            Command::UsbRecovery => "usb-recovery",
            Command::FactoryReset => "factory-reset",
            Command::RepairData => "repair-data",
        }
    }
}
