//! `slipway config export`: a kept configuration as its owner could have written it, secrets aside.

use std::fs;
use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use appliance_config::change::{Public, without_secrets};
use appliance_types::Generation;
use config_store::{ArchiveKind, Packing, StoredGeneration, StoredGenerations};
use serde::Serialize;

use super::print;
use crate::change_arguments::ConfigExportOptions;

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    generation: Generation,
    /// Keys of the document that were left out, because what stands there is secret.
    secrets: Vec<String>,
    /// Archives of container images that came with it, and are not kept.
    images: Vec<String>,
}

pub(crate) fn run(options: &ConfigExportOptions) -> anyhow::Result<ExitCode> {
    ensure!(options.out.symlink_metadata().is_err(), "{} is there already", options.out.display());
    let stored = StoredGenerations::at(&options.store);
    let generation = match options.generation {
        Some(generation) => generation,
        None => stored
            .current()?
            .with_context(|| format!("nothing is in force in {}", options.store.display()))?,
    };
    let kept = stored.read(generation).context("cannot read what is kept; on an appliance only root may")?;
    let config = public(&kept.config, "config.toml")?;
    let device =
        kept.overlay.as_ref().map(|(name, bytes)| Ok::<_, anyhow::Error>((name, public(bytes, name)?)));
    let device = device.transpose()?;
    let packing = Packing {
        config: config.config.as_bytes(),
        device: device.as_ref().map(|(name, public)| (name.as_str(), public.config.as_bytes())),
        files: &stored.folder(generation).join("files"),
    };
    write(&options.out, &packing, &kept)?;

    let secrets =
        config.left_out.into_iter().chain(device.into_iter().flat_map(|(_, public)| public.left_out));
    let images = kept.manifest.images.iter().map(|image| image.name.clone());
    let answer = Answer { generation, secrets: secrets.collect(), images: images.collect() };
    print(&match options.json.json {
        true => format!("{}\n", serde_json::to_string_pretty(&answer).context("cannot write JSON")?),
        false => answer.in_words(&options.out),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn public(document: &[u8], name: &str) -> anyhow::Result<Public> {
    without_secrets(document).with_context(|| format!("cannot tell what is secret in {name}: it is not TOML"))
}

/// Under another name first, so that nobody takes half of it for the whole.
fn write(out: &Path, packing: &Packing<'_>, kept: &StoredGeneration) -> anyhow::Result<()> {
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = out.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let work = tempfile::Builder::new().prefix(".slipway-export-").tempdir_in(parent);
    let work = work.with_context(|| format!("cannot write into {}", parent.display()))?;
    let partial = work.path().join("out");
    if let Some(kind) = ArchiveKind::of_name(name) {
        let file =
            fs::File::create(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
        let mut file = BufWriter::new(file);
        packing.archive(kind, &partial, &mut file)?;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all()).with_context(|| format!("cannot write {}", out.display()))?;
    } else if name.ends_with(".toml") {
        if packing.files.is_dir() || kept.overlay.is_some() {
            bail!("the configuration has more than its document: name a folder or an archive (.tar.zst)");
        }
        fs::write(&partial, packing.config).with_context(|| format!("cannot write {}", partial.display()))?;
    } else {
        fs::create_dir(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
        packing.folder(&partial)?;
    }
    fs::rename(&partial, out).with_context(|| format!("cannot create {}", out.display()))
}

impl Answer {
    fn in_words(&self, out: &Path) -> String {
        let mut text = format!("generation {} is in {}\n", self.generation, out.display());
        for path in &self.secrets {
            text.push_str(&format!("left out, secret: {path}; `slipway config set` puts it in again\n"));
        }
        for image in &self.images {
            text.push_str(&format!("left out, not kept: the container images of files/images/{image}\n"));
        }
        text
    }
}
