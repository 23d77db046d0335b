//! The way in of an operator: OpenSSH's client, over a forwarded port.

use crate::Testbed;
use crate::config::ADMIN;
use anyhow::{Context as _, Result, ensure};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// One attempt to connect: an emulated machine takes seconds for the handshake alone.
const CONNECT: Duration = Duration::from_secs(30);

/// A key pair.
pub struct KeyPair {
    path: PathBuf,
    public: String,
}

impl KeyPair {
    /// A new one in `folder`.
    ///
    /// # Errors
    /// When `ssh-keygen` fails.
    pub fn new(testbed: &Testbed, folder: &Path) -> Result<KeyPair> {
        let path = folder.join("id_ed25519");
        testbed.tool(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "story", "-f", &text(&path)])?;
        KeyPair::at(&path)
    }

    /// One made before.
    ///
    /// # Errors
    /// When its public half cannot be read.
    pub fn at(path: &Path) -> Result<KeyPair> {
        let public = path.with_extension("pub");
        let public =
            std::fs::read_to_string(&public).with_context(|| format!("cannot read {}", public.display()))?;
        Ok(KeyPair { path: path.to_owned(), public: public.trim().to_owned() })
    }

    /// The public half, as it stands in a configuration.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }
}

/// A user's way into one machine.
pub struct Ssh {
    testbed: Testbed,
    key: PathBuf,
    port: u16,
}

impl Ssh {
    /// The administrator of the stories' configurations, through this port of loopback.
    #[must_use]
    pub fn admin(testbed: &Testbed, key: &KeyPair, port: u16) -> Ssh {
        Ssh { testbed: testbed.clone(), key: key.path.clone(), port }
    }

    /// Waits until a login works.
    ///
    /// # Errors
    /// When none does within `limit`: with what the last attempt said.
    pub fn wait(&self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            match self.run("true", CONNECT) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    return Err(error.context(format!("no login works after {} s", limit.as_secs())));
                }
                Err(_) => pause(),
            }
        }
    }

    /// What a login says that is expected to fail.
    ///
    /// # Errors
    /// When it succeeds.
    pub fn refused(&self) -> Result<String> {
        let output = self.output("true", b"", CONNECT)?;
        ensure!(!output.status.success(), "a login worked");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Runs a shell command as the user and returns what it printed.
    ///
    /// # Errors
    /// When it fails, or takes longer than `limit`: with what it said.
    pub fn run(&self, command: &str, limit: Duration) -> Result<String> {
        self.feed(command, b"", limit)
    }

    /// Runs a shell command as root, by the way the appliance has for it.
    ///
    /// # Errors
    /// As [`Ssh::run`].
    pub fn root(&self, command: &str, limit: Duration) -> Result<String> {
        self.feed_root(command, b"", limit)
    }

    /// As [`Ssh::root`], with these bytes on the command's input.
    ///
    /// # Errors
    /// As [`Ssh::run`].
    pub fn feed_root(&self, command: &str, input: &[u8], limit: Duration) -> Result<String> {
        self.feed(&format!("run0 --no-ask-password -- sh -c {}", quoted(command)), input, limit)
    }

    /// Runs a `podman` command as the application user.
    ///
    /// # Errors
    /// As [`Ssh::run`].
    pub fn app(&self, command: &str, limit: Duration) -> Result<String> {
        // No `exec`: the program that keeps run0's PAM session waits for its parent to die, and does not learn of it when that
        // has become another user.
        let words = format!(
            "cd / && setpriv --reuid=900 --regid=900 --init-groups env -i PATH=/usr/bin:/usr/sbin \
             HOME=/data/containers/app XDG_RUNTIME_DIR=/run/user/900 \
             DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/900/bus {command}"
        );
        self.root(&words, limit)
    }

    fn feed(&self, command: &str, input: &[u8], limit: Duration) -> Result<String> {
        let output = self.output(command, input, limit)?;
        ensure!(
            output.status.success(),
            "`{command}` failed over ssh ({}): {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn output(&self, command: &str, input: &[u8], limit: Duration) -> Result<Output> {
        let (seconds, port) = (limit.as_secs().to_string(), self.port.to_string());
        let (key, user) = (text(&self.key), format!("{ADMIN}@127.0.0.1"));
        let mut child = self
            .testbed
            .command(&[
                "timeout",
                &seconds,
                "ssh",
                "-i",
                &key,
                "-p",
                &port,
                "-o",
                "BatchMode=yes",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "LogLevel=ERROR",
                "-o",
                "ConnectTimeout=20",
                &user,
                command,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start ssh")?;
        let mut pipe = child.stdin.take().context("ssh has no input")?;
        let input = input.to_vec();
        // In a thread of its own: ssh may want its output read before it takes all of the input.
        let writer = std::thread::spawn(move || {
            // A command that does not read its input is not an error of ours: its exit status tells.
            let _ = pipe.write_all(&input);
        });
        let output = child.wait_with_output().context("cannot wait for ssh")?;
        let _ = writer.join();
        Ok(output)
    }
}

/// One word of a shell's command line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[expect(clippy::disallowed_methods, reason = "the poll inside a wait with a deadline")]
fn pause() {
    std::thread::sleep(Duration::from_secs(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_word_to_the_other_shell() {
        assert_eq!(quoted("echo 'a b'"), r"'echo '\''a b'\'''");
    }
}
