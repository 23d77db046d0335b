//! `slipway config check`: what is wrong with a configuration, each problem at its line.

use std::process::ExitCode;

use super::source::{Source, Unavailable};
use super::{answer, image, print};
use crate::arguments::CheckOptions;

/// Exit code 0 when it would be accepted, 1 when not.
pub(crate) fn run(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let answer = match Source::open(&options.source, folder.path()) {
        Ok(source) => source.check(&image::system_facts()?),
        Err(Unavailable::Refused(answer)) => answer,
        Err(Unavailable::Failed(error)) => return Err(error),
    };
    print(&match options.json {
        true => answer.json()?,
        false => answer.in_words(&options.source.name(), answer::look(&std::io::stdout())),
    })?;
    Ok(if answer.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
