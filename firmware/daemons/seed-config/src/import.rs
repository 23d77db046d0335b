//! Handing a seed to `apply-config`, which does the import, and understanding what became of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use appliance_types::Generation;
use host_files::{Program, run_program_to_end};
use serde::Deserialize;

/// An import loads container images from a slow stick onto a slow card and waits for what they start. It has limits of its
/// own for each step; this one is for an `apply-config` that hangs.
const IMPORT_LIMIT: Duration = Duration::from_secs(2 * 3600);
const QUESTION_LIMIT: Duration = Duration::from_secs(60);

/// The program that imports.
#[derive(Debug, Clone)]
pub(crate) struct Importer {
    /// Its path.
    pub(crate) program: PathBuf,
}

/// What became of an import: one line of JSON on the standard output of `apply-config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Outcome {
    /// The answer.
    #[serde(rename = "outcome")]
    pub(crate) end: End,
    /// The generation that is in force, or that did not work.
    pub(crate) generation: Option<Generation>,
    /// What is wrong with the configuration, each with its place.
    #[serde(default)]
    pub(crate) problems: Vec<String>,
    /// What its author should know and that did not stop it.
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    /// Why it failed.
    pub(crate) reason: Option<String>,
    /// At what it failed.
    pub(crate) stage: Option<String>,
    /// The public keys of the administrators it names.
    #[serde(default)]
    pub(crate) admin_keys: Vec<String>,
    /// The file for this device that was laid over the configuration.
    #[serde(default)]
    pub(crate) overlay: Option<String>,
}

/// How an import ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// It works as a whole.
    Settled,
    /// It is word for word what is in force.
    Unchanged,
    /// It is not a valid configuration; nothing was changed.
    Refused,
    /// It was put in place, did not work and was taken back.
    #[default]
    Failed,
    /// As [`End::Failed`], and taking it back did not work either.
    FailedTwice,
}

impl Importer {
    /// Imports what is at `from`. A program that cannot do its work is a failed import.
    /// `devices` are the names of this device: a file for one of them may lie in `devices/`, also inside an archive.
    pub(crate) fn import(&self, from: &Path, source: &str, devices: &[String]) -> Outcome {
        let mut program =
            Program::new(&self.program).args(["import", "--source", source, "--from"]).arg(from);
        for name in devices {
            program = program.arg("--device").arg(name);
        }
        run(&program.timeout(IMPORT_LIMIT)).unwrap_or_else(|error| Outcome::failed(format!("{error:#}")))
    }

    /// What is in force, told as the import that brought it would tell. An error when what is kept cannot be read.
    pub(crate) fn current(&self) -> anyhow::Result<Outcome> {
        let outcome = run(&Program::new(&self.program).arg("current").timeout(QUESTION_LIMIT))?;
        anyhow::ensure!(outcome.is_good(), "{}", outcome.why());
        Ok(outcome)
    }
}

impl Outcome {
    /// Refused for this reason.
    pub(crate) fn refused(problem: String) -> Outcome {
        Outcome { end: End::Refused, problems: vec![problem], ..Outcome::default() }
    }

    /// Failed for this reason.
    pub(crate) fn failed(reason: String) -> Outcome {
        Outcome { reason: Some(reason), ..Outcome::default() }
    }

    /// A configuration is in force now.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self.end, End::Settled | End::Unchanged)
    }

    /// Why not, in one line.
    pub(crate) fn why(&self) -> String {
        let more = match self.problems.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        match (self.end, &self.stage, &self.reason, self.problems.first()) {
            (End::Refused, _, _, Some(first)) => format!("refused: {first}{more}"),
            (End::Refused, Some(stage), Some(reason), None) => format!("refused: {stage}: {reason}"),
            (End::Refused, None, Some(reason), None) => format!("refused: {reason}"),
            (_, Some(stage), Some(reason), _) => format!("failed at {stage}: {reason}"),
            (_, None, Some(reason), _) => format!("failed: {reason}"),
            (_, _, None, Some(first)) => format!("failed: {first}{more}"),
            (_, _, None, None) => "failed, and apply-config does not say why".to_owned(),
        }
    }
}

fn run(program: &Program) -> anyhow::Result<Outcome> {
    let ended = run_program_to_end(program)?;
    let line = ended.output.stdout.lines().last().unwrap_or_default();
    let outcome = serde_json::from_str(line);
    outcome.with_context(|| {
        format!("`{program}` ({}) gave no answer: {}", ended.status, ended.output.stderr.trim())
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// An `apply-config` that writes its arguments beside itself, prints this and ends so.
    pub(crate) fn fake(folder: &Path, prints: &str, status: u8) -> Importer {
        let program = folder.join("apply-config");
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{}'\ncat <<'END'\n{prints}\nEND\nexit {status}\n",
            folder.join("arguments").display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Importer { program }
    }

    #[test]
    fn the_answer_is_read_whatever_the_exit_status_is() {
        let folder = tempfile::tempdir().unwrap();
        let json = r#"{"outcome":"refused","generation":null,"problems":["config.toml:3:1: no such key"],"warnings":[],"reason":null,"stage":null,"later":1}"#;
        let outcome = fake(folder.path(), json, 1).import(Path::new("/boot"), "boot partition", &[]);
        assert_eq!(outcome, Outcome::refused("config.toml:3:1: no such key".to_owned()));
        let arguments = std::fs::read_to_string(folder.path().join("arguments")).unwrap();
        assert_eq!(arguments, "import\n--source\nboot partition\n--from\n/boot\n");
    }

    #[test]
    fn the_names_of_the_device_are_handed_on() {
        let folder = tempfile::tempdir().unwrap();
        let importer = fake(
            folder.path(),
            r#"{"outcome":"settled","generation":1,"admin_keys":["ssh-ed25519 AAAA a"]}"#,
            0,
        );
        let names = ["52:54:00:12:34:56".to_owned(), "AZJN-0042".to_owned()];
        let outcome = importer.import(Path::new("/run/slipway/seed"), "USB stick", &names);
        assert!(outcome.is_good());
        assert_eq!(outcome.admin_keys, ["ssh-ed25519 AAAA a"]);
        let arguments = std::fs::read_to_string(folder.path().join("arguments")).unwrap();
        assert!(arguments.ends_with("--device\n52:54:00:12:34:56\n--device\nAZJN-0042\n"), "{arguments}");
    }

    #[test]
    fn a_program_that_gives_no_answer_is_a_failed_import_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = fake(folder.path(), "oops", 101).import(Path::new("/boot"), "boot partition", &[]);
        assert_eq!(outcome.end, End::Failed);
        assert!(outcome.why().contains("gave no answer"), "{}", outcome.why());
        let missing = Importer { program: "/nonexistent/apply-config".into() };
        let outcome = missing.import(Path::new("/boot"), "boot partition", &[]);
        assert!(
            outcome.why().starts_with("failed: cannot start `/nonexistent/apply-config import"),
            "{}",
            outcome.why()
        );
        assert!(missing.current().is_err());
    }

    #[test]
    fn why_is_one_line_with_the_first_problem() {
        let two = Outcome { problems: vec!["a".into(), "b".into()], ..Outcome::refused(String::new()) };
        let at = Outcome { stage: Some("firewall".into()), ..Outcome::failed("no".into()) };
        let tool =
            Outcome { end: End::Refused, stage: Some("containers".into()), ..Outcome::failed("no".into()) };
        let rows = [
            (Outcome::refused("a".into()), "refused: a"),
            (tool, "refused: containers: no"),
            (two, "refused: a (and 1 more)"),
            (at, "failed at firewall: no"),
            (Outcome::failed("no".into()), "failed: no"),
            (Outcome::default(), "failed, and apply-config does not say why"),
        ];
        for (outcome, expected) in rows {
            assert_eq!(outcome.why(), expected);
        }
    }
}
