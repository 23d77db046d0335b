use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;
use serde::Serialize;

use super::{BootEnv, BootState, EnvError};
use crate::Sector;

/// One of the two copies of the boot state; each is the first sector of the partition it is named after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnvCopy {
    /// Partition `env0`: written first, and the only one `fw_setenv` writes.
    Env0,
    /// Partition `env1`: written second.
    Env1,
}

impl EnvCopy {
    /// The name of its partition.
    pub fn partition(self) -> &'static str {
        match self {
            EnvCopy::Env0 => "env0",
            EnvCopy::Env1 => "env1",
        }
    }
}

/// Where the boot state that counts came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvSource {
    /// The first copy was valid.
    Env0,
    /// The first copy was damaged, the second was valid.
    Env1,
    /// Both copies were damaged: [`BootState::both_copies_lost`].
    Default,
}

impl EnvSource {
    /// `env0`, `env1` or `default`, as the selector writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            EnvSource::Env0 => "env0",
            EnvSource::Env1 => "env1",
            EnvSource::Default => "default",
        }
    }
}

impl fmt::Display for EnvSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for EnvSource {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<EnvSource, InvalidWord> {
        match text {
            "env0" => Ok(EnvSource::Env0),
            "env1" => Ok(EnvSource::Env1),
            "default" => Ok(EnvSource::Default),
            _ => Err(InvalidWord::new(text, "a source of the boot state", "it is env0, env1 or default")),
        }
    }
}

/// One write to make: these 512 bytes to the first sector of that partition, then sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvWrite {
    /// Which copy to overwrite.
    pub copy: EnvCopy,
    /// The whole new content.
    pub bytes: Sector,
}

/// The boot state that counts, decided from both copies, and what has to be written to change it.
///
/// The rule is the selector's: `env0` if it is valid, else `env1`, else the default. Because every writer writes `env0`
/// first, a valid `env0` is never older than `env1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentEnv {
    env: BootEnv,
    source: EnvSource,
    env0: Result<BootEnv, EnvError>,
    env1: Result<BootEnv, EnvError>,
}

impl CurrentEnv {
    /// Decides from the first sectors of `env0` and `env1`.
    pub fn decide(env0: &Sector, env1: &Sector) -> CurrentEnv {
        let (env0, env1) = (BootEnv::parse(env0), BootEnv::parse(env1));
        let (env, source) = match (&env0, &env1) {
            (Ok(env), _) => (env.clone(), EnvSource::Env0),
            (Err(_), Ok(env)) => (env.clone(), EnvSource::Env1),
            (Err(_), Err(_)) => (BootState::both_copies_lost().to_env(), EnvSource::Default),
        };
        CurrentEnv { env, source, env0, env1 }
    }

    /// The environment that counts.
    pub fn env(&self) -> &BootEnv {
        &self.env
    }

    /// What it says about the slots.
    pub fn state(&self) -> BootState {
        BootState::from_env(&self.env)
    }

    /// Where it came from.
    pub fn source(&self) -> EnvSource {
        self.source
    }

    /// What is wrong with `copy`; `None` when it is readable.
    pub fn damage(&self, copy: EnvCopy) -> Option<&EnvError> {
        self.content(copy).as_ref().err()
    }

    /// The writes, in order, after which both copies hold `new`.
    ///
    /// Each write is to be synced before the next starts. A power cut before, between or *during* any of them leaves
    /// the current environment or `new` to be decided, never an older one and never the default (unless both copies
    /// were damaged to begin with).
    ///
    /// So where `env0` counts and `env1` is damaged or older, `env1` is made equal to it first: overwriting the only
    /// good copy in place could lose it. With `new` equal to [`Self::env`] this is the plain repair, and empty when
    /// both copies already agree.
    pub fn writes_to(&self, new: &BootEnv) -> Vec<EnvWrite> {
        let holds = |copy: EnvCopy, env: &BootEnv| self.content(copy).as_ref() == Ok(env);
        let write = |copy: EnvCopy, env: &BootEnv| EnvWrite { copy, bytes: env.encode() };
        let both_hold_new = holds(EnvCopy::Env0, new) && holds(EnvCopy::Env1, new);
        if both_hold_new {
            return Vec::new();
        }
        if holds(EnvCopy::Env0, new) {
            return vec![write(EnvCopy::Env1, new)];
        }
        let mut writes = Vec::with_capacity(3);
        if self.source == EnvSource::Env0 && !holds(EnvCopy::Env1, &self.env) {
            writes.push(write(EnvCopy::Env1, &self.env));
        }
        writes.push(write(EnvCopy::Env0, new));
        if self.source != EnvSource::Env1 || !holds(EnvCopy::Env1, new) {
            writes.push(write(EnvCopy::Env1, new));
        }
        writes
    }

    /// The writes after which both copies hold what counts now; empty when they already do.
    pub fn repairs(&self) -> Vec<EnvWrite> {
        self.writes_to(&self.env)
    }

    fn content(&self, copy: EnvCopy) -> &Result<BootEnv, EnvError> {
        match copy {
            EnvCopy::Env0 => &self.env0,
            EnvCopy::Env1 => &self.env1,
        }
    }
}

#[cfg(test)]
#[path = "copies_tests.rs"]
mod tests;
