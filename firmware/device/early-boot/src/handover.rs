//! What the running system is told about this boot.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Context;
use appliance_types::BuildId;
use disk_image::blackbox::{BreadcrumbKind, stage};
use host_files::{BootReport, BuildFacts, DataPartition};

use crate::black_box::Past;
use crate::command_line::CommandLine;
use crate::identity::Identity;
use crate::report::Report;
use crate::root::Root;
use crate::sysfs::{Disk, read_disks};

/// The partitions the running system finds under `/dev/slipway`.
const PARTITIONS: &str = "env0|env1|blackbox|bootsel|boot-a|rootfs-a|boot-b|rootfs-b|data";

/// Writes, under `/run`: `slipway/boot.json`; `slipway/fresh-flash` when nothing has been imported yet;
/// `slipway/make-data`, naming the disk and how, when the data partition is to be made; and the udev rule for `/dev/slipway`.
/// Returns the build of the slot.
pub(crate) fn leave_facts(
    disk: &Disk,
    command_line: &CommandLine,
    past: &Past,
    identity: &Identity,
    root: &Root,
    report: &mut Report,
) -> anyhow::Result<BuildId> {
    // Asked again: the decision whether to make a partition must not rest on an early look at a slow disk.
    let disks = read_disks(Path::new("/sys"), Path::new("/dev"));
    let data = data_partition(disks.iter().find(|other| other.name == disk.name).unwrap_or(disk));
    let facts = BuildFacts::read(&root.file(BuildFacts::PATH))?;
    let boot = boot_report(facts, disk, command_line, past, identity, data);
    write_all(Path::new("/run"), disk, &boot)?;
    let state = if boot.fresh_flash { "freshly flashed" } else { "in use" };
    report.say(stage::HANDOVER, format_args!("build {}, disk {state}", boot.build));
    report.crumb(BreadcrumbKind::Stage, stage::HANDOVER, boot.build.to_string());
    Ok(boot.build)
}

fn data_partition(disk: &Disk) -> DataPartition {
    if disk.partition("data").is_some() { DataPartition::Present } else { DataPartition::Absent }
}

fn boot_report(
    facts: BuildFacts,
    disk: &Disk,
    command_line: &CommandLine,
    past: &Past,
    identity: &Identity,
    data: DataPartition,
) -> BootReport {
    // Unreadable records are not taken for "never closed": a box in use must not come up as a fresh one.
    let seed_open = identity.records.as_ref().is_some_and(|records| !records.seed_closed);
    let selector = past.selector.as_ref();
    BootReport {
        build: facts.build,
        selector_build: selector.map(|record| record.build.clone()),
        slot: command_line.slot,
        disk: disk.node.clone(),
        black_box: disk.partition("blackbox").map(Path::to_owned),
        token: command_line.token,
        tries_left: selector.map(|record| record.tries_left.get()),
        reason: selector.map(|record| record.reason.to_string()),
        env: selector.map(|record| record.env.to_string()),
        reset: selector.map(|record| record.reset.to_string()),
        last_resort: command_line.last_resort,
        fresh_flash: data == DataPartition::Absent && seed_open,
        data,
        boot_number: past.boot,
    }
}

fn write_all(run: &Path, disk: &Disk, boot: &BootReport) -> anyhow::Result<()> {
    let folder = run.join("slipway");
    let rules = run.join("udev/rules.d");
    let write = |path: &Path, content: &str| {
        fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
    };
    for folder in [&folder, &rules] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    write(&folder.join("boot.json"), &format!("{}\n", boot.to_json()))?;
    if boot.fresh_flash {
        write(&folder.join("fresh-flash"), "")?;
    }
    if boot.data == DataPartition::Absent {
        write(&folder.join("make-data"), &make_data(disk, boot.fresh_flash))?;
    }
    write(&rules.join("61-slipway-disk.rules"), &udev_rules(&disk.name))
}

/// What slipway-repart.service reads: the disk, and the folder of definitions. Those for a fresh flash put the marker into
/// the new partition; a partition made on a disk in use must never get one, or a wiped box would take its old seed again.
fn make_data(disk: &Disk, fresh_flash: bool) -> String {
    let definitions = if fresh_flash { "fresh" } else { "in-use" };
    format!("SLIPWAY_DISK={}\nSLIPWAY_DEFINITIONS={definitions}\n", disk.node.display())
}

/// Links for this disk's partitions only: with two disks that hold the same image, `/dev/disk/by-partlabel` could mean
/// either. Sorts after 60-persistent-storage.rules, which reads the names from the partition table; the kernel's own
/// `PARTNAME` is missing for a partition made while it runs.
fn udev_rules(disk: &str) -> String {
    let mut rules = String::from("# Written by early-boot: the disk this system was booted from.\n");
    let mut rule = |matches: &str, link: &str| {
        writeln!(rules, "SUBSYSTEM==\"block\", {matches}, SYMLINK+=\"slipway/{link}\"")
            .expect("writing to a String");
    };
    rule(&format!("ENV{{DEVTYPE}}==\"disk\", KERNEL==\"{disk}\""), "disk");
    rule(
        &format!(
            "ENV{{DEVTYPE}}==\"partition\", KERNELS==\"{disk}\", ENV{{ID_PART_ENTRY_NAME}}==\"{PARTITIONS}\""
        ),
        "$env{ID_PART_ENTRY_NAME}",
    );
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use appliance_types::{BootToken, SlotName};
    use disk_image::blackbox::{Records, ResetKind, SelectorReason, SelectorRecord};
    use disk_image::boot_state::{EnvSource, TriesLeft};

    fn disk(partitions: &[&str]) -> Disk {
        let partitions = partitions.iter().map(|name| ((*name).to_owned(), "/dev/x".into())).collect();
        Disk { name: "mmcblk0".to_owned(), node: "/dev/mmcblk0".into(), partitions }
    }

    fn facts() -> BuildFacts {
        BuildFacts {
            build: "0.1.0-abc".parse().unwrap(),
            version: "0.1.0".into(),
            board: "rock64".into(),
            time: 1,
        }
    }

    fn command_line() -> CommandLine {
        let token = Some(BootToken::from_bytes([7; 16]));
        CommandLine { slot: SlotName::B, token, last_resort: false, init: "/sbin/init".into() }
    }

    fn identity(seed_closed: Option<bool>) -> Identity {
        let records = seed_closed.map(|seed_closed| {
            let mut records = Records::default();
            records.seed_closed = seed_closed;
            records
        });
        Identity { records }
    }

    fn report(data: DataPartition, seed_closed: Option<bool>) -> BootReport {
        boot_report(facts(), &disk(&[]), &command_line(), &Past::default(), &identity(seed_closed), data)
    }

    #[test]
    fn a_disk_is_fresh_only_without_data_and_with_records_that_say_so() {
        let rows = [
            (DataPartition::Absent, Some(false), true),
            (DataPartition::Absent, Some(true), false),
            (DataPartition::Absent, None, false),
            (DataPartition::Present, Some(false), false),
            (DataPartition::Present, Some(true), false),
            (DataPartition::Present, None, false),
        ];
        for (data, seed_closed, fresh) in rows {
            assert_eq!(
                report(data, seed_closed).fresh_flash,
                fresh,
                "{data:?}, seed closed: {seed_closed:?}"
            );
        }
        assert_eq!(data_partition(&disk(&["blackbox"])), DataPartition::Absent);
        assert_eq!(data_partition(&disk(&["blackbox", "data"])), DataPartition::Present);
    }

    #[test]
    fn the_report_repeats_the_selectors_record_and_does_without_it() {
        let selector = SelectorRecord {
            build: "0.0.9-old".parse().unwrap(),
            slot: SlotName::B,
            tries_left: TriesLeft::new(2).unwrap(),
            reason: SelectorReason::Fallback,
            env: EnvSource::Env1,
            token: BootToken::from_bytes([7; 16]),
            reset: ResetKind::Warm,
        };
        let past = Past { boot: 12, selector: Some(selector), ..Past::default() };
        let data = DataPartition::Present;
        let report =
            boot_report(facts(), &disk(&["blackbox"]), &command_line(), &past, &identity(None), data);
        let expected = concat!(
            r#"{"build":"0.1.0-abc","selector_build":"0.0.9-old","slot":"B","disk":"/dev/mmcblk0","#,
            r#""black_box":"/dev/x","token":"07070707-0707-0707-0707-070707070707","tries_left":2,"reason":"fallback","env":"env1","#,
            r#""reset":"warm","last_resort":false,"fresh_flash":false,"data":"present","boot_number":12}"#,
        );
        assert_eq!(report.to_json(), expected);
        let without =
            boot_report(facts(), &disk(&[]), &command_line(), &Past::default(), &identity(None), data);
        assert_eq!((without.tries_left, without.reason, without.boot_number), (None, None, 0));
    }

    #[test]
    fn files_are_left_for_the_units_that_ask_for_them() {
        let files = |boot: &BootReport| {
            let run = tempfile::tempdir().unwrap();
            write_all(run.path(), &disk(&[]), boot).unwrap();
            assert!(run.path().join("udev/rules.d/61-slipway-disk.rules").exists());
            assert_eq!(BootReport::read(&run.path().join("slipway/boot.json")).unwrap(), *boot);
            let make = fs::read_to_string(run.path().join("slipway/make-data")).ok();
            (run.path().join("slipway/fresh-flash").exists(), make)
        };
        let make = |how: &str| Some(format!("SLIPWAY_DISK=/dev/mmcblk0\nSLIPWAY_DEFINITIONS={how}\n"));
        assert_eq!(files(&report(DataPartition::Absent, Some(false))), (true, make("fresh")));
        assert_eq!(files(&report(DataPartition::Absent, Some(true))), (false, make("in-use")));
        assert_eq!(files(&report(DataPartition::Absent, None)), (false, make("in-use")));
        assert_eq!(files(&report(DataPartition::Present, Some(true))), (false, None));
    }

    #[test]
    fn the_udev_rules_name_the_booted_disk_and_our_partitions_only() {
        let expected = "\
# Written by early-boot: the disk this system was booted from.
SUBSYSTEM==\"block\", ENV{DEVTYPE}==\"disk\", KERNEL==\"mmcblk0\", SYMLINK+=\"slipway/disk\"
SUBSYSTEM==\"block\", ENV{DEVTYPE}==\"partition\", KERNELS==\"mmcblk0\", \
ENV{ID_PART_ENTRY_NAME}==\"env0|env1|blackbox|bootsel|boot-a|rootfs-a|boot-b|rootfs-b|data\", \
SYMLINK+=\"slipway/$env{ID_PART_ENTRY_NAME}\"
";
        assert_eq!(udev_rules("mmcblk0"), expected);
    }
}
