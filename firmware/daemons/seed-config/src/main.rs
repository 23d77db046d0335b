//! Finds the first configuration of a device: on the boot partition after a flash, else on a USB stick, now or later.
//!
//! It reads no configuration. What it finds it hands to `apply-config`; what became of it, it tells. At the end it makes
//! the import count once: see `closing.rs`.

mod appliance;
mod situation;

mod seed;

mod search;

mod attempts;
mod stick;
mod watch;

mod import;

mod receipt;

mod closing;

mod device;
mod voice;

use std::process::ExitCode;

use appliance::{Appliance, Places};

const USAGE: &str = "\
usage: seed-config

Looks for the first configuration of this device and imports it: from /boot after a flash, else from a USB stick, for
which it waits. Ends at once on a device that has one. slipway-seed.service runs it; running it again is harmless.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(Appliance::open(Places::of_the_appliance())),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("slipway: seed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Facts, decision, deeds.
fn run(mut appliance: Appliance) -> anyhow::Result<()> {
    match situation::decide(&appliance.facts()) {
        situation::Plan::WithoutData => {
            appliance.say_that_nothing_can_be_kept();
            Ok(())
        }
        situation::Plan::Provisioned { close, ignored } => {
            appliance.say_what_is_ignored(ignored);
            if close {
                appliance.close_again();
            }
            Ok(())
        }
        situation::Plan::Search { forget_claim, boot_partition, ignored } => {
            if forget_claim {
                appliance.forget_claim()?;
            }
            appliance.say_what_is_ignored(ignored);
            appliance.search(boot_partition, ignored)
        }
    }
}
