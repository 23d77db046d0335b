//! A fresh Debian in a folder: what its smallest installation has, CA certificates, and the C compiler that Rust links with.

use super::command;
use anyhow::{Context as _, Result, ensure};
use image_tests::Testbed;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The keys of Debian's archive, part of what a build asks of its host.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// How the host trusts servers: the same in the chroot, where a company's own authority may stand before the network.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The chroot. Removed when it goes out of scope; nothing is ever mounted in it but by processes that have gone by then.
pub(super) struct Debian {
    root: PathBuf,
    /// The host's Rust: a folder with `bin/cargo`.
    toolchain: PathBuf,
}

/// Runs as root of a mount namespace: `$1` the chroot, `$2` the toolchain, `$3` the CA certificates, then the program with its
/// folder before it.
const ENTER: &str = r#"set -eu
root=$1 toolchain=$2 certificates=$3; shift 3
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mkdir -p "$root$toolchain"
mount --bind -o ro "$toolchain" "$root$toolchain"
mount --bind -o ro "$certificates" "$root$certificates"
cat /etc/resolv.conf > "$root/etc/resolv.conf"
folder=$1; shift
exec chroot "$root" /usr/bin/env -i --chdir="$folder" HOME=/root LC_ALL=C.UTF-8 \
    PATH="$toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
"#;

impl Debian {
    /// Installs `release` in `root`, from the archive that this machine's build took its packages from.
    pub(super) fn install(testbed: &Testbed, release: &str, root: PathBuf) -> Result<Debian> {
        let toolchain = toolchain()?;
        let debian = Debian { root, toolchain };
        let mut mmdebstrap = private();
        mmdebstrap.args([
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--include=ca-certificates,gcc,libc6-dev",
        ]);
        mmdebstrap
            .args([&format!("--keyring={KEYRING}"), release])
            .arg(&debian.root)
            .args(sources(testbed, release)?);
        command::Running::start(&mmdebstrap)?.succeed(Duration::from_secs(900))?;
        for program in ["git", "mmdebstrap", "cargo-nextest", "cargo-deny"] {
            let found = ["usr/bin", "usr/local/bin"]
                .iter()
                .any(|folder| debian.root.join(folder).join(program).exists());
            ensure!(!found, "a fresh Debian {release} has {program}");
        }
        Ok(debian)
    }

    /// Its root on this machine.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A command run in it, in the folder `inside`, with nothing of this machine's environment but the network.
    pub(super) fn run(&self, inside: &str, words: &[&str]) -> Command {
        let mut command = private();
        command
            .args(["sh", "-c", ENTER, "enter"])
            .arg(&self.root)
            .arg(&self.toolchain)
            .args([CERTIFICATES, inside]);
        command.args(words);
        command
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Mounts and processes of what follows are its own, and end with it.
fn private() -> Command {
    let mut command = command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child"]);
    command
}

/// The folder of the host's Rust.
fn toolchain() -> Result<PathBuf> {
    let output = command::new("rustc").args(["--print", "sysroot"]).output().context("cannot start rustc")?;
    ensure!(output.status.success(), "rustc failed: {}", String::from_utf8_lossy(&output.stderr));
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    // Debian's own Rust is in /usr, which cannot be laid over another system's.
    ensure!(
        folder != Path::new("/usr"),
        "this story needs a Rust with a folder of its own, as rustup installs it"
    );
    ensure!(folder.join("bin/cargo").exists(), "{} has no cargo", folder.display());
    Ok(folder)
}

/// The `deb` lines for `release`: those of the tools tree, which the build chose, with the release exchanged.
fn sources(testbed: &Testbed, release: &str) -> Result<Vec<String>> {
    let lists = testbed.tool(&[
        "sh",
        "-c",
        "cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true",
    ])?;
    let lines: Vec<String> = lists
        .lines()
        .filter(|line| line.starts_with("deb ") && !line.contains("-backports"))
        .map(|line| line.replace(" trixie", &format!(" {release}")))
        .collect();
    ensure!(!lines.is_empty(), "the tools tree has no package sources");
    Ok(lines)
}
