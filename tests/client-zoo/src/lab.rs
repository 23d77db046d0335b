//! A server and a client machine on a wire between them: two network namespaces that nobody else sees and that are gone
//! with the process.

use std::ffi::OsStr;
use std::fs::File;
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::thread::LinkNameSpaceType;

/// A network namespace.
pub struct Namespace {
    /// Holds it open. Ends when its input does, so also when we are killed.
    holder: Child,
}

/// A server, a client, and a wire. The server's end is `srv`, 10.99.0.1/16; the client's is `cli`, 10.99.0.2/16.
pub struct Lab {
    /// Where the server under test runs.
    pub server: Namespace,
    /// Where its clients run.
    pub client: Namespace,
}

/// The server's address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// The client's address.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);
/// The server's interface.
pub const SERVER_LINK: &str = "srv";
/// The client's interface.
pub const CLIENT_LINK: &str = "cli";

/// Why no lab can be made on this machine, if so.
#[must_use]
pub fn unavailable() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root makes network namespaces".to_owned());
    }
    let missing = ["unshare", "nsenter", "ip"].into_iter().find(|program| find_program(program).is_none());
    missing.map(|program| format!("`{program}` is not installed"))
}

/// Where a program is.
#[must_use]
pub fn find_program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

impl Lab {
    /// Makes it.
    ///
    /// # Errors
    /// We may not, or a tool fails.
    pub fn new() -> Result<Lab> {
        let lab = Lab { server: Namespace::new()?, client: Namespace::new()? };
        let peer = lab.client.process().to_string();
        let link = ["link", "add", SERVER_LINK, "type", "veth", "peer", "name", CLIENT_LINK, "netns", &peer];
        lab.server.ip(&link)?;
        for (namespace, link, address) in
            [(&lab.server, SERVER_LINK, SERVER), (&lab.client, CLIENT_LINK, CLIENT)]
        {
            namespace.ip(&["addr", "add", &format!("{address}/16"), "dev", link])?;
            namespace.ip(&["link", "set", link, "up"])?;
        }
        Ok(lab)
    }
}

impl Namespace {
    fn new() -> Result<Namespace> {
        // `cat` says something once it runs, so that nobody looks at the namespace before it is there.
        let mut holder = command("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up; echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start unshare")?;
        let mut byte = [0];
        let ready = holder.stdout.as_mut().map(|pipe| std::io::Read::read(pipe, &mut byte));
        let namespace = Namespace { holder };
        ensure!(matches!(ready, Some(Ok(1))), "cannot make a network namespace");
        Ok(namespace)
    }

    /// The process that holds it open.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.holder.id()
    }

    /// A program, to be run in it.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = command("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.process())).arg("--").arg(program);
        command
    }

    /// Runs a program in it, to its end.
    ///
    /// # Errors
    /// It cannot be started or fails: with its command line and what it said.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self.command(program).args(arguments).output();
        let output = output.with_context(|| format!("cannot start {program}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{program} {} failed ({}): {}", arguments.join(" "), output.status, said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs `ip` in it.
    ///
    /// # Errors
    /// As [`Namespace::run`].
    pub fn ip(&self, arguments: &[&str]) -> Result<String> {
        self.run("ip", arguments)
    }

    /// Runs `work` on a thread inside of it: its sockets are on this wire.
    ///
    /// # Panics
    /// When `work` does, or the thread cannot enter.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let path = format!("/proc/{}/ns/net", self.process());
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let namespace =
                    File::open(&path).unwrap_or_else(|error| panic!("cannot open {path}: {error}"));
                rustix::thread::move_into_link_name_space(
                    std::os::fd::AsFd::as_fd(&namespace),
                    Some(LinkNameSpaceType::Network),
                )
                .unwrap_or_else(|error| panic!("cannot enter {path}: {error}"));
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _gone = self.holder.kill();
        let _gone = self.holder.wait();
    }
}

#[allow(clippy::disallowed_methods, reason = "the zoo's one place that starts programs")]
fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}
