//! The boot state: which slot boots, and how many tries it has left.
//!
//! Two partitions, `env0` and `env1`, hold one copy each in their first 512 bytes, in the format that U-Boot's
//! `env import -c`/`env export -c` and libubootenv's `fw_printenv`/`fw_setenv` share ([`BootEnv`]). The selector reads
//! it, counts down and writes both copies at every boot; RAUC writes `env0` through `fw_setenv`; early-boot re-arms
//! the counter of a slot that is known to be good ([`rearm`]).
//!
//! Everybody writes `env0` before `env1`, so `env0`, where it is valid, is never older than `env1` ([`CurrentEnv`]).

mod copies;
mod env;
mod rearm;
mod state;

pub use copies::{CurrentEnv, EnvCopy, EnvSource, EnvWrite};
pub use env::{BootEnv, ENV_BYTES, EnvError};
pub use rearm::{RearmDecision, rearm};
pub use state::{BootOrder, BootState, TriesLeft, key};
