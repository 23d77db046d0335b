//! What the appliance says on its console that stories wait for. An operator with a serial line sees the same.

/// Everything that starts by itself has started.
pub const UP: &str = "slipway: up: services are up";
/// A configuration is in place and what it requires runs; followed by its generation and where it came from.
pub const PROVISIONED: &str = "slipway: provisioned: ";
/// A configuration was imported and could not be made to work; followed by the stage and the reason.
pub const FAILED: &str = "slipway: apply: failed at ";
/// The end of the line that says that a generation works and is settled; the seed is closed after it.
pub const IN_PLACE: &str = " is in place";
/// A source's configuration was not taken; followed by the first problem.
pub const REFUSED: &str = "slipway: seed: refused: ";
/// The configuration beside the selector is read.
pub const BOOT_SEED: &str = "slipway: seed: looking at /boot/config.toml";
/// A source was found; followed by its name.
pub const FOUND: &str = "slipway: seed: found on ";
/// No source has a configuration that can be used.
pub const WAITING: &str = "slipway: seed: waiting for a USB stick";
/// The slot is marked good.
pub const GOOD: &str = "slipway: verdict: good: slot ";
/// The slot is not marked good, and why.
pub const NOT_YET: &str = "slipway: verdict: waiting: ";
/// The slot is given up.
pub const BAD: &str = "slipway: verdict: bad: ";
/// Something is wrong, and the slot stays.
pub const DEGRADED: &str = "slipway: verdict: degraded: ";
