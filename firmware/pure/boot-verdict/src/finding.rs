use std::fmt;

use crate::facts::{Asked, Facts, LanFact, Provisioning, Services, UnitFact, UnitRole};

/// A check that does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check: `services`, `web.service`, `lan eth1`. Short: the black box keeps 32 bytes of it.
    pub check: String,
    /// What it found, for a person.
    pub reason: String,
    /// Whether waiting may help.
    pub(crate) sign: Sign,
    /// Whether the configuration asks for it, which then also says how long it may take.
    pub(crate) configured: bool,
}

/// What a finding says about the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It is not there yet.
    Pending,
    /// It has failed.
    Failed,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// All checks on what can be seen at one moment. What only shows over time, restarts, is the judge's affair.
pub(crate) fn findings(facts: &Facts) -> Vec<Finding> {
    let system = |check: &str, sign, reason: String| Finding {
        check: check.to_owned(),
        reason,
        sign,
        configured: false,
    };
    let mut found = Vec::new();
    if let Err(why) = &facts.standing {
        found.push(system("boot state", Sign::Pending, why.clone()));
    }
    match &facts.provisioning {
        Ok(Provisioning::Degraded(message)) => {
            found.push(system("configuration", Sign::Failed, message.clone()));
        }
        Ok(_) => {}
        Err(why) => found.push(system("configuration", Sign::Pending, why.clone())),
    }
    let mut parts = units("platform", &facts.platform, false);
    parts.extend(lan(&facts.lan));
    parts.extend(units("required", &facts.required, true));
    if let Services::Starting(units) = &facts.services {
        found.push(system("services", Sign::Pending, starting(units)));
        // That the parts are not there yet goes without saying.
        parts.retain(|finding| finding.sign == Sign::Failed);
    }
    found.extend(parts);
    found
}

fn starting(units: &[String]) -> String {
    let not_up = "the services are not all started yet";
    if units.is_empty() { not_up.to_owned() } else { format!("{not_up}: {}", units.join(", ")) }
}

fn units(check: &str, units: &Asked<Vec<UnitFact>>, configured: bool) -> Vec<Finding> {
    match units {
        Ok(units) => units.iter().filter_map(unit).collect(),
        Err(why) => {
            vec![Finding { check: check.to_owned(), reason: why.clone(), sign: Sign::Pending, configured }]
        }
    }
}

fn unit(unit: &UnitFact) -> Option<Finding> {
    let (sign, reason) = match unit.active.as_str() {
        "active" | "reloading" | "refreshing" => return None,
        "failed" => (Sign::Failed, format!("{} has failed ({})", unit.name, unit.result)),
        state => (Sign::Pending, format!("{} is {state} ({})", unit.name, unit.sub)),
    };
    Some(Finding::of_unit(unit, sign, reason))
}

fn lan(cards: &Asked<Vec<LanFact>>) -> Vec<Finding> {
    let card = |card: &LanFact| {
        let addresses = card.found.as_ref()?;
        let has = match addresses.as_slice() {
            present if present.contains(&card.expected) => return None,
            [] => "no address".to_owned(),
            others => others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        Some(Finding {
            check: format!("lan {}", card.interface),
            reason: format!("{} has {has} instead of {}", card.interface, card.expected),
            sign: Sign::Pending,
            configured: true,
        })
    };
    match cards {
        Ok(cards) => cards.iter().filter_map(card).collect(),
        Err(why) => {
            vec![Finding {
                check: "lan".to_owned(),
                reason: why.clone(),
                sign: Sign::Pending,
                configured: true,
            }]
        }
    }
}

impl Finding {
    pub(crate) fn of_unit(unit: &UnitFact, sign: Sign, reason: String) -> Finding {
        let configured = unit.role != UnitRole::Platform;
        Finding { check: unit.name.clone(), reason, sign, configured }
    }
}
