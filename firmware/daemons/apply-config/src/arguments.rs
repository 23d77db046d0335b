//! What can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use appliance_types::Generation;
use clap::{Args, Parser, Subcommand};

/// Make a configuration true on this appliance. Run by its units.
#[derive(Debug, Parser)]
#[command(name = "apply-config", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Say each step on standard error as well: somebody is waiting.
    #[arg(long, global = true)]
    pub(crate) progress: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put the files of the current configuration in place, before the network comes up.
    Boot,

    /// Start the containers of the current configuration, without waiting for them.
    Containers,

    /// Check a configuration, keep it, put it in place, and see that it works; else go back.
    ///
    /// Prints one line of JSON. Exit code 0: in effect; 1: refused; 2: it did not work.
    Import(ImportOptions),

    /// Put a kept configuration in force again, as a new generation. Without a number: take back what is on trial, else the
    /// generation before the one in force. Answers as `import` does.
    Rollback(RollbackOptions),

    /// Keep the configuration that is on trial.
    Confirm,

    /// Take back what is on trial when its time is over, and put everything in place that belongs to what is in force.
    Revert,

    /// Say which files differ between two kept configurations, and what going from one to the other would do.
    Diff(DiffOptions),

    /// Say what is in force, as the import that brought it did.
    Current,

    /// Check a configuration and change nothing. Answers as `import` does.
    Check(SourceOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ImportOptions {
    #[command(flatten)]
    pub(crate) source: SourceOptions,

    #[command(flatten)]
    pub(crate) trial: TrialOptions,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    /// The generation to go back to.
    pub(crate) generation: Option<Generation>,

    #[command(flatten)]
    pub(crate) trial: TrialOptions,
}

#[derive(Debug, Args)]
pub(crate) struct TrialOptions {
    /// Take it back after this many seconds, unless it is confirmed by then. A reboot takes it back at once.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(10..=86_400))]
    pub(crate) confirm: Option<u64>,
}

impl TrialOptions {
    /// How long it is on trial.
    pub(crate) fn window(&self) -> Option<Duration> {
        self.confirm.map(Duration::from_secs)
    }
}

#[derive(Debug, Args)]
pub(crate) struct DiffOptions {
    /// From this generation.
    pub(crate) from: Generation,

    /// To this one.
    pub(crate) to: Generation,
}

#[derive(Debug, Args)]
pub(crate) struct SourceOptions {
    /// A folder with a config.toml, a config.toml, or a bundle (tar, tar.gz, tar.zst).
    #[arg(long, value_name = "PATH")]
    pub(crate) from: PathBuf,

    /// Where it came from, in words.
    #[arg(long, value_name = "WORDS", default_value = "the command line")]
    pub(crate) source: String,

    /// What this device is called in the source's devices/ folder: MAC addresses, serial number. The first file found is laid
    /// over its config.toml. May be given more than once.
    #[arg(long = "device", value_name = "NAME")]
    pub(crate) devices: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }
}
