//! `slipway config diff`: what differs between two kept configurations: their words, their files, and what changing from one to the
//! other does.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use appliance_types::Generation;
use config_store::{StoredGeneration, StoredGenerations};
use host_files::{Program, run_program};
use serde::{Deserialize, Serialize};

use super::line_diff::unified;
use crate::change_arguments::ConfigDiffOptions;
use crate::system::{APPLY_CONFIG, only_root};

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Answer {
    from: Generation,
    to: Generation,
    /// What differs between the two documents, as `diff -u` shows it.
    config: String,
    /// The same, of the files for this device.
    overlay: String,
    /// Whether containers see other files.
    files_differ: bool,
    /// `None`: this image cannot read one of them; `why` says what it cannot.
    rendered: Option<Rendered>,
    why: Option<String>,
}

/// From `apply-config`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rendered {
    /// Files of the system that are not the same.
    files: Vec<File>,
    /// What going from one to the other does, in order.
    actions: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct File {
    path: String,
    change: String,
}

pub(crate) fn run(options: &ConfigDiffOptions) -> anyhow::Result<ExitCode> {
    only_root("config diff")?;
    let stored = StoredGenerations::at(StoredGenerations::PATH.as_ref());
    let (from, to) = which(&stored, options)?;
    let rendered = rendered(from, to);
    let answer = compare(&stored.read(from)?, &stored.read(to)?, rendered);
    let text = match options.json.json {
        true => format!("{}\n", serde_json::to_string_pretty(&answer).context("cannot write JSON")?),
        false => answer.in_words(),
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the difference")?;
    Ok(ExitCode::SUCCESS)
}

fn which(
    stored: &StoredGenerations,
    options: &ConfigDiffOptions,
) -> anyhow::Result<(Generation, Generation)> {
    let to = match options.to {
        Some(to) => to,
        None => stored.current()?.context("no configuration is in force")?,
    };
    let from = match options.from {
        Some(from) => from,
        None => {
            let before = stored.settled()?.into_iter().rev().find(|&generation| generation < to);
            before.with_context(|| format!("there is no generation before {to}"))?
        }
    };
    Ok((from, to))
}

fn rendered(from: Generation, to: Generation) -> anyhow::Result<Rendered> {
    let program = Program::new(APPLY_CONFIG)
        .args(["diff", &from.to_string(), &to.to_string()])
        .timeout(Duration::from_secs(60));
    let output = run_program(&program)?.stdout;
    serde_json::from_str(&output).with_context(|| format!("cannot understand what `{program}` answers"))
}

fn compare(from: &StoredGeneration, to: &StoredGeneration, rendered: anyhow::Result<Rendered>) -> Answer {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let overlay =
        |kept: &StoredGeneration| kept.overlay.as_ref().map_or(String::new(), |(_, bytes)| text(bytes));
    let (rendered, why) = match rendered {
        Ok(rendered) => (Some(rendered), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    Answer {
        from: from.generation,
        to: to.generation,
        config: unified(&text(&from.config), &text(&to.config)),
        overlay: unified(&overlay(from), &overlay(to)),
        files_differ: from.manifest.files_digest != to.manifest.files_digest,
        rendered,
        why,
    }
}

impl Answer {
    fn in_words(&self) -> String {
        let mut text = String::new();
        for (name, diff) in [("config.toml", &self.config), ("the file for this device", &self.overlay)] {
            if !diff.is_empty() {
                text.push_str(&format!(
                    "--- {name} of generation {}\n+++ {name} of generation {}\n{diff}",
                    self.from, self.to
                ));
            }
        }
        if self.files_differ {
            text.push_str("containers see other files below ${FILES_DIR}\n");
        }
        match &self.rendered {
            Some(Rendered { files, actions }) => {
                let files = files.iter().map(|file| format!("{:<8} {}\n", file.change, file.path));
                text.extend(files);
                text.extend(actions.iter().map(|action| format!("does     {action}\n")));
            }
            None => {
                let why = self.why.as_deref().unwrap_or_default();
                text.push_str(&format!("what that does is not known: {why}\n"));
            }
        }
        if text.is_empty() {
            text = format!("generations {} and {} are the same\n", self.from, self.to);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config_store::Manifest;

    fn kept(number: u64, config: &str) -> StoredGeneration {
        let manifest: Manifest = serde_json::from_str(&format!(
            r#"{{"generation":{number},"build":"1-a","source":"s","accepted_unix_ms":null,"config_sha256":"","overlay":null,
               "files_digest":null,"images":[],"user_ids":{{}}}}"#
        ))
        .unwrap();
        let generation = Generation::new(number).unwrap();
        StoredGeneration { generation, config: config.as_bytes().to_vec(), overlay: None, manifest }
    }

    fn rendered(json: &str) -> anyhow::Result<Rendered> {
        Ok(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn words_files_and_actions_are_told() {
        let json = r#"{"from":1,"to":2,"files":[{"path":"/etc/nftables.conf","change":"changed"}],
                       "actions":["setting up the firewall"]}"#;
        let text = compare(&kept(1, "a\n"), &kept(2, "b\n"), rendered(json)).in_words();
        let expected = "--- config.toml of generation 1\n+++ config.toml of generation 2\n@@ -1 +1 @@\n-a\n+b\n\
                        changed  /etc/nftables.conf\ndoes     setting up the firewall\n";
        assert_eq!(text, expected);
        let same = compare(&kept(1, "a\n"), &kept(2, "a\n"), rendered(r#"{"files":[],"actions":[]}"#));
        assert_eq!(same.in_words(), "generations 1 and 2 are the same\n");
    }

    #[test]
    fn what_this_image_cannot_read_is_still_compared_word_by_word() {
        let text = compare(&kept(1, "a\n"), &kept(2, "b\n"), Err(anyhow::anyhow!("version 9"))).in_words();
        assert!(
            text.contains("-a\n+b\n") && text.ends_with("what that does is not known: version 9\n"),
            "{text}"
        );
    }
}
