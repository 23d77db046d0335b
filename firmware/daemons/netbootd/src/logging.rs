//! Where log lines go: to the journal with their fields, or to standard error when we are run by hand.

use std::io::Write;

use log::{LevelFilter, Log, Metadata, Record};
use systemd_journal_logger::{JournalLog, connected_to_journal};

pub(crate) fn start() {
    let to_journal = || JournalLog::new().ok().and_then(|journal| journal.install().ok());
    if !(connected_to_journal() && to_journal().is_some()) {
        // It can only fail when there is a logger already, which is as good.
        let _taken = log::set_logger(&StandardError);
    }
    log::set_max_level(LevelFilter::Info);
}

struct StandardError;

impl Log for StandardError {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // A log line that cannot be written has nobody to be told to.
        let _written = writeln!(std::io::stderr(), "slipway: netbootd: {}", record.args());
    }

    fn flush(&self) {}
}
