//! Where in the way of a configuration something failed.

use std::fmt;

use serde::Serialize;

/// The parts of making a configuration true. Their texts appear on the console, in the black box and in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Opening what it came in.
    Source,
    /// Reading the document.
    Config,
    /// The tools' own checks, before anything is put in place.
    Check,
    /// Keeping it on the data partition.
    Store,
    /// Accounts.
    Users,
    /// Addresses.
    Network,
    /// The firewall.
    Firewall,
    /// Units of containers.
    Containers,
    /// Image archives.
    Images,
    /// Containers that must run.
    Required,
    /// What its owner asks of it.
    Health,
    /// Waiting for its owner to confirm it.
    Trial,
}

/// What failed, and where.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    pub(crate) error: anyhow::Error,
}

/// Says where an error belongs: `step().map_err(at(Stage::Network))?`.
pub(crate) fn at<E: Into<anyhow::Error>>(stage: Stage) -> impl FnOnce(E) -> Failure {
    move |error| Failure { stage, error: error.into() }
}

impl Stage {
    /// Its text.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Stage::Source => "source",
            Stage::Config => "config",
            Stage::Check => "check",
            Stage::Store => "store",
            Stage::Users => "users",
            Stage::Network => "network",
            Stage::Firewall => "firewall",
            Stage::Containers => "containers",
            Stage::Images => "images",
            Stage::Required => "required",
            Stage::Health => "health",
            Stage::Trial => "trial",
        }
    }

    /// Whether what fails here before anything was changed will fail again: the tools' checks of what was written.
    pub(crate) fn is_about_the_document(self) -> bool {
        matches!(self, Stage::Config | Stage::Firewall | Stage::Containers)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Failure {
    /// The chain of causes on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, one_line(&self.error))
    }
}

/// An error and its causes, on one line.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_its_stage_and_causes() {
        let error = anyhow::anyhow!("no such\n\n  device").context("cannot reload");
        assert_eq!(
            Failure { stage: Stage::Network, error }.to_string(),
            "network: cannot reload: no such; device"
        );
        assert_eq!(serde_json::to_string(&Stage::Required).unwrap(), format!("\"{}\"", Stage::Required));
    }
}
