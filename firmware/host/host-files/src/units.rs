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

/// Asks for the state of each unit. One that does not exist has `load` = `not-found`.
///
/// # Errors
/// When systemd does not answer: then nothing is known, and nothing may be concluded.
pub fn unit_states<S: AsRef<str>>(manager: Manager, units: &[S]) -> Result<Vec<UnitState>, ProgramError> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    const PROPERTIES: &str = "--property=Id,LoadState,ActiveState,SubState,Result,NRestarts";
    let program = manager.systemctl().args(["show", PROPERTIES, "--"]).args(units.iter().map(AsRef::as_ref));
    Ok(parse(&run_program(&program)?.stdout))
}

/// Blocks of `Key=Value` lines, an empty line between units, in the order asked for.
fn parse(text: &str) -> Vec<UnitState> {
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(parse_unit).collect()
}

fn parse_unit(block: &str) -> UnitState {
    let values: BTreeMap<&str, &str> = block.lines().filter_map(|line| line.split_once('=')).collect();
    let value = |key: &str| values.get(key).copied().unwrap_or_default().to_owned();
    UnitState {
        unit: value("Id"),
        active: value("ActiveState"),
        sub: value("SubState"),
        result: value("Result"),
        restarts: value("NRestarts").parse().unwrap_or(0),
        load: value("LoadState"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_from_what_systemctl_shows() {
        let text = "Result=success\nNRestarts=3\nId=web.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\n\
                    Id=gone.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n";
        let web = UnitState {
            unit: "web.service".into(),
            active: "active".into(),
            sub: "running".into(),
            result: "success".into(),
            restarts: 3,
            load: "loaded".into(),
        };
        let units = parse(text);
        assert_eq!(units[0], web);
        assert_eq!((units[1].load.as_str(), units[1].restarts), ("not-found", 0));
        assert_eq!(units.len(), 2);
        assert!(parse("").is_empty());
    }

    #[test]
    fn asking_for_nothing_starts_no_program() {
        assert_eq!(unit_states::<&str>(Manager::AppUser, &[]).unwrap(), []);
    }
}
