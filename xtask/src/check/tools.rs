//! Steps that are programs: rustfmt, clippy, rustdoc, cargo-deny. Their own words are shown whole when they object.

use super::Outcome;
use super::problem::Problem;
use crate::context::Context;
use crate::sh;
use anyhow::{Context as _, Result};
use std::ffi::{OsStr, OsString};
use std::process::Command;

/// The cargo that runs us, else the one on the search path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Formatting by rustfmt.toml.
pub(crate) fn fmt(context: &Context) -> Result<Vec<Problem>> {
    // The names will do: what differs, the remedy mends.
    let command = cargo_in(context, ["fmt", "--all", "--check", "--", "--files-with-diff"], false);
    run(context, "fmt", command, "run `cargo fmt --all`")
}

/// Lints of the workspace manifest and clippy.toml, for every target of every crate.
pub(crate) fn clippy(context: &Context, offline: bool) -> Result<Vec<Problem>> {
    let mut command =
        cargo_in(context, ["clippy", "--workspace", "--all-targets", "--locked", "--keep-going"], offline);
    command.args(["--", "-D", "warnings"]);
    run(
        context,
        "clippy",
        command,
        "mend each; an exception stands at its line as `#[expect(…, reason = …)]`",
    )
}

/// Documentation of our crates, links included.
pub(crate) fn doc(context: &Context, offline: bool) -> Result<Vec<Problem>> {
    let mut command =
        cargo_in(context, ["doc", "--workspace", "--no-deps", "--locked", "--keep-going"], offline);
    let flags = std::env::var("RUSTDOCFLAGS").unwrap_or_default();
    command.env("RUSTDOCFLAGS", format!("{flags} -D warnings"));
    run(context, "doc", command, "mend each")
}

/// cargo-deny with deny.toml, where it is installed. It alone knows the advisory database and reads licence files.
pub(crate) fn deny(context: &Context, offline: bool) -> Result<Outcome> {
    // `cargo deny` finds it on the search path and in cargo's own folder, so ask it and not the path.
    let known =
        cargo_in(context, ["deny", "--version"], false).output().is_ok_and(|output| output.status.success());
    if !known {
        let reason = "cargo-deny is not installed; `cargo install --locked cargo-deny` installs it";
        return Ok(Outcome::Skipped(reason.to_owned()));
    }
    let mut command = cargo_in(context, ["deny", "--locked"], offline);
    command.arg("check");
    if offline {
        // Advisories are fetched anew each time; those of last month would only look like an answer.
        command.args(["bans", "licenses", "sources"]);
    }
    let remedy = "mend each; without network, `cargo xtask check --offline` leaves the advisories out";
    run(context, "deny", command, remedy).map(Outcome::Checked)
}

fn cargo_in<const N: usize>(context: &Context, args: [&str; N], offline: bool) -> Command {
    let mut command = sh::command(cargo());
    command.current_dir(&context.root).args(args).args(offline.then_some(OsStr::new("--offline")));
    command
}

/// Runs `command` with a live line; when it fails, shows all it said.
fn run(context: &Context, what: &'static str, mut command: Command, remedy: &str) -> Result<Vec<Problem>> {
    let path = context.log_path(&format!("check-{what}"));
    let log = sh::Log::create(path.clone())?;
    let Err(error) = log.run(&mut command) else { return Ok(Vec::new()) };
    let said = std::fs::read(&path).with_context(|| format!("cannot read the log {}", path.display()))?;
    let said = String::from_utf8_lossy(&said);
    eprintln!();
    for line in said.lines().filter(|line| !is_progress(line)) {
        eprintln!("{line}");
    }
    // The rest of the message is the end of the log, which is shown whole.
    let why = format!("{error:#}");
    let why = why.split_once(". ").map_or(why.as_str(), |(sentence, _)| sentence);
    Ok(vec![Problem::new(what, ".", format!("{why}; its words are above"), remedy)])
}

/// Cargo's own news, which says nothing about what is wrong: a verb that ends in column 12, and its object.
fn is_progress(line: &str) -> bool {
    const NEWS: [&str; 9] = [
        "Blocking",
        "Checking",
        "Compiling",
        "Documenting",
        "Downloaded",
        "Downloading",
        "Finished",
        "Generated",
        "Updating",
    ];
    NEWS.iter().any(|verb| line.starts_with(&format!("{verb:>12} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cargos_news_is_left_out() {
        assert!(is_progress("    Checking disk-image v0.1.0 (/checkout/firmware/pure/disk-image)"));
        assert!(is_progress("   Compiling serde v1.0.229"));
        assert!(is_progress(" Documenting xtask v0.1.0 (/checkout/xtask)"));
        assert!(!is_progress("error: unused variable: `x`"));
        assert!(!is_progress("   |     Checking the slot"));
        assert!(!is_progress("Checking out"));
    }
}
