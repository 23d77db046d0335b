//! Image archives that came with a configuration, into the stores of the containers that use them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use appliance_config::{Config, Mode, Section};
use appliance_types::ContainerName;
use artefact_render::is_same_image;
use config_store::{Generations, ImageArchive, ReplacedImage, StoredImage};
use host_files::{Program, UnitMode, run_program, run_program_to_end};

use crate::actions;

/// For a gigabyte on a slow card.
const LOAD_LIMIT: Duration = Duration::from_secs(1800);

/// Podman starts slowly on a small board.
const QUESTION_LIMIT: Duration = Duration::from_secs(60);

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
            let load = podman(unit_mode(mode)).arg("load").stdin_file(path).timeout(LOAD_LIMIT);
            run_program(&load).with_context(|| format!("cannot load image archive {}", archive.name))?;
        }
    }
    Ok(())
}

/// Of the archives that were brought `before`, what those that are brought `now` leave of them: names that no new one takes. A
/// container whose image nobody brings again is not another one for that, and is not to be restarted.
pub(crate) fn still_there(now: &[ImageArchive], before: &[ImageArchive]) -> Vec<ImageArchive> {
    let taken =
        |tag: &String| now.iter().flat_map(|archive| &archive.tags).any(|new| is_same_image(new, tag));
    let rest = before.iter().filter(|old| now.iter().all(|new| new.sha256 != old.sha256)).filter_map(|old| {
        let tags: Vec<String> = old.tags.iter().filter(|tag| !taken(tag)).cloned().collect();
        (old.tags.is_empty() || !tags.is_empty()).then(|| ImageArchive { tags, ..old.clone() })
    });
    rest.collect()
}

/// Whether a container is of one of its images.
pub(crate) fn is_used(config: &Config, archive: &ImageArchive) -> bool {
    !users(config, archive).is_empty()
}

/// Whose names are about to go to other images: those in `archives`, and `wanted` themselves. A name that nobody has is not among
/// them: an image without a name is in nobody's way.
///
/// # Errors
/// When Podman does not say: what is not noted could not be given back.
pub(crate) fn about_to_be_replaced(
    config: &Config,
    archives: &[StoredImage],
    wanted: &[ReplacedImage],
) -> anyhow::Result<Vec<ReplacedImage>> {
    let tags = archives.iter().flat_map(|StoredImage { archive, .. }| {
        let tags = archive.tags.iter();
        users(config, archive)
            .into_iter()
            .flat_map(move |mode| tags.clone().map(move |tag| (unit_mode(mode), tag)))
    });
    let names = tags.chain(wanted.iter().map(|image| (image.mode, &image.name)));
    let replaced = names.filter_map(|(mode, name)| {
        let id = image_of(mode, name).transpose()?;
        Some(id.map(|id| ReplacedImage { mode, name: name.clone(), id }))
    });
    replaced.collect()
}

/// Gives these names to these images. An image that is not there any more is said, and left out: what has the name now is better
/// than nothing.
///
/// # Errors
/// What Podman says of one that is there.
pub(crate) fn rename(images: &[ReplacedImage], say: &dyn Fn(&str)) -> anyhow::Result<()> {
    for ReplacedImage { mode, name, id } in images {
        match image_of(*mode, id)? {
            None => say(&format!("the older image of {name} is gone; the newer one stays")),
            Some(_) if image_of(*mode, name)?.as_ref() == Some(id) => {}
            Some(_) => {
                say(&format!("{name} is the older image again"));
                run_program(&podman(*mode).args(["tag", id, name]))
                    .with_context(|| format!("cannot give {name} to the image it was before"))?;
            }
        }
    }
    Ok(())
}

/// Gives back what generations have taken that are not in force any more.
///
/// # Errors
/// As [`rename`]. Then it is done next time.
pub(crate) fn give_back(generations: &mut Generations, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let images = generations.stored().to_give_back();
    if images.is_empty() {
        return Ok(());
    }
    if images.iter().any(|image| image.mode == UnitMode::Rootless) {
        actions::start_app_manager()?;
    }
    rename(&images, say)?;
    actions::sync_data()?;
    generations.gave_back()?;
    Ok(())
}

/// The number of the image with this name or number; `None` when Podman says that there is none.
fn image_of(mode: UnitMode, name: &str) -> anyhow::Result<Option<String>> {
    let exists = podman(mode).args(["image", "exists", name]);
    let ended = run_program_to_end(&exists)?;
    match ended.status.code() {
        Some(0) => {}
        Some(1) => return Ok(None),
        _ => anyhow::bail!("`{exists}` ({}): {}", ended.status, ended.output.stderr.trim()),
    }
    let id = run_program(&podman(mode).args(["image", "inspect", "--format", "{{.Id}}", name]))?;
    Ok(Some(id.stdout.trim().to_owned()))
}

fn podman(mode: UnitMode) -> Program {
    let podman = Program::new("podman").timeout(QUESTION_LIMIT);
    match mode {
        UnitMode::Rootful => podman,
        UnitMode::Rootless => podman.as_app_user(),
    }
}

fn unit_mode(mode: Mode) -> UnitMode {
    match mode {
        Mode::Rootful => UnitMode::Rootful,
        Mode::Rootless => UnitMode::Rootless,
    }
}

/// Whose Podmans use an image of this archive. One without names is loaded wherever there are containers.
fn users(config: &Config, archive: &ImageArchive) -> BTreeSet<Mode> {
    let containers = &config.containers;
    let of_containers = containers.containers.values().flat_map(|container| {
        let values = container.sections.iter().filter(|section| section.name == "Container");
        let images = values.flat_map(image_names);
        images.map(|image| (container.mode, resolved(config, image)))
    });
    // A mount or a volume may use one as well.
    let of_units = containers.images.values().flat_map(|unit| {
        unit.modes.iter().flat_map(|mode| image_names(&unit.section).map(|image| (*mode, image)))
    });
    let is_in =
        |image: &str| archive.tags.is_empty() || archive.tags.iter().any(|tag| is_same_image(tag, image));
    let named = of_containers.chain(of_units).filter(|(_, image)| is_in(image)).map(|(mode, _)| mode);
    // What a build begins with stands in a file that nobody here reads.
    named.chain(containers.builds.values().flat_map(|build| build.modes.iter().copied())).collect()
}

fn image_names(section: &Section) -> impl Iterator<Item = &str> {
    let images = section.entries.iter().filter(|(key, _)| key == "Image");
    images.flat_map(|(_, values)| values).map(String::as_str)
}

/// The reference behind `hello.image`, the name of an image unit; any other text is one itself.
fn resolved<'a>(config: &'a Config, image: &'a str) -> &'a str {
    let unit = image.strip_suffix(".image").and_then(|name| name.parse::<ContainerName>().ok());
    let section = unit.and_then(|name| config.containers.images.get(&name)).map(|unit| &unit.section);
    let entry = section.and_then(|section| section.entries.iter().find(|(key, _)| key == "Image"));
    entry.and_then(|(_, values)| values.first()).map_or(image, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(sha256: &str, tags: &[&str]) -> ImageArchive {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        ImageArchive { name: format!("{sha256}.tar"), bytes: 1, sha256: sha256.to_owned(), tags }
    }

    #[test]
    fn an_archive_stands_for_the_names_that_no_newer_one_takes() {
        let before = [archive("aa", &["localhost/web:1", "localhost/db:1"]), archive("bb", &[])];
        let left = |now: &[ImageArchive]| still_there(now, &before);
        assert_eq!(left(&[]), before);
        assert_eq!(
            left(&[archive("cc", &["web:1"])]),
            [archive("aa", &["localhost/db:1"]), archive("bb", &[])]
        );
        assert_eq!(left(&[archive("cc", &["web:1", "db:1"])]), [archive("bb", &[])]);
        // Brought again as it was: it speaks for itself.
        assert_eq!(left(&before), []);
    }
}
