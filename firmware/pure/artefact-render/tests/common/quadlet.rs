//! Podman's generator, of the Podman that the image has: where a machine can run it.

#![expect(clippy::disallowed_methods, reason = "this is about other programs")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The Podman whose Quadlet the checks were made for: its minor version.
const VERSION: &str = "5.4.";

/// The words of a command that is the generator, or why there is none here.
///
/// In this order: `SLIPWAY_QUADLET`, a command line; this machine's own; the image's, an arm64 program, from the packages that a
/// build of the image has left in the cache, by the QEMU of the tools tree beside them.
///
/// # Errors
/// A sentence for the log of a test that is skipped.
pub(crate) fn find() -> Result<Vec<String>, String> {
    if let Ok(command) = std::env::var("SLIPWAY_QUADLET") {
        return Ok(command.split_whitespace().map(str::to_owned).collect());
    }
    let here = ["/usr/libexec/podman/quadlet", "/usr/lib/podman/quadlet"].map(|path| vec![path.to_owned()]);
    if let Some(words) = here.into_iter().find(|words| is_right(words)) {
        return Ok(words);
    }
    let words = of_the_image()?;
    match is_right(&words) {
        true => Ok(words),
        false => Err(format!("`{}` is not Quadlet {VERSION}x, or does not run", words.join(" "))),
    }
}

fn is_right(words: &[String]) -> bool {
    let output = Command::new(&words[0]).args(&words[1..]).arg("-version").output();
    output.is_ok_and(|output| output.status.success() && output.stdout.starts_with(VERSION.as_bytes()))
}

fn of_the_image() -> Result<Vec<String>, String> {
    const HINT: &str = "`cargo xtask image` makes it, or set SLIPWAY_QUADLET";
    let cache = cache().ok_or("there is no home folder")?;
    // The newest file `inside` of what begins with `prefix` and ends with `suffix`.
    let newest = |prefix: &str, suffix: &str, inside: Option<&str>| {
        let entries = std::fs::read_dir(&cache).into_iter().flatten().filter_map(Result::ok);
        let named = entries.filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with(prefix) && name.ends_with(suffix)
        });
        let paths = named.map(|entry| inside.map_or(entry.path(), |inside| entry.path().join(inside)));
        let files = paths.filter(|path| path.is_file());
        files.max_by_key(|path| path.metadata().and_then(|metadata| metadata.modified()).ok())
    };
    let packages = newest("base-", ".tar.zst", None).ok_or_else(|| {
        format!("no Podman {VERSION}x here, and none of the image in {}; {HINT}", cache.display())
    })?;
    let qemu = newest("tools-", "", Some("usr/bin/qemu-aarch64"))
        .ok_or_else(|| format!("no tools tree with QEMU in {}; {HINT}", cache.display()))?;
    let root = unpacked(&packages)?;
    let quadlet = root.join("usr/libexec/podman/quadlet");
    let words = [qemu, PathBuf::from("-L"), root, quadlet];
    Ok(words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

/// The generator and what it is linked with, unpacked once for each set of packages.
fn unpacked(packages: &Path) -> Result<PathBuf, String> {
    let name = packages.file_name().unwrap_or_default().to_string_lossy().replace(".tar.zst", "-quadlet");
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if root.exists() {
        return Ok(root);
    }
    let partial = root.with_extension(format!("partial-{}", std::process::id()));
    std::fs::create_dir_all(&partial)
        .map_err(|error| format!("cannot create {}: {error}", partial.display()))?;
    let members = [
        "./usr/libexec/podman/quadlet",
        "./usr/lib/ld-linux-aarch64.so.1",
        "./usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
        "./usr/lib/aarch64-linux-gnu/libc.so.6",
    ];
    let tar = Command::new("tar")
        .arg("--zstd")
        .arg("-xf")
        .arg(packages)
        .arg("-C")
        .arg(&partial)
        .args(members)
        .output();
    match tar {
        Ok(output) if output.status.success() => {}
        Ok(output) => return Err(format!("tar: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => return Err(format!("tar: {error}")),
    }
    // As Debian has it: the program's interpreter is named below /lib.
    std::os::unix::fs::symlink("usr/lib", partial.join("lib"))
        .map_err(|error| format!("cannot link: {error}"))?;
    // Another test may have been faster.
    match std::fs::rename(&partial, &root) {
        Err(error) if !root.exists() => Err(format!("cannot rename {}: {error}", partial.display())),
        _ => Ok(root),
    }
}

fn cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    Some(cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?.join("slipway"))
}
