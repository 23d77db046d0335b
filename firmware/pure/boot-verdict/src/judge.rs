use std::collections::BTreeMap;
use std::time::Duration;

use crate::facts::{Facts, Provisioning, UnitFact};
use crate::finding::{Finding, Sign, findings};

/// What is thought of this boot now. Texts are for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Too early to tell, or nothing to judge yet.
    Wait {
        /// What is waited for.
        reasons: Vec<String>,
    },
    /// All that should run does, and has done so for a while.
    Good,
    /// Something does not work, and starting another slot is not the answer.
    Degraded {
        /// What does not work.
        reasons: Vec<String>,
    },
    /// The slot is on trial and does not do its work, and there is another one to go back to.
    Bad {
        /// The check that did not pass.
        check: String,
        /// What it found.
        reason: String,
    },
}

/// How patient the judge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long all checks must pass before a slot on trial is good. Long enough for a container to crash on what it only does
    /// once it is warm.
    pub hold_on_trial: Duration,
    /// The same for a slot that an earlier boot has confirmed.
    pub hold: Duration,
    /// How long a failure may last, or a unit keep restarting: some things repair themselves.
    pub grace: Duration,
    /// The uptime at which the services should be up, also on a slow board.
    pub services_up_by: Duration,
    /// How long after that everything may take. What the configuration requires has its own timeout on top.
    pub limit: Duration,
}

impl Policy {
    /// That of the appliance.
    pub const DEFAULT: Policy = Policy {
        hold_on_trial: Duration::from_secs(60),
        hold: Duration::from_secs(10),
        grace: Duration::from_secs(60),
        services_up_by: Duration::from_secs(120),
        limit: Duration::from_secs(300),
    };
}

/// Judges a boot from one observation after the other.
#[derive(Debug, Clone)]
pub struct Judge {
    policy: Policy,
    watch: Option<Watch>,
}

/// What has been seen since there is a configuration.
#[derive(Debug, Clone)]
struct Watch {
    /// When that was.
    since: Duration,
    /// When was last looked, or the watch began.
    looked_at: Duration,
    /// When something was last seen to be wrong, or the watch began.
    trouble_at: Duration,
    /// Units: their restart counters, and when those last changed.
    restarts: BTreeMap<String, Restarts>,
    /// Checks: their signs of failure, as long as no hold lies between two of them.
    failures: BTreeMap<String, Row>,
}

#[derive(Debug, Clone, Copy)]
struct Restarts {
    count: u32,
    at: Option<Duration>,
}

/// A row of signs of failure.
#[derive(Debug, Clone, Copy)]
struct Row {
    first: Duration,
    last: Duration,
}

impl Judge {
    /// A judge who has seen nothing yet.
    pub fn new(policy: Policy) -> Judge {
        Judge { policy, watch: None }
    }

    /// The verdict at `now`, the time since the kernel started, on what was seen up to now.
    ///
    /// To be asked every few seconds. A crash between two observations does not get past it: restart counters are compared.
    pub fn observe(&mut self, now: Duration, facts: &Facts) -> Verdict {
        if let Some(reason) = not_provisioned(facts) {
            self.watch = None;
            return Verdict::Wait { reasons: vec![reason] };
        }
        let policy = self.policy;
        let hold = if facts.is_confirmed() { policy.hold } else { policy.hold_on_trial }.max(facts.settle);
        let watch = self.watch.get_or_insert_with(|| Watch::begin(now));
        let found = watch.look(now, facts, hold);
        if found.is_empty() {
            return if now.saturating_sub(watch.trouble_at) >= hold {
                Verdict::Good
            } else {
                let seconds = hold.as_secs();
                Verdict::Wait { reasons: vec![format!("all is well, and has to stay so for {seconds} s")] }
            };
        }
        let final_one = found.iter().find(|finding| watch.is_final(now, finding, facts, &policy, hold));
        match final_one {
            None => Verdict::Wait { reasons: words(&found) },
            Some(finding) if facts.may_fall_back() => {
                Verdict::Bad { check: finding.check.clone(), reason: watch.lasting(now, finding) }
            }
            Some(_) => Verdict::Degraded { reasons: words(&found) },
        }
    }
}

/// Why there is nothing to judge yet.
fn not_provisioned(facts: &Facts) -> Option<String> {
    match &facts.provisioning {
        Ok(Provisioning::Unprovisioned(message)) => Some(format!("not provisioned: {message}")),
        Ok(Provisioning::Importing(message)) => Some(message.clone()),
        Ok(Provisioning::Provisioned | Provisioning::Degraded(_)) | Err(_) => None,
    }
}

fn words(found: &[Finding]) -> Vec<String> {
    found.iter().map(|finding| finding.reason.clone()).collect()
}

impl Watch {
    fn begin(now: Duration) -> Watch {
        Watch {
            since: now,
            looked_at: now,
            trouble_at: now,
            restarts: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Takes one observation in: what does not pass now, units that have restarted within the hold included.
    fn look(&mut self, now: Duration, facts: &Facts, hold: Duration) -> Vec<Finding> {
        let mut found = findings(facts);
        if !found.is_empty() {
            self.trouble_at = now;
        }
        for finding in found.iter().filter(|finding| finding.sign == Sign::Failed) {
            self.note_failure(now, &finding.check, hold);
        }
        for unit in facts.platform.iter().chain(&facts.required).flatten() {
            if self.has_restarted(now, unit) {
                self.trouble_at = now;
                self.note_failure(now, &unit.name, hold);
            }
            let lately = self.restarts[&unit.name].at.is_some_and(|at| now.saturating_sub(at) < hold);
            if lately && !found.iter().any(|finding| finding.check == unit.name) {
                let reason = format!("{} keeps restarting", unit.name);
                found.push(Finding::of_unit(unit, Sign::Pending, reason));
            }
        }
        self.looked_at = now;
        found
    }

    /// Whether the unit's counter has changed since it was last seen. A counter that is new to us says nothing about now.
    fn has_restarted(&mut self, now: Duration, unit: &UnitFact) -> bool {
        let fresh = Restarts { count: unit.restarts, at: None };
        let seen = self.restarts.entry(unit.name.clone()).or_insert(fresh);
        let changed = seen.count != unit.restarts;
        if changed {
            *seen = Restarts { count: unit.restarts, at: Some(now) };
        }
        changed
    }

    /// A row ends with a hold without a sign. Where nobody looked for that long, there was no sign to see: on a busy machine one
    /// look can take longer than a hold.
    fn note_failure(&mut self, now: Duration, check: &str, hold: Duration) {
        let row = self.failures.entry(check.to_owned()).or_insert(Row { first: now, last: now });
        if now.saturating_sub(row.last) > hold && row.last < self.looked_at {
            row.first = now;
        }
        row.last = now;
    }

    /// Whether there is no point in waiting any longer: it has failed for longer than the grace, or its time is up.
    fn is_final(
        &self,
        now: Duration,
        finding: &Finding,
        facts: &Facts,
        policy: &Policy,
        hold: Duration,
    ) -> bool {
        let lasts = |row: &Row| {
            row.last.saturating_sub(row.first) >= policy.grace && now.saturating_sub(row.last) <= hold
        };
        let own_time = if finding.configured { facts.activation_timeout } else { Duration::ZERO };
        let deadline = self.since.max(policy.services_up_by) + policy.limit + own_time;
        now >= deadline || self.failures.get(&finding.check).is_some_and(lasts)
    }

    /// The reason, and how long it has been so.
    fn lasting(&self, now: Duration, finding: &Finding) -> String {
        let since = self.failures.get(&finding.check).map_or(self.since, |row| row.first);
        format!("{}, after {} s", finding.reason, now.saturating_sub(since).as_secs())
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
