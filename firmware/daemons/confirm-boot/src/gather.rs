//! The facts about this boot, from where each of them lives. What cannot be found out is a fact, too.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use boot_verdict::{Asked, Facts, Provisioning, Services, Standing, UnitFact, UnitRole};
use disk_image::boot_state::{BootState, TriesLeft};
use host_files::{
    BootReport, BootStateStore, FactsError, Manager, ProvisioningReport, ProvisioningState, RequiredFacts,
    UnitMode, uptime_ms,
};

use crate::addresses;
use crate::places::Places;
use crate::systemd;

/// What the appliance cannot do without, whatever its configuration. Data, because everything that lasts is there.
const PLATFORM: [&str; 7] = [
    "data.mount",
    "dbus-broker.service",
    "nftables.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "chrony.service",
    "ssh.service",
];

/// Before that, it goes without saying that some units are still starting.
const NAME_WHAT_STARTS_AFTER_MS: u64 = 60_000;

/// Asks every source that can matter now: on a device without a configuration there is nothing to judge yet, and while the
/// services start nobody needs programs that ask about them every other second.
pub(crate) fn facts(places: &Places) -> Facts {
    let mut facts = Facts {
        standing: standing(places).map_err(|error| one_line(&error)),
        provisioning: provisioning(&places.provisioning),
        services: services(&places.services_up),
        platform: Ok(Vec::new()),
        required: Ok(Vec::new()),
        lan: Ok(Vec::new()),
        activation_timeout: Duration::ZERO,
        settle: Duration::ZERO,
    };
    let in_force = matches!(facts.provisioning, Ok(Provisioning::Provisioned | Provisioning::Degraded(_)));
    if !in_force {
        return facts;
    }
    let required = RequiredFacts::read(&places.required);
    if let Ok(required) = &required {
        facts.activation_timeout = required.timeout();
        facts.settle = required.settle();
    }
    if facts.services != Services::Up {
        return facts;
    }
    facts.platform = systemd::units(Manager::System, &PLATFORM.map(|name| (name, UnitRole::Platform)));
    match required {
        Ok(required) => {
            facts.lan = addresses::lan(&required.lan);
            facts.required = required_units(&required);
        }
        Err(error) => {
            let error = one_line(&error.into());
            facts.required = Err(format!("cannot tell what the configuration requires: {error}"));
        }
    }
    facts
}

/// What the running slot is, and what the selector would do without it.
fn standing(places: &Places) -> anyhow::Result<Standing> {
    let slot = BootReport::read(&places.boot_report).context("cannot tell which slot runs")?.slot;
    let state = boot_state(places)?;
    Ok(Standing {
        slot,
        on_trial: !state.is_confirmed(slot),
        can_fall_back: state.order.slots().any(|other| other != slot && state.left(other) > TriesLeft::NONE),
    })
}

pub(crate) fn boot_state(places: &Places) -> anyhow::Result<BootState> {
    let [env0, env1] = &places.env;
    let store = BootStateStore::open_read_only(env0, env1).context("cannot read the boot state")?;
    Ok(store.read().context("cannot read the boot state")?.state())
}

fn provisioning(report: &Path) -> Asked<Provisioning> {
    match ProvisioningReport::read(report) {
        Ok(report) => Ok(match report.state {
            ProvisioningState::Unprovisioned => Provisioning::Unprovisioned(report.message),
            ProvisioningState::Importing => Provisioning::Importing(report.message),
            ProvisioningState::Provisioned => Provisioning::Provisioned,
            ProvisioningState::Degraded => Provisioning::Degraded(report.message),
        }),
        Err(FactsError::Read(error)) if error.is_not_found() => {
            Err("nothing says yet whether this device has a configuration".to_owned())
        }
        Err(error) => {
            Err(format!("cannot tell whether there is a configuration: {}", one_line(&error.into())))
        }
    }
}

fn services(mark: &Path) -> Services {
    if mark.exists() {
        Services::Up
    } else if uptime_ms() < NAME_WHAT_STARTS_AFTER_MS {
        Services::Starting(Vec::new())
    } else {
        Services::Starting(systemd::starting())
    }
}

fn required_units(required: &RequiredFacts) -> Asked<Vec<UnitFact>> {
    let of = |mode: UnitMode, role: UnitRole| -> Vec<(&str, UnitRole)> {
        let units = required.required.iter().filter(|unit| unit.mode == mode);
        units.map(|unit| (unit.unit.as_str(), role)).collect()
    };
    let mut units = systemd::units(Manager::System, &of(UnitMode::Rootful, UnitRole::Rootful))?;
    units.extend(systemd::units(Manager::AppUser, &of(UnitMode::Rootless, UnitRole::Rootless))?);
    Ok(units)
}

/// An error with its causes, as part of a sentence.
fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appliance::testing::appliance_with;
    use appliance_types::SlotName;

    fn state(order: &str, a: &str, b: &str, confirmed: Option<&str>) -> BootState {
        let mut env = BootState::factory().to_env();
        env.set("BOOT_ORDER", order).unwrap();
        env.set("BOOT_A_LEFT", a).unwrap();
        env.set("BOOT_B_LEFT", b).unwrap();
        if let Some(slot) = confirmed {
            env.set("SLIPWAY_CONFIRMED", slot).unwrap();
        }
        BootState::from_env(&env)
    }

    #[test]
    fn how_the_running_slot_stands() {
        use SlotName::{A, B};
        for (slot, order, a, b, confirmed, on_trial, can_fall_back) in [
            (A, "A", "9", "0", None, false, false),
            (B, "B A", "9", "2", None, true, true),
            (B, "B A", "9", "2", Some("B"), false, true),
            (B, "B A", "0", "2", Some("A"), true, false),
            // A slot outside the order is never started for this one.
            (B, "B", "9", "2", None, true, false),
            (A, "B A", "8", "0", None, false, false),
        ] {
            let (_folder, places) = appliance_with(slot, &state(order, a, b, confirmed));
            let expected = Standing { slot, on_trial, can_fall_back };
            assert_eq!(standing(&places).unwrap(), expected, "{slot} of {order}, {a}, {b}, {confirmed:?}");
        }
    }

    #[test]
    fn what_cannot_be_found_out_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let facts = facts(&Places::below(folder.path()));
        let why = facts.standing.unwrap_err();
        assert!(why.starts_with("cannot tell which slot runs: cannot read "), "{why}");
        assert_eq!(
            facts.provisioning,
            Err("nothing says yet whether this device has a configuration".to_owned())
        );

        let (folder, places) = appliance_with(SlotName::A, &BootState::factory());
        std::fs::remove_file(folder.path().join("env1")).unwrap();
        assert!(
            one_line(&standing(&places).unwrap_err()).starts_with("cannot read the boot state: cannot open ")
        );
        std::fs::write(&places.provisioning, "{").unwrap();
        let why = provisioning(&places.provisioning).unwrap_err();
        assert!(why.starts_with("cannot tell whether there is a configuration: cannot understand "), "{why}");
    }

    #[test]
    fn the_provisioning_report_is_taken_over_with_its_message() {
        let (_folder, places) = appliance_with(SlotName::A, &BootState::factory());
        let report = |state: &str| {
            format!(
                r#"{{"state":"{state}","generation":null,"source":null,"message":"m","problems":[],"warnings":[]}}"#
            )
        };
        for (state, expected) in [
            ("unprovisioned", Provisioning::Unprovisioned("m".to_owned())),
            ("importing", Provisioning::Importing("m".to_owned())),
            ("provisioned", Provisioning::Provisioned),
            ("degraded", Provisioning::Degraded("m".to_owned())),
        ] {
            std::fs::write(&places.provisioning, report(state)).unwrap();
            assert_eq!(provisioning(&places.provisioning), Ok(expected));
        }
        // In force, the services up, and no list of what is required: that is no empty list.
        std::fs::write(&places.provisioning, report("provisioned")).unwrap();
        std::fs::write(&places.services_up, "").unwrap();
        let why = facts(&places).required.unwrap_err();
        assert!(why.starts_with("cannot tell what the configuration requires: cannot read "), "{why}");
    }
}
