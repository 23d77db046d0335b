//! What can be asked on the command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::change_arguments::{
    ConfigApplyOptions, ConfigDiffOptions, ConfigExportOptions, ConfigRollbackOptions, JsonOption,
};

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

    /// Say why a machine did not boot from the network: what it and this appliance said to each other, the cause, and what
    /// to do about it.
    ///
    /// Without a device it lists those that were heard of.
    Explain(ExplainDeviceOptions),

    /// Look into configurations, and edit them.
    #[command(subcommand)]
    Config(ConfigCommand),

    /// Print the completions for a shell: eval "$(slipway completions bash)".
    Completions(CompletionsOptions),

    /// Write the manual pages of this command.
    #[command(hide = true)]
    Man(ManOptions),

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

    /// Make /etc/hosts, from the configuration and the leases in force.
    #[command(hide = true)]
    LocalNames,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainDeviceOptions {
    /// The hardware address of its network card, as on its sticker: 52:54:00:12:34:56.
    #[arg(value_name = "MAC")]
    pub(crate) device: Option<appliance_types::MacAddress>,

    /// Print JSON instead of sentences.
    #[arg(long, conflicts_with = "pcap")]
    pub(crate) json: bool,

    /// Write the packets into a file, for tcpdump and Wireshark.
    #[arg(long, value_name = "FILE", requires = "device")]
    pub(crate) pcap: Option<std::path::PathBuf>,

    /// Where netbootd listens.
    #[arg(long, value_name = "PATH", default_value = "/run/slipway/netbootd.sock", hide = true)]
    pub(crate) socket: std::path::PathBuf,
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
    /// Say everything that is wrong with a configuration, each problem at its line. Changes nothing.
    ///
    /// Works on any machine. A folder or bundle is checked with each of its files for devices. Exit code 0: an appliance would
    /// accept it; 1: it would not.
    Check(CheckOptions),

    /// Write the files that a configuration becomes, as they will be on the box, into a folder.
    ///
    /// Works on any machine, and touches nothing but the folder. Numbers of users and lines of the image's accounts are those of
    /// this box, or away from a box those of a usual image. Exit code 0: written; 1: the configuration would be refused.
    Render(RenderOptions),

    /// Say what a key of config.toml means, or the code of a problem, and how to mend it.
    Explain(ExplainOptions),

    /// Change keys of a config.toml. Order, comments and everything else in it stay as they are.
    ///
    /// slipway config set network.interfaces.eth0.mode=static network.interfaces.eth0.address=192.0.2.2/24
    ///
    /// The file is written if an appliance would accept what comes out, else left alone; the exit code is 0 or 1.
    Set(SetOptions),

    /// Remove keys, tables, users, containers from a config.toml.
    ///
    /// The file is written if an appliance would accept what comes out, else left alone; the exit code is 0 or 1.
    Unset(UnsetOptions),

    /// Print a JSON Schema of config.toml, for editors.
    ///
    /// `slipway config schema > config.schema.json`, and `#:schema ./config.schema.json` as the first line of config.toml.
    Schema,

    /// Put a configuration in force on this appliance, and see that it works; else go back to the one before.
    ///
    /// Goes on when the connection breaks. Exit code 0: in force; 1: refused, nothing was changed; 2: it did not work.
    Apply(ConfigApplyOptions),

    /// Keep the configuration that is on trial.
    Confirm(JsonOption),

    /// Write a kept configuration into a folder or a bundle that an appliance would take again.
    ///
    /// Secrets stay on the appliance, and archives of container images are not kept; what is left out is said.
    Export(ConfigExportOptions),

    /// List the configurations that are kept, newest first, and which one is in force.
    History(JsonOption),

    /// Show what differs between two kept configurations, and what going from one to the other does.
    ///
    /// With one number: from that one to the one in force. Without: from the one before it.
    Diff(ConfigDiffOptions),

    /// Go back to a kept configuration. It comes back under a new number.
    ///
    /// Without a number: take back what is on trial, else go to the one before the one in force. Exit codes as for `apply`.
    Rollback(ConfigRollbackOptions),
}

/// A configuration.
#[derive(Debug, Args)]
pub(crate) struct SourceOptions {
    /// A config.toml, a folder with one, a bundle (tar, tar.gz, tar.zst), or - for standard input.
    #[arg(value_name = "FILE", default_value = "config.toml")]
    pub(crate) from: PathBuf,

    /// Lay this file over it, as an appliance does with devices/NAME.toml.
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    pub(crate) overlay: Option<PathBuf>,

    /// Take the file of one device, by MAC address or serial number, out of devices/.
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Vec<String>,
}

impl SourceOptions {
    /// What to call it.
    pub(crate) fn name(&self) -> String {
        if self.from == Path::new("-") {
            "standard input".to_owned()
        } else {
            self.from.display().to_string()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    #[command(flatten)]
    pub(crate) source: SourceOptions,

    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RenderOptions {
    #[command(flatten)]
    pub(crate) source: SourceOptions,

    /// The folder. It is made, or replaced if this command has made it before.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Print what is wrong as JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SetOptions {
    /// A key, as a problem names it, and its value in TOML. Text needs no quotes of its own. A table in place of a value, such as
    /// { isAdmin = true }, replaces all that was in it.
    #[arg(value_name = "PATH=VALUE", required = true)]
    pub(crate) assignments: Vec<String>,

    #[command(flatten)]
    pub(crate) edit: EditOptions,
}

#[derive(Debug, Args)]
pub(crate) struct UnsetOptions {
    /// A key or table, as a problem names it: users.bob.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,

    #[command(flatten)]
    pub(crate) edit: EditOptions,
}

#[derive(Debug, Args)]
pub(crate) struct EditOptions {
    /// The config.toml, or the folder it is in.
    #[arg(long, short, value_name = "FILE", default_value = "config.toml")]
    pub(crate) file: PathBuf,

    /// Print what is wrong as JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainOptions {
    /// A path, as in a problem (network.interfaces.eth1.mode), or a code (unknown-key). Without it, all there are.
    #[arg(value_name = "PATH-OR-CODE")]
    pub(crate) what: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsOptions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManOptions {
    /// The folder to write them into.
    pub(crate) folder: PathBuf,
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
        for hidden in ["breadcrumb", "report", "give-up", "ssh-host-keys", "local-names"] {
            assert!(!help.contains(hidden), "{hidden} is shown:\n{help}");
        }
    }

    #[test]
    fn json_and_breadcrumbs_exclude_each_other() {
        assert!(Arguments::try_parse_from(["slipway", "why", "--json", "--breadcrumbs"]).is_err());
        assert!(Arguments::try_parse_from(["slipway", "why", "--black-box", "f", "--json"]).is_ok());
    }
}
