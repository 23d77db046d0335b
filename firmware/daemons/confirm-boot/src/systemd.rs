//! What systemd says about units, through `systemctl`.

use boot_verdict::{Asked, UnitFact, UnitRole};
use host_files::{Manager, UnitState, run_program, unit_states};

/// Units and how they are, in the order they are asked for.
pub(crate) fn units(manager: Manager, units: &[(&str, UnitRole)]) -> Asked<Vec<UnitFact>> {
    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    let whose = match manager {
        Manager::System => "systemd",
        Manager::AppUser => "the application user's systemd",
    };
    let states = unit_states(manager, &names).map_err(|error| format!("cannot ask {whose}: {error}"))?;
    Ok(states.into_iter().zip(units).map(|(state, (_, role))| fact(state, *role)).collect())
}

fn fact(state: UnitState, role: UnitRole) -> UnitFact {
    let UnitState { unit, active, sub, result, restarts, load } = state;
    // `inactive (not-found)` says more than `inactive (dead)`.
    let sub = if load == "loaded" { sub } else { load };
    UnitFact { name: unit, role, active, sub, result, restarts }
}

/// The units that are being started now. For a person: where it cannot be asked, none are named.
pub(crate) fn starting() -> Vec<String> {
    let program = Manager::System.systemctl().args(["list-jobs", "--no-legend", "--plain"]);
    run_program(&program).map(|jobs| parse_jobs(&jobs.stdout)).unwrap_or_default()
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

    #[test]
    fn a_unit_that_is_not_there_is_told_from_one_that_has_stopped() {
        let state = |load: &str| UnitState {
            unit: "web.service".to_owned(),
            active: "inactive".to_owned(),
            sub: "dead".to_owned(),
            result: "success".to_owned(),
            restarts: 2,
            load: load.to_owned(),
        };
        let stopped = fact(state("loaded"), UnitRole::Rootful);
        assert_eq!((stopped.sub.as_str(), stopped.restarts, stopped.role), ("dead", 2, UnitRole::Rootful));
        assert_eq!(fact(state("not-found"), UnitRole::Rootful).sub, "not-found");
    }

    #[test]
    fn nothing_is_asked_about_nothing() {
        assert_eq!(units(Manager::AppUser, &[]), Ok(vec![]));
    }

    #[test]
    fn of_the_jobs_only_what_is_being_started_is_named() {
        let jobs = "  1 multi-user.target start waiting\n 53 hung.service start running\n 54 old.service stop running\n";
        assert_eq!(parse_jobs(jobs), ["hung.service"]);
        assert!(parse_jobs("No jobs running.\n").is_empty());
    }
}
