//! `slipway ssh-host-keys`: the keys that this box is recognised by, made once for its lifetime.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use host_files::{Program, ProgramError, run_program};

use crate::arguments::HostKeyOptions;

/// Every SSH client since 2014 knows the first, every one since 2011 the second. No RSA: a slow board needs half a
/// minute for a key that nobody asks for.
const KINDS: [&str; 2] = ["ed25519", "ecdsa"];

/// Making a key takes a moment, more of it on an emulated board under load.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(options: &HostKeyOptions) -> anyhow::Result<()> {
    for kind in KINDS {
        if make_if_missing(&options.folder, kind)? {
            println!("made {}", key_path(&options.folder, kind).display());
        }
    }
    Ok(())
}

/// True when a key was made. A key that ssh-keygen refuses counts as missing: sshd would not start with it. That ssh-keygen
/// could not be asked says nothing about the key, which is what clients know the box by.
fn make_if_missing(folder: &Path, kind: &str) -> anyhow::Result<bool> {
    let key = key_path(folder, kind);
    match public_key(&key) {
        Ok(_) => return Ok(false),
        Err(ProgramError::Failed { status, .. }) if status.code().is_some() => {}
        Err(error) => return Err(error).with_context(|| format!("cannot look at {}", key.display())),
    }
    // Made under another name and moved when it is whole and on the disk: a power cut leaves a key or none.
    let partial = folder.join(format!(".{kind}.partial"));
    let partial_public = folder.join(format!(".{kind}.partial.pub"));
    for left_over in [&partial, &partial_public] {
        match fs::remove_file(left_over) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", left_over.display()));
            }
            _ => {}
        }
    }
    let program = Program::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-C", "", "-f"]).arg(&partial);
    run_program(&program.timeout(LIMIT))?;
    for (from, to) in [(&partial_public, with_pub(&key)), (&partial, key)] {
        sync(from)?;
        fs::rename(from, &to)
            .with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?;
    }
    sync(folder)?;
    Ok(true)
}

fn key_path(folder: &Path, kind: &str) -> PathBuf {
    folder.join(format!("ssh_host_{kind}_key"))
}

fn with_pub(key: &Path) -> PathBuf {
    key.with_extension("pub")
}

/// The public key of a private one, which proves that it is whole.
fn public_key(key: &Path) -> Result<String, ProgramError> {
    let program = Program::new("ssh-keygen").args(["-y", "-P", "", "-f"]).arg(key);
    Ok(run_program(&program.timeout(LIMIT))?.stdout)
}

fn sync(path: &Path) -> anyhow::Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("cannot sync {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn has_ssh_keygen() -> bool {
        let found = run_program(&Program::new("sh").args(["-c", "command -v ssh-keygen"])).is_ok();
        if !found {
            println!("skipped: ssh-keygen is not installed");
        }
        found
    }

    #[test]
    fn keys_are_made_once_and_again_only_when_unreadable() {
        if !has_ssh_keygen() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let options = HostKeyOptions { folder: folder.path().to_owned() };
        // What a power cut in the middle of an earlier attempt left.
        fs::write(folder.path().join(".ed25519.partial"), "half a key").unwrap();
        run(&options).unwrap();

        let key = key_path(folder.path(), "ed25519");
        let first = fs::read(&key).unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        let public = fs::read_to_string(with_pub(&key)).unwrap();
        assert!(public.starts_with("ssh-ed25519 "), "{public}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "something is left over");

        run(&options).unwrap();
        assert_eq!(fs::read(&key).unwrap(), first, "a good key was replaced");

        fs::write(&key, "").unwrap();
        run(&options).unwrap();
        assert!(public_key(&key).unwrap().starts_with("ssh-ed25519 "));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_with_the_command() {
        if !has_ssh_keygen() {
            return;
        }
        let error = run(&HostKeyOptions { folder: "/nonexistent/ssh".into() }).unwrap_err().to_string();
        assert!(error.contains("ssh-keygen") && error.contains("/nonexistent/ssh"), "{error}");
    }
}
