//! `slipway config render`: the files that a configuration becomes, as they will be on the box.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use artefact_render::{Artefacts, UserIds, render};

use super::answer::Answer;
use super::source::{Source, Unavailable};
use super::{answer, image, print};
use crate::arguments::RenderOptions;

/// Says that a folder is ours to replace.
const MARK: &str = ".slipway-render";

const MARK_TEXT: &str = "Made by `slipway config render`, which replaces this folder as a whole.\n";

/// Where the box has the configuration in force.
const CURRENT: &str = "data/config/current";

/// Exit code 0 when the tree was written, 1 when the configuration would be refused.
pub(crate) fn run(options: &RenderOptions) -> anyhow::Result<ExitCode> {
    let out = Out::at(&options.out)?;
    let source = Source::open(&options.source, out.work.path());
    let rendered = source.and_then(|source| {
        let accounts = image::Accounts::here()?;
        let (loaded, answer) = source.one(&image::system_facts()?).map_err(Unavailable::Refused)?;
        let artefacts = render(&loaded.config, &accounts.facts(), &UserIds::default(), &source.payload());
        out.write(&artefacts, &source)?;
        Ok((artefacts.files.len(), answer))
    });
    let (count, answer) = match rendered {
        Ok(rendered) => rendered,
        Err(Unavailable::Failed(error)) => return Err(error),
        Err(Unavailable::Refused(answer)) => {
            say(options, &answer)?;
            return Ok(ExitCode::FAILURE);
        }
    };
    out.replace()?;
    say(options, &answer)?;
    if !options.json {
        print(&format!("{count} files of a box are in {}\n", options.out.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn say(options: &RenderOptions, answer: &Answer) -> anyhow::Result<()> {
    match options.json {
        true => print(&answer.json()?),
        false => print(&answer.in_words(&options.source.name(), answer::look(&std::io::stdout()))),
    }
}

/// The folder that is made: beside where it goes, so that it appears there whole or not at all.
struct Out {
    path: PathBuf,
    work: tempfile::TempDir,
}

impl Out {
    /// Refuses a folder with something in it that this command did not make.
    fn at(path: &Path) -> anyhow::Result<Out> {
        match fs::read_dir(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot look into {}", path.display())),
            Ok(mut entries) => {
                let ours = fs::read_to_string(path.join(MARK)).is_ok_and(|text| text == MARK_TEXT);
                if entries.next().is_some() && !ours {
                    bail!(
                        "{} is not empty, and not made by this command: name another folder",
                        path.display()
                    );
                }
            }
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let work = tempfile::Builder::new().prefix(".slipway-render-").tempdir_in(parent);
        let work = work.with_context(|| format!("cannot write into {}", parent.display()))?;
        fs::create_dir(work.path().join("tree")).context("cannot create a folder")?;
        fs::write(work.path().join("tree").join(MARK), MARK_TEXT).context("cannot write into the folder")?;
        Ok(Out { path: path.to_owned(), work })
    }

    fn tree(&self) -> PathBuf {
        self.work.path().join("tree")
    }

    /// The rendered files, and what the box keeps beside them: the document, its overlay, its files.
    fn write(&self, artefacts: &Artefacts, source: &Source) -> anyhow::Result<()> {
        for (path, artefact) in &artefacts.files {
            self.file(path.trim_start_matches('/'), &artefact.bytes, artefact.mode)?;
        }
        self.file(&format!("{CURRENT}/source.toml"), &source.unpacked.config, 0o600)?;
        if let Some(overlay) = source.overlay_bytes() {
            self.file(&format!("{CURRENT}/overlay.toml"), overlay, 0o600)?;
        }
        for folder in ["files", "images"] {
            let from = self.work.path().join("unpacked").join(folder);
            if from.exists() {
                let to = self.tree().join(CURRENT).join(folder);
                fs::rename(&from, &to).with_context(|| format!("cannot move {}", from.display()))?;
            }
        }
        Ok(())
    }

    fn file(&self, path: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
        let file = self.tree().join(path);
        let write = || {
            fs::create_dir_all(file.parent().unwrap_or(&file))?;
            fs::write(&file, bytes)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(mode))
        };
        write().with_context(|| format!("cannot write {}", file.display()))
    }

    /// Puts the new folder where the old one was.
    fn replace(self) -> anyhow::Result<()> {
        if self.path.exists() {
            let old = self.work.path().join("old");
            fs::rename(&self.path, &old)
                .with_context(|| format!("cannot replace {}", self.path.display()))?;
        }
        fs::rename(self.tree(), &self.path).with_context(|| format!("cannot create {}", self.path.display()))
    }
}
