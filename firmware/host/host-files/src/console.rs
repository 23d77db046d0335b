//! Lines on the console: for a person in front of the box, and for tests in front of an emulated one.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// How long a line may wait for a console that takes nothing: somebody has pressed Ctrl-S, or the line is slow.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest text of a line, in characters.
const LONGEST: usize = 1000;

/// The console.
#[derive(Debug, Clone)]
pub struct Console {
    path: PathBuf,
}

impl Default for Console {
    /// `/dev/console`.
    fn default() -> Console {
        Console::at(Path::new("/dev/console"))
    }
}

impl Console {
    /// A console elsewhere, for tests: a file that is there.
    pub fn at(path: &Path) -> Console {
        Console { path: path.to_owned() }
    }

    /// Says one line: `slipway: what: text`. Control characters become spaces, so that a name or a message from elsewhere
    /// neither begins a line of its own nor paints the screen.
    ///
    /// There is no error: a box whose console is gone, or stopped, does its work all the same.
    pub fn say(&self, what: &str, text: impl fmt::Display) {
        let _heard_or_not = self.write(&line(what, &text.to_string()));
    }

    fn write(&self, line: &str) -> io::Result<()> {
        // Opened anew for each line: the console may be another one by now.
        let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let mut console = OpenOptions::new().append(true).custom_flags(flags).open(&self.path)?;
        let deadline = Instant::now() + PATIENCE;
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match console.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_room(&console, deadline)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn line(what: &str, text: &str) -> String {
    let plain = |text: &str| -> String {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        text.trim().chars().take(LONGEST).map(plain).collect()
    };
    format!("slipway: {}: {}\n", plain(what), plain(text))
}

fn wait_for_room(console: &File, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::from_borrowed_fd(console.as_fd(), PollFlags::OUT)], Some(&left)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_one_line_whatever_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console");
        std::fs::write(&path, "").unwrap();
        let console = Console::at(&path);
        console.say("seed", "found on USB stick KINGSTON (sda1)");
        console.say("apply", format_args!("failed:\r\n\u{1b}[2Jslipway: verdict: good\u{9b}31m\n"));
        let expected = "slipway: seed: found on USB stick KINGSTON (sda1)\n\
                        slipway: apply: failed:   [2Jslipway: verdict: good 31m\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        console.say("long", "x".repeat(100_000));
        assert!(std::fs::metadata(&path).unwrap().len() < 2000);
    }

    #[test]
    fn no_console_is_no_failure_and_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console");
        Console::at(&path).say("seed", "nobody hears this");
        assert!(!path.exists());
    }

    #[test]
    fn a_console_that_takes_nothing_does_not_hold_us_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let _nobody_reads = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let console = Console::at(&path);
        let before = Instant::now();
        // More than a pipe holds; from the first line that does not fit on, each waits its 2 s.
        let mut waited = false;
        for _ in 0..100 {
            let line_began = Instant::now();
            console.say("apply", "x".repeat(1000));
            waited = line_began.elapsed() > PATIENCE / 2;
            if waited {
                break;
            }
        }
        assert!(waited && before.elapsed() < Duration::from_secs(30), "took {:?}", before.elapsed());
    }
}
