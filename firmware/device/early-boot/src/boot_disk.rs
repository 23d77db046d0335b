//! Which disk were we booted from?
//!
//! The selector writes a new random token to the black box of the disk it runs from, and on the kernel command line. So
//! with two disks that hold the same image, root and data still come from the one that was booted.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use appliance_types::{BootToken, SlotName};
use disk_image::blackbox::{SELECTOR_SECTOR, SelectorRecord, stage};
use host_files::BlockRegion;

use crate::command_line::CommandLine;
use crate::report::Report;
use crate::sysfs::{Disk, read_disks};

/// How long a disk may take to appear: SD cards and USB are slow to start.
const LIMIT: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(20);

/// Waits for the disk that was booted and returns it.
#[expect(clippy::disallowed_methods, reason = "the poll interval of a wait with a deadline")]
pub(crate) fn find(command_line: &CommandLine, report: &mut Report) -> anyhow::Result<Disk> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let is_over = Instant::now() >= deadline;
        let disks = read_disks(Path::new("/sys"), Path::new("/dev"));
        let candidates: Vec<Candidate> = disks
            .iter()
            .filter(|disk| has_slot(disk, command_line.slot))
            .map(|disk| Candidate { name: disk.name.clone(), token: read_token(disk) })
            .collect();
        match choose(&candidates, command_line.token, is_over) {
            Choice::Wait => std::thread::sleep(POLL),
            Choice::Found(index) => {
                let disk = take(disks, &candidates[index])?;
                report.reached(stage::DISK, format_args!("booted from {}", disk.node.display()));
                return Ok(disk);
            }
            Choice::OnlyOne(index, doubt) => {
                let disk = take(disks, &candidates[index])?;
                let node = disk.node.display();
                report
                    .warn(stage::DISK, format_args!("{doubt}; taking {node}, the only disk with this slot"));
                return Ok(disk);
            }
            Choice::None => bail!(
                "cannot find the boot disk: after {} s no disk has partitions blackbox and rootfs-{}; there is {}",
                LIMIT.as_secs(),
                command_line.slot.lower(),
                in_words(&disks),
            ),
            Choice::Several(doubt) => bail!(
                "cannot tell which disk was booted: {doubt}, and several have this slot: {}",
                candidates.iter().map(|candidate| candidate.name.as_str()).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

/// A disk that could be the one, and the token in its black box.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    name: String,
    token: Option<BootToken>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    /// The right one may still appear.
    Wait,
    /// The one with our token.
    Found(usize),
    /// None has our token, but there is only one.
    OnlyOne(usize, &'static str),
    /// No disk has the slot.
    None,
    /// None has our token, and there are several (or several have it).
    Several(&'static str),
}

fn choose(candidates: &[Candidate], wanted: Option<BootToken>, is_over: bool) -> Choice {
    let ours = |candidate: &Candidate| wanted.is_some() && candidate.token == wanted;
    let mut matching =
        candidates.iter().enumerate().filter(|(_, candidate)| ours(candidate)).map(|(index, _)| index);
    match (matching.next(), matching.next()) {
        (Some(_), Some(_)) => return Choice::Several("two disks hold the token of this boot"),
        (Some(index), None) => return Choice::Found(index),
        (None, _) => {}
    }
    if !is_over {
        return Choice::Wait;
    }
    let doubt = match wanted {
        Some(_) => "no disk holds the token of this boot",
        None => "the kernel command line has no slipway.token",
    };
    match candidates.len() {
        0 => Choice::None,
        1 => Choice::OnlyOne(0, doubt),
        _ => Choice::Several(doubt),
    }
}

fn has_slot(disk: &Disk, slot: SlotName) -> bool {
    disk.partition("blackbox").is_some() && disk.partition(&format!("rootfs-{}", slot.lower())).is_some()
}

/// `None` also when it cannot be read: a disk that fails to read is not one we were just booted from.
fn read_token(disk: &Disk) -> Option<BootToken> {
    let region = BlockRegion::open_read_only(disk.partition("blackbox")?).ok()?;
    SelectorRecord::token_of(&region.read_array(SELECTOR_SECTOR).ok()?).ok()
}

fn take(disks: Vec<Disk>, candidate: &Candidate) -> anyhow::Result<Disk> {
    let disk = disks.into_iter().find(|disk| disk.name == candidate.name);
    disk.with_context(|| format!("cannot use {}: it is gone", candidate.name))
}

fn in_words(disks: &[Disk]) -> String {
    if disks.is_empty() {
        return "no disk with named partitions at all".to_owned();
    }
    let one = |disk: &Disk| {
        let names: Vec<&str> = disk.partitions.keys().map(String::as_str).collect();
        format!("{} ({})", disk.name, names.join(" "))
    };
    disks.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::tests::add_disk;
    use disk_image::blackbox::{ResetKind, SelectorReason};
    use disk_image::boot_state::{EnvSource, TriesLeft};

    fn token(byte: u8) -> BootToken {
        BootToken::from_bytes([byte; 16])
    }

    fn candidate(name: &str, byte: Option<u8>) -> Candidate {
        Candidate { name: name.to_owned(), token: byte.map(token) }
    }

    #[test]
    fn table() {
        let sd = || candidate("mmcblk0", Some(1));
        let emmc = || candidate("mmcblk1", Some(2));
        let blank = || candidate("vda", None);
        let none_holds_it = "no disk holds the token of this boot";
        let rows = [
            // what, candidates, wanted token, [choice while waiting, choice at the end]
            ("nothing there", vec![], Some(1), [Choice::Wait, Choice::None]),
            ("the right one of two", vec![emmc(), sd()], Some(1), [Choice::Found(1), Choice::Found(1)]),
            (
                "another disk came first: ours may still appear",
                vec![emmc()],
                Some(1),
                [Choice::Wait, Choice::OnlyOne(0, none_holds_it)],
            ),
            (
                "neither of two",
                vec![emmc(), blank()],
                Some(1),
                [Choice::Wait, Choice::Several(none_holds_it)],
            ),
            (
                "no token on the command line, one disk",
                vec![blank()],
                None,
                [Choice::Wait, Choice::OnlyOne(0, "the kernel command line has no slipway.token")],
            ),
            (
                "no token on the command line never matches a disk without one",
                vec![blank(), sd()],
                None,
                [Choice::Wait, Choice::Several("the kernel command line has no slipway.token")],
            ),
            (
                "a clone made after the selector ran",
                vec![sd(), sd()],
                Some(1),
                [
                    Choice::Several("two disks hold the token of this boot"),
                    Choice::Several("two disks hold the token of this boot"),
                ],
            ),
        ];
        for (what, candidates, wanted, [waiting, over]) in rows {
            assert_eq!(choose(&candidates, wanted.map(token), false), waiting, "{what}, waiting");
            assert_eq!(choose(&candidates, wanted.map(token), true), over, "{what}, at the end");
        }
    }

    #[test]
    fn a_disk_counts_when_it_has_the_black_box_and_the_slot() {
        let sys = tempfile::tempdir().unwrap();
        add_disk(sys.path(), "vda", &["env0", "blackbox", "rootfs-a"]);
        add_disk(sys.path(), "vdb", &["blackbox", "rootfs-b"]);
        add_disk(sys.path(), "vdc", &["rootfs-a"]);
        let disks = read_disks(sys.path(), Path::new("/dev"));
        let with_a: Vec<&str> =
            disks.iter().filter(|disk| has_slot(disk, SlotName::A)).map(|disk| disk.name.as_str()).collect();
        assert_eq!(with_a, ["vda"]);
        assert_eq!(in_words(&disks[1..]), "vdb (blackbox rootfs-b), vdc (rootfs-a)");
        assert_eq!(in_words(&[]), "no disk with named partitions at all");
    }

    #[test]
    fn the_token_is_read_from_the_black_box_and_a_torn_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blackbox");
        let record = SelectorRecord {
            build: "1.0".parse().unwrap(),
            slot: SlotName::A,
            tries_left: TriesLeft::FULL,
            reason: SelectorReason::Order,
            env: EnvSource::Env0,
            token: token(7),
            reset: ResetKind::Cold,
        };
        let mut content = record.encode();
        let disk = Disk {
            name: "vda".to_owned(),
            node: "/dev/vda".into(),
            partitions: [("blackbox".to_owned(), path.clone())].into(),
        };
        std::fs::write(&path, content).unwrap();
        assert_eq!(read_token(&disk), Some(token(7)));
        content[100] ^= 1;
        std::fs::write(&path, content).unwrap();
        assert_eq!(read_token(&disk), None);
    }
}
