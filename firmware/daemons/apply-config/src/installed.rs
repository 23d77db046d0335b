//! The files of a configuration in the running system: what is there, and making it what it should be.
//!
//! They lie in `/etc`, which is memory: every boot begins with the image's own files, and a configuration is laid over them.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use artefact_render::{Artefact, Artefacts, FOLDERS, UserIds, is_ours};
use host_files::{read_bounded, write_atomic};

/// No rendered file comes near this size.
const LIMIT: usize = 16 << 20;

/// What a configuration may have written, as it is below `root` now: contents by absolute path.
pub(crate) fn present(root: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for path in paths(root)? {
        files.insert(path.clone(), read_bounded(&below(root, &path), LIMIT)?);
    }
    Ok(files)
}

/// The image's own files where a configuration may write: what is there while there is no configuration.
pub(crate) fn of_the_image(base: &Path) -> anyhow::Result<Artefacts> {
    let mut artefacts = Artefacts { files: BTreeMap::new(), user_ids: UserIds::default() };
    for path in paths(base)? {
        let file = below(base, &path);
        let bytes = read_bounded(&file, LIMIT)?;
        let metadata = fs::metadata(&file).with_context(|| format!("cannot look at {}", file.display()))?;
        artefacts.files.insert(path, Artefact { bytes, mode: metadata.permissions().mode() & 0o7777 });
    }
    Ok(artefacts)
}

/// Makes the files below `root` those of `wanted`: writes what differs, then removes what is left over.
///
/// Each file is replaced whole. Cut off in between, the next run goes on from there.
pub(crate) fn install(
    root: &Path,
    present: &BTreeMap<String, Vec<u8>>,
    wanted: &Artefacts,
) -> anyhow::Result<()> {
    for (path, artefact) in &wanted.files {
        if present.get(path) != Some(&artefact.bytes) {
            let file = below(root, path);
            let folder = file.parent().unwrap_or(root);
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            write_atomic(&file, &artefact.bytes, artefact.mode)?;
        }
    }
    for path in present.keys().filter(|path| !wanted.files.contains_key(*path)) {
        let file = below(root, path);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// An absolute path of the system, below `root`.
pub(crate) fn below(root: &Path, absolute: &str) -> PathBuf {
    root.join(absolute.trim_start_matches('/'))
}

/// Paths of the regular files that are a configuration's to write.
fn paths(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let path = below(root, folder);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.with_context(|| format!("cannot list {}", path.display()))?,
        };
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", path.display()))?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let absolute = format!("{folder}/{name}");
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_file && is_ours(&absolute) {
                found.push(absolute);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artefacts(files: &[(&str, &str)]) -> Artefacts {
        let mut artefacts = Artefacts { files: BTreeMap::new(), user_ids: UserIds::default() };
        for (path, text) in files {
            let artefact = Artefact { bytes: text.as_bytes().to_vec(), mode: 0o644 };
            artefacts.files.insert((*path).to_owned(), artefact);
        }
        artefacts
    }

    fn put(root: &Path, path: &str, text: &str) {
        let file = below(root, path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn files_become_what_is_wanted_and_foreign_ones_stay() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "/etc/passwd", "old");
        put(root.path(), "/etc/hosts", "not ours");
        put(root.path(), "/etc/containers/systemd/gone.container", "stale");
        let wanted = artefacts(&[("/etc/passwd", "new"), ("/etc/containers/systemd/web.container", "web")]);
        install(root.path(), &present(root.path()).unwrap(), &wanted).unwrap();

        let now = present(root.path()).unwrap();
        let expected: Vec<(&str, &[u8])> =
            vec![("/etc/containers/systemd/web.container", b"web"), ("/etc/passwd", b"new")];
        assert_eq!(now.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect::<Vec<_>>(), expected);
        assert_eq!(fs::read_to_string(root.path().join("etc/hosts")).unwrap(), "not ours");
    }

    #[test]
    fn without_a_configuration_the_images_own_files_are_wanted() {
        let base = tempfile::tempdir().unwrap();
        put(base.path(), "/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
        put(base.path(), "/etc/hosts", "not ours");
        let artefacts = of_the_image(base.path()).unwrap();
        assert_eq!(artefacts.files.keys().collect::<Vec<_>>(), ["/etc/passwd"]);

        let root = tempfile::tempdir().unwrap();
        put(root.path(), "/etc/passwd", "with users");
        put(root.path(), "/etc/slipway/required.json", "{}");
        install(root.path(), &present(root.path()).unwrap(), &artefacts).unwrap();
        assert_eq!(present(root.path()).unwrap().into_keys().collect::<Vec<_>>(), ["/etc/passwd"]);
    }
}
