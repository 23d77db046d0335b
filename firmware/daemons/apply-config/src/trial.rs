//! The end of a trial: a timer of systemd's that takes the generation back, unless somebody confirms it before. A reboot ends it
//! too: `apply-config boot` goes back.

use std::time::Duration;

use config_store::Generations;
use host_files::{Manager, Program, run_program};

use crate::outcome::Outcome;
use crate::stage::{Failure, Stage, at};
use crate::system::System;
use crate::voice::{self, Voice};
use crate::{boot, import};

/// Takes back what is over. The timer of its name is made when a trial begins.
pub(crate) const SERVICE: &str = "slipway-revert.service";
const TIMER: &str = "slipway-revert.timer";

/// Has systemd take back what is on trial after `window`, and not before it is over. The timer is only in memory: after a reboot nothing is on trial.
///
/// # Errors
/// When systemd does not make the timer.
pub(crate) fn arm(window: Duration) -> anyhow::Result<()> {
    disarm();
    let timer = Program::new("systemd-run")
        .args(["--quiet", "--unit", SERVICE, "--timer-property=AccuracySec=100ms"])
        .arg(format!("--on-active={}", window.as_secs()))
        .timeout(Duration::from_secs(30));
    run_program(&timer)?;
    Ok(())
}

/// Removes the timer, if there is one.
pub(crate) fn disarm() {
    let stopped = run_program(&Manager::System.systemctl().args(["stop", TIMER]));
    stopped.map_or_else(|error| log::info!("{error}"), drop);
}

/// Keeps what is on trial.
pub(crate) fn confirm(system: &System, voice: &Voice) -> Outcome {
    keep(system, voice).unwrap_or_else(|failure| {
        voice.say(&format!("failed at {failure}"));
        Outcome::nothing_done(&failure)
    })
}

fn keep(system: &System, voice: &Voice) -> Result<Outcome, Failure> {
    let mut generations = Generations::open(system.config(), import::TURN).map_err(at(Stage::Store))?;
    let over = generations.given_up();
    let Some(trial) = generations.provisional() else {
        let error = match over {
            Some(generation) => anyhow::anyhow!("generation {generation} was taken back: its time is over"),
            None => anyhow::anyhow!("no configuration is on trial"),
        };
        return Err(Failure { stage: Stage::Trial, error });
    };
    let generation = trial.generation();
    trial.confirm().map_err(at(Stage::Store))?;
    disarm();
    voice.step(generation, "is confirmed and stays");
    let kept = generations.stored().read(generation).map_err(at(Stage::Store))?;
    let candidate = boot::make(system, &kept).map_err(Failure::from)?;
    let warnings = candidate.loaded.warnings.iter().map(ToString::to_string).collect();
    voice.report(&voice::in_force(generation, &kept.manifest.source, warnings));
    Ok(Outcome::current(generation, &candidate))
}
