//! `slipway config explain`: what a key or the code of a problem means.

use std::process::ExitCode;

use anyhow::bail;
use appliance_config::reference::explain;

use super::print;
use crate::arguments::ExplainOptions;

pub(crate) fn run(options: &ExplainOptions) -> anyhow::Result<ExitCode> {
    match explain(options.what.as_deref().unwrap_or_default()) {
        Ok(text) => print(&text)?,
        Err(unknown) => match unknown.hint {
            Some(hint) => bail!("{}: {hint}", unknown.message),
            None => bail!("{}", unknown.message),
        },
    }
    Ok(ExitCode::SUCCESS)
}
