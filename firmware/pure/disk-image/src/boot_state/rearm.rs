use std::fmt;

use appliance_types::SlotName;

use super::{BootOrder, BootState, TriesLeft};
use crate::blackbox::{BootEnding, BreadcrumbKind};

/// How many boots of a slot in a row must have ended in a panic or a watchdog reset before it is given up.
const BAD_ENDINGS_TO_GIVE_UP: usize = 3;

/// What early-boot does with the counter of the slot it booted, and why.
///
/// Prints as one sentence for the console and the black box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RearmDecision {
    /// The slot is confirmed: it gets all its tries back.
    Raise {
        /// The booted slot.
        slot: SlotName,
        /// What it had left after the selector counted down.
        from: TriesLeft,
    },
    /// The slot is on trial: only a good verdict raises its counter.
    KeepTrial {
        /// The booted slot.
        slot: SlotName,
        /// What it has left.
        left: TriesLeft,
    },
    /// The slot is confirmed but its last boots kept dying, and the other one can still be tried: no tries left for it.
    GiveUp {
        /// The booted slot.
        slot: SlotName,
        /// How its last three boots ended, newest first.
        endings: Vec<BootEnding>,
        /// What the other slot has left.
        other_left: TriesLeft,
    },
    /// The slot is confirmed and its last boots kept dying, but there is nothing else to try: its counter stays.
    KeepFailing {
        /// The booted slot.
        slot: SlotName,
        /// What it has left.
        left: TriesLeft,
        /// How its last three boots ended, newest first.
        endings: Vec<BootEnding>,
    },
}

/// Decides what happens to the counter of `booted`, the slot that is running.
///
/// `endings` are those of this slot's earlier boots with the build that is in it now, newest first
/// ([`crate::blackbox::History::endings_of`]).
///
/// | Slot | Its last three boots | Other slot of BOOT_ORDER | Decision |
/// |---|---|---|---|
/// | on trial, another slot in the order | any | any | keep |
/// | on trial, alone in the order | as a confirmed one | | |
/// | confirmed | not all panic or watchdog | any | raise to 9 |
/// | confirmed | all panic or watchdog | has tries left | 0 |
/// | confirmed | all panic or watchdog | none | keep |
///
/// A power cut, a clean end and an unexplained one all break the row of three: only evidence counts against a slot.
pub fn rearm(state: &BootState, booted: SlotName, endings: &[BootEnding]) -> RearmDecision {
    let left = state.left(booted);
    // A trial is for falling back from. The only slot of the order has nowhere to fall: left to run down, a box that was never
    // updated would live on its last resort after six early cuts.
    let alone = state.order == BootOrder::Only(booted);
    if !state.is_confirmed(booted) && !alone {
        return RearmDecision::KeepTrial { slot: booted, left };
    }
    let last = endings.get(..BAD_ENDINGS_TO_GIVE_UP).unwrap_or_default();
    if last.is_empty() || !last.iter().all(BootEnding::counts_against_slot) {
        return RearmDecision::Raise { slot: booted, from: left };
    }
    let endings = last.to_vec();
    let other_left = state.left(booted.other());
    let other_can_run = state.order.slots().any(|slot| slot != booted) && other_left > TriesLeft::NONE;
    if other_can_run {
        RearmDecision::GiveUp { slot: booted, endings, other_left }
    } else {
        RearmDecision::KeepFailing { slot: booted, left, endings }
    }
}

impl RearmDecision {
    /// `state` as this decision wants it; equal to `state` when nothing is to be written.
    #[must_use]
    pub fn apply(&self, state: BootState) -> BootState {
        match self {
            RearmDecision::Raise { slot, .. } => state.with_left(*slot, TriesLeft::FULL),
            RearmDecision::GiveUp { slot, .. } => state.with_left(*slot, TriesLeft::NONE),
            RearmDecision::KeepTrial { .. } | RearmDecision::KeepFailing { .. } => state,
        }
    }

    /// The kind of the breadcrumb that tells of this decision; its message is the decision as text.
    pub fn breadcrumb_kind(&self) -> BreadcrumbKind {
        match self {
            RearmDecision::Raise { .. } => BreadcrumbKind::Rearmed,
            RearmDecision::GiveUp { .. } => BreadcrumbKind::GaveUp,
            RearmDecision::KeepTrial { .. } | RearmDecision::KeepFailing { .. } => BreadcrumbKind::Stage,
        }
    }
}

impl fmt::Display for RearmDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RearmDecision::Raise { slot, from } => {
                write!(f, "slot {slot} is confirmed: tries left {from} -> {}", TriesLeft::FULL)
            }
            RearmDecision::KeepTrial { slot, left } => {
                write!(f, "slot {slot} is on trial: tries left stay {left} until it is marked good")
            }
            RearmDecision::GiveUp { slot, endings, other_left } => write!(
                f,
                "slot {slot} is given up: its last {} boots ended in {}; slot {} has {other_left} tries left",
                endings.len(),
                in_words(endings),
                slot.other(),
            ),
            RearmDecision::KeepFailing { slot, left, endings } => write!(
                f,
                "slot {slot} keeps its {left} tries although its last {} boots ended in {}: slot {} cannot be tried",
                endings.len(),
                in_words(endings),
                slot.other(),
            ),
        }
    }
}

fn in_words(endings: &[BootEnding]) -> String {
    endings.iter().map(BootEnding::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "rearm_tests.rs"]
mod tests;
