//! Asks what an owner says must work, once, and says in one sentence why it does not.
//!
//! | Probe | Asked how |
//! |---|---|
//! | HTTP | one `GET` in HTTP/1.0, no redirect followed; its status and, where asked for, a text in its body |
//! | TCP | a connection, and nothing is sent |
//! | command | a program that ends with 0: in a container, or on the device as the application user |
//! | unit | active, as its service manager says |
//!
//! Each has its own time and never takes longer. Whoever waits for something to become well asks again and again; a unit's
//! restarts are theirs to count, because one look does not see them.

#![forbid(unsafe_code)]

mod http;
mod socket;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use appliance_types::{HealthSet, Mode, Probe, ProbeCheck, ProbeContainer, ProbeHost, ProbeName};
use host_files::{Manager, Program, run_program, unit_states};

/// Why a probe is not well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("probe {probe}: {why}")]
pub struct Unwell {
    /// Which one.
    pub probe: ProbeName,
    /// What it found, on one line.
    pub why: String,
}

/// Asks all of them at the same time. The first that is not well, in the order of their names.
///
/// # Errors
/// That one.
pub fn ask_all(health: &HealthSet) -> Result<(), Unwell> {
    let answers: Vec<Result<(), Unwell>> = thread::scope(|scope| {
        let asked: Vec<_> = health
            .probes
            .iter()
            .map(|(name, probe)| {
                scope.spawn(move || {
                    ask(probe).map_err(|why| Unwell { probe: name.clone(), why: one_line(&why) })
                })
            })
            .collect();
        let answer = |asked: thread::ScopedJoinHandle<'_, _>| asked.join().unwrap_or(Ok(()));
        asked.into_iter().map(answer).collect()
    });
    answers.into_iter().collect()
}

/// Asks once.
///
/// # Errors
/// What it found instead.
pub fn ask(probe: &Probe) -> Result<(), String> {
    let limit = probe.timeout();
    match probe.check.clone() {
        ProbeCheck::Http { host, port, target, status, contains } => {
            let place = format!("http://{host}:{port}{target}");
            let question = http::Question { host: host.to_string(), port, target, status, contains };
            let asked = within(limit, move || http::ask(&name(&host), &question, limit));
            asked.map_err(|why| format!("{place}: {why}"))
        }
        ProbeCheck::Tcp { host, port } => {
            let place = format!("{host}:{port}");
            let asked = within(limit, move || socket::connect(&name(&host), port, limit).map(drop));
            asked.map_err(|why| format!("{place}: {why}"))
        }
        ProbeCheck::Command { words, container } => command(&words, container.as_ref(), limit),
        ProbeCheck::Unit { unit, mode } => is_active(&unit, mode),
    }
}

/// A name is looked up by the system, which has limits of its own: what takes longer than ours is left behind.
fn within(limit: Duration, work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    let (answer, asked) = mpsc::channel();
    thread::spawn(move || {
        // Nobody listens any more when it took too long.
        let _late = answer.send(work());
    });
    match asked.recv_timeout(limit) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {} s", limit.as_secs())),
        Err(RecvTimeoutError::Disconnected) => Err("the question could not be asked".to_owned()),
    }
}

fn command(words: &[String], container: Option<&ProbeContainer>, limit: Duration) -> Result<(), String> {
    let program = match container {
        Some(container) => {
            let podman = Program::new("podman").args(["exec", &container.podman_name]).args(words);
            match container.mode {
                Mode::Rootful => podman,
                Mode::Rootless => podman.as_app_user(),
            }
        }
        None => {
            let (first, rest) = words.split_first().ok_or_else(|| "there is no program to run".to_owned())?;
            Program::new(first).args(rest).as_app_user()
        }
    };
    run_program(&program.timeout(limit)).map(drop).map_err(|error| error.to_string())
}

fn is_active(unit: &str, mode: Mode) -> Result<(), String> {
    let manager = match mode {
        Mode::Rootful => Manager::System,
        Mode::Rootless => Manager::AppUser,
    };
    let states = unit_states(manager, &[unit]).map_err(|error| error.to_string())?;
    match states.first() {
        Some(state) if state.active == "active" => Ok(()),
        Some(state) => Err(format!("{unit} is {} ({})", state.active, state.sub)),
        None => Err(format!("systemd knows no {unit}")),
    }
}

/// As the system looks it up: without the brackets of a URL.
fn name(host: &ProbeHost) -> String {
    match host {
        ProbeHost::Address(address) => address.to_string(),
        ProbeHost::Name(name) => name.clone(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
