use std::fmt;

use appliance_types::SlotName;
use serde::Serialize;

use super::breadcrumb::BreadcrumbKind;
use super::ending::BootEnding;
use super::history::{Boot, History};
use super::selector::SelectorReason;

/// The machine left a slot because that slot did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rollback {
    /// The first boot of the slot it went to.
    pub at_boot: u32,
    /// The slot that did not work.
    pub from: SlotName,
    /// The slot it went to.
    pub to: SlotName,
    /// The stage or check the slot did not get past.
    pub stage: String,
    /// What happened there.
    pub why: String,
}

/// The stage of what dies between the selector and early-boot's first breadcrumb.
const BEFORE_EARLY_BOOT: &str = "before early-boot";

/// The stage of what the selector itself could not start.
const LOAD: &str = "load";

impl Rollback {
    /// The last rollback in `history`.
    pub(super) fn last_in(history: &History) -> Option<Rollback> {
        let boots = history.boots();
        (0..boots.len()).rev().find_map(|index| {
            let previous = index.checked_sub(1).map(|index| &boots[index]);
            Rollback::at(previous, &boots[index], history.early_panic_found_by(&boots[index]))
        })
    }

    /// The rollback that made the machine run `boot` after `previous`, if that is what happened. `early_panic` is what
    /// `boot` found of a boot between them that died without a trace of its own.
    fn at(previous: Option<&Boot>, boot: &Boot, early_panic: Option<&str>) -> Option<Rollback> {
        let to = boot.slot?;
        let from = to.other();
        let left_it = previous.is_none_or(|previous| previous.slot == Some(from));
        // Boots of the same slot before it that were the selector's first choice: the other slot was chosen between
        // them and this one, and left no trace.
        let first_choice_before =
            previous.is_some_and(|previous| reason(previous) == Some(SelectorReason::Order));
        let cause = match reason(boot)? {
            SelectorReason::LoadFailed if left_it || first_choice_before => Cause::not_loaded(),
            SelectorReason::Fallback if previous.is_none() && boot.number > 1 => Cause::forgotten(),
            SelectorReason::Fallback if left_it => Cause::of_boots(previous, early_panic),
            SelectorReason::Fallback if first_choice_before => Cause::of_boots(None, early_panic),
            SelectorReason::LastResort if left_it => Cause::of_boots(Some(previous?), early_panic),
            // `Mark bad` takes a slot out of BOOT_ORDER, so the other one is then the first choice.
            SelectorReason::Order if left_it && was_marked_bad(previous?) => {
                Cause::of_boots(previous, early_panic)
            }
            _ => return None,
        };
        Some(Rollback { at_boot: boot.number, from, to, stage: cause.stage, why: cause.why })
    }
}

impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rollback { at_boot, from, to, stage, why } = self;
        write!(
            f,
            "rolled back from slot {from} to slot {to} at boot {at_boot}: slot {from} did not get past {stage}: {why}"
        )
    }
}

struct Cause {
    stage: String,
    why: String,
}

impl Cause {
    fn not_loaded() -> Cause {
        let why = "the selector could not load its boot files (slot.scr, kernel, initramfs or device tree)";
        Cause { stage: LOAD.to_owned(), why: why.to_owned() }
    }

    fn forgotten() -> Cause {
        let why = "it is the oldest boot on record, so what went before is forgotten";
        Cause { stage: "an unknown stage".to_owned(), why: why.to_owned() }
    }

    /// Why a slot was left whose last boot with a trace is `last`.
    fn of_boots(last: Option<&Boot>, early_panic: Option<&str>) -> Cause {
        let Some(last) = last else {
            return Cause::without_trace("its starts left no trace", early_panic);
        };
        if let Some(gave_up) = last.find(BreadcrumbKind::GaveUp) {
            let stage = last.last_sign().map_or(gave_up.stage.to_string(), |sign| sign.stage.to_string());
            return Cause { stage, why: gave_up.message.to_string() };
        }
        if !was_marked_bad(last)
            && let Some(starts @ 1..) = tries_after(last)
        {
            let times = if starts == 1 { "time" } else { "times" };
            let what =
                format!("it was started {starts} more {times} after boot {} and left no trace", last.number);
            return Cause::without_trace(&what, early_panic);
        }
        Cause {
            stage: last.ending.stage().unwrap_or("running").to_owned(),
            why: format!("boot {} {}", last.number, last.ending),
        }
    }

    fn without_trace(what: &str, early_panic: Option<&str>) -> Cause {
        let mut why =
            format!("{what}: it died in the kernel or the initramfs, before early-boot could write");
        if let Some(message) = early_panic {
            why.push_str("; the kernel said: ");
            why.push_str(message);
        }
        Cause { stage: BEFORE_EARLY_BOOT.to_owned(), why }
    }
}

fn reason(boot: &Boot) -> Option<SelectorReason> {
    boot.selector.as_ref().map(|record| record.reason)
}

fn was_marked_bad(boot: &Boot) -> bool {
    matches!(boot.ending, BootEnding::MarkedBad { .. })
}

/// The tries the slot of `boot` had left when it ended, which the selector then used up.
fn tries_after(boot: &Boot) -> Option<u8> {
    let raised =
        [BreadcrumbKind::Rearmed, BreadcrumbKind::MarkGood].iter().any(|&kind| boot.find(kind).is_some());
    if raised { Some(9) } else { boot.selector.as_ref().map(|record| record.tries_left.get()) }
}

#[cfg(test)]
#[path = "rollback_tests.rs"]
mod tests;
