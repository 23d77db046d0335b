//! From a place where a seed may lie to a configuration in force: look, hand over, tell.

use std::path::Path;
use std::time::Instant;

use appliance_types::Generation;
use host_files::{BuildFacts, ProvisioningReport, ProvisioningState, wall_clock_ms};

use crate::attempts::{Attempts, Place, Try};
use crate::device;
use crate::import::{End, Importer, Outcome};
use crate::receipt::{self, Receipt, Verdict};
use crate::seed::{self, DeviceNames, Fingerprint, Seed};
use crate::stick::{Mounted, Stick};
use crate::voice::Voice;

/// What it takes to try a place.
pub(crate) struct Search<'a> {
    /// Tells what happens.
    pub(crate) voice: &'a mut Voice,
    /// Does the imports.
    pub(crate) importer: &'a Importer,
    /// By what names a stick may mean this device.
    pub(crate) device: DeviceNames,
    /// Where sticks are mounted.
    pub(crate) mount_point: &'a Path,
    /// `/`; a folder in tests.
    pub(crate) root: &'a Path,
    /// What is to be said of each configuration, whatever became of it.
    pub(crate) warnings: Vec<String>,
    /// What was tried already.
    pub(crate) attempts: Attempts,
    /// What the device is while nothing is being imported.
    pub(crate) idle: Idle,
}

/// What a device that looks for a configuration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Idle {
    /// It has none, and that is in order.
    Empty,
    /// It should have one; what is wrong, as a sentence. A system on trial is not good with that.
    Degraded(String),
}

/// A configuration that is in force now, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Imported {
    /// What the import said.
    pub(crate) outcome: Outcome,
    /// In words.
    pub(crate) source: String,
}

/// What looking at a place came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is nothing, or nothing new.
    Nothing,
    /// What is there is not in force, and that was said.
    Useless,
    /// It is in force.
    Imported(Imported),
}

impl Search<'_> {
    /// Tries the boot partition.
    pub(crate) fn boot_partition(&mut self, folder: &Path) -> Look {
        const SOURCE: &str = "boot partition";
        const PLACE: Place = Place::BootPartition;
        let looked = seed::look(folder).and_then(|seed| Ok((seed, Fingerprint::of_folder(folder)?)));
        let content = looked.as_ref().map_or(Fingerprint::UNREADABLE, |(_, content)| *content);
        // Also when there is nothing: a seed that was removed is not waited for.
        match self.attempts.begin(&PLACE, content, Instant::now()) {
            Try::No => return Look::Nothing,
            _ if matches!(looked, Ok((Seed::Nothing, _))) => return Look::Nothing,
            Try::Again => self.voice.say(&format!("trying the {SOURCE} again")),
            Try::New => {}
        }
        let seed = match looked {
            Ok((seed, _)) => seed,
            Err(error) => {
                self.voice.say(&format!("cannot look at {}: {error}", folder.display()));
                self.attempts.ended(&PLACE, End::Failed, Instant::now());
                return Look::Useless;
            }
        };
        let shown = match &seed {
            Seed::At(path) if path != folder => path.clone(),
            _ => folder.join(seed::CONFIG),
        };
        self.voice.say(&format!("looking at {}", shown.display()));
        let outcome = self.try_seed(&seed, SOURCE);
        self.attempts.ended(&PLACE, outcome.end, Instant::now());
        self.told(outcome, SOURCE)
    }

    /// Tries a stick, unless it was tried with the same content since it was plugged in and it is not time to do so again.
    /// Whatever goes wrong with it costs this stick only.
    pub(crate) fn stick(&mut self, stick: &Stick) -> Look {
        let source = stick.in_words();
        let place = Place::Stick(stick.plugged.clone());
        let looked = stick.mount(self.mount_point).and_then(|mounted| {
            let (seed, content) = (seed::look(self.mount_point)?, Fingerprint::of_folder(self.mount_point)?);
            Ok((mounted, seed, content))
        });
        let (mounted, seed, content) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                if self.attempts.begin(&place, Fingerprint::UNREADABLE, Instant::now()) == Try::No {
                    return Look::Nothing;
                }
                self.voice.say(&format!("cannot read the {source}: {error:#}"));
                return Look::Useless;
            }
        };
        let attempt = self.attempts.begin(&place, content, Instant::now());
        if attempt == Try::No {
            return Look::Nothing;
        }
        if seed == Seed::Nothing {
            self.voice.say(&format!("there is no {} on the {source}", seed::CONFIG));
            return Look::Useless;
        }
        self.voice.say(&match attempt {
            Try::Again => format!("trying the {source} again"),
            Try::New | Try::No => format!("found on {source}"),
        });
        let outcome = self.try_seed(&seed, &source);
        self.attempts.ended(&place, outcome.end, Instant::now());
        self.give_receipt(&mounted, &outcome, &source);
        self.told(outcome, &source)
    }

    fn try_seed(&mut self, seed: &Seed, source: &str) -> Outcome {
        let from = match seed {
            Seed::At(from) => from,
            Seed::Nothing => return Outcome::refused(format!("there is no {}", seed::CONFIG)),
            Seed::Several(names) => {
                return Outcome::refused(format!(
                    "{}: more than one configuration; leave one",
                    names.join(", ")
                ));
            }
        };
        self.voice.stage(&format!("importing from {source}"));
        self.voice.report(&self.state(
            ProvisioningState::Importing,
            Some(source),
            format!("A configuration from the {source} is being imported."),
            &Outcome::default(),
        ));
        let outcome = self.importer.import(from, source, &self.device.words());
        if let Some(overlay) = &outcome.overlay {
            self.voice.say(&format!("with {overlay} for this device"));
        }
        match outcome.end {
            End::Unchanged => self.unchanged(outcome, source),
            _ => outcome,
        }
    }

    /// apply-config has changed nothing, and so it has reported nothing: the report says again what is in force.
    fn unchanged(&self, mut outcome: Outcome, source: &str) -> Outcome {
        let current = match self.importer.current() {
            Ok(current) => current,
            Err(error) => {
                return Outcome::failed(format!("it is what is kept, and that cannot be used: {error:#}"));
            }
        };
        outcome.generation = outcome.generation.or(current.generation);
        let message = format!("The configuration from the {source} is in force already.");
        let report = self.state(ProvisioningState::Provisioned, Some(source), message, &outcome);
        self.voice.report(&ProvisioningReport { generation: outcome.generation, ..report });
        outcome
    }

    /// Says why a seed is not in force.
    fn told(&mut self, outcome: Outcome, source: &str) -> Look {
        if outcome.is_good() {
            return Look::Imported(Imported { outcome, source: source.to_owned() });
        }
        let why = outcome.why();
        self.voice.say(&why);
        self.voice.check(&format!("{source}: {why}"));
        if outcome.end == End::FailedTwice {
            // Nobody knows what is in effect, and a further seed that is not used changes nothing about that.
            self.idle =
                Idle::Degraded(format!("The configuration from the {source} could not be taken back."));
        }
        let mut message = format!("The configuration from the {source} is not used: {why}");
        if let Idle::Degraded(what) = &self.idle {
            message = format!("{what} {message}");
        }
        self.voice.report(&self.state(self.idle.state(), Some(source), message, &outcome));
        Look::Useless
    }

    /// Says that it waits. The report says so, unless it has something more useful to say: what is wrong with a
    /// configuration that was found.
    pub(crate) fn told_to_wait(&self, refused: bool) {
        if !refused {
            let what = match &self.idle {
                Idle::Empty => "This device has no configuration.",
                Idle::Degraded(what) => what,
            };
            let message = format!("{what} It waits for a USB stick with a config.toml.");
            self.voice.report(&self.state(self.idle.state(), None, message, &Outcome::default()));
        }
        self.voice.say("waiting for a USB stick with a config.toml");
    }

    /// A report without a generation.
    fn state(
        &self,
        state: ProvisioningState,
        source: Option<&str>,
        message: String,
        outcome: &Outcome,
    ) -> ProvisioningReport {
        ProvisioningReport {
            state,
            generation: None,
            source: source.map(str::to_owned),
            message,
            problems: outcome.problems.clone(),
            warnings: self.warnings.iter().chain(&outcome.warnings).cloned().collect(),
        }
    }

    /// A stick that cannot be written is no failure: the import counts, the receipt is a courtesy.
    fn give_receipt(&self, mounted: &Mounted, outcome: &Outcome, source: &str) {
        let receipt = self.receipt(outcome);
        let name = receipt.file_name(device::wan(self.root));
        let written = receipt
            .text()
            .and_then(|text| mounted.while_writable(|| receipt::write(self.mount_point, &name, &text)));
        match written {
            Ok(()) => self.voice.say(&format!("receipt written: {}/{name} on the {source}", receipt::FOLDER)),
            Err(error) => self.voice.say(&format!("no receipt on the {source}: {error:#}")),
        }
    }

    fn receipt(&self, outcome: &Outcome) -> Receipt {
        let noted = |what: &str, found: anyhow::Result<Vec<String>>| {
            found.unwrap_or_else(|error| {
                self.voice.note(&format!("the receipt is without {what}: {error:#}"));
                Vec::new()
            })
        };
        let build = BuildFacts::read(&self.root.join(BuildFacts::PATH.trim_start_matches('/'))).ok();
        Receipt {
            result: match outcome.end {
                End::Settled | End::Unchanged => Verdict::Accepted,
                End::Refused => Verdict::Refused,
                End::Failed | End::FailedTwice => Verdict::Failed,
            },
            reason: (!outcome.is_good()).then(|| outcome.why()),
            time: wall_clock_ms().map(receipt::rfc3339),
            device: device::id(self.root).unwrap_or_else(|_| "unknown".to_owned()),
            serial: self.device.serial.clone(),
            version: build.as_ref().map(|facts| facts.version.clone()),
            build: build.map(|facts| facts.build.to_string()),
            overlay: outcome.overlay.clone(),
            generation: outcome.generation.filter(|_| outcome.is_good()),
            addresses: noted("addresses", receipt::addresses()),
            ssh_host_keys: noted("SSH host keys", receipt::host_keys(&self.root.join("data/ssh"))),
            problems: outcome.problems.clone(),
            warnings: outcome.warnings.clone(),
        }
    }
}

impl Idle {
    fn state(&self) -> ProvisioningState {
        match self {
            Idle::Empty => ProvisioningState::Unprovisioned,
            Idle::Degraded(_) => ProvisioningState::Degraded,
        }
    }
}

impl Imported {
    /// `generation 1 from USB stick KINGSTON (sda1)`
    pub(crate) fn in_words(&self) -> String {
        match self.outcome.generation.map(Generation::get) {
            Some(number) => format!("generation {number} from {}", self.source),
            None => format!("from {}", self.source),
        }
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
