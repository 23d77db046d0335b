//! The status in words, for somebody who was woken up.

use std::fmt::Write;

use host_files::{ProvisioningReport, ProvisioningState, VerdictReport, VerdictState};

use crate::status::{DataStatus, Interface, SlotStatus, Status};
use crate::when;

/// The name of the WAN card.
const WAN: &str = "eth0";

/// The whole page. What is wrong stands last, where the eye is when the command has run.
pub(crate) fn in_words(status: &Status) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        writeln!(text, "{name:9}{value}").expect("writing to a String");
    };
    row("build", &build(status));
    row("slot", &slot(status));
    for (name, text) in provisioning_and_verdict(status) {
        row(name, &text);
    }
    row("up", &up(status));
    row("data", &data(&status.data));
    for (name, text) in network(status) {
        row(&name, &text);
    }
    if status.provisioning.is_none() && status.boot.as_ref().is_some_and(|boot| boot.fresh_flash) {
        row("state", "freshly flashed: nothing has been imported yet");
    }
    match status.failed_units.as_deref() {
        None => {}
        Some([]) => row("failed", "nothing"),
        Some(units) => row("failed", &units.join(", ")),
    }
    for line in &status.unknown {
        row("unknown", line);
    }
    text
}

/// `0.1.0-3fa9c12d01 (Slipway 0.1.0 for rock64)`
pub(crate) fn build(status: &Status) -> String {
    match (&status.build, &status.version, &status.board) {
        (Some(build), Some(version), Some(board)) => format!("{build} (Slipway {version} for {board})"),
        _ => "unknown".to_owned(),
    }
}

/// `A, confirmed, 9 tries left; boot 12 from /dev/vda`
pub(crate) fn slot(status: &Status) -> String {
    let counted = status.slot.as_ref().map(slot_state);
    let Some(boot) = &status.boot else {
        return counted.unwrap_or_else(|| "unknown".to_owned());
    };
    let last_resort = if boot.last_resort { ", last resort: no slot had tries left" } else { "" };
    let slot = counted.unwrap_or_else(|| boot.slot.to_string());
    format!("{slot}{last_resort}; boot {} from {}", boot.boot_number, boot.disk.display())
}

fn slot_state(slot: &SlotStatus) -> String {
    let trust = if slot.confirmed { "confirmed" } else { "on trial" };
    let tries = if slot.tries_left == 1 {
        "1 try left".to_owned()
    } else {
        format!("{} tries left", slot.tries_left)
    };
    format!("{}, {trust}, {tries}", slot.name)
}

/// One row for each of the two, and one for each problem and warning of the configuration; none where nothing is known yet.
pub(crate) fn provisioning_and_verdict(status: &Status) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if let Some(report) = &status.provisioning {
        rows.push(("config", provisioning(report)));
        rows.extend(report.problems.iter().map(|problem| ("problem", problem.clone())));
        rows.extend(report.warnings.iter().map(|warning| ("warning", warning.clone())));
    }
    rows.extend(status.verdict.as_ref().map(|report| ("verdict", verdict(report))));
    rows
}

/// `generation 3 from USB stick KINGSTON (sda1)`; what is not well stands first.
fn provisioning(report: &ProvisioningReport) -> String {
    let source = report.source.as_ref().map_or(String::new(), |source| format!(" from {source}"));
    let generation = report.generation.map(|generation| format!("generation {generation}{source}"));
    match (report.state, generation) {
        (ProvisioningState::Provisioned, Some(generation)) => generation,
        (ProvisioningState::Provisioned, None) => report.message.clone(),
        (ProvisioningState::Unprovisioned, _) => format!("NOT PROVISIONED: {}", report.message),
        (ProvisioningState::Importing, _) => format!("importing{source}: {}", report.message),
        (ProvisioningState::Degraded, generation) => {
            let generation = generation.map_or(String::new(), |generation| format!(" ({generation})"));
            format!("DEGRADED: {}{generation}", report.message)
        }
    }
}

/// `good since 41 s after the kernel started`
fn verdict(report: &VerdictReport) -> String {
    let because = match report.reasons.join("; ") {
        none if none.is_empty() => none,
        reasons => format!(": {reasons}"),
    };
    let since = format!("since {} s after the kernel started", report.since_uptime_s);
    match report.verdict {
        VerdictState::Good => format!("good {since}{because}"),
        VerdictState::Waiting => format!("waiting{because}"),
        VerdictState::Degraded => format!("DEGRADED {since}{because}"),
        VerdictState::Bad => format!("BAD{because}"),
    }
}

fn up(status: &Status) -> String {
    let since = status.up_since_unix_s.map_or(String::new(), |since| format!("since {}, ", when::utc(since)));
    format!("{since}{}", when::duration(status.uptime_s))
}

/// `mounted, 2.1 GiB of 3.3 GiB free (/dev/vda9)`
pub(crate) fn data(data: &DataStatus) -> String {
    if !data.mounted {
        return "NOT MOUNTED: nothing written now survives a reboot".to_owned();
    }
    let space = match (data.free_bytes, data.size_bytes) {
        (Some(free), Some(size)) => format!(", {} of {} free", bytes(free), bytes(size)),
        _ => String::new(),
    };
    let device = data.device.as_ref().map_or(String::new(), |device| format!(" ({device})"));
    format!("mounted{space}{device}")
}

/// One row for each card, and one for WAN when it is missing.
pub(crate) fn network(status: &Status) -> Vec<(String, String)> {
    let row = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    if status.interfaces.is_empty() {
        return vec![row("network", "no network cards")];
    }
    let mut rows: Vec<_> = status.interfaces.iter().map(|card| row(&card.name, &interface(card))).collect();
    if !status.interfaces.iter().any(|card| card.name == WAN) {
        rows.insert(0, row(WAN, "missing: there is no card where this board has WAN"));
    }
    rows
}

/// `up, 10.0.2.15/24, fe80::1/64 (52:54:00:12:34:56)`
fn interface(card: &Interface) -> String {
    let state = match card.state.as_str() {
        "UP" => "up",
        "DOWN" | "LOWERLAYERDOWN" => "no link",
        _ => "state unknown",
    };
    let addresses = match card.addresses.as_slice() {
        [] => "no address".to_owned(),
        addresses => addresses.join(", "),
    };
    format!("{state}, {addresses} ({})", card.mac)
}

fn bytes(count: u64) -> String {
    let tenths_of_gib = count / (1024 * 1024 * 1024 / 10);
    match tenths_of_gib {
        0..10 => format!("{} MiB", count / (1024 * 1024)),
        tenths => format!("{}.{} GiB", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use appliance_types::{Generation, SlotName};
    use host_files::{BootReport, DataPartition};

    pub(crate) fn healthy() -> Status {
        Status {
            build: Some("0.1.0-3fa9c12d01".to_owned()),
            version: Some("0.1.0".to_owned()),
            board: Some("rock64".to_owned()),
            boot: Some(BootReport {
                build: "0.1.0-3fa9c12d01".parse().unwrap(),
                selector_build: None,
                slot: SlotName::A,
                disk: "/dev/vda".into(),
                black_box: None,
                token: None,
                tries_left: Some(8),
                reason: None,
                env: None,
                reset: None,
                last_resort: false,
                fresh_flash: false,
                data: DataPartition::Present,
                boot_number: 12,
            }),
            slot: Some(SlotStatus {
                name: SlotName::A,
                tries_left: 9,
                confirmed: true,
                order: "A".to_owned(),
            }),
            provisioning: Some(ProvisioningReport {
                state: ProvisioningState::Provisioned,
                generation: Generation::new(3),
                source: Some("USB stick KINGSTON (sda1)".to_owned()),
                message: "Generation 3 is in force.".to_owned(),
                problems: vec![],
                warnings: vec![],
            }),
            verdict: Some(VerdictReport {
                verdict: VerdictState::Good,
                reasons: vec![],
                slot: SlotName::A,
                marked_good: true,
                since_uptime_s: 58,
            }),
            up_since_unix_s: Some(1_795_360_991),
            uptime_s: 3_903,
            data: DataStatus {
                mounted: true,
                device: Some("/dev/vda9".to_owned()),
                size_bytes: Some(3_543_348_019),
                free_bytes: Some(734_003_200),
            },
            interfaces: vec![
                Interface {
                    name: "eth0".to_owned(),
                    state: "UP".to_owned(),
                    mac: "52:54:00:12:34:56".to_owned(),
                    addresses: vec!["10.0.2.15/24".to_owned(), "fe80::1/64".to_owned()],
                },
                Interface {
                    name: "eth1".to_owned(),
                    state: "DOWN".to_owned(),
                    mac: "52:54:00:12:34:57".to_owned(),
                    addresses: vec![],
                },
            ],
            failed_units: Some(vec![]),
            unknown: vec![],
        }
    }

    #[test]
    fn a_healthy_box() {
        let expected = "\
build    0.1.0-3fa9c12d01 (Slipway 0.1.0 for rock64)
slot     A, confirmed, 9 tries left; boot 12 from /dev/vda
config   generation 3 from USB stick KINGSTON (sda1)
verdict  good since 58 s after the kernel started
up       since 2026-11-22 15:23:11 UTC, 1 h 5 min
data     mounted, 700 MiB of 3.3 GiB free (/dev/vda9)
eth0     up, 10.0.2.15/24, fe80::1/64 (52:54:00:12:34:56)
eth1     no link, no address (52:54:00:12:34:57)
failed   nothing
";
        assert_eq!(in_words(&healthy()), expected);
    }

    #[test]
    fn a_box_in_trouble() {
        let mut status = healthy();
        status.slot =
            Some(SlotStatus { name: SlotName::A, tries_left: 1, confirmed: false, order: "A B".to_owned() });
        let boot = status.boot.as_mut().unwrap();
        boot.last_resort = true;
        boot.fresh_flash = true;
        status.provisioning = None;
        let verdict = status.verdict.as_mut().unwrap();
        (verdict.verdict, verdict.marked_good) = (VerdictState::Degraded, false);
        verdict.reasons = vec!["data.mount has failed (exit-code)".to_owned()];
        status.up_since_unix_s = None;
        status.uptime_s = 42;
        status.data = DataStatus::default();
        status.interfaces.clear();
        status.failed_units = Some(vec!["data.mount".to_owned(), "rauc.service".to_owned()]);
        status.unknown = vec!["the network: cannot start `ip -json address show`: No such file".to_owned()];
        let expected = "\
build    0.1.0-3fa9c12d01 (Slipway 0.1.0 for rock64)
slot     A, on trial, 1 try left, last resort: no slot had tries left; boot 12 from /dev/vda
verdict  DEGRADED since 58 s after the kernel started: data.mount has failed (exit-code)
up       42 s
data     NOT MOUNTED: nothing written now survives a reboot
network  no network cards
state    freshly flashed: nothing has been imported yet
failed   data.mount, rauc.service
unknown  the network: cannot start `ip -json address show`: No such file
";
        assert_eq!(in_words(&status), expected);
    }

    #[test]
    fn a_configuration_on_its_way_or_in_trouble() {
        let base = healthy().provisioning.unwrap();
        let none = ProvisioningReport { generation: None, source: None, ..base.clone() };
        let with = |state, message: &str, base: &ProvisioningReport| {
            provisioning(&ProvisioningReport { state, message: message.to_owned(), ..base.clone() })
        };
        for (text, expected) in [
            (
                with(ProvisioningState::Unprovisioned, "waiting for a USB stick with a config.toml", &none),
                "NOT PROVISIONED: waiting for a USB stick with a config.toml",
            ),
            (
                with(ProvisioningState::Importing, "loading web.tar", &base),
                "importing from USB stick KINGSTON (sda1): loading web.tar",
            ),
            (
                with(ProvisioningState::Degraded, "web.service does not run", &base),
                "DEGRADED: web.service does not run (generation 3 from USB stick KINGSTON (sda1))",
            ),
        ] {
            assert_eq!(text, expected);
        }
        let mut status = healthy();
        status.provisioning.as_mut().unwrap().problems = vec!["config.toml:3:1: unknown key".to_owned()];
        assert!(in_words(&status).contains("\nproblem  config.toml:3:1: unknown key\n"));
    }

    #[test]
    fn a_verdict_that_is_not_good_says_why() {
        let with = |state, reasons: &[&str]| {
            let reasons = reasons.iter().map(|&reason| reason.to_owned()).collect();
            verdict(&VerdictReport { verdict: state, reasons, ..healthy().verdict.unwrap() })
        };
        assert_eq!(with(VerdictState::Waiting, &["a", "b"]), "waiting: a; b");
        assert_eq!(with(VerdictState::Bad, &["web.service: it failed"]), "BAD: web.service: it failed");
        assert_eq!(
            with(VerdictState::Good, &["no card"]),
            "good since 58 s after the kernel started: no card"
        );
    }

    #[test]
    fn a_missing_wan_card_is_said() {
        let mut status = healthy();
        status.interfaces.remove(0);
        let names: Vec<String> = network(&status).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["eth0", "eth1"]);
        assert_eq!(network(&status)[0].1, "missing: there is no card where this board has WAN");
    }

    #[test]
    fn nothing_known_is_still_a_page() {
        let text = in_words(&Status::default());
        assert!(text.starts_with("build    unknown\nslot     unknown\n"), "{text}");
    }
}
