//! Builds the breadcrumbs of a disk's life for the tests of this folder, one boot after another.

use appliance_types::{BootToken, SlotName};

use super::breadcrumb::{Breadcrumb, BreadcrumbKind, stage};
use super::history::History;
use super::ring::Ring;
use super::selector::{ResetKind, SelectorReason, SelectorRecord};
use crate::boot_state::{EnvSource, TriesLeft};

/// What a selector would write about a boot of `slot`.
pub(super) fn record(slot: SlotName, left: u8, reason: SelectorReason, reset: ResetKind) -> SelectorRecord {
    SelectorRecord {
        build: "2026.11-1".parse().unwrap(),
        slot,
        tries_left: TriesLeft::new(left).unwrap(),
        reason,
        env: EnvSource::Env0,
        token: BootToken::from_bytes([7; 16]),
        reset,
    }
}

/// A breadcrumb without a place in the ring yet.
pub(super) fn crumb(
    boot: u32,
    kind: BreadcrumbKind,
    stage: &str,
    message: &str,
    uptime_ms: u64,
) -> Breadcrumb {
    Breadcrumb {
        seq: 0,
        boot,
        slot: None,
        unix_ms: None,
        uptime_ms,
        kind,
        stage: stage.into(),
        message: message.into(),
    }
}

/// The life of a disk so far.
#[derive(Default)]
pub(super) struct Life {
    ring: Ring,
    boot: u32,
    slot: Option<SlotName>,
}

impl Life {
    /// The next boot gets as far as early-boot: it notes what the selector wrote and arms the watchdog at 1 s.
    pub(super) fn boots(
        &mut self,
        slot: SlotName,
        left: u8,
        reason: SelectorReason,
        reset: ResetKind,
    ) -> &mut Life {
        self.boot += 1;
        self.slot = Some(slot);
        self.leaves(BreadcrumbKind::Selector, "start", &record(slot, left, reason, reset).to_message(), 500);
        self.leaves(BreadcrumbKind::Stage, stage::WATCHDOG, "armed for 30 s", 1_000)
    }

    /// A boot of the slot that is first in the order, after a warm reset.
    pub(super) fn boots_by_order(&mut self, slot: SlotName, left: u8) -> &mut Life {
        self.boots(slot, left, SelectorReason::Order, ResetKind::Warm)
    }

    /// The boot leaves a breadcrumb.
    pub(super) fn leaves(
        &mut self,
        kind: BreadcrumbKind,
        stage: &str,
        message: &str,
        uptime_ms: u64,
    ) -> &mut Life {
        let crumb = Breadcrumb { slot: self.slot, ..crumb(self.boot, kind, stage, message, uptime_ms) };
        self.ring.append(crumb);
        self
    }

    /// "Alive" every 5 s, the last one at `until_ms`.
    pub(super) fn lives(&mut self, until_ms: u64) -> &mut Life {
        for uptime in (5_000..=until_ms).step_by(5_000) {
            self.leaves(BreadcrumbKind::Alive, "", "", uptime);
        }
        self
    }

    /// The boot gets its counter back and its services up.
    pub(super) fn comes_up(&mut self) -> &mut Life {
        self.leaves(BreadcrumbKind::Rearmed, stage::REARM, "", 2_000);
        self.leaves(BreadcrumbKind::SwitchRoot, stage::SWITCH_ROOT, "", 3_000);
        self.leaves(BreadcrumbKind::ServicesUp, stage::SERVICES, "", 20_000)
    }

    /// What this boot found in the kernel's crash memory about the one before it.
    pub(super) fn finds_panic(&mut self, message: &str, console: &[&str]) -> &mut Life {
        self.ring.append(crumb(self.boot - 1, BreadcrumbKind::Panic, "", message, 0));
        for line in console {
            self.ring.append(crumb(self.boot - 1, BreadcrumbKind::Console, "", line, 0));
        }
        self
    }

    /// A panic this boot found that belongs to no boot it knows.
    pub(super) fn finds_early_panic(&mut self, message: &str) -> &mut Life {
        self.ring.append(crumb(0, BreadcrumbKind::Panic, "", message, 0));
        self
    }

    /// The history, seen from the boot that was last added.
    pub(super) fn history(&self) -> History {
        History::of(self.ring.crumbs(), Some(self.boot))
    }

    /// The history of a disk that is looked at from outside.
    pub(super) fn history_from_outside(&self) -> History {
        History::of(self.ring.crumbs(), None)
    }
}
