//! What a unit gets where the owner said nothing: defaults for a box that nobody watches.

use appliance_config::Section;

use crate::unit_text::UnitText;

/// Lines that a unit gets when the owner wrote none of these keys.
pub(crate) struct Default {
    unless: &'static [&'static str],
    lines: &'static [(&'static str, &'static str)],
}

/// No number of failures is the last.
pub(crate) const NO_START_LIMIT: Default = Default {
    unless: &["StartLimitIntervalSec", "StartLimitBurst", "StartLimitAction"],
    lines: &[("StartLimitIntervalSec", "0")],
};

/// `on-failure` and not `always`: a program that ends well has done its work, and starting it again could do it twice.
pub(crate) const RESTART: Default = Default { unless: &["Restart"], lines: &[("Restart", "on-failure")] };

/// Containers that wait for a network, volume or image go on waiting while it is tried again. In the other mode they would
/// fail with it, and nobody would start them again.
pub(crate) const RESTART_DIRECTLY: Default =
    Default { unless: &["RestartMode"], lines: &[("RestartMode", "direct")] };

/// Soon at first, then every minute.
pub(crate) const RESTART_PAUSE: Default = Default {
    unless: &["RestartSec", "RestartSteps", "RestartMaxDelaySec"],
    lines: &[("RestartSec", "2"), ("RestartSteps", "5"), ("RestartMaxDelaySec", "60")],
};

/// An image may have to come over a slow line first.
pub(crate) const PULL_TIMEOUT: Default =
    Default { unless: &["TimeoutStartSec", "TimeoutSec"], lines: &[("TimeoutStartSec", "900")] };

/// What a build unpacks is not put into memory, where Podman's default is.
pub(crate) const TEMPORARY_FILES: Default =
    Default { unless: &["Environment"], lines: &[("Environment", "TMPDIR=/data/containers/tmp")] };

/// Adds the lines of each whose keys were not written.
pub(crate) fn defaults(text: &mut UnitText, written: Option<&Section>, defaults: &[Default]) {
    let has = |key: &&str| written.is_some_and(|section| section.entries.iter().any(|(own, _)| own == key));
    for default in defaults.iter().filter(|default| !default.unless.iter().any(has)) {
        for (key, value) in default.lines {
            text.entry(key, value);
        }
    }
}
