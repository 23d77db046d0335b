//! What the machine says on its serial line, as it says it.

use anyhow::{Result, bail};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The serial line of one run of a machine. Also in a file, for the person who looks into a failure.
#[derive(Clone)]
pub struct Serial {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    text: String,
    /// Everything before this was waited for already.
    read: usize,
    /// When the text had reached which length.
    timeline: Vec<(Instant, usize)>,
    closed: bool,
}

impl Serial {
    /// Collects from `pipe` until it ends; copies to `log`.
    pub(crate) fn collect(mut pipe: impl Read + Send + 'static, log: &Path) -> Result<Serial> {
        let serial = Serial { shared: Arc::default() };
        let mut file = File::options().create(true).append(true).open(log)?;
        let writer = serial.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = pipe.read(&mut buffer).unwrap_or(0);
                let _ = file.write_all(&buffer[..count]);
                let mut state = writer.lock();
                if count == 0 {
                    state.closed = true;
                } else {
                    let text = String::from_utf8_lossy(&buffer[..count]).replace('\r', "");
                    state.text.push_str(&text);
                    let length = state.text.len();
                    state.timeline.push((Instant::now(), length));
                }
                writer.shared.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Ok(serial)
    }

    /// Waits until the machine has said `wanted` after everything waited for so far, and returns the whole line.
    ///
    /// # Errors
    /// When it does not within `limit`, or the machine is gone: with the last lines it said.
    pub fn wait_for(&self, wanted: &str, limit: Duration) -> Result<String> {
        self.wait_for_any(&[wanted], limit).map(|(_, line)| line)
    }

    /// As [`Serial::wait_for`] for the first of several; also returns which one.
    ///
    /// # Errors
    /// As [`Serial::wait_for`].
    pub fn wait_for_any(&self, wanted: &[&str], limit: Duration) -> Result<(usize, String)> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            let found = wanted
                .iter()
                .enumerate()
                .filter_map(|(index, word)| state.text[state.read..].find(word).map(|at| (at, index)))
                .min();
            if let Some((at, index)) = found {
                let start = state.read + at;
                let end = start + wanted[index].len();
                // The rest of the line may still be on its way; a reader of numbers wants it whole.
                if let Some(length) = state.text[end..].find('\n') {
                    let begin = state.text[..start].rfind('\n').map_or(0, |at| at + 1);
                    let line = state.text[begin..end + length].to_owned();
                    state.read = end;
                    return Ok((index, line));
                }
            }
            if state.closed {
                bail!(
                    "the machine was gone before it said {wanted:?}. Its last lines:\n{}",
                    tail(&state.text)
                );
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!(
                    "the machine did not say {wanted:?} within {} s. Its last lines:\n{}",
                    limit.as_secs(),
                    tail(&state.text)
                );
            }
            state = self.shared.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the machine has said `wanted`, however long ago: for two things in whichever order they come. What comes next
    /// is waited for from where it was.
    ///
    /// # Errors
    /// As [`Serial::wait_for`].
    pub fn wait_until_said(&self, wanted: &str, limit: Duration) -> Result<()> {
        if self.text().contains(wanted) { Ok(()) } else { self.wait_for(wanted, limit).map(|_| ()) }
    }

    /// Everything said so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// The whole lines said so far, each with the time since `begun` at which it was complete.
    #[must_use]
    pub fn lines(&self, begun: Instant) -> Vec<(Duration, String)> {
        let state = self.lock();
        let mut end = 0;
        let whole = state.text.split_inclusive('\n').filter_map(|line| {
            end += line.len();
            let (at, _) = state.timeline.iter().find(|(_, length)| *length >= end)?;
            Some((at.duration_since(begun), line.strip_suffix('\n')?.to_owned()))
        });
        whole.collect()
    }

    /// How often the machine has said `word` so far.
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        self.lock().text.matches(word).count()
    }

    /// Waits until the line is dead: the machine is off.
    ///
    /// # Errors
    /// When it is still alive after `limit`.
    pub fn wait_closed(&self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        while !state.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!(
                    "the machine is still on after {} s. Its last lines:\n{}",
                    limit.as_secs(),
                    tail(&state.text)
                );
            }
            state = self.shared.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
