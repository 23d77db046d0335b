//! `slipway breadcrumb`: a note in the black box, left by units.

use std::path::Path;

use anyhow::Context;
use disk_image::blackbox::BreadcrumbKind;
use host_files::{BlackBox, Note, Writer, read_text_bounded};

use crate::arguments::{BreadcrumbOptions, Kind};
use crate::system;

/// Where whoever asks for a reboot or a power-off may have left the reason.
const SHUTDOWN_REASON: &str = "/run/slipway/shutdown-reason";

/// What ends the signs of life of early-boot's child.
const SERVICES_UP: &str = "/run/slipway/services-up";

pub(crate) fn run(options: &BreadcrumbOptions) -> anyhow::Result<()> {
    if matches!(options.kind, Kind::ServicesUp) {
        std::fs::write(SERVICES_UP, "").with_context(|| format!("cannot write {SERVICES_UP}"))?;
    }
    let message = match options.kind {
        Kind::Shutdown if options.message.is_empty() => {
            shutdown_message(&options.stage, Path::new(SHUTDOWN_REASON))
        }
        _ => options.message.clone(),
    };
    leave(Note { kind: kind(options.kind), stage: &options.stage, message: &message })
}

/// `reboot: update to 0.2.0`, or only `reboot` where nobody left a reason.
fn shutdown_message(what: &str, reason: &Path) -> String {
    const LIMIT: usize = 4096;
    match read_text_bounded(reason, LIMIT) {
        Ok(text) if !text.trim().is_empty() => format!("{what}: {}", text.trim()),
        _ => what.to_owned(),
    }
}

/// Leaves a note about this boot. Without early-boot's report it is left without a boot number: better than not at all.
pub(crate) fn leave(note: Note<'_>) -> anyhow::Result<()> {
    let boot = system::boot_report().ok();
    let writer = Writer {
        boot: boot.as_ref().map_or(0, |boot| boot.boot_number),
        slot: boot.as_ref().map(|boot| boot.slot),
    };
    Ok(BlackBox::open(&system::black_box_path())?.leave(writer, note)?)
}

fn kind(kind: Kind) -> BreadcrumbKind {
    match kind {
        Kind::Stage => BreadcrumbKind::Stage,
        Kind::ServicesUp => BreadcrumbKind::ServicesUp,
        Kind::Check => BreadcrumbKind::Check,
        Kind::MarkGood => BreadcrumbKind::MarkGood,
        Kind::MarkBad => BreadcrumbKind::MarkBad,
        Kind::Shutdown => BreadcrumbKind::Shutdown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn a_shutdown_is_noted_with_the_reason_that_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let reason = folder.path().join("shutdown-reason");
        assert_eq!(shutdown_message("reboot", &reason), "reboot");
        std::fs::write(&reason, "update to 0.2.0\n").unwrap();
        assert_eq!(shutdown_message("reboot", &reason), "reboot: update to 0.2.0");
        std::fs::write(&reason, "\n").unwrap();
        assert_eq!(shutdown_message("poweroff", &reason), "poweroff");
    }

    #[test]
    fn kinds_are_spelt_as_in_the_black_box() {
        for option in Kind::value_variants() {
            let spelt = option.to_possible_value().unwrap();
            assert_eq!(spelt.get_name(), kind(*option).as_str());
        }
    }
}
