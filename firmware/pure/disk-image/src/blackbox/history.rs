use std::collections::BTreeMap;

use appliance_types::{BuildId, SlotName};

use super::breadcrumb::{Breadcrumb, BreadcrumbKind, stage};
use super::ending::{BootEnding, LastSign};
use super::selector::{ResetKind, SelectorRecord};
use super::text::StageText;
use super::{ALIVE_INTERVAL_MS, WATCHDOG_LIMIT_MS};

/// How close to the watchdog's limit the last "alive" must be to call the end of a boot a watchdog reset: two of
/// them may be missing.
const WATCHDOG_SLACK_MS: u64 = 2 * ALIVE_INTERVAL_MS;

/// The boots a ring of breadcrumbs tells of, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    boots: Vec<Boot>,
    early_panics: Vec<Breadcrumb>,
}

/// One boot: what it left, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Its number; see [`Breadcrumb::boot`].
    pub number: u32,
    /// The slot it ran; `None` when no breadcrumb of it says so any more.
    pub slot: Option<SlotName>,
    /// The build that was in that slot; `None` when it did not get as far as to say so.
    pub build: Option<BuildId>,
    /// What the selector wrote about it; `None` when that is lost.
    pub selector: Option<SelectorRecord>,
    /// How it ended.
    pub ending: BootEnding,
    /// What it left, oldest first.
    pub crumbs: Vec<Breadcrumb>,
}

impl History {
    /// Groups `crumbs` ([`super::Ring::crumbs`]) by boot and judges how each boot ended.
    ///
    /// `running` is the number of the boot that is running now; `None` when none of them is, as for a disk looked at
    /// from outside. Of the breadcrumbs without a boot number only panics are kept.
    pub fn of(crumbs: &[Breadcrumb], running: Option<u32>) -> History {
        let mut by_boot: BTreeMap<u32, Vec<Breadcrumb>> = BTreeMap::new();
        for crumb in crumbs.iter().filter(|crumb| crumb.boot != 0) {
            by_boot.entry(crumb.boot).or_default().push(crumb.clone());
        }
        let is_early_panic = |crumb: &&Breadcrumb| crumb.boot == 0 && crumb.kind == BreadcrumbKind::Panic;
        let early_panics = crumbs.iter().filter(is_early_panic).cloned().collect();
        let mut boots: Vec<Boot> =
            by_boot.into_iter().map(|(number, crumbs)| Boot::of(number, crumbs)).collect();
        for index in 0..boots.len() {
            let number = boots[index].number;
            // Only the very next boot saw what this one's end left of the memory.
            let next = boots.get(index + 1).filter(|next| next.number - number == 1);
            let reset = next.and_then(|next| next.selector.as_ref()).map(|record| record.reset);
            boots[index].ending = match running {
                Some(running) if running == number => BootEnding::Running,
                _ => judge(&boots[index], reset),
            };
        }
        History { boots, early_panics }
    }

    /// The boots, oldest first.
    pub fn boots(&self) -> &[Boot] {
        &self.boots
    }

    /// The boot that is running now.
    pub fn running(&self) -> Option<&Boot> {
        self.boots.iter().find(|boot| boot.ending == BootEnding::Running)
    }

    /// What the kernel said of the last panic that `boot` found and could not give a boot number: that of a boot which
    /// died before early-boot could write.
    pub(super) fn early_panic_found_by(&self, boot: &Boot) -> Option<&str> {
        let first_seq = |boot: &Boot| {
            let own = boot.crumbs.iter().filter(|crumb| !crumb.kind.is_posthumous());
            own.map(|crumb| crumb.seq).min()
        };
        let from = first_seq(boot)?;
        let later = self.boots.iter().filter(|later| later.number > boot.number);
        let to = later.filter_map(first_seq).min().unwrap_or(u64::MAX);
        let found = self.early_panics.iter().rfind(|panic| (from..to).contains(&panic.seq));
        found.map(|panic| panic.message.as_str())
    }

    /// How the earlier boots of `slot` ended since `build` is in it, newest first.
    ///
    /// A boot that died too early to name its build is taken for one of `build`, unless a boot of another build came after it.
    pub fn endings_of(&self, slot: SlotName, build: &BuildId) -> Vec<BootEnding> {
        let of_slot = self.boots.iter().rev().filter(|boot| boot.slot == Some(slot));
        let of_build = of_slot.take_while(|boot| boot.build.as_ref().is_none_or(|other| other == build));
        of_build.map(|boot| boot.ending.clone()).filter(|ending| *ending != BootEnding::Running).collect()
    }
}

impl Boot {
    fn of(number: u32, crumbs: Vec<Breadcrumb>) -> Boot {
        let selector = crumbs
            .iter()
            .filter(|crumb| crumb.kind == BreadcrumbKind::Selector)
            .find_map(|crumb| SelectorRecord::from_message(&crumb.message).ok());
        let slot = crumbs.iter().find_map(|crumb| crumb.slot).or(selector.as_ref().map(|record| record.slot));
        let build = crumbs
            .iter()
            .filter(|crumb| crumb.kind == BreadcrumbKind::Stage && crumb.stage.as_str() == stage::HANDOVER)
            .find_map(|crumb| crumb.message.parse().ok());
        Boot { number, slot, build, selector, ending: BootEnding::Unexplained { last: None }, crumbs }
    }

    /// Its first breadcrumb of `kind`.
    pub fn find(&self, kind: BreadcrumbKind) -> Option<&Breadcrumb> {
        self.crumbs.iter().find(|crumb| crumb.kind == kind)
    }

    /// Its last sign of life. What the boot after it wrote about it does not count.
    pub fn last_sign(&self) -> Option<LastSign> {
        let own = || self.crumbs.iter().filter(|crumb| !crumb.kind.is_posthumous());
        let uptime_ms = own().map(|crumb| crumb.uptime_ms).max()?;
        let stage = match own().rfind(|crumb| crumb.kind != BreadcrumbKind::Alive) {
            Some(crumb) if crumb.stage.is_empty() => StageText::new(crumb.kind.as_str()),
            Some(crumb) => crumb.stage.clone(),
            None => StageText::new(BreadcrumbKind::Alive.as_str()),
        };
        Some(LastSign { stage, uptime_ms })
    }
}

/// How an ended boot ended, strongest evidence first. `reset` is what the next boot's selector found in the memory.
///
/// | Evidence | Ending |
/// |---|---|
/// | a panic breadcrumb about it | panic |
/// | a failure breadcrumb | failed |
/// | marked bad | marked bad |
/// | a shutdown breadcrumb | clean |
/// | watchdog armed, alive nearly until its limit, services never up, memory survived | watchdog |
/// | memory empty at the next boot | power cut |
/// | none of these | unexplained |
///
/// Where the next boot's record is lost, the reset may have been a power cut, which must never count against a slot: it
/// stays unexplained.
fn judge(boot: &Boot, reset: Option<ResetKind>) -> BootEnding {
    let last = boot.last_sign();
    if let Some(panic) = boot.find(BreadcrumbKind::Panic) {
        let lines = boot.crumbs.iter().filter(|crumb| crumb.kind == BreadcrumbKind::Console);
        let console = lines.map(|crumb| crumb.message.clone()).collect();
        return BootEnding::Panic { message: panic.message.clone(), console, last };
    }
    if let Some(failure) = boot.find(BreadcrumbKind::Failure) {
        return BootEnding::Failed { stage: failure.stage.clone(), message: failure.message.clone() };
    }
    if let Some(verdict) = boot.find(BreadcrumbKind::MarkBad) {
        return BootEnding::MarkedBad { check: verdict.stage.clone(), reason: verdict.message.clone() };
    }
    if let Some(shutdown) = boot.find(BreadcrumbKind::Shutdown) {
        return BootEnding::Clean { reason: shutdown.message.clone() };
    }
    match reset {
        Some(ResetKind::Cold) => BootEnding::PowerCut { last },
        Some(ResetKind::Warm) if ran_into_watchdog(boot) => BootEnding::Watchdog { last },
        _ => BootEnding::Unexplained { last },
    }
}

fn ran_into_watchdog(boot: &Boot) -> bool {
    let armed = boot
        .crumbs
        .iter()
        .find(|crumb| crumb.kind == BreadcrumbKind::Stage && crumb.stage.as_str() == stage::WATCHDOG);
    let alive = boot.crumbs.iter().filter(|crumb| crumb.kind == BreadcrumbKind::Alive);
    let (Some(armed), Some(last_alive)) = (armed, alive.map(|crumb| crumb.uptime_ms).max()) else {
        return false;
    };
    boot.find(BreadcrumbKind::ServicesUp).is_none()
        && last_alive.saturating_sub(armed.uptime_ms) >= WATCHDOG_LIMIT_MS - WATCHDOG_SLACK_MS
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
