//! What systemd says of units: the system's, and those of the application user's own systemd.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::program::{Program, ProgramError, run_program};

/// systemd answers in milliseconds, or is in trouble.
const LIMIT: Duration = Duration::from_secs(20);

/// Which systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// PID 1.
    System,
    /// The application user's, which runs the rootless containers.
    AppUser,
}

/// A unit, as systemd sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitState {
    /// Its name: `web.service`.
    pub unit: String,
    /// `active`, `activating`, `inactive`, `failed`, …
    pub active: String,
    /// `running`, `exited`, `auto-restart`, `dead`, …
    pub sub: String,
    /// How its last run ended: `success`, `exit-code`, `timeout`, …
    pub result: String,
    /// How often it was restarted by itself since it was started by hand.
    pub restarts: u32,
    /// Whether there is such a unit: `loaded`, `not-found`, `bad-setting`, …
    pub load: String,
}

impl Manager {
    /// `systemctl` for this systemd, waiting at most 20 s.
    pub fn systemctl(self) -> Program {
        match self {
            Manager::System => Program::new("systemctl").timeout(LIMIT),
            Manager::AppUser => Program::new("systemctl").arg("--user").timeout(LIMIT).as_app_user(),
        }
    }
}

/// The state of units could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum UnitsError {
    /// `systemctl` did not answer.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It answered something else than was asked.
    #[error("cannot understand what systemctl shows: {0}")]
    Answer(String),
}

/// Asks for the state of each unit; the answer is in the order asked for. One that does not exist has `load` = `not-found`.
///
/// # Errors
/// When systemd does not answer, or not about these units: then nothing is known, and nothing may be concluded.
pub fn unit_states<S: AsRef<str>>(manager: Manager, units: &[S]) -> Result<Vec<UnitState>, UnitsError> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    const PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,Result,NRestarts";
    let units: Vec<&str> = units.iter().map(AsRef::as_ref).collect();
    let program = manager.systemctl().args(["show", PROPERTIES, "--"]).args(&units);
    parse(&run_program(&program)?.stdout, &units).map_err(UnitsError::Answer)
}

/// Blocks of `Key=Value` lines, an empty line between units, in the order asked for.
fn parse(shown: &str, units: &[&str]) -> Result<Vec<UnitState>, String> {
    let blocks: Vec<BTreeMap<&str, &str>> = shown
        .trim()
        .split("\n\n")
        .map(|block| block.lines().filter_map(|line| line.split_once('=')).collect())
        .collect();
    if blocks.len() != units.len() {
        return Err(format!("asked for {} units, it told about {}", units.len(), blocks.len()));
    }
    units.iter().zip(&blocks).map(|(name, block)| parse_unit(name, block)).collect()
}

fn parse_unit(name: &str, block: &BTreeMap<&str, &str>) -> Result<UnitState, String> {
    let text = |key: &str| block.get(key).copied().unwrap_or_default().to_owned();
    let active = text("ActiveState");
    if active.is_empty() {
        return Err(format!("it says no ActiveState of {name}"));
    }
    let restarts = match block.get("NRestarts") {
        Some(count) => count.parse().map_err(|_| format!("{name} has NRestarts={count}"))?,
        None => 0, // Only services have one.
    };
    Ok(UnitState {
        unit: name.to_owned(),
        active,
        sub: text("SubState"),
        result: text("Result"),
        restarts,
        load: text("LoadState"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [&str; 3] = ["data.mount", "web.service", "gone.service"];

    const SHOWN: &str = "Result=success\nLoadState=loaded\nActiveState=active\nSubState=mounted\n\n\
                         Result=exit-code\nNRestarts=4\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\n\n\
                         Result=success\nNRestarts=0\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n";

    #[test]
    fn units_are_read_in_the_order_they_were_asked_for() {
        let units = parse(SHOWN, &UNITS).unwrap();
        let summary: Vec<_> = units
            .iter()
            .map(|u| (u.unit.as_str(), u.load.as_str(), u.active.as_str(), u.sub.as_str(), u.restarts))
            .collect();
        assert_eq!(
            summary,
            [
                ("data.mount", "loaded", "active", "mounted", 0),
                ("web.service", "loaded", "activating", "auto-restart", 4),
                ("gone.service", "not-found", "inactive", "dead", 0),
            ]
        );
        assert_eq!(units[1].result, "exit-code");
    }

    #[test]
    fn an_answer_that_does_not_fit_is_no_answer() {
        for (shown, problem) in [
            ("", "asked for 3 units, it told about 1"),
            ("ActiveState=active", "asked for 3 units, it told about 1"),
            ("a=b\n\nc=d\n\ne=f", "it says no ActiveState of data.mount"),
            ("ActiveState=active\nNRestarts=x\n\nc=d\n\ne=f", "data.mount has NRestarts=x"),
        ] {
            assert_eq!(parse(shown, &UNITS).unwrap_err(), problem, "{shown:?}");
        }
    }

    #[test]
    fn asking_for_nothing_starts_no_program() {
        assert_eq!(unit_states::<&str>(Manager::AppUser, &[]).unwrap(), []);
    }
}
