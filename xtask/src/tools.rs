//! The tools tree: a Debian chroot with every program the build needs, made once per content and shared by checkouts.
//!
//! The host brings only mmdebstrap and a keyring, so a build on any Debian or Ubuntu uses the same mksquashfs, the same
//! QEMU, the same cross compiler.

use crate::context::Context;
use crate::host::{self, Mirror};
use crate::namespace::{self, Entry};
use crate::sh::Log;
use crate::step::{Inputs, Plan};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Debian release of the tools and of the appliance.
pub(crate) const SUITE: &str = "trixie";
/// Where newer Rust comes from: trixie's own is older than our minimum.
const BACKPORTS: &str = "trixie-backports";

/// Packages of the tools tree, by what needs them.
const PACKAGES: &[&str] = &[
    // root file systems and their parts
    "mmdebstrap",
    "debian-archive-keyring",
    "ca-certificates",
    "dpkg-dev",
    "kmod",
    "squashfs-tools",
    "zstd",
    "xz-utils",
    "mtools",
    "dosfstools",
    "fdisk",
    "rsync",
    "systemd",
    // emulation: building for arm64, and running the image
    "qemu-user",
    "qemu-system-arm",
    "qemu-utils",
    "ipxe-qemu",
    // cross compilers
    "gcc",
    "libc6-dev",
    "gcc-aarch64-linux-gnu",
    "libc6-dev-arm64-cross",
    // U-Boot's build
    "make",
    "bison",
    "flex",
    "bc",
    "swig",
    "python3-dev",
    "python3-setuptools",
    "python3-pyelftools",
    "libssl-dev",
    "libgnutls28-dev",
    "device-tree-compiler",
    "uuid-dev",
    "u-boot-tools",
    "patch",
    // reading back what was made, in tests
    "libubootenv-tool",
    "rauc",
    "exfatprogs",
    "e2fsprogs",
    "openssh-client",
];

/// Rust and what it links: named one by one with their suite, because an apt pin does not reach all of them.
const RUST: &[&str] = &["rustc", "cargo", "libstd-rust-dev"];

/// The tools tree, present and complete.
pub(crate) struct Tools {
    tree: PathBuf,
    /// Changes when the tree's content was asked to change; an input of every step that uses it.
    pub(crate) stamp: String,
}

/// The inputs of the tree.
pub(crate) fn inputs() -> Inputs {
    Inputs::default()
        .value("suite", SUITE)
        .value("list of tools", [PACKAGES, RUST].concat().join(" "))
        .value("recipe", [MORE_SUITES, INSTALL_RUST, &OPTIONS.join(" ")].concat())
}

/// Where the tree of these inputs lives.
pub(crate) fn tree_path(context: &Context) -> PathBuf {
    context.cache.join(format!("tools-{}", &inputs().stamp()[..16]))
}

impl Tools {
    /// The tree, built now when this machine has none with this content: about two minutes and 2 GB.
    pub(crate) fn ensure(context: &Context, mirror: &Mirror, plan: &mut Plan) -> Result<Tools> {
        let inputs = inputs();
        let tree = tree_path(context);
        plan.cached(context, "tools tree", &inputs, &tree, |log| {
            host::ensure_packages(log)?;
            build(log, &tree, mirror)
        })?;
        Ok(Tools { tree, stamp: inputs.stamp() })
    }

    /// The command that runs `program` inside the tree.
    pub(crate) fn command(&self, entry: &Entry, program: &[&str]) -> Command {
        namespace::command(&self.tree, entry, program)
    }

    /// Runs `program` inside the tree to its end.
    pub(crate) fn run(&self, log: &Log, entry: &Entry, program: &[&str]) -> Result<()> {
        namespace::run(log, &self.tree, entry, program)
    }

    /// Runs a shell script inside the tree; it stops at the first command that fails.
    pub(crate) fn script(&self, log: &Log, entry: &Entry, script: &str, arguments: &[&str]) -> Result<()> {
        let program: Vec<&str> =
            ["sh", "-euc", script, "script"].into_iter().chain(arguments.iter().copied()).collect();
        self.run(log, entry, &program)
    }

    /// The emulator for arm64 programs, as a host path.
    pub(crate) fn emulator(&self) -> PathBuf {
        self.tree.join("usr/bin/qemu-aarch64")
    }
}

/// Removes what an interrupted run left at `path`. Its files may belong to our sub-uids, so it is done inside.
pub(crate) fn remove_tree(log: &Log, path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let path = path.to_str().context("a path that is not UTF-8")?;
    namespace::run(log, Path::new("/"), &Entry::default(), &["rm", "-rf", "--one-file-system", path])
}

/// Adds newer Rust's suite and the sources of packages to the archive that mmdebstrap chose, and reads their lists.
const MORE_SUITES: &str = r#"set -eu
list="$1/etc/apt/sources.list"
[ -s "$list" ] || list=$(ls "$1"/etc/apt/sources.list.d/*.list | head -n 1)
grep '^deb ' "$list" | grep -m 1 ' SUITE ' | sed 's/ SUITE / BACKPORTS /' >> "$list"
grep '^deb ' "$list" | sed 's/^deb /deb-src /' >> "$list"
chroot "$1" apt-get --quiet update
"#;

/// Installs Rust, and the compiled std of the board's architecture without its package's dependencies: those would
/// bring a second LLVM.
const INSTALL_RUST: &str = r#"set -eu
names="RUST"
for name in $(chroot "$1" apt-cache depends libstd-rust-dev/BACKPORTS | sed -n 's/.*Depends: \(libstd-rust-[0-9.]*\)$/\1/p'); do
    names="$names $name/BACKPORTS"
done
chroot "$1" apt-get install --yes --no-install-recommends $names
chroot "$1" sh -euc 'cd /tmp
    apt-get download libstd-rust-dev:arm64/BACKPORTS
    dpkg-deb --extract libstd-rust-dev_*_arm64.deb /
    rm libstd-rust-dev_*_arm64.deb
    apt-get clean'
"#;

const OPTIONS: &[&str] = &[
    "--mode=root",
    "--variant=apt",
    "--architectures=amd64,arm64",
    "--aptopt=Apt::Install-Recommends \"false\"",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--skip=output/mknod",
];

fn build(log: &Log, tree: &Path, mirror: &Mirror) -> Result<()> {
    let partial = tree.with_extension("partial");
    // Where mmdebstrap keeps keys for a moment. An interrupted run would leave them in /tmp for good.
    let temporary = tree.with_extension("tmp");
    for left in [&partial, &temporary] {
        remove_tree(log, left)?;
    }
    std::fs::create_dir(&temporary).with_context(|| format!("cannot create {}", temporary.display()))?;
    let entry = Entry::default().env("TMPDIR", temporary.to_string_lossy());
    let rust = RUST.iter().map(|name| format!("{name}/{BACKPORTS}")).collect::<Vec<_>>().join(" ");
    let hook = |script: &str| {
        let script = script.replace("BACKPORTS", BACKPORTS).replace("SUITE", SUITE).replace("RUST", &rust);
        format!("--customize-hook={script}")
    };
    let (suites, install_rust) = (hook(MORE_SUITES), hook(INSTALL_RUST));
    let (packages, keyring) =
        (format!("--include={}", PACKAGES.join(",")), format!("--keyring={}", host::KEYRING));
    let out = partial.to_str().context("a cache path that is not UTF-8")?;
    let mut program = vec!["mmdebstrap"];
    program.extend(OPTIONS);
    program.extend([packages.as_str(), &keyring, &suites, &install_rust, SUITE, out]);
    let lines = mirror.lines(SUITE, Some(host::KEYRING), &[], false);
    program.extend(lines.iter().map(String::as_str));
    namespace::run(log, Path::new("/"), &entry, &program)
        .context("cannot bootstrap Debian. Is a mirror reachable? `--mirror URL` names one")?;
    remove_tree(log, &temporary)?;
    std::fs::rename(&partial, tree)
        .with_context(|| format!("cannot move the tools tree to {}", tree.display()))
}
