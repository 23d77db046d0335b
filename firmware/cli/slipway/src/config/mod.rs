//! `slipway config`: looking into configurations and editing them, on any machine; and on a box, as root, changing the one in force.

mod answer;
mod image;
mod source;

mod check;
mod edit;
mod explain;
mod export;
mod render;

mod change;
mod diff;
mod history;
mod line_diff;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use appliance_config::reference::json_schema;

use crate::arguments::ConfigCommand;

pub(crate) fn run(command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check(options) => check::run(options),
        ConfigCommand::Render(options) => render::run(options),
        ConfigCommand::Explain(options) => explain::run(options),
        ConfigCommand::Set(options) => edit::set(options),
        ConfigCommand::Unset(options) => edit::unset(options),
        ConfigCommand::Export(options) => export::run(options),
        ConfigCommand::Schema => print(&json_schema()).map(|()| ExitCode::SUCCESS),
        ConfigCommand::Apply(options) => change::apply(options),
        ConfigCommand::Confirm(options) => change::confirm(options),
        ConfigCommand::Rollback(options) => change::rollback(options),
        ConfigCommand::History(options) => history::run(options),
        ConfigCommand::Diff(options) => diff::run(options),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the answer")
}
