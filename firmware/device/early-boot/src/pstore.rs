//! The last words of a kernel that panicked: kept in memory over the reset (ramoops), moved to the black box here.

use std::fs;
use std::path::Path;

use anyhow::Context;
use disk_image::blackbox::{Boot, BreadcrumbKind, History, stage};
use host_files::{Writer, read_bounded};
use rustix::mount::MountFlags;

use crate::black_box::Past;
use crate::mounts::mount_at;
use crate::report::Report;

const STAGE: &str = "pstore";
const FOLDER: &str = "/sys/fs/pstore";

/// How many lines of the kernel's log are kept of a panic.
const LINES_KEPT: usize = 20;

/// How many of them are from before the panic's own line.
const LINES_BEFORE: usize = 8;

/// The kernel's log and `/proc/uptime` count from slightly different moments.
const UPTIME_SLACK_MS: u64 = 2_000;

/// Moves what is there to the black box, as breadcrumbs of the boot before this one, and returns the past as it is told
/// with them. Never fatal.
pub(crate) fn collect(past: Past, report: &mut Report) -> Past {
    // Without a black box to keep it in, it stays for the next boot.
    if report.black_box().is_none() {
        return past;
    }
    if let Err(error) = collect_from(Path::new(FOLDER), &past, report) {
        report.warn(STAGE, format_args!("{error:#}"));
    }
    retold(past, report)
}

/// How the last boot ended is known only now: by the panic it left, and by the kind of reset that this boot began with.
fn retold(past: Past, report: &Report) -> Past {
    match report.black_box() {
        Some(black_box) => Past { history: History::of(black_box.ring().crumbs(), Some(past.boot)), ..past },
        None => past,
    }
}

fn collect_from(folder: &Path, past: &Past, report: &mut Report) -> anyhow::Result<()> {
    let sealed = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    if folder == Path::new(FOLDER) {
        mount_at("pstore", "pstore", folder, sealed, "")?;
    }
    let records = take_records(folder)?;
    match last_words(&records) {
        Some(LastWords::Panic(panic)) => {
            let boot = whose(&panic, past.history.boots());
            let writer =
                Writer { boot: boot.map_or(0, |boot| boot.number), slot: boot.and_then(|boot| boot.slot) };
            report.about(writer, BreadcrumbKind::Panic, stage::START, &panic.message);
            for line in &panic.lines {
                report.about(writer, BreadcrumbKind::Console, stage::START, line);
            }
            let whose = boot.map_or("a boot that did not get as far as early-boot".to_owned(), |boot| {
                format!("boot {}", boot.number)
            });
            report.say(STAGE, format_args!("{whose} ended in a kernel panic: {}", panic.message));
        }
        Some(LastWords::Oops(message)) => {
            report.warn(STAGE, format_args!("the kernel of an earlier boot reported: {message}"));
        }
        None => {}
    }
    Ok(())
}

/// The records' texts; the files are removed, which frees their memory for the next panic.
fn take_records(folder: &Path) -> anyhow::Result<Vec<String>> {
    /// The largest record the slots' device tree allows is 32 KiB, unpacked a few times that.
    const LIMIT: usize = 1024 * 1024;
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let is_log = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("dmesg-"));
        if is_log && let Ok(bytes) = read_bounded(&path, LIMIT) {
            texts.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(texts)
}

/// What the records tell.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LastWords {
    /// The kernel panicked: the end of a boot.
    Panic(Panic),
    /// It only complained, and went on.
    Oops(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Panic {
    /// What the panic said.
    message: String,
    /// Uptime of the panic in milliseconds, where the log has time stamps.
    uptime_ms: Option<u64>,
    /// The log around it, oldest line first.
    lines: Vec<String>,
}

/// Reads pstore's records (`fs/pstore/platform.c`, `pstore_dump`): a first line `Panic#1 Part1`, then the end of the
/// kernel's log, oldest line first; `Part2` is the log before that of `Part1`.
fn last_words(records: &[String]) -> Option<LastWords> {
    let mut panic: Vec<(u32, &str)> = records.iter().filter_map(|text| record(text, "Panic")).collect();
    panic.sort_by_key(|(part, _)| std::cmp::Reverse(*part));
    if !panic.is_empty() {
        let lines: Vec<Line<'_>> =
            panic.iter().flat_map(|(_, log)| log.lines()).filter_map(Line::parse).collect();
        return Some(LastWords::Panic(Panic::of(&lines)));
    }
    let (_, log) = records.iter().find_map(|text| record(text, "Oops"))?;
    let lines: Vec<Line<'_>> = log.lines().filter_map(Line::parse).collect();
    let complaint = lines.iter().find(|line| COMPLAINTS.iter().any(|start| line.text.starts_with(start)));
    complaint.or(lines.last()).map(|line| LastWords::Oops(line.text.to_owned()))
}

/// How the line starts that says what went wrong, when it is not a plain panic.
const COMPLAINTS: [&str; 5] = ["Unable to handle", "BUG:", "Internal error:", "kernel BUG at", "Oops"];

/// The number of the part and the log, if this record is for that reason.
fn record<'a>(text: &'a str, reason: &str) -> Option<(u32, &'a str)> {
    let (head, log) = text.split_once('\n')?;
    let (kind, part) = head.split_once(" Part")?;
    (kind.split('#').next() == Some(reason)).then_some((part.trim().parse().ok()?, log))
}

impl Panic {
    fn of(lines: &[Line<'_>]) -> Panic {
        const START: &str = "Kernel panic - not syncing: ";
        let at = lines.iter().rposition(|line| line.text.starts_with(START.trim_end_matches([':', ' '])));
        let first = match at {
            // What led to it, then its own report. The very end of the log is register dumps and farewells.
            Some(at) => at.saturating_sub(LINES_BEFORE),
            None => lines.len().saturating_sub(LINES_KEPT),
        };
        let deciding = at.map(|at| &lines[at]).or(lines.last());
        let message = deciding.map_or("", |line| line.text.strip_prefix(START).unwrap_or(line.text));
        Panic {
            message: if message.is_empty() { "no message".to_owned() } else { message.to_owned() },
            uptime_ms: deciding.and_then(|line| line.uptime_ms),
            lines: lines[first..].iter().take(LINES_KEPT).map(|line| line.raw.to_owned()).collect(),
        }
    }
}

/// A line of the kernel's log: `<6>[   12.345678] text`. Level and time stamp may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line<'a> {
    /// Without the level.
    raw: &'a str,
    /// Without the time stamp.
    text: &'a str,
    uptime_ms: Option<u64>,
}

impl<'a> Line<'a> {
    /// `None` for a blank line and for what ramoops adds about its error correction.
    fn parse(line: &'a str) -> Option<Line<'a>> {
        let raw = match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            Some((level, rest)) if level.bytes().all(|b| b.is_ascii_digit()) => rest,
            _ => line,
        };
        let raw = raw.trim();
        if raw.is_empty() || raw.starts_with("ECC: ") {
            return None;
        }
        let stamped =
            raw.strip_prefix('[').and_then(|rest| rest.split_once(']')).and_then(|(stamp, text)| {
                let (seconds, micros) = stamp.trim().split_once('.')?;
                let millis: u64 = micros.get(..3)?.parse().ok()?;
                let uptime_ms = seconds.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(millis)?;
                Some((text.trim_start(), uptime_ms))
            });
        Some(match stamped {
            Some((text, uptime_ms)) => Line { raw, text, uptime_ms: Some(uptime_ms) },
            None => Line { raw, text: raw, uptime_ms: None },
        })
    }
}

/// The boot whose kernel panicked: the last one, unless it cannot be.
///
/// A kernel that panics before early-boot runs leaves its last words too, but has no number. It panicked earlier than
/// the last numbered boot lived, or after that one had ended in order.
fn whose<'a>(panic: &Panic, boots: &'a [Boot]) -> Option<&'a Boot> {
    let last = boots.last()?;
    let ended_in_order =
        last.find(BreadcrumbKind::Shutdown).is_some() || last.find(BreadcrumbKind::Failure).is_some();
    let lived_ms = last.last_sign().map_or(0, |sign| sign.uptime_ms);
    let too_early = panic.uptime_ms.is_some_and(|at| at.saturating_add(UPTIME_SLACK_MS) < lived_ms);
    (!ended_in_order && !too_early).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_image::blackbox::{BootEnding, Breadcrumb, MessageText, StageText};
    use host_files::BlackBox;
    use std::fmt::Write;

    /// The end of a real log: `echo c > /proc/sysrq-trigger` on arm64.
    const PANIC: &str = "\
Panic#1 Part1
<6>[   41.002000] systemd[1]: Started nothing in particular.
<6>[   41.532106] sysrq: Trigger a crash
<0>[   41.532911] Kernel panic - not syncing: sysrq triggered crash
<4>[   41.533402] CPU: 0 UID: 0 PID: 1 Comm: init Not tainted 6.12.0 #1
<4>[   41.534016] Hardware name: linux,dummy-virt (DT)
<4>[   41.534410] Call trace:
<4>[   41.534700]  dump_backtrace+0xa0/0x128

ECC: No errors detected
";

    fn panic_of(records: &[&str]) -> Panic {
        let records: Vec<String> = records.iter().map(|text| (*text).to_owned()).collect();
        match last_words(&records) {
            Some(LastWords::Panic(panic)) => panic,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_panic_is_its_message_its_time_and_the_log_around_it() {
        let panic = panic_of(&[PANIC]);
        assert_eq!(panic.message, "sysrq triggered crash");
        assert_eq!(panic.uptime_ms, Some(41_532));
        assert_eq!(panic.lines.len(), 7);
        assert_eq!(panic.lines[0], "[   41.002000] systemd[1]: Started nothing in particular.");
        assert_eq!(panic.lines[6], "[   41.534700]  dump_backtrace+0xa0/0x128");
    }

    #[test]
    fn of_a_long_log_what_led_to_the_panic_and_its_report_are_kept() {
        let mut text = "Panic#2 Part1\n".to_owned();
        for n in 0..30 {
            writeln!(text, "<6>[   10.000000] before {n}").unwrap();
        }
        text.push_str("<0>[   11.000000] Kernel panic - not syncing: Attempted to kill init!\n");
        for n in 0..40 {
            writeln!(text, "<4>[   11.000000] after {n}").unwrap();
        }
        let panic = panic_of(&[&text]);
        assert_eq!(panic.lines.len(), LINES_KEPT);
        assert!(
            panic.lines[0].ends_with("before 22") && panic.lines[8].contains("Kernel panic"),
            "{:?}",
            panic.lines
        );
        assert!(panic.lines[19].ends_with("after 10"));
    }

    #[test]
    fn parts_are_put_in_order_and_only_the_panic_counts() {
        let part1 = "Panic#2 Part1\n[    2.000000] Kernel panic - not syncing: second\n";
        let part2 = "Panic#2 Part2\n[    1.000000] first\n";
        let oops = "Oops#1 Part1\n[    1.500000] BUG: something\n";
        let panic = panic_of(&[oops, part1, part2]);
        assert_eq!(
            panic.lines,
            ["[    1.000000] first", "[    2.000000] Kernel panic - not syncing: second"]
        );
    }

    #[test]
    fn odd_logs() {
        assert_eq!(panic_of(&["Panic#1 Part1\n"]).message, "no message");
        let unstamped = panic_of(&["Panic#1 Part1\nlast line\n"]);
        assert_eq!((unstamped.message.as_str(), unstamped.uptime_ms), ("last line", None));
        let bare = panic_of(&["Panic#1 Part1\n[    1.000000] Kernel panic - not syncing: \n"]);
        assert_eq!(bare.message, "Kernel panic - not syncing:");
        // What memory that decayed can make of a time stamp.
        let (highest, beyond) = ("18446744073709551.615", "18446744073709551.999");
        for (stamp, uptime_ms) in [(highest, Some(u64::MAX)), (beyond, None)] {
            let panic = panic_of(&[&format!("Panic#1 Part1\n[{stamp}] Kernel panic - not syncing: x\n")]);
            assert_eq!(panic.uptime_ms, uptime_ms);
            let history = History::of(&[crumb(1, BreadcrumbKind::Alive, 5_000)], Some(2));
            assert_eq!(whose(&panic, history.boots()).map(|boot| boot.number), Some(1));
        }
        assert_eq!(last_words(&[]), None);
        assert_eq!(last_words(&["garbage".to_owned(), "\u{fffd}\n\n".to_owned()]), None);
        let oops =
            "Oops#1 Part1\n[ 1.0] noise\n[    1.500000] Unable to handle kernel NULL pointer\n[ 2.0] more\n";
        let expected = LastWords::Oops("Unable to handle kernel NULL pointer".to_owned());
        assert_eq!(last_words(&[oops.to_owned()]), Some(expected));
    }

    fn crumb(boot: u32, kind: BreadcrumbKind, uptime_ms: u64) -> Breadcrumb {
        let (stage, message) = (StageText::new("start"), MessageText::new(""));
        Breadcrumb { seq: 0, boot, slot: None, unix_ms: None, uptime_ms, kind, stage, message }
    }

    #[test]
    fn a_panic_belongs_to_the_last_boot_unless_that_cannot_be() {
        let alive_until = |uptime_ms| {
            vec![crumb(1, BreadcrumbKind::Stage, 900), crumb(2, BreadcrumbKind::Alive, uptime_ms)]
        };
        let mut shut_down = alive_until(30_000);
        shut_down.push(crumb(2, BreadcrumbKind::Shutdown, 31_000));
        let rows = [
            ("it was the last one", alive_until(40_000), Some(2)),
            ("the clocks differ a little", alive_until(43_000), Some(2)),
            ("it lived longer than the kernel that panicked", alive_until(50_000), None),
            ("it ended in order", shut_down, None),
            ("there is none", vec![], None),
        ];
        for (what, crumbs, expected) in rows {
            let history = History::of(&crumbs, Some(3));
            let boot = whose(&panic_of(&[PANIC]), history.boots());
            assert_eq!(boot.map(|boot| boot.number), expected, "{what}");
        }
    }

    #[test]
    fn records_become_breadcrumbs_of_the_last_boot_and_their_files_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blackbox");
        std::fs::write(&path, vec![0; 1024 * 1024]).unwrap();
        let pstore = folder.path().join("pstore");
        std::fs::create_dir(&pstore).unwrap();
        std::fs::write(pstore.join("dmesg-ramoops-0"), PANIC).unwrap();
        std::fs::write(pstore.join("console-ramoops-0"), "noise").unwrap();

        let crumbs = [crumb(6, BreadcrumbKind::Stage, 1_000)];
        let past = Past { boot: 7, history: History::of(&crumbs, Some(7)), ..Past::default() };
        let mut report = Report::on_standard_error();
        report.attach(BlackBox::open(&path).unwrap(), Writer { boot: 7, slot: None }, &path);
        collect_from(&pstore, &past, &mut report).unwrap();

        let read = BlackBox::open_read_only(&path).unwrap();
        let kinds: Vec<_> = read.ring().crumbs().iter().map(|crumb| (crumb.boot, crumb.kind)).collect();
        assert_eq!(kinds[0], (6, BreadcrumbKind::Panic));
        assert_eq!(kinds[1..], [(6, BreadcrumbKind::Console); 7]);
        assert_eq!(std::fs::read_dir(&pstore).unwrap().count(), 0);

        // The decision about the slot's tries comes next, and must know.
        let ending = retold(past, &report).history.boots()[0].ending.clone();
        assert!(matches!(ending, BootEnding::Panic { .. }), "{ending:?}");
    }
}
