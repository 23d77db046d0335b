//! What early-boot says: lines on the console and in the kernel's log, breadcrumbs in the black box, and the last words
//! before a reset.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use disk_image::blackbox::BreadcrumbKind;
use host_files::{BlackBox, Note, Writer, read_text_bounded, uptime_ms};
use rustix::fs::OFlags;
use rustix::system::RebootCommand;

/// A stage that could not do its work: the end of this boot.
#[derive(Debug)]
pub(crate) struct Failure {
    stage: &'static str,
    cause: anyhow::Error,
}

/// Says at which stage something failed.
pub(crate) trait At<T> {
    /// Makes the error a [`Failure`] of this stage.
    fn at(self, stage: &'static str) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> At<T> for Result<T, E> {
    fn at(self, stage: &'static str) -> Result<T, Failure> {
        self.map_err(|cause| Failure { stage, cause: cause.into() })
    }
}

/// Everything we say goes through here.
#[derive(Debug)]
pub(crate) struct Report {
    console: Option<File>,
    kernel_log: Option<File>,
    black_box: Option<(BlackBox, Writer)>,
    /// Breadcrumbs from before there was a black box, with the uptime they are from.
    waiting: Vec<(BreadcrumbKind, &'static str, String, u64)>,
}

/// How bad a line is, as the kernel's log counts it.
#[derive(Debug, Clone, Copy)]
enum Level {
    Error = 3,
    Warning = 4,
    Info = 6,
}

impl Report {
    /// Says everything on standard error: all there is before `/dev` is mounted.
    pub(crate) fn on_standard_error() -> Report {
        Report { console: None, kernel_log: None, black_box: None, waiting: Vec::new() }
    }

    /// Goes on on `/dev/console`, and writes every line to the kernel's log too, where the journal finds it.
    pub(crate) fn open_console(&mut self) {
        // The kernel would pass on 10 lines in 5 s and drop the rest; systemd sets the same later.
        let _as_it_is = std::fs::write("/proc/sys/kernel/printk_devkmsg", "on");
        self.console = open_for_lines("/dev/console");
        self.kernel_log = open_for_lines("/dev/kmsg");
    }

    /// A stage is done: a line and a breadcrumb.
    pub(crate) fn reached(&mut self, stage: &'static str, text: impl fmt::Display) {
        self.leave(BreadcrumbKind::Stage, stage, text);
    }

    /// Something worth a line and a breadcrumb of its own kind.
    pub(crate) fn leave(&mut self, kind: BreadcrumbKind, stage: &'static str, text: impl fmt::Display) {
        let text = text.to_string();
        self.line(Level::Info, stage, &text);
        self.crumb(kind, stage, text);
    }

    /// Something that should have worked and that we do without: a line and a breadcrumb.
    pub(crate) fn warn(&mut self, stage: &'static str, text: impl fmt::Display) {
        let text = text.to_string();
        self.line(Level::Warning, stage, &text);
        self.crumb(BreadcrumbKind::Stage, stage, text);
    }

    /// Something that need not be remembered: a line.
    pub(crate) fn say(&mut self, stage: &'static str, text: impl fmt::Display) {
        self.line(Level::Info, stage, &text.to_string());
    }

    /// The end of this boot: a line and a breadcrumb, both on their way before we return.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        let text = format!("{:#}", failure.cause);
        self.line(Level::Error, failure.stage, &text);
        self.crumb(BreadcrumbKind::Failure, failure.stage, text);
        if let Some(console) = &self.console {
            let _as_far_as_it_goes = rustix::termios::tcdrain(console);
        }
    }

    /// Breadcrumbs go to this black box from now on; those that waited go first.
    pub(crate) fn attach(&mut self, black_box: BlackBox, writer: Writer, path: &Path) {
        last_words(|last| last.black_box = Some((path.to_owned(), writer)));
        self.black_box = Some((black_box, writer));
        for (kind, stage, message, uptime) in std::mem::take(&mut self.waiting) {
            self.crumb_dated(kind, stage, &message, uptime);
        }
    }

    /// A breadcrumb about another boot than this one, without a line.
    pub(crate) fn about(&mut self, writer: Writer, kind: BreadcrumbKind, stage: &str, message: &str) {
        let left = self
            .black_box
            .as_mut()
            .map(|(black_box, _)| black_box.leave(writer, Note { kind, stage, message }));
        self.give_up_writing(left);
    }

    /// The black box, for what is not a breadcrumb.
    pub(crate) fn black_box(&self) -> Option<&BlackBox> {
        self.black_box.as_ref().map(|(black_box, _)| black_box)
    }

    /// A breadcrumb without a line.
    pub(crate) fn crumb(&mut self, kind: BreadcrumbKind, stage: &'static str, message: String) {
        last_words(|last| last.stage = stage);
        if self.black_box.is_some() {
            self.crumb_dated(kind, stage, &message, uptime_ms());
        } else {
            self.waiting.push((kind, stage, message, uptime_ms()));
        }
    }

    fn crumb_dated(&mut self, kind: BreadcrumbKind, stage: &str, message: &str, uptime: u64) {
        let note = Note { kind, stage, message };
        let left =
            self.black_box.as_mut().map(|(black_box, writer)| black_box.leave_dated(*writer, note, uptime));
        self.give_up_writing(left);
    }

    /// After the first failed write there is no second try: a dying disk would hold up every stage.
    fn give_up_writing(&mut self, left: Option<Result<(), host_files::BlackBoxError>>) {
        if let Some(Err(error)) = left {
            self.black_box = None;
            let cause = anyhow::Error::new(error);
            self.line(Level::Warning, "black-box", &format!("no more breadcrumbs in this boot: {cause:#}"));
        }
    }

    fn line(&mut self, level: Level, stage: &str, text: &str) {
        let line = format!("slipway: {stage}: {}\n", one_line(text));
        if let Some(kernel_log) = &mut self.kernel_log {
            let shown = console_level();
            let _if_it_can = kernel_log.write_all(format!("<{}>{line}", log_level(level, shown)).as_bytes());
        }
        let _if_it_can = match &mut self.console {
            Some(console) => console.write_all(line.as_bytes()),
            None => std::io::stderr().write_all(line.as_bytes()),
        };
    }
}

/// The level for the kernel's log: the line's own, but never one that the kernel prints on the console, where the line
/// already stands. `shown` is the console's log level: the kernel prints what is below it.
fn log_level(level: Level, shown: u8) -> u8 {
    const LEAST: u8 = 7;
    (level as u8).max(shown.min(LEAST))
}

fn console_level() -> u8 {
    let printk = read_text_bounded(Path::new("/proc/sys/kernel/printk"), 100).unwrap_or_default();
    printk.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(7)
}

/// One line, whatever an error message holds.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn open_for_lines(path: &str) -> Option<File> {
    // A console must not become our controlling terminal: Ctrl-C on it would reach PID 1.
    let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or(0);
    OpenOptions::new().write(true).custom_flags(flags).open(path).ok()
}

/// What a panic of our own code needs for its last words.
#[derive(Debug)]
struct LastWords {
    stage: &'static str,
    black_box: Option<(PathBuf, Writer)>,
}

static LAST_WORDS: Mutex<LastWords> = Mutex::new(LastWords { stage: "start", black_box: None });

fn last_words(change: impl FnOnce(&mut LastWords)) {
    change(&mut LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner));
}

/// A panic of our own code is a failure like any other: one line, a breadcrumb, a reset.
pub(crate) fn reset_when_we_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let (stage, black_box) = match LAST_WORDS.try_lock() {
            Ok(last) => (last.stage, last.black_box.clone()),
            Err(_) => ("start", None),
        };
        let mut report = Report::on_standard_error();
        report.console = open_for_lines("/dev/console");
        // Opened anew: the panic may have come in the middle of using the other one.
        if let Some((path, writer)) = black_box
            && let Ok(black_box) = BlackBox::open(&path)
        {
            report.black_box = Some((black_box, writer));
        }
        report.fail(&Failure { stage, cause: anyhow::anyhow!("internal error in early-boot: {panic}") });
        let _not_reached = reset();
    }));
}

/// Resets the machine. If even that is refused, ending PID 1 makes the kernel panic, and `panic=` resets.
pub(crate) fn reset() -> ExitCode {
    rustix::fs::sync();
    let refused = rustix::system::reboot(RebootCommand::Restart);
    eprintln!(
        "slipway: reset: cannot reset the machine: {}",
        refused.err().map_or(String::new(), |e| e.to_string())
    );
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use appliance_types::SlotName;

    fn blank_black_box(folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("blackbox");
        std::fs::write(&path, vec![0; 1024 * 1024]).unwrap();
        path
    }

    #[test]
    fn the_kernel_never_prints_a_line_a_second_time() {
        // (level, console shows below) -> level for the log
        for (level, shown, expected) in [
            (Level::Error, 4, 4),
            (Level::Warning, 4, 4),
            (Level::Info, 4, 6),
            (Level::Error, 1, 3),
            (Level::Info, 7, 7),
            (Level::Error, 15, 7),
        ] {
            let logged = log_level(level, shown);
            assert_eq!(logged, expected, "{level:?}, console level {shown}");
            assert!(logged >= shown.min(7), "{level:?} would be printed twice at console level {shown}");
        }
    }

    #[test]
    fn a_message_of_several_lines_stays_one_line() {
        assert_eq!(one_line("cannot mount\n\n  bad superblock\r\n"), "cannot mount; bad superblock");
    }

    #[test]
    fn breadcrumbs_from_before_the_black_box_are_kept_with_their_uptime() {
        let folder = tempfile::tempdir().unwrap();
        let path = blank_black_box(&folder);
        let mut report = Report::on_standard_error();
        report.reached("watchdog", "armed");
        let armed = report.waiting[0].3;
        let writer = Writer { boot: 5, slot: Some(SlotName::B) };
        report.attach(BlackBox::open(&path).unwrap(), writer, &path);
        report
            .fail(&Failure { stage: "disk", cause: anyhow::anyhow!("gone").context("cannot open the disk") });

        let read = BlackBox::open_read_only(&path).unwrap();
        let crumbs: Vec<_> = read
            .ring()
            .crumbs()
            .iter()
            .map(|crumb| (crumb.boot, crumb.kind, crumb.stage.to_string(), crumb.message.to_string()))
            .collect();
        let expected = [
            (5, BreadcrumbKind::Stage, "watchdog".to_owned(), "armed".to_owned()),
            (5, BreadcrumbKind::Failure, "disk".to_owned(), "cannot open the disk: gone".to_owned()),
        ];
        assert_eq!(crumbs, expected);
        assert_eq!(read.ring().crumbs()[0].uptime_ms, armed);
    }

    #[test]
    fn a_black_box_that_cannot_be_written_is_given_up_and_the_boot_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = blank_black_box(&folder);
        let mut report = Report::on_standard_error();
        let read_only = BlackBox::open_read_only(&path).unwrap();
        report.attach(read_only, Writer { boot: 1, slot: None }, &path);
        report.reached("disk", "found");
        assert!(report.black_box().is_none());
        report.reached("rootfs", "mounted");
    }
}
