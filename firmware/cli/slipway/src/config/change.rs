//! `slipway config apply`, `confirm` and `rollback`: has `apply-config` change what is in force, and says what became of it.
//!
//! A change runs in a unit of its own and not below the shell that asked for it: what it changes may be the very address that the
//! shell is reached by, and half a change is none.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use appliance_types::Generation;
use host_files::{Program, run_program_to_end};
use serde::Deserialize;

use crate::change_arguments::{ConfigApplyOptions, ConfigRollbackOptions, JsonOption, TrialOption};
use crate::system::{APPLY_CONFIG, only_root};

/// Images are loaded, containers pulled and watched; each step has a limit of its own.
const LIMIT: Duration = Duration::from_secs(2 * 3600);

/// What became of it: one line of JSON from `apply-config`. Keys not listed here are passed over.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Outcome {
    outcome: String,
    generation: Option<Generation>,
    stage: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    problems: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    confirm_within_s: Option<u64>,
    rollback: Option<Rollback>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Rollback {
    done: bool,
    to: Option<Generation>,
    stage: Option<String>,
    reason: Option<String>,
}

pub(crate) fn apply(options: &ConfigApplyOptions) -> anyhow::Result<ExitCode> {
    only_root("config apply")?;
    let from = std::path::absolute(&options.from)
        .with_context(|| format!("cannot find {}", options.from.display()))?;
    ensure!(from.exists(), "there is no {}", from.display());
    let source = format!("{} on this appliance", from.display());
    let import = Program::new(APPLY_CONFIG).args(["import", "--source", &source, "--from"]);
    change(import.arg(&from), &options.trial, &options.json)
}

pub(crate) fn rollback(options: &ConfigRollbackOptions) -> anyhow::Result<ExitCode> {
    only_root("config rollback")?;
    let words = options.generation.map(|generation| generation.to_string());
    change(Program::new(APPLY_CONFIG).arg("rollback").args(words), &options.trial, &options.json)
}

pub(crate) fn confirm(options: &JsonOption) -> anyhow::Result<ExitCode> {
    only_root("config confirm")?;
    tell(&Program::new(APPLY_CONFIG).arg("confirm").timeout(Duration::from_secs(120)), options.json)
}

fn change(work: Program, trial: &TrialOption, json: &JsonOption) -> anyhow::Result<ExitCode> {
    tell(&in_its_own_unit(work, trial), json.json)
}

/// The unit ends by itself whoever waits for it. One that is killed on the way leaves things to be put in order.
fn in_its_own_unit(work: Program, trial: &TrialOption) -> Program {
    let work = match trial.confirm {
        Some(seconds) => work.arg("--confirm").arg(seconds.to_string()),
        None => work,
    };
    let unit = Program::new("systemd-run")
        .args(["--quiet", "--collect", "--wait", "--pipe", "--unit=slipway-apply.service"])
        // A file may be called as it likes.
        .arg("--expand-environment=no")
        .arg("--description=Change the configuration")
        // Refused and taken back are answers; a crash is none.
        .arg("--property=SuccessExitStatus=1 2")
        .args(["--property=OnFailure=slipway-revert.service", "--"]);
    work.arg("--progress").below(unit).show_errors().timeout(LIMIT)
}

fn tell(program: &Program, json: bool) -> anyhow::Result<ExitCode> {
    let ended = run_program_to_end(program)?;
    let line = ended.output.stdout.lines().last().unwrap_or_default();
    let outcome: Outcome = serde_json::from_str(line).with_context(|| {
        format!("`{program}` ({}) gave no answer: {}", ended.status, ended.output.stderr.trim())
    })?;
    let text = if json { format!("{line}\n") } else { outcome.in_words() };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the answer")?;
    Ok(outcome.exit_code())
}

impl Outcome {
    /// 0: in force. 1: refused. 2: did not work.
    fn exit_code(&self) -> ExitCode {
        match self.outcome.as_str() {
            "settled" | "provisional" | "unchanged" | "taken-back" => ExitCode::SUCCESS,
            "refused" => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }

    fn in_words(&self) -> String {
        let mut lines: Vec<String> =
            self.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
        lines.extend(self.problems.iter().cloned());
        let in_force = |generation: Option<Generation>, again: &str| match generation {
            Some(generation) => format!("generation {generation} is in force{again}"),
            None => "no configuration is in force".to_owned(),
        };
        let failed = || {
            let stage = self.stage.as_deref().unwrap_or("an unknown step");
            format!("failed at {stage}: {}", self.reason.as_deref().unwrap_or("nobody says why"))
        };
        lines.push(match (self.outcome.as_str(), &self.rollback) {
            ("settled", _) => in_force(self.generation, ""),
            ("provisional", _) => format!(
                "{} for {} s: `slipway config confirm` keeps it; else, and at a reboot, what was before comes back",
                in_force(self.generation, ""),
                self.confirm_within_s.unwrap_or_default()
            ),
            ("unchanged", _) => "nothing to do: it is in force already".to_owned(),
            ("taken-back", _) => in_force(self.generation, " again"),
            ("refused", _) if self.problems.is_empty() => format!("{}; nothing was changed", failed()),
            ("refused", _) => "refused: nothing was changed".to_owned(),
            (_, None) => format!("{}; nothing was changed", failed()),
            (_, Some(Rollback { done: true, to, .. })) => format!("{}; {}", failed(), in_force(*to, " again")),
            (_, Some(Rollback { stage, reason, .. })) => format!(
                "{}; going back failed at {}: {}; `slipway status` has what is wrong, a reboot puts everything in place again",
                failed(),
                stage.as_deref().unwrap_or("an unknown step"),
                reason.as_deref().unwrap_or("nobody says why")
            ),
        });
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(json: &str) -> String {
        serde_json::from_str::<Outcome>(json).unwrap().in_words()
    }

    #[test]
    fn a_change_runs_in_a_unit_that_nobody_has_to_wait_for() {
        let work = Program::new(APPLY_CONFIG).args(["import", "--from", "/boot/config.toml"]);
        let line = in_its_own_unit(work, &TrialOption { confirm: Some(120) }).to_string();
        assert!(
            line.starts_with("systemd-run --quiet --collect --wait --pipe --unit=slipway-apply.service"),
            "{line}"
        );
        assert!(
            line.ends_with(
                "-- /usr/lib/slipway/apply-config import --from /boot/config.toml --confirm 120 --progress"
            ),
            "{line}"
        );
        assert!(line.contains("--property=OnFailure=slipway-revert.service"), "{line}");
    }

    #[test]
    fn every_end_is_told_in_one_sentence_with_what_is_in_force() {
        for (json, expected) in [
            (
                r#"{"outcome":"settled","generation":3,"warnings":["w"],"later":1}"#,
                "warning: w\ngeneration 3 is in force\n",
            ),
            (
                r#"{"outcome":"provisional","generation":3,"confirm_within_s":60}"#,
                "generation 3 is in force for 60 s: `slipway config confirm` keeps it; else, and at a reboot, what was before comes back\n",
            ),
            (r#"{"outcome":"unchanged"}"#, "nothing to do: it is in force already\n"),
            (r#"{"outcome":"taken-back","generation":2}"#, "generation 2 is in force again\n"),
            (r#"{"outcome":"taken-back","generation":null}"#, "no configuration is in force\n"),
            (
                r#"{"outcome":"refused","stage":"config","problems":["config.toml:1:1: a","config.toml:2:1: b"]}"#,
                "config.toml:1:1: a\nconfig.toml:2:1: b\nrefused: nothing was changed\n",
            ),
            (
                r#"{"outcome":"refused","stage":"firewall","reason":"no"}"#,
                "failed at firewall: no; nothing was changed\n",
            ),
            (
                r#"{"outcome":"failed","stage":"trial","reason":"no configuration is on trial"}"#,
                "failed at trial: no configuration is on trial; nothing was changed\n",
            ),
            (
                r#"{"outcome":"failed","stage":"required","reason":"web","rollback":{"done":true,"to":2}}"#,
                "failed at required: web; generation 2 is in force again\n",
            ),
            (
                r#"{"outcome":"failed-twice","stage":"required","reason":"web","rollback":{"done":false,"to":null,"stage":"network","reason":"x"}}"#,
                "failed at required: web; going back failed at network: x; `slipway status` has what is wrong, a reboot puts everything in place again\n",
            ),
        ] {
            assert_eq!(words(json), expected, "{json}");
        }
    }

    #[test]
    fn scripts_can_tell_the_ends_apart() {
        let code = |outcome: &str| Outcome { outcome: outcome.to_owned(), ..Outcome::default() }.exit_code();
        for (outcome, expected) in [
            ("settled", 0),
            ("provisional", 0),
            ("unchanged", 0),
            ("taken-back", 0),
            ("refused", 1),
            ("failed", 2),
            ("failed-twice", 2),
        ] {
            assert_eq!(code(outcome), ExitCode::from(expected), "{outcome}");
        }
    }
}
