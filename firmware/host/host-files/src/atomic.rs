//! Replacing a file so that a power cut leaves the old content or the new, never a mixture.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What went wrong while a file was being replaced, and with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
pub struct WriteError {
    /// The step that failed, as a verb: "create", "write", "sync", "rename".
    action: &'static str,
    /// The file or folder the step was about.
    path: PathBuf,
    /// What the kernel said.
    source: io::Error,
}

/// Replaces `path` by a file with these bytes and permissions (`mode`, as in `chmod`).
///
/// The new file is on the disk before it gets its name, and the name is on the disk before this
/// returns. An earlier attempt that was cut off leaves `.NAME.partial` behind; the next one overwrites
/// it. The folder must exist. One writer at a time: two at once would share the partial file.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), WriteError> {
    write_observed(path, bytes, mode, &mut |_| ControlFlow::Continue(()))
}

/// The points at which a power cut can find [`write_atomic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Created,
    Written,
    Synced,
    Renamed,
}

/// [`write_atomic`], telling `after` each step it has done; tests stop there as a power cut would.
fn write_observed(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    after: &mut dyn FnMut(Step) -> ControlFlow<()>,
) -> Result<(), WriteError> {
    let partial = partial_path(path);
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| WriteError { action, path, source }
    };

    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&partial)
        .map_err(failed("create", &partial))?;
    // `mode` above is cut by the umask and ignored for a left-over partial file.
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(failed("set the mode of", &partial))?;
    if after(Step::Created).is_break() {
        return Ok(());
    }

    file.write_all(bytes).map_err(failed("write", &partial))?;
    if after(Step::Written).is_break() {
        return Ok(());
    }

    file.sync_all().map_err(failed("sync", &partial))?;
    if after(Step::Synced).is_break() {
        return Ok(());
    }

    fs::rename(&partial, path).map_err(failed("rename onto", path))?;
    if after(Step::Renamed).is_break() {
        return Ok(());
    }

    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_folder(folder).map_err(failed("sync", folder))
}

/// Has the names in a folder written to the disk: what was made, renamed or removed in it.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn partial_path(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".partial");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop_after(step: Step, path: &Path, bytes: &[u8]) {
        write_observed(path, bytes, 0o600, &mut |done| {
            if done == step { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    }

    #[test]
    fn stopping_after_any_step_leaves_the_old_file_or_the_new_one() {
        for step in [Step::Created, Step::Written, Step::Synced, Step::Renamed] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state");
            write_atomic(&path, b"old", 0o600).unwrap();

            stop_after(step, &path, b"new content");
            let expected: &[u8] = if step == Step::Renamed { b"new content" } else { b"old" };
            assert_eq!(fs::read(&path).unwrap(), expected, "stopped after {step:?}");

            // The debris of the stopped attempt is in nobody's way.
            write_atomic(&path, b"later", 0o644).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"later", "after a stop at {step:?}");
            let names: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(names, ["state"], "after a stop at {step:?}");
        }
    }

    #[test]
    fn the_mode_is_the_one_asked_for_whatever_a_left_over_partial_file_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(partial_path(&path), b"junk from a cut-off attempt, longer than the new content").unwrap();
        fs::set_permissions(partial_path(&path), fs::Permissions::from_mode(0o666)).unwrap();
        write_atomic(&path, b"secret", 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"secret");
    }

    #[test]
    fn an_error_names_the_step_and_the_file() {
        let error = write_atomic(Path::new("/nonexistent/folder/file"), b"", 0o600).unwrap_err();
        assert_eq!(error.to_string(), "cannot create /nonexistent/folder/.file.partial");
    }
}
