//! What can be asked about configurations that are kept, and about changing the one in force.

use std::path::PathBuf;

use appliance_types::Generation;
use clap::Args;
use config_store::StoredGenerations;

#[derive(Debug, Args)]
pub(crate) struct ConfigApplyOptions {
    /// A config.toml, a folder with one, or a bundle (tar, tar.gz, tar.zst).
    pub(crate) from: PathBuf,

    #[command(flatten)]
    pub(crate) trial: TrialOption,

    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigRollbackOptions {
    /// The generation to go back to; `slipway config history` lists them.
    pub(crate) generation: Option<Generation>,

    #[command(flatten)]
    pub(crate) trial: TrialOption,

    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigExportOptions {
    /// What to write: a folder, or by its name an archive (.tar, .tar.gz, .tar.zst) or the document alone (.toml). It must not be
    /// there yet.
    pub(crate) out: PathBuf,

    /// The generation to export; `slipway config history` lists them. Without it, the one in force.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) generation: Option<Generation>,

    /// Where configurations are kept: on a disk that is mounted elsewhere.
    #[arg(long, value_name = "DIR", default_value = StoredGenerations::PATH)]
    pub(crate) store: PathBuf,

    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigDiffOptions {
    /// From this generation.
    pub(crate) from: Option<Generation>,

    /// To this one.
    pub(crate) to: Option<Generation>,

    #[command(flatten)]
    pub(crate) json: JsonOption,
}

#[derive(Debug, Args)]
pub(crate) struct TrialOption {
    /// Take it back after this many seconds (10 to 86400), and at a reboot, unless `slipway config confirm` keeps it: for changes
    /// that may cut you off.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) confirm: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct JsonOption {
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `120` and `120s` are the same.
fn seconds(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    let seconds = number.parse().ok().filter(|seconds| (10..=86_400).contains(seconds));
    seconds.ok_or_else(|| "write a number of seconds from 10 to 86400".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::arguments::{Arguments, Command, ConfigCommand};
    use clap::Parser;

    #[test]
    fn a_trial_is_a_number_of_seconds() {
        let confirm = |text: &str| {
            let words = ["slipway", "config", "apply", "config.toml", "--confirm", text];
            match Arguments::try_parse_from(words).ok()?.command {
                Command::Config(ConfigCommand::Apply(options)) => options.trial.confirm,
                _ => None,
            }
        };
        assert_eq!((confirm("120"), confirm("120s")), (Some(120), Some(120)));
        for wrong in ["9", "86401", "2m", "-120", "s", ""] {
            assert_eq!(confirm(wrong), None, "{wrong}");
        }
    }
}
