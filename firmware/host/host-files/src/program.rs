//! Running other programs: an argument list, never a shell line; a time limit; the whole story in the error.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// How much of each output stream is kept, in bytes. What comes after is read and dropped, so that a
/// talkative program neither fills memory nor blocks on a full pipe.
pub const OUTPUT_LIMIT: usize = 256 * 1024;

/// How long output is waited for after the program itself has ended: something it left running in the
/// background may hold the pipes open for ever.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// Where programs are looked for when the caller's environment has no `PATH` (udev's has none).
const DEFAULT_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to run, with its arguments and its time limit.
#[derive(Debug, Clone)]
pub struct Program {
    name: OsString,
    arguments: Vec<OsString>,
    timeout: Duration,
}

/// How a program ended by itself, and what it has printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status, or the signal that ended it.
    pub status: ExitStatus,
    /// What it has printed.
    pub output: Output,
}

/// What a program has printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Standard output, at most [`OUTPUT_LIMIT`] bytes, bytes that are not UTF-8 replaced.
    pub stdout: String,
    /// Standard error, the same.
    pub stderr: String,
}

/// Why a program did not do its work. Every message holds the full command line.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It could not be started at all.
    #[error("cannot start `{command}`")]
    Start {
        /// The command line.
        command: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// It was started and could not be followed to its end.
    #[error("cannot wait for `{command}`")]
    Wait {
        /// The command line.
        command: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// It ended with another status than 0, or by a signal.
    #[error("`{command}` failed ({status}){}", said(.stderr))]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said on standard error, trimmed.
        stderr: String,
    },
    /// It ran longer than its limit and was killed, with everything it had started.
    #[error("`{command}` did not end within {} s and was killed{}", .timeout.as_secs_f32(), said(.stderr))]
    TimedOut {
        /// The command line.
        command: String,
        /// The limit.
        timeout: Duration,
        /// What it had said on standard error, trimmed.
        stderr: String,
    },
}

impl Program {
    /// A program by name (looked up in `PATH`) or by path, with no arguments and a limit of 10 seconds.
    pub fn new(name: impl AsRef<OsStr>) -> Program {
        Program { name: name.as_ref().to_owned(), arguments: Vec::new(), timeout: Duration::from_secs(10) }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Program {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets the time limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Program {
        self.timeout = timeout;
        self
    }
}

/// Shows the command line as a person would type it, for messages.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(f, &self.name)?;
        self.arguments.iter().try_for_each(|argument| {
            f.write_str(" ")?;
            write_word(f, argument)
        })
    }
}

/// Runs a program to its end, in `/`, with nothing on standard input and messages in English. Any status but 0 is an error.
///
/// Both output streams are captured. Past the time limit the program and all it has started (its process
/// group) are killed.
pub fn run_program(program: &Program) -> Result<Output, ProgramError> {
    let Ended { status, output } = run_program_to_end(program)?;
    if !status.success() {
        let (command, stderr) = (program.to_string(), output.stderr.trim().to_owned());
        return Err(ProgramError::Failed { command, status, stderr });
    }
    Ok(output)
}

/// As [`run_program`], for a program that answers with its status: no status is an error.
pub fn run_program_to_end(program: &Program) -> Result<Ended, ProgramError> {
    let command = program.to_string();
    let wait_error = |source| ProgramError::Wait { command: command.clone(), source };

    let mut child =
        start(program).map_err(|source| ProgramError::Start { command: command.clone(), source })?;
    let stdout = child.stdout.take().map(read_in_background);
    let stderr = child.stderr.take().map(read_in_background);

    let ended_in_time = wait_until(&child, program.timeout).map_err(|error| wait_error(error.into()))?;
    if !ended_in_time {
        kill_group(&child);
    }
    let status = child.wait().map_err(wait_error)?;
    let output = Output { stdout: collect(stdout), stderr: collect(stderr) };

    if !ended_in_time {
        let stderr = output.stderr.trim().to_owned();
        return Err(ProgramError::TimedOut { command, timeout: program.timeout, stderr });
    }
    Ok(Ended { status, output })
}

#[expect(clippy::disallowed_methods, reason = "this is the one function that runs programs")]
fn start(program: &Program) -> io::Result<Child> {
    let mut command = Command::new(&program.name);
    command
        .args(&program.arguments)
        .current_dir("/")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that a kill reaches what it started too.
        .process_group(0);
    if std::env::var_os("PATH").is_none() {
        command.env("PATH", DEFAULT_PATH);
    }
    command.spawn()
}

/// True when the child ended before the limit. Waits on a pidfd, so there is no polling interval.
fn wait_until(child: &Child, timeout: Duration) -> rustix::io::Result<bool> {
    let pidfd = pidfd_open(pid_of(child), PidfdFlags::empty())?;
    let deadline = std::time::Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let left = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        match poll(&mut [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)], Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            answer => return answer.map(|ready| ready > 0),
        }
    }
}

/// Kills the child's process group. An error means that it is gone already, which is what we want.
fn kill_group(child: &Child) {
    let _gone = kill_process_group(pid_of(child), Signal::KILL);
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// One output stream of a running program.
struct Capture {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Closed when the stream has ended.
    end: Receiver<()>,
}

fn read_in_background(mut stream: impl Read + Send + 'static) -> Capture {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (running, end) = mpsc::channel::<()>();
    let filled = Arc::clone(&kept);
    thread::spawn(move || {
        let _running = running;
        let mut buffer = [0; 8192];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => {
                    let mut kept = filled.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = OUTPUT_LIMIT - kept.len();
                    kept.extend_from_slice(&buffer[..count.min(room)]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What was said so far is still worth reporting; the exit status decides about success.
                Err(_) => return,
            }
        }
    });
    Capture { kept, end }
}

fn collect(capture: Option<Capture>) -> String {
    let Some(Capture { kept, end }) = capture else { return String::new() };
    let _ended_or_not = end.recv_timeout(OUTPUT_GRACE);
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&kept).into_owned()
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

fn write_word(f: &mut fmt::Formatter<'_>, word: &OsStr) -> fmt::Result {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { f.write_str(&word) } else { write!(f, "{word:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn shell(script: &str) -> Program {
        Program::new("sh").args(["-c", script])
    }

    #[test]
    fn both_outputs_are_captured() {
        let output = run_program(&shell("echo out; echo err >&2")).unwrap();
        assert_eq!(output, Output { stdout: "out\n".into(), stderr: "err\n".into() });
    }

    #[test]
    fn a_failure_tells_command_line_status_and_what_the_program_said() {
        let error = run_program(&shell("echo no such slot >&2; exit 3")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c \"echo no such slot >&2; exit 3\"` failed (exit status: 3): no such slot"
        );
    }

    #[test]
    fn a_program_that_answers_with_its_status_is_heard() {
        let ended = run_program_to_end(&shell("echo no; exit 1")).unwrap();
        assert_eq!((ended.status.code(), ended.output.stdout.as_str()), (Some(1), "no\n"));
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let error = run_program(&Program::new("/nonexistent/tool").arg("now")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `/nonexistent/tool now`");
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children_and_what_it_said_is_kept() {
        let before = Instant::now();
        // The child of the shell holds the pipes open; only killing the whole group ends the wait.
        let program = shell("echo working >&2; sleep 600 & wait").timeout(Duration::from_millis(300));
        let error = run_program(&program).unwrap_err();
        assert!(before.elapsed() < Duration::from_secs(30), "took {:?}", before.elapsed());
        assert!(matches!(&error, ProgramError::TimedOut { stderr, .. } if stderr == "working"), "{error}");
        assert!(error.to_string().contains("did not end within 0.3 s and was killed: working"), "{error}");
    }

    #[test]
    fn something_left_running_in_the_background_does_not_hold_us_up() {
        let before = Instant::now();
        let output = run_program(&shell("echo started; setsid sleep 20 &")).unwrap();
        assert_eq!(output.stdout, "started\n");
        assert!(before.elapsed() < Duration::from_secs(15), "took {:?}", before.elapsed());
    }

    #[test]
    fn output_past_the_limit_is_dropped_and_the_program_still_ends() {
        let output = run_program(&shell("yes | head -c 1000000")).unwrap();
        assert_eq!(output.stdout.len(), OUTPUT_LIMIT);
    }

    #[test]
    fn arguments_are_passed_as_they_are() {
        let tricky = "a b; $(echo x) 'y' \"z\"";
        let output = run_program(&Program::new("printf").arg("%s").arg(tricky)).unwrap();
        assert_eq!(output.stdout, tricky);
    }

    #[test]
    fn a_command_line_is_quoted_only_where_it_must_be() {
        assert_eq!(Program::new("ip").args(["link", "set", "eth0"]).to_string(), "ip link set eth0");
        assert_eq!(Program::new("echo").args(["", "a b"]).to_string(), "echo \"\" \"a b\"");
    }
}
