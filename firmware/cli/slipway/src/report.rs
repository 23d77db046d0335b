//! `slipway report`: what the console shows when the services are up.

use std::io::Write;

use anyhow::Context;
use disk_image::blackbox::Rollback;

use crate::status::{self, Status};
use crate::status_text;
use crate::system;
use crate::why;

pub(crate) fn run() -> anyhow::Result<()> {
    let status = status::gather();
    let text = lines(&status, rollback_to_here(&status).as_ref());
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the report")
}

/// The rollback that led to the running slot, if one did.
fn rollback_to_here(status: &Status) -> Option<Rollback> {
    let boot = status.boot.as_ref()?;
    let explanation = why::explain(&system::black_box().ok()?, Some(boot.boot_number));
    explanation.rollback.filter(|rollback| rollback.to == boot.slot)
}

/// In the style of everything else on the console: `slipway: <what>: <text>`.
fn lines(status: &Status, rollback: Option<&Rollback>) -> String {
    let mut rows = vec![
        ("build".to_owned(), status_text::build(status)),
        ("slot".to_owned(), status_text::slot(status)),
        ("data".to_owned(), status_text::data(&status.data)),
    ];
    rows.extend(status.interfaces.iter().map(|card| (card.name.clone(), status_text::interface(card))));
    if let Some(rollback) = rollback {
        rows.push((
            "rollback".to_owned(),
            format!("the machine {rollback}; `slipway why` has the whole story"),
        ));
    }
    if let Some(units @ [_, ..]) = status.failed_units.as_deref() {
        rows.push(("failed".to_owned(), units.join(", ")));
    }
    let uptime = status.uptime_s;
    rows.push(("up".to_owned(), format!("services are up, {uptime} s after the kernel started")));
    rows.into_iter().map(|(what, text)| format!("slipway: {what}: {text}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status_text::tests::healthy;
    use appliance_types::SlotName;

    #[test]
    fn a_healthy_box_says_where_it_can_be_reached() {
        let expected = "\
slipway: build: 0.1.0-3fa9c12d01 (Slipway 0.1.0 for rock64)
slipway: slot: A, confirmed, 9 tries left; boot 12 from /dev/vda
slipway: data: mounted, 700 MiB of 3.3 GiB free (/dev/vda9)
slipway: eth0: up, 10.0.2.15/24, fe80::1/64 (52:54:00:12:34:56)
slipway: eth1: no link, no address (52:54:00:12:34:57)
slipway: up: services are up, 3903 s after the kernel started
";
        assert_eq!(lines(&healthy(), None), expected);
    }

    #[test]
    fn a_rollback_and_failed_units_are_said() {
        let mut status = healthy();
        status.failed_units = Some(vec!["rauc.service".to_owned()]);
        let rollback = Rollback {
            at_boot: 12,
            from: SlotName::B,
            to: SlotName::A,
            stage: "rootfs".to_owned(),
            why: "boot 11 failed".to_owned(),
        };
        let text = lines(&status, Some(&rollback));
        assert!(text.contains("slipway: rollback: the machine rolled back from slot B to slot A"), "{text}");
        assert!(text.contains("slipway: failed: rauc.service\n"), "{text}");
    }
}
