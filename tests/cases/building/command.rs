//! A command that takes minutes, followed line by line, interrupted when the story wants it.

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A program of this machine (the tools tree's are run with `Testbed::command`).
#[expect(clippy::disallowed_methods, reason = "this is the helper that runs programs")]
pub(super) fn new(program: &str) -> Command {
    Command::new(program)
}

/// A started command, in a process group of its own as under a shell. Dropping it kills it.
pub(super) struct Running {
    what: String,
    child: Child,
    lines: Receiver<(Instant, String)>,
    said: Vec<(Instant, String)>,
    begun: Instant,
}

/// What a command said and how long it took.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// Both outputs.
    pub(super) lines: Vec<String>,
    pub(super) took: Duration,
    /// The longest time without a line.
    pub(super) silence: Duration,
}

impl Running {
    /// Starts it. It cannot outlive this thread.
    pub(super) fn start(command: &Command) -> Result<Running> {
        let what = describe(command);
        // A test that is killed for taking too long runs no destructors.
        let mut started = new("setpriv");
        started.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            started.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => started.env(name, value),
                None => started.env_remove(name),
            };
        }
        let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
        started.stdin(Stdio::null()).stdout(writer.try_clone().context("cannot copy a pipe")?).stderr(writer);
        let child = started.process_group(0).spawn().with_context(|| format!("cannot start {what}"))?;
        // Our copies of the writing end go with it: the lines end when the last process that could write is gone.
        drop(started);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).split(b'\n').map_while(std::io::Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Ok(Running { what, child, lines, said: Vec::new(), begun: Instant::now() })
    }

    /// Waits until it says a line with `wanted` in it. `false`: it ended without.
    pub(super) fn wait_for(&mut self, wanted: &str, limit: Duration) -> Result<bool> {
        let deadline = Instant::now() + limit;
        loop {
            match self.next(deadline) {
                Some(Some(line)) if line.contains(wanted) => return Ok(true),
                Some(Some(_)) => {}
                Some(None) => return Ok(false),
                None => bail!("{} did not say {wanted:?} within {limit:?}:\n{}", self.what, self.tail()),
            }
        }
    }

    /// Lets it run for `time`, or until it ends.
    pub(super) fn run_for(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Some(Some(_)) = self.next(deadline) {}
    }

    /// Presses Ctrl-C: the signal goes to the whole process group, as a terminal sends it.
    pub(super) fn interrupt(&self) -> Result<()> {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let group = group.context("a process id that is none")?;
        match rustix::process::kill_process_group(group, Signal::INT) {
            // It ended in this very moment.
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot interrupt {}", self.what)),
        }
    }

    /// Waits for its end, whatever that is.
    pub(super) fn finish(mut self, limit: Duration) -> Result<Ended> {
        let deadline = Instant::now() + limit;
        while let Some(line) = self.next(deadline) {
            if line.is_none() {
                let status = self.child.wait().with_context(|| format!("cannot wait for {}", self.what))?;
                return Ok(self.ended(status));
            }
        }
        bail!("{} has not ended after {limit:?}:\n{}", self.what, self.tail())
    }

    /// As [`Running::finish`], and it must succeed.
    pub(super) fn succeed(self, limit: Duration) -> Result<Ended> {
        let what = self.what.clone();
        let ended = self.finish(limit)?;
        ensure!(ended.status.success(), "{what} failed ({}):\n{}", ended.status, ended.lines.join("\n"));
        Ok(ended)
    }

    /// What it said last.
    pub(super) fn tail(&self) -> String {
        let lines: Vec<&str> = self.said.iter().map(|(_, line)| line.as_str()).collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// The next line; inside, `None` at the end; outside, at the deadline.
    fn next(&mut self, deadline: Instant) -> Option<Option<String>> {
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((at, line)) => {
                self.said.push((at, line.clone()));
                Some(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Some(None),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }

    fn ended(&mut self, status: ExitStatus) -> Ended {
        let end = Instant::now();
        let times: Vec<Instant> =
            [self.begun].into_iter().chain(self.said.iter().map(|(at, _)| *at)).chain([end]).collect();
        let silence = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
        let lines = self.said.drain(..).map(|(_, line)| line).collect();
        Ended { status, lines, took: end - self.begun, silence }
    }
}

/// The command line, without the scripts in it.
fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(std::ffi::OsStr::to_string_lossy).filter(|word| !word.contains('\n'));
    format!("`{}`", words.collect::<Vec<_>>().join(" "))
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
