//! `slipway config check`: what is wrong with a configuration, each problem at its line. Works anywhere, not only on a box.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use appliance_config::{Look, MAX_BYTES, Overlay, Problem, Sources, SystemFacts, load};
use host_files::read_bounded;
use serde::Serialize;

use crate::arguments::ConfigCheckOptions;

/// The answer, with `--json`.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    /// Whether an appliance would accept it.
    ok: bool,
    /// What is wrong, and what is worth knowing, in the order of their places.
    problems: Vec<&'a Problem>,
}

/// Exit code 0 when it would be accepted, 1 when not.
pub(crate) fn run(options: &ConfigCheckOptions) -> anyhow::Result<ExitCode> {
    let config = read_bounded(&options.file, MAX_BYTES)?;
    let overlay = options
        .device
        .as_deref()
        .map(|path| Ok::<_, anyhow::Error>((name(path), read_bounded(path, MAX_BYTES)?)));
    let overlay = overlay.transpose()?;
    let sources =
        Sources { config: &config, overlay: overlay.as_ref().map(|(name, bytes)| Overlay { name, bytes }) };
    let loaded = load(&sources, &SystemFacts::of_image());
    let (ok, problems): (bool, Vec<&Problem>) = match &loaded {
        Ok(loaded) => (true, loaded.warnings.iter().collect()),
        Err(problems) => (false, problems.iter().collect()),
    };
    let text = match options.json {
        true => format!(
            "{}\n",
            serde_json::to_string_pretty(&Answer { ok, problems }).context("cannot write JSON")?
        ),
        false => in_words(ok, &problems, &options.file, &sources),
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the answer")?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_words(ok: bool, problems: &[&Problem], file: &Path, sources: &Sources<'_>) -> String {
    let mut text = String::new();
    for problem in problems {
        let bytes = match &sources.overlay {
            Some(overlay) if overlay.name == problem.file => overlay.bytes,
            _ => sources.config,
        };
        text.push_str(&problem.excerpt(&String::from_utf8_lossy(bytes), Look::Plain));
        text.push_str("\n\n");
    }
    text.push_str(&match (ok, problems.len()) {
        (true, 0) => format!("{} is right\n", file.display()),
        (true, count) => format!("{} is right, with {count} to note\n", file.display()),
        (false, 1) => format!("{} would be refused: 1 problem\n", file.display()),
        (false, count) => format!("{} would be refused: {count} problems\n", file.display()),
    });
    text
}

fn name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    format!("devices/{file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (bool, String) {
        let sources = Sources { config: text.as_bytes(), overlay: None };
        let loaded = load(&sources, &SystemFacts::of_image());
        let problems: Vec<&Problem> = match &loaded {
            Ok(loaded) => loaded.warnings.iter().collect(),
            Err(problems) => problems.iter().collect(),
        };
        (loaded.is_ok(), in_words(loaded.is_ok(), &problems, Path::new("config.toml"), &sources))
    }

    #[test]
    fn a_wrong_line_is_shown_with_a_mark_below_it() {
        let (ok, text) = check("version = 1\nusres = 1\n");
        assert!(!ok);
        assert!(text.contains("usres = 1\n"), "{text}");
        assert!(text.contains('^'), "{text}");
        assert!(text.ends_with("problems\n"), "{text}");
    }

    #[test]
    fn a_right_one_is_said_to_be() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti test";
        let (ok, text) = check(&format!("version = 1\n[users.admin]\nisAdmin = true\nssh_key = \"{key}\"\n"));
        assert!(ok, "{text}");
        assert_eq!(text, "config.toml is right\n");
    }
}
