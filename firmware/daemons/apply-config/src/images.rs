//! Image archives that came with a configuration, into the stores of the containers that use them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use appliance_config::{Config, Mode};
use appliance_types::ContainerName;
use artefact_render::is_same_image;
use config_store::{ImageArchive, StoredImage};
use host_files::{Program, run_program};

/// For a gigabyte on a slow card.
const LOAD_LIMIT: Duration = Duration::from_secs(1800);

/// Loads each archive where it is used. Loading what is there already changes nothing.
///
/// # Errors
/// Names the archive, with what Podman said.
pub(crate) fn load(config: &Config, archives: &[StoredImage], say: &dyn Fn(&str)) -> anyhow::Result<()> {
    for StoredImage { archive, path } in archives {
        let users = users(config, archive);
        if users.is_empty() {
            say(&format!("image archive {}: no container uses it", archive.name));
        }
        for mode in users {
            say(&format!("loading image archive {}", archive.name));
            let podman = Program::new("podman").arg("load").stdin_file(path).timeout(LOAD_LIMIT);
            let podman = match mode {
                Mode::Rootful => podman,
                Mode::Rootless => podman.as_app_user(),
            };
            run_program(&podman).with_context(|| format!("cannot load image archive {}", archive.name))?;
        }
    }
    Ok(())
}

/// Whose Podmans have a container of this image. An archive without names is loaded wherever there are containers.
fn users(config: &Config, archive: &ImageArchive) -> BTreeSet<Mode> {
    let images = config.containers.containers.values().flat_map(|container| {
        let values = container.sections.iter().filter(|section| section.name == "Container");
        let images = values.flat_map(|section| &section.entries).filter(|(key, _)| key == "Image");
        images.flat_map(|(_, values)| values).map(|image| (container.mode, resolved(config, image)))
    });
    images
        .filter(|(_, image)| {
            archive.tags.is_empty() || archive.tags.iter().any(|tag| is_same_image(tag, image))
        })
        .map(|(mode, _)| mode)
        .collect()
}

/// The reference behind `hello.image`, the name of an image unit; any other text is one itself.
fn resolved<'a>(config: &'a Config, image: &'a str) -> &'a str {
    let unit = image.strip_suffix(".image").and_then(|name| name.parse::<ContainerName>().ok());
    let section = unit.and_then(|name| config.containers.images.get(&name)).map(|unit| &unit.section);
    let entry = section.and_then(|section| section.entries.iter().find(|(key, _)| key == "Image"));
    entry.and_then(|(_, values)| values.first()).map_or(image, String::as_str)
}
