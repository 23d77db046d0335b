//! A child that says every 5 s, in the black box, that the system is still alive, until the services are up.
//!
//! The last of these breadcrumbs tells a hang, which ends when the watchdog's time is up, from a power cut, which ends at
//! any time. The child is this program once more. It outlives the switch to the root file system, in which it has no
//! part: all it holds is the black box, `/run`, and the console for its one possible complaint.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use appliance_types::SlotName;
use disk_image::blackbox::{ALIVE_INTERVAL_MS, BreadcrumbKind, stage};
use host_files::{BlackBox, Note, Writer};
use rustix::fs::{AtFlags, OFlags, statat};

use crate::black_box::Past;
use crate::command_line::CommandLine;
use crate::report::Report;
use crate::sysfs::Disk;

/// What we are started as. The `@` tells systemd not to kill this process at a shutdown before its time
/// (systemd's "Storage Daemons for the Root File System").
const NAME: &str = "@slipway-alive";

/// What appears in `/run` when the services are up.
const SERVICES_UP: &str = "slipway/services-up";

const INTERVAL: Duration = Duration::from_millis(ALIVE_INTERVAL_MS);

/// A system that is not up by then is stuck, not starting; its ring should not fill with "alive".
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Starts the child. Without it, the boot goes on; a hang is then called unexplained.
pub(crate) fn spawn(disk: &Disk, command_line: &CommandLine, past: &Past, report: &mut Report) {
    if report.black_box().is_none() {
        return;
    }
    let spawned = disk
        .partition("blackbox")
        .context("the disk has no black box")
        .and_then(|path| start(path, past.boot, command_line.slot));
    if let Err(error) = spawned {
        report.warn("alive", format_args!("{error:#}"));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is not waited for, so it is not for the helper that runs programs"
)]
fn start(black_box: &Path, boot: u32, slot: SlotName) -> anyhow::Result<()> {
    // Opened here and not in the child, whose root will be an empty directory; and opened anew and not passed on, because
    // a lock belongs to the open file: sharing ours would let both write at once.
    let flags = i32::try_from(OFlags::DSYNC.bits()).unwrap_or(0);
    let black_box_file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(black_box);
    let black_box_file = black_box_file.with_context(|| format!("cannot open {}", black_box.display()))?;
    let run = File::open("/run").context("cannot open /run")?;
    Command::new("/proc/self/exe")
        .arg0(NAME)
        .arg(black_box)
        .args([boot.to_string(), slot.to_string()])
        .env_clear()
        // Standard input and output carry the two files over: descriptors that need no number.
        .stdin(Stdio::from(black_box_file))
        .stdout(Stdio::from(run))
        // Ctrl-C on the console is for nobody here.
        .process_group(0)
        .spawn()
        .context("cannot start the child that says we are alive")?;
    Ok(())
}

/// Whether this process is the child.
pub(crate) fn is_what_we_are_started_as() -> bool {
    std::env::args_os().next().is_some_and(|name| name == NAME)
}

/// The child's whole life.
pub(crate) fn run() -> ExitCode {
    match child() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("slipway: alive: no more signs of life: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn child() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, boot, slot] = arguments.as_slice() else {
        anyhow::bail!("cannot understand {arguments:?}")
    };
    let boot = boot.parse().context("cannot read the boot number")?;
    let writer = Writer { boot, slot: Some(slot.parse().context("cannot read the slot")?) };
    let black_box =
        std::io::stdin().as_fd().try_clone_to_owned().context("cannot take over the black box")?;
    let run = std::io::stdout().as_fd().try_clone_to_owned().context("cannot take over /run")?;
    let mut black_box = BlackBox::from_fd(black_box, Path::new(path))?;
    say_alive(&mut black_box, writer, &run, INTERVAL, LIMIT)
}

#[expect(clippy::disallowed_methods, reason = "the poll interval of a wait with a deadline")]
fn say_alive(
    black_box: &mut BlackBox,
    writer: Writer,
    run: &OwnedFd,
    interval: Duration,
    limit: Duration,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        std::thread::sleep(interval);
        if statat(run, SERVICES_UP, AtFlags::empty()).is_ok() {
            return Ok(());
        }
        black_box.leave(writer, Note { kind: BreadcrumbKind::Alive, stage: stage::SERVICES, message: "" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup() -> (tempfile::TempDir, BlackBox, OwnedFd) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("blackbox"), vec![0; 1024 * 1024]).unwrap();
        std::fs::create_dir(folder.path().join("slipway")).unwrap();
        let black_box = BlackBox::open(&folder.path().join("blackbox")).unwrap();
        let run = OwnedFd::from(File::open(folder.path()).unwrap());
        (folder, black_box, run)
    }

    const WRITER: Writer = Writer { boot: 4, slot: None };

    #[test]
    fn signs_of_life_end_when_the_services_are_up() {
        let (folder, mut black_box, run) = setup();
        let up = folder.path().join(SERVICES_UP);
        std::thread::scope(|scope| {
            let child = scope.spawn(|| {
                say_alive(&mut black_box, WRITER, &run, Duration::from_millis(5), Duration::from_secs(60))
                    .unwrap();
                black_box
            });
            // Wait for the first sign, then say that the services are up.
            let started = Instant::now();
            let signs =
                || BlackBox::open_read_only(&folder.path().join("blackbox")).unwrap().ring().next_seq();
            while signs() == 0 {
                assert!(started.elapsed() < Duration::from_secs(30), "no sign of life");
            }
            std::fs::write(&up, "").unwrap();
            let black_box = child.join().unwrap();
            let newest = black_box.ring().newest().unwrap();
            assert_eq!((newest.kind, newest.boot), (BreadcrumbKind::Alive, 4));
        });
    }

    #[test]
    fn signs_of_life_end_at_the_limit() {
        let (_folder, mut black_box, run) = setup();
        say_alive(&mut black_box, WRITER, &run, Duration::from_millis(10), Duration::from_millis(35))
            .unwrap();
        let signs = black_box.ring().next_seq();
        assert!((1..=4).contains(&signs), "{signs} signs");
    }
}
