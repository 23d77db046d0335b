//! Runs programs inside the tools tree: private mounts, private process ids, and no trace afterwards.
//!
//! The kernel takes the mounts down with the last process, and it ends the processes with us, so Ctrl-C or a crash at any
//! point leaves neither: `setpriv` ties `unshare` to us, which itself waits deaf to Ctrl-C for what it runs, and
//! `--kill-child` ties that to `unshare`. (dpkg, and apt while it runs dpkg, do not listen to Ctrl-C either.) The tie is to
//! the thread that starts the command. As root the tree is entered directly; anyone else enters it as the root of a user
//! namespace of their own (their sub-uids are the other users).

use crate::host;
use crate::sh::{self, Log};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a program inside the tree sees beside the tree itself, and how.
#[derive(Default, Clone)]
pub(crate) struct Entry {
    binds: Vec<(PathBuf, PathBuf)>,
    environment: Vec<(String, String)>,
    folder: Option<PathBuf>,
    emulator: Option<PathBuf>,
}

impl Entry {
    /// Shows the host's `path` at the same path inside.
    pub(crate) fn bind(mut self, path: &Path) -> Entry {
        self.binds.push((path.to_owned(), path.to_owned()));
        self
    }

    /// Sets a variable; nothing of the host's environment comes in by itself.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Entry {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The folder the program starts in.
    pub(crate) fn folder(mut self, path: &Path) -> Entry {
        self.folder = Some(path.to_owned());
        self
    }

    /// Runs programs of the board's architecture through this emulator (a host path), in this namespace only.
    pub(crate) fn emulate(mut self, emulator: &Path) -> Entry {
        self.emulator = Some(emulator.to_owned());
        self
    }
}

/// The set-up that runs as the namespace's root before the program: `$1` the tree ("/" for none), `$2` the emulator or
/// "", `$3` the number of bind pairs, the pairs, the folder, then the program.
const SETUP: &str = r#"set -eu
if [ -n "${SLIPWAY_PARENT:-}" ]; then
    # If one of them died before it was tied to us or we to it, only this ends us.
    read -r _ _ _ unshare _ < /proc/self/stat
    read -r _ _ _ parent _ < "/proc/$unshare/stat"
    [ "$parent" = "$SLIPWAY_PARENT" ] || exit 1
fi
tree=$1 emulator=$2 binds=$3; shift 3
if [ -n "$emulator" ]; then
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
    mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    # F: opened now, so that it also works behind a later chroot.
    echo ":slipway-aarch64:M::$magic:$mask:$emulator:POCF" > /proc/sys/fs/binfmt_misc/register
fi
if [ "$tree" != / ]; then
    mount -t proc proc "$tree/proc"
    mount --rbind /dev "$tree/dev"
    mount --rbind /sys "$tree/sys"
    mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
fi
while [ "$binds" -gt 0 ]; do
    if [ -d "$1" ]; then mkdir -p "$tree$2"; else mkdir -p "$tree${2%/*}"; [ -e "$tree$2" ] || : > "$tree$2"; fi
    mount --rbind "$1" "$tree$2"
    shift 2; binds=$((binds - 1))
done
folder=$1; shift
exec chroot "$tree" /usr/bin/env -i --chdir="$folder" "$@"
"#;

/// Ends what follows when the thread that started it ends.
const TIED: [&str; 3] = ["setpriv", "--pdeathsig", "KILL"];
/// Runs what follows once a line comes in.
const WAIT: &str = r#"read -r go && exec "$@""#;

/// The command that runs `program` inside `tree`. Needs [`run`] when the entry emulates.
pub(crate) fn command(tree: &Path, entry: &Entry, program: &[&str]) -> Command {
    let mut command = sh::command(TIED[0]);
    command.args(&TIED[1..]).arg("unshare").env("SLIPWAY_PARENT", std::process::id().to_string());
    if !host::is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    } else if entry.emulator.is_some() {
        // A registration inside a user namespace of its own is seen there alone (Linux 6.7), so the
        // machine's own table of binary formats stays as it is. What waits for its ids has no rights until then; the
        // kernel unties a process that gains some, so it is tied once more.
        command.args(["--user", "sh", "-c", WAIT, "wait"]).args(TIED).arg("unshare");
    }
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", SETUP, "enter"]);
    command
        .arg(tree)
        .arg(entry.emulator.as_deref().unwrap_or(Path::new("")))
        .arg(entry.binds.len().to_string());
    for (from, to) in &entry.binds {
        command.arg(from).arg(to);
    }
    command.arg(entry.folder.as_deref().unwrap_or(Path::new("/")));
    command.arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command.args(["HOME=/root", "LC_ALL=C.UTF-8", "TZ=UTC", "DEBIAN_FRONTEND=noninteractive"]);
    command.args(entry.environment.iter().map(|(name, value)| format!("{name}={value}")));
    command.args(program);
    command
}

/// Runs `program` inside `tree` to its end, its output in the log.
pub(crate) fn run(log: &Log, tree: &Path, entry: &Entry, program: &[&str]) -> Result<()> {
    let mut command = command(tree, entry, program);
    if host::is_root() && entry.emulator.is_some() {
        return log.run_prepared(&mut command, "go\n", map_every_id);
    }
    log.run(&mut command)
}

/// Gives the new user namespace of `process` the ids 0 to 65535 as they are outside. Only root may; everyone else's
/// map is made by `unshare --map-auto` from /etc/subuid.
#[expect(clippy::disallowed_methods, reason = "a poll with a deadline")]
fn map_every_id(process: u32) -> Result<()> {
    let ours = std::fs::read_link("/proc/self/ns/user").context("cannot read our own user namespace")?;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while std::fs::read_link(format!("/proc/{process}/ns/user")).ok().as_ref() == Some(&ours) {
        if std::time::Instant::now() > deadline {
            bail!("cannot enter a user namespace: unshare did not make one within 10 s");
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    for map in ["uid_map", "gid_map"] {
        let path = format!("/proc/{process}/{map}");
        std::fs::write(&path, "0 0 65536\n").with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::Stdio;

    /// Starts a program that would run for an hour from a thread that ends, and returns when nothing of it is left.
    fn start_and_go(entry: Entry) {
        let starter = std::thread::spawn(move || {
            let mut command = command(Path::new("/"), &entry, &["sh", "-c", "echo up; exec sleep 3600"]);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            if host::is_root() && entry.emulator.is_some() {
                map_every_id(child.id()).unwrap();
            }
            child.stdin.take().unwrap().write_all(b"go\n").unwrap();
            let mut output = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            assert_eq!(line, "up\n");
            (child, output)
        });
        let (mut child, mut output) = starter.join().unwrap();
        // Both ends come at once: of the program that we started, and of the last one that holds our pipe.
        assert!(!child.wait().unwrap().success());
        assert_eq!(output.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    #[test]
    fn what_runs_inside_ends_with_the_thread_that_started_it() {
        start_and_go(Entry::default());
    }

    #[test]
    fn what_runs_emulated_ends_with_the_thread_that_started_it() {
        if !host::is_root() {
            println!("SKIPPED: only root makes a user namespace with every id");
            return;
        }
        // The kernel wants a program there; this test runs nothing with it.
        start_and_go(Entry::default().emulate(Path::new("/bin/sh")));
    }
}
