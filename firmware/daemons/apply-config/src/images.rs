//! Image archives that came with a configuration, into the stores of the containers that use them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use appliance_config::{Config, Mode};
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
        images.flat_map(|(_, values)| values).map(|image| (container.mode, image.as_str()))
    });
    images
        .filter(|(_, image)| archive.tags.is_empty() || archive.tags.iter().any(|tag| same_image(tag, image)))
        .map(|(mode, _)| mode)
        .collect()
}

/// Whether two references mean the same image: `hello`, `localhost/hello` and `localhost/hello:latest` do.
fn same_image(a: &str, b: &str) -> bool {
    full(a) == full(b)
}

/// A reference with registry and tag. Podman calls what was built or loaded without a registry `localhost/…`.
fn full(reference: &str) -> String {
    let first = reference.split('/').next().unwrap_or_default();
    let has_registry = reference.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let named = if has_registry { reference.to_owned() } else { format!("localhost/{reference}") };
    let last = named.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { named } else { format!("{named}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_compared_with_registry_and_tag_filled_in() {
        for (a, b) in [
            ("hello", "localhost/hello:latest"),
            ("localhost/hello:1", "hello:1"),
            ("reg.lan:5000/x", "reg.lan:5000/x:latest"),
        ] {
            assert!(same_image(a, b), "{a} {b}");
        }
        for (a, b) in [("hello:1", "hello:2"), ("reg.lan/hello", "hello"), ("a/hello", "b/hello")] {
            assert!(!same_image(a, b), "{a} {b}");
        }
    }
}
