//! Makes a configuration true.
//!
//! `import` is the whole corridor: what came in is read, checked, kept, put in place, started and watched; when it does not
//! work, what was before comes back. `boot` puts the kept one in place again, in memory, before the network comes up;
//! `containers` then starts what it names. `check` only reads.

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

mod boot;
mod import;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use system::System;
use voice::Voice;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log();
    let (system, voice) = (System::here(), Voice::default());
    let done = match &arguments.command {
        Command::Boot => boot::put_in_place(&system, &voice).map(|()| 0),
        Command::Containers => boot::start_containers(&system).map(|()| 0),
        Command::Import(options) => print(&import::run(&system, options, &voice)),
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

/// To the journal; nobody listens elsewhere.
fn start_log() {
    if let Ok(journal) = systemd_journal_logger::JournalLog::new()
        && journal.install().is_ok()
    {
        log::set_max_level(log::LevelFilter::Info);
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn print(outcome: &outcome::Outcome) -> anyhow::Result<u8> {
    println!("{}", serde_json::to_string(outcome)?);
    Ok(outcome.exit_code())
}
