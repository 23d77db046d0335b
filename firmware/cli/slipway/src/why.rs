//! `slipway why`: which slot runs, why, and how the boots before ended.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use disk_image::blackbox::{Breadcrumb, Explanation, History};
use host_files::BlackBox;

use crate::arguments::WhyOptions;
use crate::system;
use crate::when;

pub(crate) fn run(options: &WhyOptions) -> anyhow::Result<()> {
    let (black_box, running) = match &options.black_box {
        // Nothing runs in a saved copy: its last boot has an end like all others.
        Some(path) => (open_copy(path)?, None),
        None => (system::black_box()?, system::boot_report().ok().map(|boot| boot.boot_number)),
    };
    let text = answer(&black_box, running, options)?;
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the answer")
}

/// What the black box says about the boot it was written in, for the console.
pub(crate) fn explain(black_box: &BlackBox, running: Option<u32>) -> Explanation {
    Explanation::of(&History::of(black_box.ring().crumbs(), running))
}

fn open_copy(path: &Path) -> anyhow::Result<BlackBox> {
    BlackBox::open_read_only(path).with_context(|| format!("cannot read {} as a black box", path.display()))
}

fn answer(black_box: &BlackBox, running: Option<u32>, options: &WhyOptions) -> anyhow::Result<String> {
    if options.breadcrumbs {
        return Ok(black_box.ring().crumbs().iter().map(line).collect());
    }
    let explanation = explain(black_box, running);
    if options.json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&explanation).context("cannot write JSON")?));
    }
    let mut text = explanation.sentences().join("\n");
    text.push('\n');
    let damaged = black_box.ring().damaged();
    if damaged > 0 {
        text.push_str(&format!("{damaged} places of the black box are damaged; what they said is lost.\n"));
    }
    Ok(text)
}

/// `   12 A    34.567 2026-11-22 15:03:11 UTC stage rootfs: /dev/vda7 is mounted`
fn line(crumb: &Breadcrumb) -> String {
    let slot = crumb.slot.map_or("-".to_owned(), |slot| slot.to_string());
    let time = crumb.unix_ms.map_or("-".to_owned(), |ms| when::utc(ms / 1000));
    let (boot, uptime, kind) = (crumb.boot, crumb.uptime_ms, crumb.kind.as_str());
    let colon = if crumb.message.is_empty() { "" } else { ": " };
    let (seconds, millis) = (uptime / 1000, uptime % 1000);
    format!(
        "{boot:5} {slot} {seconds:6}.{millis:03} {time:23} {kind} {}{colon}{}\n",
        crumb.stage, crumb.message
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use appliance_types::SlotName;
    use disk_image::blackbox::{BreadcrumbKind, stage};
    use host_files::{Note, Writer};

    fn with_two_boots() -> (tempfile::TempDir, BlackBox) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blackbox");
        std::fs::write(&path, vec![0; 1024 * 1024]).unwrap();
        let mut black_box = BlackBox::open(&path).unwrap();
        let notes = [
            (1, BreadcrumbKind::Failure, stage::ROOTFS, "cannot mount /dev/vda7"),
            (2, BreadcrumbKind::Stage, stage::START, "early-boot runs"),
        ];
        for (boot, kind, stage, message) in notes {
            black_box.leave(Writer { boot, slot: Some(SlotName::A) }, Note { kind, stage, message }).unwrap();
        }
        (folder, black_box)
    }

    fn options(json: bool, breadcrumbs: bool) -> WhyOptions {
        WhyOptions { json, breadcrumbs, black_box: None }
    }

    #[test]
    fn in_words_it_names_the_running_boot_and_how_the_one_before_ended() {
        let (_folder, black_box) = with_two_boots();
        let text = answer(&black_box, Some(2), &options(false, false)).unwrap();
        assert!(text.starts_with("Boot 2 runs slot A"), "{text}");
        assert!(text.contains("- boot 1 (slot A) failed"), "{text}");
        assert!(text.contains("cannot mount /dev/vda7"), "{text}");
    }

    #[test]
    fn as_json_it_is_the_explanation() {
        let (_folder, black_box) = with_two_boots();
        let text = answer(&black_box, Some(2), &options(true, false)).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["running"]["boot"], 2);
        assert_eq!(json["earlier"][0]["ending"]["how"], "failed");
        assert_eq!(json["earlier"][0]["ending"]["stage"], "rootfs");
    }

    #[test]
    fn breadcrumbs_are_one_line_each() {
        let (_folder, black_box) = with_two_boots();
        let text = answer(&black_box, None, &options(false, true)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(
            lines[0].starts_with("    1 A ") && lines[0].ends_with("failure rootfs: cannot mount /dev/vda7")
        );
    }

    #[test]
    fn damage_is_said() {
        let (folder, _black_box) = with_two_boots();
        let path = folder.path().join("blackbox");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[128 * 512 + 100] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let text = answer(&open_copy(&path).unwrap(), None, &options(false, false)).unwrap();
        assert!(text.ends_with("1 places of the black box are damaged; what they said is lost.\n"), "{text}");
    }

    #[test]
    fn a_file_that_is_no_black_box_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note.txt");
        std::fs::write(&path, "hello").unwrap();
        let error = format!("{:#}", open_copy(&path).unwrap_err());
        assert!(error.starts_with(&format!("cannot read {} as a black box: ", path.display())), "{error}");
    }
}
