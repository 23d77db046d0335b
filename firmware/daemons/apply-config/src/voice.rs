//! Telling how far it is: on the console, in the journal, and in the report for other programs.

use std::io::Write as _;
use std::path::Path;

use appliance_types::Generation;
use host_files::{Console, ProvisioningReport, ProvisioningState};

/// Says what happens.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    console: Console,
    progress: bool,
}

impl Voice {
    /// With `progress`, on standard error too.
    pub(crate) fn new(progress: bool) -> Voice {
        Voice { console: Console::default(), progress }
    }

    /// A step of making a generation true.
    pub(crate) fn step(&self, generation: Generation, what: &str) {
        self.say(&format!("generation {generation}: {what}"));
    }

    /// One line.
    pub(crate) fn say(&self, text: &str) {
        log::info!("{text}");
        self.console.say("apply", text);
        if self.progress {
            // Whoever listened may have been cut off by what is being done.
            let _nobody_listens = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// What is in force, at every boot: whoever watches the console waits for this line.
    pub(crate) fn provisioned(&self, generation: Generation, source: &str) {
        self.console.say("provisioned", format_args!("generation {generation} from {source}"));
    }

    /// The state, for other programs. A report that cannot be written changes nothing about the state.
    #[expect(clippy::unused_self, reason = "said like everything else")]
    pub(crate) fn report(&self, report: &ProvisioningReport) {
        if let Err(error) = report.write(Path::new(ProvisioningReport::PATH)) {
            log::warn!("{:#}", anyhow::Error::from(error));
        }
    }

    /// As [`Voice::report`], for a configuration on its way in.
    pub(crate) fn importing(&self, source: &str) {
        self.report(&ProvisioningReport {
            state: ProvisioningState::Importing,
            generation: None,
            source: Some(source.to_owned()),
            message: format!("A configuration from {source} is being put in place."),
            problems: Vec::new(),
            warnings: Vec::new(),
        });
    }
}

/// What is said while `generation` is in force.
pub(crate) fn in_force(generation: Generation, source: &str, warnings: Vec<String>) -> ProvisioningReport {
    ProvisioningReport {
        state: ProvisioningState::Provisioned,
        generation: Some(generation),
        source: Some(source.to_owned()),
        message: format!("Generation {generation}, from {source}, is in force."),
        problems: Vec::new(),
        warnings,
    }
}

/// What is said while `generation` is in force for so many seconds, unless somebody confirms it.
pub(crate) fn on_trial(
    generation: Generation,
    source: &str,
    seconds: u64,
    warnings: Vec<String>,
) -> ProvisioningReport {
    let message = format!(
        "Generation {generation}, from {source}, is on trial: it is taken back {seconds} s after it came into force, and at a \
         reboot, unless `slipway config confirm` keeps it."
    );
    ProvisioningReport { message, ..in_force(generation, source, warnings) }
}

/// What is said while no configuration is in force.
pub(crate) fn nothing_in_force(message: String) -> ProvisioningReport {
    ProvisioningReport {
        state: ProvisioningState::Unprovisioned,
        generation: None,
        source: None,
        message,
        problems: Vec::new(),
        warnings: Vec::new(),
    }
}

/// What is said when nobody knows what is in effect.
pub(crate) fn went_wrong(message: String) -> ProvisioningReport {
    ProvisioningReport { state: ProvisioningState::Degraded, ..nothing_in_force(message) }
}
