//! `slipway config`: looking into configurations and editing them. Works on any machine, not only on a box.

mod answer;
mod image;
mod source;

mod check;
mod explain;
mod render;

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
        ConfigCommand::Schema => print(&json_schema()).map(|()| ExitCode::SUCCESS),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the answer")
}
