//! Running other programs: an argument list, never a shell line; a time limit; the whole story in the error.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// How much of each output stream is kept, in bytes, unless [`Program::output_limit`] says otherwise. What comes after is
/// read and dropped, so that a talkative program neither fills memory nor blocks on a full pipe.
pub const OUTPUT_LIMIT: usize = 256 * 1024;

/// How long output is waited for after the program itself has ended: something it left running in the
/// background may hold the pipes open for ever.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// Where programs are looked for when the caller's environment has no `PATH` (udev's has none).
const DEFAULT_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The user that rootless containers belong to. The image makes it.
pub const APP_USER_NAME: &str = "slipway-app";
/// Its number, and its group's.
pub const APP_USER_ID: u32 = 900;
/// Its home; Podman's rootless store is below it.
pub const APP_USER_HOME: &str = "/data/containers/app";

/// A program to run, with its arguments and its time limit.
#[derive(Debug, Clone)]
pub struct Program {
    name: OsString,
    arguments: Vec<OsString>,
    timeout: Duration,
    output_limit: usize,
    environment: Vec<(OsString, OsString)>,
    stdin: Option<PathBuf>,
    as_app_user: bool,
    shows_errors: bool,
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
    /// Standard output up to the limit, bytes that are not UTF-8 replaced.
    pub stdout: String,
    /// Standard error, the same.
    pub stderr: String,
}

/// Why a program did not do its work. Every message holds the full command line.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// What it is to read could not be opened.
    #[error("cannot open {path} for `{command}`")]
    Stdin {
        /// The command line.
        command: String,
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
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
        Program {
            name: name.as_ref().to_owned(),
            arguments: Vec::new(),
            timeout: Duration::from_secs(10),
            output_limit: OUTPUT_LIMIT,
            environment: Vec::new(),
            stdin: None,
            as_app_user: false,
            shows_errors: false,
        }
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

    /// Sets how many bytes of each output stream are kept.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Program {
        self.output_limit = bytes;
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Program {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Has it read this file from standard input. We open it, so it may be one that the program's user cannot open.
    #[must_use]
    pub fn stdin_file(mut self, path: impl Into<PathBuf>) -> Program {
        self.stdin = Some(path.into());
        self
    }

    /// Has `runner` run it: its name and arguments become the last arguments of that program. What else was asked for here is
    /// forgotten, so it is asked for afterwards.
    #[must_use]
    pub fn below(self, runner: Program) -> Program {
        runner.arg(self.name).args(self.arguments)
    }

    /// Lets what it says on standard error go where ours goes, as it comes: a person is waiting and wants to see how far it is.
    #[must_use]
    pub fn show_errors(mut self) -> Program {
        self.shows_errors = true;
        self
    }

    /// Runs it as the application user, in that user's session: with nothing of our environment, but with what finds the
    /// user's service manager and Podman's files. Only root can do that, and the user must be in `/etc/passwd`.
    ///
    /// `setpriv` and not `su` or `systemd-run`: no PAM session, no shell, no unit of its own, and the program's exit status
    /// is the one we see.
    #[must_use]
    pub fn as_app_user(mut self) -> Program {
        self.as_app_user = true;
        self
    }

    /// What is really started: the program, or what becomes the application user and then the program.
    fn command_line(&self) -> Vec<Cow<'_, OsStr>> {
        let mut line: Vec<Cow<'_, OsStr>> = Vec::new();
        if self.as_app_user {
            let user = format!("--reuid={APP_USER_ID}");
            let group = format!("--regid={APP_USER_ID}");
            line.push(OsStr::new("setpriv").into());
            line.extend([user, group].map(|option| Cow::Owned(option.into())));
            line.extend(["--init-groups", "--"].map(|word| Cow::Borrowed(OsStr::new(word))));
        }
        line.push(self.name.as_os_str().into());
        line.extend(self.arguments.iter().map(|argument| argument.as_os_str().into()));
        line
    }
}

/// Shows the command line as a person would type it, for messages.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.command_line().iter().enumerate().try_for_each(|(at, word)| {
            if at > 0 {
                f.write_str(" ")?;
            }
            write_word(f, word)
        })
    }
}

/// Runs a program to its end, in `/`, with nothing on standard input unless asked for, and messages in English. Any status
/// but 0 is an error.
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

    let stdin = match &program.stdin {
        Some(path) => Stdio::from(File::open(path).map_err(|source| ProgramError::Stdin {
            command: command.clone(),
            path: path.clone(),
            source,
        })?),
        None => Stdio::null(),
    };
    let mut child =
        start(program, stdin).map_err(|source| ProgramError::Start { command: command.clone(), source })?;
    let limit = program.output_limit;
    let stdout = child.stdout.take().map(|stream| read_in_background(stream, limit));
    let stderr = child.stderr.take().map(|stream| read_in_background(stream, limit));

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
fn start(program: &Program, stdin: Stdio) -> io::Result<Child> {
    let line = program.command_line();
    let mut command = Command::new(&line[0]);
    if program.as_app_user {
        command.env_clear().envs(app_user_environment());
    }
    command
        .args(&line[1..])
        .current_dir("/")
        .env("LC_ALL", "C.UTF-8")
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(if program.shows_errors { Stdio::inherit() } else { Stdio::piped() })
        // A group of its own, so that a kill reaches what it started too.
        .process_group(0);
    if !program.as_app_user && std::env::var_os("PATH").is_none() {
        command.env("PATH", DEFAULT_PATH);
    }
    command.spawn()
}

fn app_user_environment() -> [(&'static str, String); 6] {
    let runtime = format!("/run/user/{APP_USER_ID}");
    [
        ("PATH", DEFAULT_PATH.to_owned()),
        ("HOME", APP_USER_HOME.to_owned()),
        ("USER", APP_USER_NAME.to_owned()),
        ("LOGNAME", APP_USER_NAME.to_owned()),
        ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={runtime}/bus")),
        ("XDG_RUNTIME_DIR", runtime),
    ]
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

fn read_in_background(mut stream: impl Read + Send + 'static, limit: usize) -> Capture {
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
                    let room = limit - kept.len();
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
    fn a_larger_limit_keeps_more() {
        let output = run_program(&shell("yes | head -c 1000000").output_limit(2_000_000)).unwrap();
        assert_eq!(output.stdout.len(), 1_000_000);
    }

    #[test]
    fn a_file_is_read_and_a_missing_one_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, "from a file").unwrap();
        assert_eq!(run_program(&Program::new("cat").stdin_file(&path)).unwrap().stdout, "from a file");
        let error = run_program(&Program::new("cat").stdin_file("/nonexistent")).unwrap_err();
        assert_eq!(error.to_string(), "cannot open /nonexistent for `cat`");
    }

    #[test]
    fn the_environment_is_added_to() {
        let output = run_program(&shell("echo $GREETING").env("GREETING", "hello")).unwrap();
        assert_eq!(output.stdout, "hello\n");
    }

    #[test]
    fn the_application_user_gets_a_command_line_in_front() {
        let program = Program::new("podman").args(["load", "--quiet"]).as_app_user().as_app_user();
        assert_eq!(
            program.to_string(),
            "setpriv --reuid=900 --regid=900 --init-groups -- podman load --quiet"
        );
    }

    #[test]
    fn the_application_user_has_its_own_environment_and_none_of_ours() {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: becoming another user needs root");
            return;
        }
        // This machine has no user 900 whose groups could be looked up; a `setpriv` in front takes that option away.
        let folder = tempfile::tempdir().unwrap();
        let stand_in = folder.path().join("setpriv");
        std::fs::write(
            &stand_in,
            "#!/bin/sh\nshift 4\nexec /usr/bin/setpriv --reuid=900 --regid=900 --clear-groups -- \"$@\"\n",
        )
        .unwrap();
        std::fs::set_permissions(&stand_in, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let path = format!("{}:{DEFAULT_PATH}", folder.path().display());
        let input = folder.path().join("secret");
        std::fs::write(&input, "only root can open this\n").unwrap();
        std::fs::set_permissions(&input, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let program = shell("id -u; id -g; cat; env | sort | grep -v ^PATH= | grep -v ^PWD=")
            .as_app_user()
            .env("PATH", path)
            .env("EXTRA", "1")
            .stdin_file(&input);
        let output = run_program(&program).unwrap();
        let expected = [
            "900",
            "900",
            "only root can open this",
            "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/900/bus",
            "EXTRA=1",
            "HOME=/data/containers/app",
            "LC_ALL=C.UTF-8",
            "LOGNAME=slipway-app",
            "USER=slipway-app",
            "XDG_RUNTIME_DIR=/run/user/900",
        ];
        let lines: Vec<&str> = output.stdout.lines().filter(|line| !line.starts_with("_=")).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_program_can_be_run_by_another() {
        let inner = Program::new("printf").args(["%s", "it's"]);
        let program = inner.below(Program::new("env").arg("--"));
        assert_eq!(program.to_string(), r#"env -- printf %s "it's""#);
        assert_eq!(run_program(&program).unwrap().stdout, "it's");
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
