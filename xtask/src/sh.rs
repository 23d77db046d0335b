//! The only place that runs programs. The whole command line stands in every error, the output goes to a
//! log, and what takes longer than two seconds says what it is doing.

use anyhow::{Context as _, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// How often a step that is still running says so when nobody sees a live line (a CI log).
const HEARTBEAT: Duration = Duration::from_secs(20);

/// A program to run, with its arguments. `clippy.toml` keeps `Command::new` to this file.
#[allow(clippy::disallowed_methods)]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}

/// Runs `command` to its end and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = describe(command);
    let result = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !result.status.success() {
        bail!("`{line}` failed ({}): {}", result.status, String::from_utf8_lossy(&result.stderr).trim());
    }
    String::from_utf8(result.stdout).with_context(|| format!("`{line}` printed something that is not text"))
}

/// Whether a program of this name is on the search path.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir| dir.join(program).is_file())
}

/// A log file, and a live line that shows its newest line.
pub(crate) struct Log {
    path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl Log {
    /// Starts a new log at `path`.
    pub(crate) fn create(path: PathBuf) -> Result<Log> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(&path);
        let file = file.with_context(|| format!("cannot create the log {}", path.display()))?;
        Ok(Log { path, file: Arc::new(Mutex::new(file)) })
    }

    /// Runs `command`, its output going to the log, its newest line to the terminal.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        self.supervise(command, None, |_| Ok(()))
    }

    /// As [`Log::run`], with `prepare` done to the started process (by id) before `input` reaches it.
    pub(crate) fn run_prepared(
        &self,
        command: &mut Command,
        input: &str,
        prepare: impl FnOnce(u32) -> Result<()>,
    ) -> Result<()> {
        self.supervise(command, Some(input.as_bytes()), prepare)
    }

    fn supervise(
        &self,
        command: &mut Command,
        input: Option<&[u8]>,
        prepare: impl FnOnce(u32) -> Result<()>,
    ) -> Result<()> {
        let line = describe(command);
        self.note(&format!("$ {line}"));
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{line}`"))?;
        let prepared = prepare(child.id());
        if prepared.is_err() {
            let _ = child.kill();
            let _ = child.wait();
            return prepared;
        }
        let (sender, lines) = mpsc::channel();
        let mut readers = Vec::new();
        for pipe in [child.stdout.take().map(either), child.stderr.take().map(either)].into_iter().flatten() {
            readers.push(std::thread::spawn(copy_lines(pipe, Arc::clone(&self.file), sender.clone())));
        }
        drop(sender);
        let mut stdin = child.stdin.take();
        if let (Some(pipe), Some(bytes)) = (stdin.as_mut(), input) {
            // A program that does not read its input is not an error of ours: its exit status tells.
            let _ = pipe.write_all(bytes);
        }
        drop(stdin);
        show_progress(&lines);
        for reader in readers {
            let _ = reader.join();
        }
        let status = child.wait().with_context(|| format!("cannot wait for `{line}`"))?;
        if !status.success() {
            bail!(
                "`{line}` failed ({status}). The end of {}:\n{}",
                self.path.display(),
                last_lines(&self.path, 15)
            );
        }
        Ok(())
    }

    /// Writes a line of our own into the log.
    pub(crate) fn note(&self, text: &str) {
        if let Ok(mut file) = self.file.lock() {
            let _ = writeln!(file, "{text}");
        }
    }
}

/// The command line as one would type it. A script among the arguments would bury the message it stands in.
pub(crate) fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let short = |word: &std::ffi::OsStr| {
        let word = word.to_string_lossy();
        if word.contains('\n') { "<script>".to_owned() } else { word.chars().take(200).collect() }
    };
    words.map(short).collect::<Vec<_>>().join(" ")
}

fn either(pipe: impl std::io::Read + Send + 'static) -> Box<dyn std::io::Read + Send> {
    Box::new(pipe)
}

fn copy_lines(
    pipe: Box<dyn std::io::Read + Send>,
    file: Arc<Mutex<File>>,
    lines: mpsc::Sender<String>,
) -> impl FnOnce() + Send {
    move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            if let Ok(mut file) = file.lock() {
                let _ = file.write_all(&bytes);
            }
            let _ = lines.send(String::from_utf8_lossy(&bytes).trim_end().to_owned());
            bytes.clear();
        }
    }
}

/// Shows the newest line until the senders are gone: rewritten in place on a terminal, else now and then.
fn show_progress(lines: &mpsc::Receiver<String>) {
    let terminal = std::io::stderr().is_terminal();
    let begun = Instant::now();
    let mut said = Instant::now();
    let mut newest = String::new();
    loop {
        match lines.recv_timeout(Duration::from_millis(500)) {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => newest = line,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        let elapsed = begun.elapsed().as_secs();
        if elapsed < 2 {
            continue;
        }
        let short: String = newest.chars().filter(|c| !c.is_control()).take(90).collect();
        if terminal {
            eprint!("\r\x1b[K      {elapsed} s  {short}");
        } else if said.elapsed() >= HEARTBEAT {
            said = Instant::now();
            eprintln!("      {elapsed} s  {short}");
        }
    }
    if terminal {
        eprint!("\r\x1b[K");
    }
}

fn last_lines(path: &Path, count: usize) -> String {
    let text =
        std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(count)..];
    tail.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_shows_what_it_said() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::create(dir.path().join("step.log")).unwrap();
        let error =
            log.run(command("sh").args(["-c", "echo no such board >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("`sh -c echo no such board >&2; exit 3` failed (exit status: 3)"), "{error}");
        assert!(error.contains("    no such board"), "{error}");
    }

    #[test]
    fn input_reaches_the_program_and_output_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("step.log");
        let log = Log::create(path.clone()).unwrap();
        log.run_prepared(&mut command("cat"), "seven slots", |_| Ok(())).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "$ cat\nseven slots");
    }
}
