//! What can be asked for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Make a configuration true on this appliance. Run by its units.
#[derive(Debug, Parser)]
#[command(name = "apply-config", version, max_term_width = 100)]
pub(crate) struct Arguments {
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
    Import(SourceOptions),

    /// Say what is in force, as the import that brought it did.
    Current,

    /// Check a configuration and change nothing. Answers as `import` does.
    Check(SourceOptions),
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
