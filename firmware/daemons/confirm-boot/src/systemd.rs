//! What systemd says about units, through `systemctl`.

use std::collections::HashMap;
use std::time::Duration;

use boot_verdict::{Asked, UnitFact, UnitRole};
use host_files::{Program, run_program};

/// systemd answers in milliseconds, or not at all; an emulated board under load takes longer.
const LIMIT: Duration = Duration::from_secs(15);

/// Whose service manager is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    /// The system's.
    System,
    /// The application user's.
    Application,
}

/// Units and how they are, in the order they are asked for.
pub(crate) fn units(manager: Manager, units: &[(&str, UnitRole)]) -> Asked<Vec<UnitFact>> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    let names = units.iter().map(|(name, _)| name);
    let program = systemctl(manager)
        .args(["show", "--property=LoadState,ActiveState,SubState,Result,NRestarts", "--"])
        .args(names)
        .timeout(LIMIT);
    let whose = match manager {
        Manager::System => "systemd",
        Manager::Application => "the application user's systemd",
    };
    let shown = run_program(&program).map_err(|error| format!("cannot ask {whose}: {error}"))?;
    parse_units(&shown.stdout, units).map_err(|problem| format!("cannot understand {whose}: {problem}"))
}

/// The units that are being started now. For a person: where it cannot be asked, none are named.
pub(crate) fn starting() -> Vec<String> {
    let program = systemctl(Manager::System).args(["list-jobs", "--no-legend", "--plain"]).timeout(LIMIT);
    run_program(&program).map(|jobs| parse_jobs(&jobs.stdout)).unwrap_or_default()
}

fn systemctl(manager: Manager) -> Program {
    match manager {
        Manager::System => Program::new("systemctl"),
        Manager::Application => Program::new("systemctl").arg("--user").as_app_user(),
    }
}

/// `systemctl show` prints a block of `Key=value` lines for each unit, an empty line between two.
fn parse_units(shown: &str, units: &[(&str, UnitRole)]) -> Result<Vec<UnitFact>, String> {
    let blocks: Vec<HashMap<&str, &str>> = shown
        .trim()
        .split("\n\n")
        .map(|block| block.lines().filter_map(|line| line.split_once('=')).collect())
        .collect();
    if blocks.len() != units.len() {
        return Err(format!("asked for {} units, it told about {}", units.len(), blocks.len()));
    }
    units.iter().zip(blocks).map(|((name, role), block)| parse_unit(name, *role, &block)).collect()
}

fn parse_unit(name: &str, role: UnitRole, block: &HashMap<&str, &str>) -> Result<UnitFact, String> {
    let text = |key: &str| block.get(key).copied().unwrap_or_default().to_owned();
    let active = text("ActiveState");
    if active.is_empty() {
        return Err(format!("it says no ActiveState of {name}"));
    }
    let restarts = match block.get("NRestarts") {
        Some(count) => count.parse().map_err(|_| format!("{name} has NRestarts={count}"))?,
        None => 0, // Only services have one.
    };
    // `inactive (not-found)` says more than `inactive (dead)`.
    let sub = if text("LoadState") == "loaded" { text("SubState") } else { text("LoadState") };
    Ok(UnitFact { name: name.to_owned(), role, active, sub, result: text("Result"), restarts })
}

/// `  53 hung.service start running`
fn parse_jobs(jobs: &str) -> Vec<String> {
    let words = jobs.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let running = words.filter_map(|words| match words[..] {
        [_, unit, "start", "running"] => Some(unit.to_owned()),
        _ => None,
    });
    running.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [(&str, UnitRole); 3] = [
        ("data.mount", UnitRole::Platform),
        ("web.service", UnitRole::Rootful),
        ("gone.service", UnitRole::Rootless),
    ];

    const SHOWN: &str = "\
Result=success
LoadState=loaded
ActiveState=active
SubState=mounted

Result=exit-code
NRestarts=4
LoadState=loaded
ActiveState=activating
SubState=auto-restart

Result=success
NRestarts=0
LoadState=not-found
ActiveState=inactive
SubState=dead
";

    #[test]
    fn units_are_read_in_the_order_they_were_asked_for() {
        let units = parse_units(SHOWN, &UNITS).unwrap();
        let summary: Vec<_> =
            units.iter().map(|u| (u.name.as_str(), u.active.as_str(), u.sub.as_str(), u.restarts)).collect();
        assert_eq!(
            summary,
            [
                ("data.mount", "active", "mounted", 0),
                ("web.service", "activating", "auto-restart", 4),
                ("gone.service", "inactive", "not-found", 0),
            ]
        );
        assert_eq!(units[1].result, "exit-code");
        assert_eq!(units[2].role, UnitRole::Rootless);
    }

    #[test]
    fn an_answer_that_does_not_fit_is_no_answer() {
        for (shown, problem) in [
            ("", "asked for 3 units, it told about 1"),
            ("ActiveState=active", "asked for 3 units, it told about 1"),
            ("a=b\n\nc=d\n\ne=f", "it says no ActiveState of data.mount"),
            ("ActiveState=active\nNRestarts=x\n\nc=d\n\ne=f", "data.mount has NRestarts=x"),
        ] {
            assert_eq!(parse_units(shown, &UNITS).unwrap_err(), problem, "{shown:?}");
        }
    }

    #[test]
    fn nothing_is_asked_about_nothing() {
        assert_eq!(units(Manager::Application, &[]), Ok(vec![]));
    }

    #[test]
    fn of_the_jobs_only_what_is_being_started_is_named() {
        let jobs = "  1 multi-user.target start waiting\n 53 hung.service start running\n 54 old.service stop running\n";
        assert_eq!(parse_jobs(jobs), ["hung.service"]);
        assert!(parse_jobs("No jobs running.\n").is_empty());
    }
}
