use std::fmt;

use appliance_types::{BuildId, SlotName};
use serde::Serialize;

use super::breadcrumb::BreadcrumbKind;
use super::ending::BootEnding;
use super::history::{Boot, History};
use super::rollback::Rollback;
use super::selector::{ResetKind, SelectorReason, SelectorRecord};
use super::text::{MessageText, StageText};
use crate::boot_state::{EnvSource, TriesLeft};

/// Which slot runs, why it was chosen, and what became of the boots before: what `slipway why` tells.
///
/// As data for `--json`; [`Self::sentences`] is the same in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The boot that is running; `None` when the black box does not know it.
    pub running: Option<RunningBoot>,
    /// The last time the machine left a slot because it did not work; `None` when no such is on record.
    pub rollback: Option<Rollback>,
    /// The boots before, newest first.
    pub earlier: Vec<EndedBoot>,
}

/// The boot that is running now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningBoot {
    /// Its number.
    pub boot: u32,
    /// The slot it runs.
    pub slot: Option<SlotName>,
    /// What the selector wrote about it; `None` when that is lost.
    pub selector: Option<SelectorRecord>,
    /// What was found in it: checks that failed, and that it was marked good.
    pub found: Vec<Finding>,
}

/// Something that was found out in a boot, and noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check: `seed`, `LAN`, a unit's name.
    pub check: StageText,
    /// What it found.
    pub message: MessageText,
    /// Milliseconds since the kernel started.
    pub uptime_ms: u64,
}

/// A boot that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndedBoot {
    /// Its number.
    pub boot: u32,
    /// The slot it ran.
    pub slot: Option<SlotName>,
    /// The selector's build id.
    pub build: Option<BuildId>,
    /// Wall-clock time of its last breadcrumb, in milliseconds since 1970.
    pub last_seen_unix_ms: Option<u64>,
    /// How it ended.
    pub ending: BootEnding,
    /// What was found in it.
    pub found: Vec<Finding>,
}

/// How many findings of one boot are put in words: the last ones.
const FOUND_IN_WORDS: usize = 5;

/// How many earlier boots are put in words. All of them are in the data.
const EARLIER_IN_WORDS: usize = 10;

impl Explanation {
    /// The explanation of `history`.
    pub fn of(history: &History) -> Explanation {
        let running = history.running().map(|boot| RunningBoot {
            boot: boot.number,
            slot: boot.slot,
            selector: boot.selector.clone(),
            found: Finding::all_of(boot),
        });
        let ended = history.boots().iter().rev().filter(|boot| boot.ending != BootEnding::Running);
        Explanation {
            running,
            rollback: Rollback::last_in(history),
            earlier: ended.map(EndedBoot::of).collect(),
        }
    }

    /// The explanation in words, one sentence or list item each, for the owner of the box.
    pub fn sentences(&self) -> Vec<String> {
        let mut lines = match &self.running {
            Some(running) => running.sentences(),
            None => vec!["The black box does not know this boot.".to_owned()],
        };
        lines.push(match &self.rollback {
            Some(rollback) => self.rollback_sentence(rollback),
            None => "No rollback is on record.".to_owned(),
        });
        if self.earlier.is_empty() {
            lines.push("No earlier boot is on record.".to_owned());
            return lines;
        }
        lines.push("Earlier boots, newest first:".to_owned());
        for boot in self.earlier.iter().take(EARLIER_IN_WORDS) {
            lines.push(boot.line());
            lines.extend(last(&boot.found).iter().map(|finding| format!("  - {finding}")));
        }
        if let Some(more @ 1..) = self.earlier.len().checked_sub(EARLIER_IN_WORDS) {
            lines.push(format!("- and {more} before them"));
        }
        lines
    }

    fn rollback_sentence(&self, rollback: &Rollback) -> String {
        let since = match self.running.as_ref().and_then(|running| running.slot) {
            Some(slot) if slot == rollback.to => "The machine",
            _ => "Earlier, the machine",
        };
        format!("{since} {rollback}.")
    }
}

impl RunningBoot {
    fn sentences(&self) -> Vec<String> {
        let slot = self.slot.map_or("an unknown slot".to_owned(), |slot| format!("slot {slot}"));
        let Some(record) = &self.selector else {
            return vec![format!(
                "Boot {} runs {slot}; what the selector wrote about it is lost.",
                self.boot
            )];
        };
        let mut lines = vec![
            format!("Boot {} runs {slot} (selector build {}).", self.boot, record.build),
            format!("It was chosen because {}", why_chosen(record)),
        ];
        match record.env {
            EnvSource::Env0 => {}
            EnvSource::Env1 => {
                lines.push("The first copy of the boot state was damaged; the second was used.".to_owned());
            }
            EnvSource::Default => {
                lines.push("Both copies of the boot state were damaged; the default was used.".to_owned());
            }
        }
        lines.push(match record.reset {
            ResetKind::Cold => "The power was off before this boot.".to_owned(),
            ResetKind::Warm => "The power stayed on before this boot.".to_owned(),
        });
        if !self.found.is_empty() {
            lines.push("Found in this boot, newest last:".to_owned());
            lines.extend(last(&self.found).iter().map(|finding| format!("- {finding}")));
        }
        lines
    }
}

impl Finding {
    fn all_of(boot: &Boot) -> Vec<Finding> {
        let found = boot.crumbs.iter().filter(|crumb| {
            matches!(crumb.kind, BreadcrumbKind::Check | BreadcrumbKind::MarkGood | BreadcrumbKind::MarkBad)
        });
        found
            .map(|crumb| Finding {
                check: crumb.stage.clone(),
                message: crumb.message.clone(),
                uptime_ms: crumb.uptime_ms,
            })
            .collect()
    }
}

impl fmt::Display for Finding {
    /// `seed, 45 s after the kernel started: boot partition: refused: config.toml:3:1: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { check, message, uptime_ms } = self;
        write!(f, "{check}, {} s after the kernel started: {message}", uptime_ms / 1000)
    }
}

fn last(found: &[Finding]) -> &[Finding] {
    &found[found.len().saturating_sub(FOUND_IN_WORDS)..]
}

fn why_chosen(record: &SelectorRecord) -> String {
    let other = record.slot.other();
    let left = match record.tries_left {
        TriesLeft::NONE => "it has no tries left after this one".to_owned(),
        left => format!("it has {left} tries left after this one"),
    };
    match record.reason {
        SelectorReason::Order => format!("it is first in the boot order; {left}."),
        SelectorReason::Fallback => {
            format!("slot {other}, which comes before it, has no tries left; {left}.")
        }
        SelectorReason::LoadFailed => {
            format!("the boot files of slot {other}, which comes before it, could not be loaded; {left}.")
        }
        SelectorReason::LastResort => {
            "no slot of the boot order could be started: it is the last resort.".to_owned()
        }
    }
}

impl EndedBoot {
    fn of(boot: &Boot) -> EndedBoot {
        EndedBoot {
            boot: boot.number,
            slot: boot.slot,
            build: boot.selector.as_ref().map(|record| record.build.clone()),
            last_seen_unix_ms: boot
                .crumbs
                .iter()
                .rev()
                .filter(|crumb| !crumb.kind.is_posthumous())
                .find_map(|crumb| crumb.unix_ms),
            ending: boot.ending.clone(),
            found: Finding::all_of(boot),
        }
    }

    fn line(&self) -> String {
        let slot = self.slot.map_or("slot unknown".to_owned(), |slot| format!("slot {slot}"));
        format!("- boot {} ({slot}) {}", self.boot, self.ending)
    }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
