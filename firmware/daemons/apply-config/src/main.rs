//! Makes a configuration true.
//!
//! `import` is the whole corridor: what came in is read, checked, kept, put in place, started and watched; when it does not
//! work, what was before comes back. `boot` puts the kept one in place again, in memory, before the network comes up;
//! `containers` then starts what it names. A configuration on trial ends with `confirm` or `revert`; `rollback` goes the whole way
//! with one that is kept. `check` and `diff` only read.

mod arguments;
mod stage;
mod system;

mod outcome;
mod voice;

mod candidate;
mod validators;

mod actions;
mod images;
mod installed;
mod network;
mod required;
mod stores;

mod bring_up;

mod in_force;
mod origin;
mod trial;
mod undo;
mod unfinished;

mod boot;
mod difference;
mod import;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use origin::Origin;
use system::System;
use undo::Trial;
use voice::Voice;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log();
    let (system, voice) = (System::here(), Voice::new(arguments.progress));
    let done = match &arguments.command {
        Command::Boot => boot::put_in_place(&system, &voice).map(|()| 0),
        Command::Containers => boot::start_containers(&system).map(|()| 0),
        Command::Import(options) => {
            print(&import::run(&system, &Origin::Bundle(&options.source), options.trial.window(), &voice))
        }
        Command::Rollback(options) => print(&import::rollback(&system, options, &voice)),
        Command::Confirm => print(&trial::confirm(&system, &voice)),
        Command::Revert => print(&undo::revert(&system, Trial::UntilItsEnd, &voice)),
        Command::Diff(options) => difference::between(&system, options).and_then(|found| print_json(&found)),
        Command::Current => boot::current(&system, &voice).and_then(|outcome| print(&outcome)),
        Command::Check(options) => print(&import::check(&system, options)),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            log::error!("{error:#}");
            eprintln!("apply-config: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// To the journal, also when another program started us and reads what we print.
fn start_log() {
    if let Ok(journal) = systemd_journal_logger::JournalLog::new()
        && journal.install().is_ok()
    {
        log::set_max_level(log::LevelFilter::Info);
    }
}

fn print(outcome: &outcome::Outcome) -> anyhow::Result<u8> {
    print_json(outcome)?;
    Ok(outcome.exit_code())
}

/// The answer. Whoever asked may be gone, cut off by what was just changed; that changes nothing about it.
fn print_json(answer: &impl serde::Serialize) -> anyhow::Result<u8> {
    let line = serde_json::to_string(answer)?;
    let _nobody_listens = writeln!(std::io::stdout(), "{line}");
    Ok(0)
}
