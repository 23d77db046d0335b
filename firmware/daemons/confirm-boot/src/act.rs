//! What follows from a verdict. Every step may be the last before a power cut, and all of them may be done again.
//!
//! | Good | Bad |
//! |---|---|
//! | where the order would start another slot first: mark active | breadcrumb: the check and its reason |
//! | mark good | mark bad |
//! | `SLIPWAY_CONFIRMED`, where it names another slot | reboot, with the reason |
//! | look: the boot state says so | |
//! | breadcrumb | |
//!
//! Cut short, a good slot on trial is judged again at its next boot, and a bad one is either not started again or judged
//! again. The breadcrumb of a bad verdict comes first, because it is what explains the boots after it; that of a good one last,
//! because it says that all is done.

use std::time::Duration;

use anyhow::{Context, ensure};
use appliance_types::SlotName;
use disk_image::blackbox::BreadcrumbKind;
use disk_image::boot_state::{BootState, TriesLeft};
use host_bus::Mark;

/// The stage of a good verdict's breadcrumb.
const STAGE: &str = "verdict";

/// How often RAUC is asked to mark a slot bad. After that, its tries have to run out.
const MARK_BAD_ATTEMPTS: u32 = 3;

/// What acting needs. A trait, because what happens when it stops anywhere is tested.
pub(crate) trait Hands {
    fn boot_state(&self) -> anyhow::Result<BootState>;
    /// Marks the running slot.
    fn mark(&self, mark: Mark) -> anyhow::Result<()>;
    fn set_confirmed(&self, slot: SlotName) -> anyhow::Result<()>;
    fn leave_breadcrumb(&self, kind: BreadcrumbKind, stage: &str, message: &str) -> anyhow::Result<()>;
    /// Asks for a reboot in order.
    fn reboot(&self, reason: &str) -> anyhow::Result<()>;
    fn pause(&self, time: Duration);
}

/// Makes the running slot the confirmed one.
pub(crate) fn confirm(hands: &impl Hands, slot: SlotName) -> anyhow::Result<()> {
    let before = hands.boot_state()?;
    if is_displaced(&before, slot) {
        // First this, then good: it gives the slot the tries of a fresh install, also where it had more.
        hands.mark(Mark::Active)?;
    }
    hands.mark(Mark::Good)?;
    if before.confirmed != Some(slot) {
        hands.set_confirmed(slot)?;
    }
    let after = hands.boot_state()?;
    let tries = after.left(slot);
    ensure!(
        tries > TriesLeft::TRIAL && after.confirmed == Some(slot) && !is_displaced(&after, slot),
        "slot {slot} was marked good, but the boot state does not show it: order \"{}\", {tries} tries left",
        after.order
    );
    note(hands, BreadcrumbKind::MarkGood, STAGE, &format!("slot {slot} is confirmed"));
    Ok(())
}

/// Whether marking the slot good would not be enough to start it next: it is not in the order, or behind one that has no tries
/// left. A slot before it that does have some was put there on purpose, by an update that waits for its first boot.
fn is_displaced(state: &BootState, slot: SlotName) -> bool {
    match state.order.slots().next() {
        Some(first) if first == slot => false,
        Some(first) if state.left(first) > TriesLeft::NONE => !state.order.slots().any(|other| other == slot),
        _ => true,
    }
}

/// Has the black box say what does not work, where the slot stays: nobody may be there to ask the running system, and `slipway why`
/// knows of no other place.
pub(crate) fn stay_degraded(hands: &impl Hands, reasons: &[String]) {
    note(hands, BreadcrumbKind::Check, STAGE, &format!("degraded: {}", reasons.join("; ")));
}

/// Leaves the running slot, which is on trial, for the other one.
pub(crate) fn give_up(hands: &impl Hands, slot: SlotName, check: &str, reason: &str) -> anyhow::Result<()> {
    note(hands, BreadcrumbKind::MarkBad, check, reason);
    if let Err(error) = mark_bad(hands) {
        // The reboot costs the slot a try, like every boot on trial: the other one comes up later, but it does.
        log::error!("slot {slot} keeps its tries: {error:#}");
    }
    hands.reboot(&format!("slot {slot} is bad: {check}: {reason}"))
}

fn mark_bad(hands: &impl Hands) -> anyhow::Result<()> {
    let mut wait = Duration::from_secs(2);
    for attempt in 1.. {
        match hands.mark(Mark::Bad) {
            Err(error) if attempt < MARK_BAD_ATTEMPTS => {
                log::warn!("{error:#}; trying again in {} s", wait.as_secs());
                hands.pause(wait);
                wait *= 2;
            }
            last => return last.context("the slot could not be marked bad"),
        }
    }
    Ok(())
}

/// A black box that cannot be written changes nothing about the verdict.
fn note(hands: &impl Hands, kind: BreadcrumbKind, stage: &str, message: &str) {
    if let Err(error) = hands.leave_breadcrumb(kind, stage, message) {
        log::warn!("the black box does not know of the verdict: {error:#}");
    }
}

#[cfg(test)]
#[path = "act_tests.rs"]
mod tests;
