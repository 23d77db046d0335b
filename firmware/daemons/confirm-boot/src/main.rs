//! Judges this boot and tells RAUC: facts every two seconds → verdict → what follows from it.
//!
//! It ends with the verdict, so that nothing of it idles. Until then it waits, for as long as the device has no configuration or
//! something does not work, and says why: on the console, in the journal, in `/run/slipway/verdict.json`.

mod places;

mod addresses;
mod gather;
mod systemd;

mod act;
mod announce;
mod appliance;
mod patience;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use boot_verdict::{Facts, Judge, Policy, Verdict};
use host_files::uptime_ms;

use announce::Announcer;
use appliance::Appliance;
use patience::{Backoff, pause};
use places::Places;

const USAGE: &str = "\
usage: confirm-boot

Judges whether this boot works and tells RAUC: a slot that does is marked good, one on trial that does not is marked
bad and left by a reboot. slipway-confirm.service runs it at every boot, slipway-confirm.timer looks again later.";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--help" | "-h") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    host_systemd::log_as("confirm-boot");
    host_systemd::ready();
    match judge_this_boot(&Places::of_the_appliance()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How often a boot's black box is told that it is degraded: what comes and goes must not push older boots out.
const MOST_NOTES: u32 = 4;

fn judge_this_boot(places: &Places) -> anyhow::Result<()> {
    let appliance = Appliance::new(places);
    let mut judge = Judge::new(Policy::DEFAULT);
    let mut announcer = Announcer::resume(places);
    let mut marking = Backoff::default();
    let mut noted = 0;
    loop {
        let facts = gather::facts(places);
        let now = Duration::from_millis(uptime_ms());
        let verdict = judge.observe(now, &facts);
        announcer.notice(&facts);
        match &verdict {
            Verdict::Wait { reasons } => announcer.waiting(reasons),
            Verdict::Degraded { reasons } => {
                if announcer.degraded(reasons) && noted < MOST_NOTES {
                    noted += 1;
                    act::stay_degraded(&appliance, reasons);
                }
            }
            Verdict::Good if announcer.has_marked_good() || marking.is_due(now) => {
                match mark_good(&appliance, &announcer, &facts) {
                    Ok(()) => {
                        announcer.good(&facts.warnings());
                        return Ok(());
                    }
                    Err(error) => {
                        announcer.waiting(&[format!("all is well, but {error:#}")]);
                        marking.failed(now);
                    }
                }
            }
            Verdict::Good => {}
            Verdict::Bad { check, reason } => {
                announcer.bad(check, reason);
                let slot = facts.standing.map_err(anyhow::Error::msg)?.slot;
                return act::give_up(&appliance, slot, check, reason);
            }
        }
        pause(patience::until_next_look(&verdict));
    }
}

/// Once in a boot: when it has been done, a later look only looks.
fn mark_good(appliance: &Appliance<'_>, announcer: &Announcer<'_>, facts: &Facts) -> anyhow::Result<()> {
    if announcer.has_marked_good() {
        return Ok(());
    }
    let standing = facts.standing.clone().map_err(anyhow::Error::msg)?;
    act::confirm(appliance, standing.slot).context("the slot cannot be confirmed")
}
