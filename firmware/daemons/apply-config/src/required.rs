//! Waiting for what must work: a container that keeps stopping is seen by its restarts, never by one look, and what its owner asks
//! has to be answered well all the time that it is watched.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use appliance_types::{HealthSet, Mode, ProbeCheck};
use health_probe::{Unwell, ask_all};
use host_files::{Manager, RequiredFacts, RequiredUnit, UnitMode, UnitState, read_bounded, unit_states};

use crate::stage::{Failure, Stage, at};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// How long every required unit must have run without a restart, also where the configuration asks for less: a container that ends
/// at once was running when it was looked at.
const SHORTEST_SETTLE: Duration = Duration::from_secs(10);

/// Restarts after which nobody believes in the next one.
const TOO_MANY_RESTARTS: u32 = 5;

/// No health set comes near this size.
const HEALTH_LIMIT: usize = 4 << 20;

/// What must work.
#[derive(Debug)]
pub(crate) struct Wanted {
    units: Vec<RequiredUnit>,
    health: HealthSet,
    timeout: Duration,
    settle: Duration,
}

impl Wanted {
    /// Of the files that were put in place. Units that are probed are watched like those that are required.
    ///
    /// # Errors
    /// When the health set cannot be read.
    pub(crate) fn new(required: &RequiredFacts, health: &Path) -> anyhow::Result<Wanted> {
        let bytes = read_bounded(health, HEALTH_LIMIT)?;
        let mut health: HealthSet = serde_json::from_slice(&bytes)
            .with_context(|| format!("cannot understand {}", health.display()))?;
        let mut units = required.required.clone();
        units.extend(required.required_at_change.iter().cloned());
        for probe in health.probes.values() {
            if let ProbeCheck::Unit { unit, mode } = &probe.check {
                let mode = match mode {
                    Mode::Rootful => UnitMode::Rootful,
                    Mode::Rootless => UnitMode::Rootless,
                };
                units.push(RequiredUnit { unit: unit.clone(), mode });
            }
        }
        health.probes.retain(|_, probe| !matches!(probe.check, ProbeCheck::Unit { .. }));
        units.sort_by(|a, b| (a.mode, &a.unit).cmp(&(b.mode, &b.unit)));
        units.dedup();
        let shortest = if units.is_empty() { Duration::ZERO } else { SHORTEST_SETTLE };
        let settle = required.settle().max(shortest);
        Ok(Wanted { units, health, timeout: required.timeout(), settle })
    }
}

/// Waits until all units run and all probes are well, and have stayed so.
///
/// # Errors
/// Which does not, and what systemd or the probe says of it: at once for a unit that has failed for good, else when the time is up.
pub(crate) fn wait(wanted: &Wanted, say: &dyn Fn(&str)) -> Result<(), Failure> {
    if wanted.units.is_empty() && wanted.health.probes.is_empty() {
        return Ok(());
    }
    let limit = wanted.timeout + wanted.settle;
    let mut watch = Watch::new(limit, wanted.settle);
    let begun = Instant::now();
    let mut said = String::new();
    loop {
        // A systemd that is busy says nothing about the containers: it is asked again.
        let seen = match states(&wanted.units) {
            Ok(states) => {
                // While a container is on its way up, nobody expects an answer of it.
                let up = states.iter().all(|unit| unit.active == "active");
                let well = if up { ask_all(&wanted.health) } else { Ok(()) };
                watch.look(begun.elapsed(), &states, &well)
            }
            Err(error) if begun.elapsed() > limit => return Err(at(Stage::Required)(error)),
            Err(error) => Seen::Waiting(format!("{error:#}")),
        };
        match seen {
            Seen::Settled => return Ok(()),
            Seen::Failed(why) => return Err(at(Stage::Required)(anyhow::anyhow!(why))),
            Seen::Unwell(why) => return Err(at(Stage::Health)(anyhow::anyhow!(why))),
            Seen::Waiting(what) if what != said => {
                say(&what);
                said = what;
            }
            Seen::Waiting(_) => {}
        }
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "the poll interval of a wait with a deadline")]
fn pause() {
    std::thread::sleep(LOOK);
}

fn states(required: &[RequiredUnit]) -> anyhow::Result<Vec<UnitState>> {
    let mut states = Vec::new();
    for manager in [Manager::System, Manager::AppUser] {
        let units: Vec<&str> = required
            .iter()
            .filter(|unit| manager_of(unit.mode) == manager)
            .map(|unit| unit.unit.as_str())
            .collect();
        let found = unit_states(manager, &units);
        states.extend(found.context("cannot ask systemd how the required containers are")?);
    }
    Ok(states)
}

fn manager_of(mode: UnitMode) -> Manager {
    match mode {
        UnitMode::Rootful => Manager::System,
        UnitMode::Rootless => Manager::AppUser,
    }
}

/// What a look showed.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// All run, and have for long enough.
    Settled,
    /// Not yet: what is being waited for.
    Waiting(String),
    /// Never: a unit.
    Failed(String),
    /// Not in time: a probe.
    Unwell(String),
}

/// What earlier looks showed.
struct Watch {
    limit: Duration,
    settle: Duration,
    /// When all were first seen running, with the restarts they had then.
    running: Option<(Duration, BTreeMap<String, u32>)>,
}

impl Watch {
    fn new(limit: Duration, settle: Duration) -> Watch {
        Watch { limit, settle, running: None }
    }

    /// `elapsed` since the wait began; `well` is what the probes said, once all units were up.
    fn look(&mut self, elapsed: Duration, states: &[UnitState], well: &Result<(), Unwell>) -> Seen {
        if let Some(unit) = states.iter().find(|unit| is_hopeless(unit)) {
            return Seen::Failed(describe(unit));
        }
        let restarts: BTreeMap<String, u32> =
            states.iter().map(|unit| (unit.unit.clone(), unit.restarts)).collect();
        let waiting: Vec<&UnitState> = states.iter().filter(|unit| unit.active != "active").collect();
        if !waiting.is_empty() || self.running.as_ref().is_some_and(|(_, before)| *before != restarts) {
            self.running = None;
        }
        if let Some(unit) = waiting.first() {
            return match elapsed >= self.limit {
                true => Seen::Failed(format!("{} after {} s", describe(unit), elapsed.as_secs())),
                false => Seen::Waiting(format!("waiting for {}", describe(unit))),
            };
        }
        if let Err(unwell) = well {
            // Well for a while and then not is as if it had never been.
            self.running = None;
            return match elapsed >= self.limit {
                true => Seen::Unwell(format!("{unwell}, after {} s", elapsed.as_secs())),
                false => Seen::Waiting(format!("waiting for {unwell}")),
            };
        }
        let (since, _) = self.running.get_or_insert((elapsed, restarts));
        if elapsed.saturating_sub(*since) >= self.settle {
            return Seen::Settled;
        }
        // Running now, restarted again and again: it never stays for long enough.
        if elapsed >= self.limit + self.settle {
            return Seen::Failed(format!(
                "what is required did not stay well for {} s",
                self.settle.as_secs()
            ));
        }
        Seen::Waiting(format!(
            "all that is required works; watching for {} s that it stays so",
            self.settle.as_secs()
        ))
    }
}

fn is_hopeless(unit: &UnitState) -> bool {
    unit.load != "loaded" || unit.active == "failed" || unit.restarts >= TOO_MANY_RESTARTS
}

fn describe(unit: &UnitState) -> String {
    let UnitState { unit: name, active, sub, result, restarts, load } = unit;
    match (load.as_str(), *restarts) {
        ("loaded", 0) => format!("{name}: {active} ({sub}, {result})"),
        ("loaded", times) => format!("{name}: {active} ({sub}, {result}), restarted {times} times"),
        (load, _) => format!("{name}: no such unit ({load})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(active: &str, restarts: u32) -> UnitState {
        UnitState {
            unit: "web.service".into(),
            active: active.into(),
            sub: "sub".into(),
            result: "success".into(),
            restarts,
            load: "loaded".into(),
        }
    }

    /// Looks once a second; what the last one showed, and when.
    fn watch(states: impl Fn(u64) -> UnitState) -> (u64, Seen) {
        watch_well(states, |_| Ok(()))
    }

    fn watch_well(
        states: impl Fn(u64) -> UnitState,
        well: impl Fn(u64) -> Result<(), Unwell>,
    ) -> (u64, Seen) {
        let mut watch = Watch::new(Duration::from_secs(30), Duration::from_secs(10));
        for second in 0..200 {
            match watch.look(Duration::from_secs(second), &[states(second)], &well(second)) {
                Seen::Waiting(_) => {}
                seen => return (second, seen),
            }
        }
        panic!("it waits for ever")
    }

    #[test]
    fn what_runs_and_stays_is_settled() {
        assert_eq!(watch(|_| unit("active", 0)), (10, Seen::Settled));
        let slow = |second| if second < 20 { unit("activating", 0) } else { unit("active", 0) };
        assert_eq!(watch(slow), (30, Seen::Settled));
    }

    #[test]
    fn what_never_runs_fails_when_the_time_is_up() {
        let (second, seen) = watch(|_| unit("activating", 0));
        assert_eq!(
            (second, seen),
            (30, Seen::Failed("web.service: activating (sub, success) after 30 s".into()))
        );
    }

    #[test]
    fn a_container_that_keeps_stopping_fails_though_every_look_finds_it_running() {
        let looping = |second| unit("active", u32::try_from(second / 4).unwrap());
        let (second, seen) = watch(looping);
        assert_eq!(second, 20);
        assert_eq!(seen, Seen::Failed("web.service: active (sub, success), restarted 5 times".into()));
    }

    #[test]
    fn one_restart_begins_the_watch_anew() {
        let once = |second| unit("active", u32::from(second >= 8));
        assert_eq!(watch(once), (18, Seen::Settled));
    }

    #[test]
    fn what_failed_for_good_or_is_not_there_is_not_waited_for() {
        assert_eq!(watch(|_| unit("failed", 0)).0, 0);
        let missing = |_| UnitState { load: "not-found".into(), ..unit("inactive", 0) };
        assert_eq!(watch(missing), (0, Seen::Failed("web.service: no such unit (not-found)".into())));
    }

    fn unwell(when: bool) -> Result<(), Unwell> {
        let unwell = Unwell { probe: "shop".parse().unwrap(), why: "it answers 503".to_owned() };
        if when { Err(unwell) } else { Ok(()) }
    }

    #[test]
    fn a_probe_is_waited_for_and_has_to_stay_well() {
        let running = |_| unit("active", 0);
        assert_eq!(watch_well(running, |second| unwell(second < 15)), (25, Seen::Settled));
        // Well, for less than the ten seconds, and again.
        let flapping = |second| unwell(second < 5 || (second > 12 && second < 16));
        assert_eq!(watch_well(running, flapping), (26, Seen::Settled));
        let expected = "probe shop: it answers 503, after 30 s".to_owned();
        assert_eq!(watch_well(running, |_| unwell(true)), (30, Seen::Unwell(expected)));
    }

    #[test]
    fn a_slow_restarter_does_not_hold_the_wait_for_ever() {
        let slow = |second| unit("active", u32::try_from(second / 9).unwrap().min(4));
        let (second, seen) = watch(slow);
        assert!(second <= 46, "{second}: {seen:?}");
    }
}
