//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Look after this Slipway appliance.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say which slot runs and why, and how the boots before this one ended.
    ///
    /// The answer comes from the black box, a small partition in which the boot loader, the early boot and the running
    /// system leave a note at every step. It survives power cuts, updates and rollbacks.
    Why(WhyOptions),

    /// Show the state of this appliance: build, slot, configuration, verdict, data, network, failed services.
    Status(StatusOptions),

    /// Look into configurations.
    #[command(subcommand)]
    Config(ConfigCommand),

    /// Leave a note in the black box.
    #[command(hide = true)]
    Breadcrumb(BreadcrumbOptions),

    /// Print what the console shows when the services are up.
    #[command(hide = true)]
    Report,

    /// Say, on the console and in the black box, why the system cannot go on.
    #[command(hide = true)]
    GiveUp(GiveUpOptions),

    /// Make the SSH host keys that are missing.
    #[command(hide = true)]
    SshHostKeys(HostKeyOptions),
}

#[derive(Debug, Args)]
pub(crate) struct WhyOptions {
    /// Print JSON instead of sentences.
    #[arg(long)]
    pub(crate) json: bool,

    /// List every breadcrumb, oldest first, instead of explaining them.
    #[arg(long, conflicts_with = "json")]
    pub(crate) breadcrumbs: bool,

    /// Explain a saved copy of a black box instead of this machine's own.
    #[arg(long, value_name = "FILE")]
    pub(crate) black_box: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct StatusOptions {
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say everything that is wrong with a config.toml, each problem at its line. Changes nothing.
    ///
    /// Works on any machine. Exit code 0: an appliance would accept it; 1: it would not.
    Check(ConfigCheckOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigCheckOptions {
    /// The configuration.
    #[arg(default_value = "config.toml")]
    pub(crate) file: PathBuf,

    /// The file of one device, laid over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) device: Option<PathBuf>,

    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BreadcrumbOptions {
    /// What happened.
    pub(crate) kind: Kind,
    /// Where in the boot, or the name of a check; at most 32 bytes are kept.
    pub(crate) stage: String,
    /// What there is to say about it; at most 436 bytes are kept.
    #[arg(default_value = "")]
    pub(crate) message: String,
}

/// The kinds of breadcrumbs that the running system leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Stage,
    ServicesUp,
    Check,
    MarkGood,
    MarkBad,
    Shutdown,
}

#[derive(Debug, Args)]
pub(crate) struct GiveUpOptions {
    /// What it is that cannot go on.
    pub(crate) stage: String,
}

#[derive(Debug, Args)]
pub(crate) struct HostKeyOptions {
    /// The folder to keep them in; it must exist.
    pub(crate) folder: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_shows_what_people_ask_and_not_what_units_run() {
        let help = Arguments::command().render_help().to_string();
        for shown in ["why", "status", "config"] {
            assert!(help.contains(&format!("  {shown}  ")), "{shown} is missing:\n{help}");
        }
        for hidden in ["breadcrumb", "report", "give-up", "ssh-host-keys"] {
            assert!(!help.contains(hidden), "{hidden} is shown:\n{help}");
        }
    }

    #[test]
    fn json_and_breadcrumbs_exclude_each_other() {
        assert!(Arguments::try_parse_from(["slipway", "why", "--json", "--breadcrumbs"]).is_err());
        assert!(Arguments::try_parse_from(["slipway", "why", "--black-box", "f", "--json"]).is_ok());
    }
}
