//! Who may ask what. One table; what is not in it needs a signature.

use serde::{Deserialize, Serialize};

use super::{Command, Named, PartialChange};

/// Which proofs open a command, besides an administrator's signature, which opens all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// By the cookie of a console session.
    pub session: SessionUse,
    /// By a token with this scope.
    pub scope: Option<Scope>,
    /// By the claim code, while the device belongs to nobody.
    pub claim: bool,
}

/// What a console session is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionUse {
    /// Nothing: a signature is asked for, made for this one request.
    FreshSignature,
    /// To look.
    Read,
    /// To change something: the browser must come from our own pages.
    Write,
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// To create the accounts of devices (`/users`).
    Provision,
    /// To look: status, history, why, jobs.
    Monitor,
}

/// A command of some program that is guarded here.
pub trait Guarded {
    /// What opens it.
    fn access(&self) -> Access;
}

const LOOK: Access = Access { session: SessionUse::Read, scope: None, claim: false };
const MONITOR: Access = Access { scope: Some(Scope::Monitor), ..LOOK };
const CHANGE: Access = Access { session: SessionUse::Write, scope: None, claim: false };
const FIRST: Access = Access { claim: true, ..CHANGE };
const SIGNED: Access = Access { session: SessionUse::FreshSignature, scope: None, claim: false };

impl Guarded for Command {
    fn access(&self) -> Access {
        match self {
            Command::Validate | Command::Import { .. } => FIRST,
            Command::Status | Command::Why | Command::History | Command::Jobs => MONITOR,
            Command::Export | Command::Logs | Command::Sbom | Command::Audit | Command::Tokens => LOOK,
            Command::Confirm
            | Command::Revert
            | Command::Rollback { .. }
            | Command::UploadImage(_)
            | Command::CancelJob(_)
            | Command::CloseSession
            | Command::Reboot => CHANGE,
            Command::Change(PartialChange::Put(named) | PartialChange::Remove(named)) => match named {
                Named::User(_) => SIGNED,
                Named::Container(_) | Named::ContainerNetwork(_) | Named::ContainerVolume(_) => CHANGE,
            },
            Command::Change(PartialChange::Merge(_)) => CHANGE,
            Command::OpenSession
            | Command::CreateToken
            | Command::RevokeToken(_)
            | Command::UsbRecovery
            | Command::FactoryReset
            | Command::RepairData => SIGNED,
        }
    }
}
