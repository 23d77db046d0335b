//! `slipway report`: what the console shows when the services are up.

use std::io::Write;

use anyhow::Context;
use disk_image::blackbox::{BreadcrumbKind, Rollback};
use host_files::BlackBox;

use crate::status::{self, Status};
use crate::status_text;
use crate::system;
use crate::why;

pub(crate) fn run() -> anyhow::Result<()> {
    let status = status::gather();
    let told = system::black_box().ok().map(|black_box| Told::by(&black_box, &status)).unwrap_or_default();
    let text = lines(&status, &told);
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the report")
}

/// What only the black box can tell.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// The rollback that led to the running slot, if one did.
    rollback: Option<Rollback>,
    /// The uptime at which the services were up. This report may come later.
    up_at_s: Option<u64>,
}

impl Told {
    fn by(black_box: &BlackBox, status: &Status) -> Told {
        let Some(boot) = &status.boot else { return Told::default() };
        let running = why::explain(black_box, Some(boot.boot_number)).rollback;
        let crumbs = black_box.ring().crumbs().iter().rev();
        let up = crumbs
            .filter(|crumb| crumb.boot == boot.boot_number)
            .find(|crumb| crumb.kind == BreadcrumbKind::ServicesUp);
        Told {
            rollback: running.filter(|rollback| rollback.to == boot.slot),
            up_at_s: up.map(|crumb| crumb.uptime_ms / 1000),
        }
    }
}

/// In the style of everything else on the console: `slipway: <what>: <text>`.
fn lines(status: &Status, told: &Told) -> String {
    let mut rows = vec![
        ("build".to_owned(), status_text::build(status)),
        ("slot".to_owned(), status_text::slot(status)),
        ("data".to_owned(), status_text::data(&status.data)),
    ];
    rows.extend(status_text::network(status));
    let own = status_text::provisioning_and_verdict(status).into_iter();
    rows.extend(own.map(|(what, text)| (what.to_owned(), text)));
    if let Some(rollback) = &told.rollback {
        rows.push((
            "rollback".to_owned(),
            format!("the machine {rollback}; `slipway why` has the whole story"),
        ));
    }
    if let Some(units @ [_, ..]) = status.failed_units.as_deref() {
        rows.push(("failed".to_owned(), units.join(", ")));
    }
    let uptime = told.up_at_s.unwrap_or(status.uptime_s);
    rows.push(("up".to_owned(), format!("services are up, {uptime} s after the kernel started")));
    rows.into_iter().map(|(what, text)| format!("slipway: {what}: {text}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status_text::tests::healthy;
    use appliance_types::SlotName;
    use host_files::{Note, Writer};

    #[test]
    fn a_healthy_box_says_where_it_can_be_reached() {
        let expected = "\
slipway: build: 0.1.0-3fa9c12d01 (Slipway 0.1.0 for rock64)
slipway: slot: A, confirmed, 9 tries left; boot 12 from /dev/vda
slipway: data: mounted, 700 MiB of 3.3 GiB free (/dev/vda9)
slipway: eth0: up, 10.0.2.15/24, fe80::1/64 (52:54:00:12:34:56)
slipway: eth1: no link, no address (52:54:00:12:34:57)
slipway: config: generation 3 from USB stick KINGSTON (sda1)
slipway: verdict: good since 58 s after the kernel started
slipway: up: services are up, 34 s after the kernel started
";
        assert_eq!(lines(&healthy(), &Told { up_at_s: Some(34), ..Told::default() }), expected);
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
        let text = lines(&status, &Told { rollback: Some(rollback), up_at_s: None });
        assert!(text.contains("slipway: rollback: the machine rolled back from slot B to slot A"), "{text}");
        assert!(text.contains("slipway: failed: rauc.service\n"), "{text}");
        assert!(text.ends_with("services are up, 3903 s after the kernel started\n"), "{text}");
    }

    #[test]
    fn the_black_box_knows_when_this_boots_services_were_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blackbox");
        std::fs::write(&path, vec![0; 1024 * 1024]).unwrap();
        let mut black_box = BlackBox::open(&path).unwrap();
        let note = Note { kind: BreadcrumbKind::ServicesUp, stage: "services", message: "" };
        for (boot, uptime_ms) in [(11, 99_000), (12, 34_567)] {
            black_box.leave_dated(Writer { boot, slot: Some(SlotName::A) }, note, uptime_ms).unwrap();
        }
        assert_eq!(Told::by(&black_box, &healthy()), Told { rollback: None, up_at_s: Some(34) });
        assert_eq!(Told::by(&black_box, &Status::default()), Told::default());
    }
}
