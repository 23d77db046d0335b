//! `slipway completions` and `slipway man`: what a shell and `man` want to know of this command, from its own definition.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::{Command, CommandFactory};

use crate::arguments::{Arguments, CompletionsOptions, ManOptions};

pub(crate) fn completions(options: &CompletionsOptions) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut public(&Arguments::command()), "slipway", &mut script);
    std::io::stdout().write_all(&script).context("cannot print the script")
}

/// A page for each command: `slipway-config-check.1`.
pub(crate) fn man(options: &ManOptions) -> anyhow::Result<()> {
    fs::create_dir_all(&options.folder)
        .with_context(|| format!("cannot create {}", options.folder.display()))?;
    let mut command = public(&Arguments::command());
    command.build();
    pages(&command, &options.folder)
}

fn pages(command: &Command, folder: &Path) -> anyhow::Result<()> {
    let page = clap_mangen::Man::new(command.clone());
    let path = folder.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text).context("cannot make a page")?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
        .try_for_each(|below| pages(below, folder))
}

/// Without what units run: nobody types it.
fn public(all: &Command) -> Command {
    let mut public = Command::new("slipway").version(env!("CARGO_PKG_VERSION")).subcommand_required(true);
    public = public.about(all.get_about().cloned().unwrap_or_default());
    public.subcommands(all.get_subcommands().filter(|below| !below.is_hide_set()).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_people_type_has_a_page_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        man(&ManOptions { folder: folder.path().join("man") }).unwrap();
        let names = fs::read_dir(folder.path().join("man")).unwrap();
        let names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        for name in ["slipway.1", "slipway-why.1", "slipway-config.1", "slipway-config-check.1"] {
            assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("breadcrumb") || name.contains("help")), "{names:?}");
        let page = fs::read_to_string(folder.path().join("man/slipway-config-check.1")).unwrap();
        assert!(page.contains("Say everything that is wrong"), "{page}");
        let page = fs::read_to_string(folder.path().join("man/slipway.1")).unwrap();
        assert!(page.contains("slipway\\-config(1)") && !page.contains("breadcrumb"), "{page}");
    }

    #[test]
    fn a_shell_learns_what_people_type() {
        let mut script = Vec::new();
        let mut command = public(&Arguments::command());
        clap_complete::generate(clap_complete::Shell::Bash, &mut command, "slipway", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(
            script.contains("slipway__subcmd__config__subcmd__check")
                || script.contains("slipway__config__check")
        );
        assert!(!script.contains("give-up"));
    }
}
