use std::io::Write;

use log::{LevelFilter, Log, Metadata, Record};
use systemd_journal_logger::{JournalLog, connected_to_journal};

/// Log lines of `program`, from `info` on, go to the journal with their fields, or to standard error when it is run by hand.
pub fn log_as(program: &'static str) {
    let to_journal = || JournalLog::new().ok().and_then(|journal| journal.install().ok());
    if !(connected_to_journal() && to_journal().is_some()) {
        // It can only fail when there is a logger already, which is as good.
        let _taken = log::set_boxed_logger(Box::new(StandardError { program }));
    }
    log::set_max_level(LevelFilter::Info);
}

struct StandardError {
    program: &'static str,
}

impl Log for StandardError {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // A log line that cannot be written has nobody to be told to.
        let _written = writeln!(std::io::stderr(), "slipway: {}: {}", self.program, record.args());
    }

    fn flush(&self) {}
}
