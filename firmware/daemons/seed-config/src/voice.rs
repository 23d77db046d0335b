//! Telling: a line on the console and in the journal, a note in the black box, the report for other programs.

use std::path::{Path, PathBuf};

use disk_image::blackbox::BreadcrumbKind;
use host_files::{BlackBox, BootReport, Console, Note, ProvisioningReport, ProvisioningState, Writer};

/// The name of this stage, on the console and in the black box.
const STAGE: &str = "seed";

/// Says what happens. What cannot be said in one place is said in the others.
pub(crate) struct Voice {
    console: Console,
    report: PathBuf,
    black_box: Option<BlackBox>,
    writer: Writer,
}

impl Voice {
    pub(crate) fn new(
        console: Console,
        report: &Path,
        black_box: Option<BlackBox>,
        boot: Option<&BootReport>,
    ) -> Voice {
        let writer = boot.map_or(Writer { boot: 0, slot: None }, |boot| Writer {
            boot: boot.boot_number,
            slot: Some(boot.slot),
        });
        Voice { console, report: report.to_owned(), black_box, writer }
    }

    /// For whoever looks at the console, and for the journal.
    pub(crate) fn say(&self, text: &str) {
        self.line(STAGE, text);
    }

    /// The end of it all, in words of its own.
    pub(crate) fn provisioned(&self, text: &str) {
        self.line("provisioned", text);
    }

    /// For the journal alone.
    #[expect(clippy::unused_self, reason = "said like everything else")]
    pub(crate) fn note(&self, text: &str) {
        println!("{text}");
    }

    /// An import begins: for the story of this boot.
    pub(crate) fn stage(&mut self, text: &str) {
        self.leave(BreadcrumbKind::Stage, text);
    }

    /// Something was judged and found wrong: for the story of this boot.
    pub(crate) fn check(&mut self, text: &str) {
        self.leave(BreadcrumbKind::Check, text);
    }

    /// The state for other programs.
    pub(crate) fn report(&self, report: &ProvisioningReport) {
        if let Err(error) = report.write(&self.report) {
            self.note(&format!("{:#}", anyhow::Error::from(error)));
        }
    }

    /// Adds a warning to the report that another program of ours has written.
    pub(crate) fn warn_in_report(&self, warning: &str) {
        let mut report = ProvisioningReport::read(&self.report).unwrap_or(ProvisioningReport {
            state: ProvisioningState::Provisioned,
            generation: None,
            source: None,
            message: "A configuration is in force.".to_owned(),
            problems: Vec::new(),
            warnings: Vec::new(),
        });
        report.warnings.push(warning.to_owned());
        self.report(&report);
    }

    fn line(&self, what: &str, text: &str) {
        println!("slipway: {what}: {text}");
        self.console.say(what, text);
    }

    fn leave(&mut self, kind: BreadcrumbKind, message: &str) {
        let Some(black_box) = &mut self.black_box else { return };
        if let Err(error) = black_box.leave(self.writer, Note { kind, stage: STAGE, message }) {
            println!("cannot leave a note in the black box: {:#}", anyhow::Error::from(error));
        }
    }
}
