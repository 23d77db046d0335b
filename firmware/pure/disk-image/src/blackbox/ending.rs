use std::fmt;

use serde::Serialize;

use super::text::{MessageText, StageText};

/// How a boot ended, as far as the black box can tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum BootEnding {
    /// It has not: this boot is running.
    Running,
    /// It was shut down or rebooted in order.
    Clean {
        /// Why.
        reason: MessageText,
    },
    /// A health check failed, the slot was marked bad, and the machine rebooted to the other one.
    MarkedBad {
        /// The check.
        check: StageText,
        /// What it found.
        reason: MessageText,
    },
    /// It could not go on, said so and reset the machine: early-boot, or systemd's emergency mode.
    Failed {
        /// The stage it could not finish.
        stage: StageText,
        /// Why not.
        message: MessageText,
    },
    /// The kernel panicked.
    Panic {
        /// What it said.
        message: MessageText,
        /// The last console lines before that, oldest first; empty when none were kept.
        console: Vec<MessageText>,
        /// The last sign of life.
        last: Option<LastSign>,
    },
    /// It got so far that the watchdog was armed, then hung, and the watchdog, or systemd's time limit for the start, reset the
    /// machine.
    Watchdog {
        /// The last sign of life.
        last: Option<LastSign>,
    },
    /// The power was cut: it ended without a word, and the memory was empty at the next boot.
    PowerCut {
        /// The last sign of life.
        last: Option<LastSign>,
    },
    /// It ended without a word, and the memory was not empty at the next boot, or nothing says whether it was.
    Unexplained {
        /// The last sign of life.
        last: Option<LastSign>,
    },
}

/// The last thing a boot left in the black box while it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastSign {
    /// The last stage it had reached.
    pub stage: StageText,
    /// Its uptime at the last breadcrumb of any kind, in milliseconds.
    pub uptime_ms: u64,
}

impl BootEnding {
    /// Whether it is evidence that the slot is broken: a panic or a watchdog reset. A power cut never is.
    pub fn counts_against_slot(&self) -> bool {
        matches!(self, BootEnding::Panic { .. } | BootEnding::Watchdog { .. })
    }

    /// What to call it: `kernel panic`, `power cut`.
    pub fn name(&self) -> &'static str {
        match self {
            BootEnding::Running => "still running",
            BootEnding::Clean { .. } => "clean shutdown",
            BootEnding::MarkedBad { .. } => "bad verdict",
            BootEnding::Failed { .. } => "failure",
            BootEnding::Panic { .. } => "kernel panic",
            BootEnding::Watchdog { .. } => "watchdog reset",
            BootEnding::PowerCut { .. } => "power cut",
            BootEnding::Unexplained { .. } => "unexplained reset",
        }
    }

    /// The stage or check it ended in; `None` for a clean end, a running boot, and one that left nothing.
    pub fn stage(&self) -> Option<&str> {
        match self {
            BootEnding::Running | BootEnding::Clean { .. } => None,
            BootEnding::MarkedBad { check, .. } => Some(check),
            BootEnding::Failed { stage, .. } => Some(stage),
            BootEnding::Panic { last, .. }
            | BootEnding::Watchdog { last }
            | BootEnding::PowerCut { last }
            | BootEnding::Unexplained { last } => last.as_ref().map(|last| last.stage.as_str()),
        }
    }
}

impl fmt::Display for BootEnding {
    /// As the end of the sentence `boot 12 (slot A) …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootEnding::Running => f.write_str("is running"),
            BootEnding::Clean { reason } => write!(f, "was shut down: {reason}"),
            BootEnding::MarkedBad { check, reason } => write!(f, "was judged bad by {check}: {reason}"),
            BootEnding::Failed { stage, message } => write!(f, "failed at {stage}: {message}"),
            BootEnding::Panic { message, last, .. } => {
                write!(f, "ended in a kernel panic{}: {message}", After(last.as_ref()))
            }
            BootEnding::Watchdog { last } => {
                write!(f, "hung and was reset{}", After(last.as_ref()))
            }
            BootEnding::PowerCut { last } => write!(f, "ended in a power cut{}", After(last.as_ref())),
            BootEnding::Unexplained { last } => {
                write!(f, "ended in a reset that nothing explains{}", After(last.as_ref()))
            }
        }
    }
}

/// ` after rootfs, 2.5 s after the kernel started`, or nothing.
struct After<'a>(Option<&'a LastSign>);

impl fmt::Display for After<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(last) = self.0 else { return Ok(()) };
        let tenths = last.uptime_ms / 100;
        write!(f, ", last seen at {}, {}.{} s after the kernel started", last.stage, tenths / 10, tenths % 10)
    }
}
