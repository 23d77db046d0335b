//! The operator's command.
//!
//! What a person asks (`why`, `status`, `explain`, `config`) is at the top; what units run is hidden from the help and stands below it.

mod arguments;
mod change_arguments;

mod why;

mod explain;
mod status;
mod status_text;
mod system;
mod when;

mod config;
mod manual;

mod breadcrumb;
mod give_up;
mod host_keys;
mod local_names;
mod report;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Why(options) => why::run(&options),
        Command::Status(options) => status::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Config(command) => return finish(config::run(&command)),
        Command::Completions(options) => manual::completions(&options),
        Command::Man(options) => manual::man(&options),
        Command::Breadcrumb(options) => breadcrumb::run(&options),
        Command::Report => report::run(),
        Command::GiveUp(options) => give_up::run(&options),
        Command::SshHostKeys(options) => host_keys::run(&options),
        Command::LocalNames => local_names::run(&local_names::Places::of_the_box()),
    };
    finish(done.map(|()| ExitCode::SUCCESS))
}

fn finish(done: anyhow::Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("slipway: {error:#}");
            ExitCode::FAILURE
        }
    }
}
