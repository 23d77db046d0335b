//! `Image=`, `Volume=`, `Mount=`: what a container is made of. The name of something that is declared becomes the form
//! that Quadlet links (`data:/srv` is `data.volume:/srv`); what is not declared means what Podman says it means.

use std::collections::BTreeSet;

use crate::Code;
use crate::report::{At, Report};

use super::names::{Declared, Kind, Reference};

/// Declared units that something uses.
#[derive(Debug, Default)]
pub(super) struct Uses(pub(super) BTreeSet<(Kind, String)>);

const FILES: &str = "files of a bundle are below ${FILES_DIR}/, other paths begin with `/`";

/// `Image=`: a declared image, or the name of one.
pub(super) fn image(
    value: &At<String>,
    declared: &Declared<'_>,
    uses: &mut Uses,
    report: &Report<'_>,
) -> Option<String> {
    let text = value.value.as_str();
    match declared.reference(Kind::Image, text) {
        Reference::To(name) => Some(used(Kind::Image, name, uses)),
        Reference::Missing => {
            declared.missing(Kind::Image, value, text.trim_end_matches(".image"), report);
            None
        }
        Reference::Other => build(value, declared, uses, report),
    }
}

/// A declared build, by its file or by the name of the image it makes; or the name of any other image.
fn build(
    value: &At<String>,
    declared: &Declared<'_>,
    uses: &mut Uses,
    report: &Report<'_>,
) -> Option<String> {
    let text = value.value.as_str();
    match declared.reference(Kind::Build, text) {
        Reference::To(name) if name != text => Some(used(Kind::Build, name, uses)),
        Reference::Missing => {
            declared.missing(Kind::Build, value, text.trim_end_matches(".build"), report);
            None
        }
        Reference::To(_) | Reference::Other => match declared.build_of(text) {
            Some(name) => Some(used(Kind::Build, name, uses)),
            None => is_image(value, report).then(|| text.to_owned()),
        },
    }
}

/// An image's name goes onto Podman's command line alone: it must not be an option, or several words.
pub(super) fn is_image(value: &At<String>, report: &Report<'_>) -> bool {
    let text = value.value.as_str();
    let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@+".contains(&b));
    let image = word && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !image {
        let hint = "write `registry.example/name:tag`, or the name of a declared image";
        report.hinted(&value.spot, Code::BadValue, "it is not the name of an image", hint);
    }
    image
}

/// `Volume=`: `SOURCE:/PATH:OPTIONS`, or a path alone.
pub(super) fn volume(
    value: &At<String>,
    declared: &Declared<'_>,
    uses: &mut Uses,
    report: &Report<'_>,
) -> Option<String> {
    let text = value.value.as_str();
    let problem = |message: &str, hint: &str| {
        report.hinted(&value.spot, Code::BadValue, message, hint);
        None
    };
    let Some((source, rest)) = text.split_once(':') else {
        if text.starts_with('/') {
            return Some(text.to_owned());
        }
        return problem("the path in the container is missing", "write `data:/srv`");
    };
    if !rest.starts_with('/') {
        return problem("the path in the container begins with `/`", "write `data:/srv`");
    }
    let source = storage(source, value, declared, uses, report)?;
    Some(format!("{source}:{rest}"))
}

/// `Mount=`: `type=volume,source=data,destination=/srv`.
pub(super) fn mount(
    value: &At<String>,
    declared: &Declared<'_>,
    uses: &mut Uses,
    report: &Report<'_>,
) -> Option<String> {
    if value.value.contains('"') {
        // Quoted as in a CSV file: Quadlet reads it.
        return Some(value.value.clone());
    }
    let parts: Vec<&str> = value.value.split(',').collect();
    let kind = parts.iter().find_map(|part| part.strip_prefix("type=")).unwrap_or("volume");
    if !["bind", "glob", "image", "volume"].contains(&kind) {
        return Some(value.value.clone());
    }
    let named = |part: &str| {
        part.split_once('=').filter(|(key, _)| ["source", "src"].contains(key)).map(|(_, v)| v.to_owned())
    };
    let Some(source) = parts.iter().find_map(|part| named(part)).filter(|source| !source.is_empty()) else {
        let hint = "write `type=volume,source=data,destination=/srv`";
        report.hinted(&value.spot, Code::BadValue, "a mount of this type needs its `source`", hint);
        return None;
    };
    let linked = match kind {
        "image" => image(&At { spot: value.spot.clone(), value: source }, declared, uses, report)?,
        _ => storage(&source, value, declared, uses, report)?,
    };
    let part = |part: &&str| match named(part) {
        Some(_) => format!("source={linked}"),
        None => (*part).to_owned(),
    };
    Some(parts.iter().map(part).collect::<Vec<_>>().join(","))
}

/// A path of the device or the name of a volume.
fn storage(
    source: &str,
    value: &At<String>,
    declared: &Declared<'_>,
    uses: &mut Uses,
    report: &Report<'_>,
) -> Option<String> {
    // A path, or something that stands for the beginning of one.
    if source.starts_with(['/', '%']) || source.starts_with("${") {
        return Some(source.to_owned());
    }
    match declared.reference(Kind::Volume, source) {
        Reference::To(name) => Some(used(Kind::Volume, name, uses)),
        Reference::Missing => {
            declared.missing(Kind::Volume, value, source.trim_end_matches(".volume"), report);
            None
        }
        Reference::Other if is_name(source) => Some(source.to_owned()),
        Reference::Other => {
            let message = "what is before the first `:` is neither a volume's name nor a whole path";
            report.hinted(&value.spot, Code::BadValue, message, FILES);
            None
        }
    }
}

/// `File=` of a build: a whole path, one below the build's folder, or a URL.
pub(super) fn build_file(value: &At<String>, report: &Report<'_>) {
    if value.value.starts_with('-') || value.value.split('/').any(|part| part == "..") {
        report.hinted(&value.spot, Code::BadValue, "it is not a path", FILES);
    }
}

/// `SetWorkingDirectory=` of a build: a whole path, a URL, or `file`, the folder of the `File`.
pub(super) fn build_folder(value: &At<String>, report: &Report<'_>) {
    let text = value.value.as_str();
    if !text.starts_with(['/', '%']) && !text.starts_with("${") && !text.contains("://") && text != "file" {
        report.hinted(&value.spot, Code::BadValue, "it is neither a whole path nor `file`", FILES);
    }
}

/// A path of the device as `EnvironmentFile=` and the like take it.
pub(super) fn path(value: &At<String>, report: &Report<'_>) {
    if !value.value.starts_with(['/', '%']) && !value.value.starts_with("${") {
        report.hinted(&value.spot, Code::BadValue, "it is not a whole path", FILES);
    }
}

/// A name that Podman gives to something: never an option.
pub(super) fn is_name(text: &str) -> bool {
    let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    word && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn used(kind: Kind, name: &str, uses: &mut Uses) -> String {
    uses.0.insert((kind, name.to_owned()));
    format!("{name}.{}", kind.word())
}
