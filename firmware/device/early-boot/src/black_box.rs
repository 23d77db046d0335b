//! Opening the black box: what earlier boots left, and the number of this one.

use disk_image::blackbox::{BreadcrumbKind, History, SelectorRecord};
use host_files::{BlackBox, Writer};

use crate::command_line::CommandLine;
use crate::report::Report;
use crate::sysfs::Disk;

const STAGE: &str = "black-box";

/// What the black box knows of this boot and of those before it. All empty when it cannot be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    /// The number of this boot; 0 when the black box cannot be read.
    pub(crate) boot: u32,
    /// What the selector wrote about this boot.
    pub(crate) selector: Option<SelectorRecord>,
    /// The boots before.
    pub(crate) history: History,
    /// When the newest breadcrumb with a known time was left, in milliseconds since 1970.
    pub(crate) last_seen_unix_ms: Option<u64>,
}

/// Opens the black box of this disk; from here on breadcrumbs are written to it.
///
/// Never fatal: a box that cannot remember still works.
pub(crate) fn open(disk: &Disk, command_line: &CommandLine, report: &mut Report) -> Past {
    let Some(path) = disk.partition("blackbox") else {
        report.warn(STAGE, "no breadcrumbs in this boot: the disk has no black box");
        return Past::default();
    };
    let black_box = match BlackBox::open(path) {
        Ok(black_box) => black_box,
        Err(error) => {
            report.warn(STAGE, format_args!("no breadcrumbs in this boot: {:#}", anyhow::Error::new(error)));
            return Past::default();
        }
    };
    let selector = read_selector(&black_box, command_line);
    let ring = black_box.ring();
    let boot = ring.next_boot();
    let past = Past {
        boot,
        selector: selector.as_ref().ok().cloned(),
        history: History::of(ring.crumbs(), Some(boot)),
        last_seen_unix_ms: ring.crumbs().iter().rev().find_map(|crumb| crumb.unix_ms),
    };
    report.attach(black_box, Writer { boot, slot: Some(command_line.slot) }, path);

    match selector {
        Ok(record) => {
            report.crumb(BreadcrumbKind::Selector, STAGE, record.to_message());
            report.say(
                STAGE,
                format_args!("boot {boot}, slot {}, {} tries left", record.slot, record.tries_left),
            );
        }
        Err(doubt) => report.warn(STAGE, format_args!("boot {boot}, slot {}: {doubt}", command_line.slot)),
    }
    if command_line.last_resort {
        report.leave(
            BreadcrumbKind::Exhausted,
            STAGE,
            "no slot had tries left: this boot is the last resort",
        );
    }
    past
}

/// The selector's record, if it is about this boot.
fn read_selector(black_box: &BlackBox, command_line: &CommandLine) -> Result<SelectorRecord, String> {
    let sector = black_box.selector_sector().map_err(|error| error.to_string())?;
    let record =
        SelectorRecord::parse(&sector).map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
    if command_line.token != Some(record.token) {
        return Err("the selector's record is about another boot".to_owned());
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use appliance_types::{BootToken, SlotName};
    use disk_image::blackbox::{BootEnding, ResetKind, SelectorReason};
    use disk_image::boot_state::{EnvSource, TriesLeft};
    use std::path::{Path, PathBuf};

    fn record(token: u8) -> SelectorRecord {
        SelectorRecord {
            build: "1.0".parse().unwrap(),
            slot: SlotName::A,
            tries_left: TriesLeft::new(8).unwrap(),
            reason: SelectorReason::Order,
            env: EnvSource::Env0,
            token: BootToken::from_bytes([token; 16]),
            reset: ResetKind::Cold,
        }
    }

    fn command_line(token: u8) -> CommandLine {
        CommandLine {
            slot: SlotName::A,
            token: Some(BootToken::from_bytes([token; 16])),
            last_resort: false,
            init: "/sbin/init".into(),
        }
    }

    fn disk_with(path: PathBuf) -> Disk {
        Disk {
            name: "vda".to_owned(),
            node: "/dev/vda".into(),
            partitions: [("blackbox".to_owned(), path)].into(),
        }
    }

    /// Boots once as far as the black box, the selector having written `record`.
    fn boot_once(path: &Path, record: &SelectorRecord, command_line: &CommandLine) -> Past {
        let mut bytes = std::fs::read(path).unwrap_or_else(|_| vec![0; 1024 * 1024]);
        bytes[..512].copy_from_slice(&record.encode());
        std::fs::write(path, bytes).unwrap();
        let mut report = Report::on_standard_error();
        open(&disk_with(path.to_owned()), command_line, &mut report)
    }

    #[test]
    fn boots_are_counted_and_the_selectors_record_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blackbox");
        assert_eq!(boot_once(&path, &record(1), &command_line(1)).boot, 1);
        let past = boot_once(&path, &record(2), &command_line(2));
        assert_eq!(past.boot, 2);
        assert_eq!(past.selector, Some(record(2)));
        assert!(past.last_seen_unix_ms.is_some());
        let first = &past.history.boots()[0];
        assert_eq!((first.number, &first.selector), (1, &Some(record(1))));
        assert!(matches!(first.ending, BootEnding::Unexplained { .. }));
    }

    #[test]
    fn a_record_about_another_boot_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blackbox");
        let past = boot_once(&path, &record(1), &command_line(9));
        assert_eq!((past.boot, past.selector), (1, None));
    }

    #[test]
    fn a_last_resort_is_left_as_a_breadcrumb() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blackbox");
        boot_once(&path, &record(1), &CommandLine { last_resort: true, ..command_line(1) });
        let read = BlackBox::open_read_only(&path).unwrap();
        assert_eq!(read.ring().newest().unwrap().kind, BreadcrumbKind::Exhausted);
    }

    #[test]
    fn without_a_black_box_the_boot_goes_on_with_an_empty_past() {
        let mut report = Report::on_standard_error();
        let past = open(&disk_with("/nonexistent/blackbox".into()), &command_line(1), &mut report);
        assert_eq!(past.boot, 0);
        assert!(past.history.boots().is_empty() && report.black_box().is_none());
    }
}
