//! `slipway breadcrumb`: a note in the black box, left by units.

use disk_image::blackbox::BreadcrumbKind;
use host_files::{BlackBox, Note, Writer};

use crate::arguments::{BreadcrumbOptions, Kind};
use crate::system;

pub(crate) fn run(options: &BreadcrumbOptions) -> anyhow::Result<()> {
    leave(Note { kind: kind(options.kind), stage: &options.stage, message: &options.message })
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
    fn kinds_are_spelt_as_in_the_black_box() {
        for option in Kind::value_variants() {
            let spelt = option.to_possible_value().unwrap();
            assert_eq!(spelt.get_name(), kind(*option).as_str());
        }
    }
}
