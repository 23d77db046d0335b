//! The PID 1 of a test slot: says that it is up and does what the kernel command line says.
//!
//! It stands where the system's init would: after early-boot, or alone in an initramfs. First it prints one line,
//! `test-slot: up slot=A token=… last_resort=1 …`: every `key=value` of the command line, those of RAUC and Slipway
//! without their prefix. Then:
//!
//! | On the command line | What it does |
//! |---|---|
//! | `test.services_up=1` | leaves `/run/slipway/services-up`, as the system does when it is up |
//! | `test.pet=1` | pets the watchdog every 5 s; without it, an armed watchdog resets the machine |
//! | `test.action=panic` | makes the kernel panic |
//! | `test.action=exit` | ends, which makes the kernel panic too |
//! | `test.action=hang` | does nothing more, not even pet the watchdog |
//! | `test.action=reboot`, `poweroff` | does that |
//! | nothing | waits |

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, reboot};

fn main() {
    if let Err(error) = run() {
        say(&format!("failed: {error:#}"));
    }
    // PID 1 ends here, and with it the machine: the kernel panics.
}

fn run() -> Result<()> {
    mount_what_is_missing()?;
    let command_line = fs::read_to_string("/proc/cmdline").context("cannot read the kernel command line")?;
    let words = Words::of(&command_line);
    say(&format!("up {words}"));
    if words.is_on("test.services_up") {
        fs::create_dir_all("/run/slipway").context("cannot create /run/slipway")?;
        fs::write("/run/slipway/services-up", "").context("cannot create /run/slipway/services-up")?;
    }
    match words.get("test.action") {
        None => wait(words.is_on("test.pet")),
        Some("hang") => wait(false),
        Some("exit") => Ok(()),
        Some("panic") => fs::write("/proc/sysrq-trigger", "c").context("cannot make the kernel panic"),
        Some("reboot") => end(RebootCommand::Restart),
        Some("poweroff") => end(RebootCommand::PowerOff),
        Some(other) => bail!("test.action={other} is not one of hang, panic, exit, reboot, poweroff"),
    }
}

/// After early-boot everything is there; alone in an initramfs, nothing is.
fn mount_what_is_missing() -> Result<()> {
    for (kind, target, a_file_in_it) in [
        ("devtmpfs", "/dev", "/dev/kmsg"),
        ("proc", "/proc", "/proc/cmdline"),
        ("tmpfs", "/run", "/run/slipway"),
    ] {
        if !Path::new(a_file_in_it).exists() {
            fs::create_dir_all(target).with_context(|| format!("cannot create {target}"))?;
            mount(kind, target, kind, MountFlags::empty(), None)
                .with_context(|| format!("cannot mount {target}"))?;
        }
    }
    Ok(())
}

/// Prints a line on the console.
fn say(text: &str) {
    let line = format!("test-slot: {text}\n");
    let console = OpenOptions::new().write(true).open("/dev/console");
    let _if_there_is_one = console.and_then(|mut console| console.write_all(line.as_bytes()));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a watchdog is petted at intervals; the machine's end is the deadline"
)]
fn wait(pets: bool) -> Result<()> {
    let mut watchdog = match pets {
        true => Some(File::create("/dev/watchdog").context("cannot open the watchdog")?),
        false => None,
    };
    loop {
        match &mut watchdog {
            Some(watchdog) => watchdog.write_all(b".").context("cannot pet the watchdog")?,
            None => std::thread::park(),
        }
        std::thread::sleep(Duration::from_secs(5));
    }
}

fn end(how: RebootCommand) -> Result<()> {
    rustix::fs::sync();
    reboot(how).context("cannot end the machine")
}

/// The `key=value` words of the command line, in order. A key without a value has `1`.
#[derive(Debug, PartialEq, Eq)]
struct Words(Vec<(String, String)>);

impl Words {
    fn of(command_line: &str) -> Words {
        let pairs = command_line.split_whitespace().map(|word| word.split_once('=').unwrap_or((word, "1")));
        Words(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn is_on(&self, key: &str) -> bool {
        self.get(key) == Some("1")
    }
}

impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The slot first: it is what every story waits for.
        let mut pairs: Vec<_> = self.0.iter().collect();
        pairs.sort_by_key(|(key, _)| key != "rauc.slot");
        for (index, (key, value)) in pairs.into_iter().enumerate() {
            let short = key.strip_prefix("slipway.").or(key.strip_prefix("rauc.")).unwrap_or(key);
            let blank = if index == 0 { "" } else { " " };
            write!(f, "{blank}{short}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_starts_with_the_slot_and_repeats_every_key() {
        let words = Words::of("quiet rauc.slot=B slipway.token=x slipway.last_resort=1 test.action=hang\n");
        assert_eq!(words.to_string(), "slot=B quiet=1 token=x last_resort=1 test.action=hang");
        assert_eq!(Words::of("").to_string(), "");
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        let words = Words::of("test.pet=0 test.pet=1 test.action=panic test.action=reboot");
        assert!(words.is_on("test.pet"));
        assert!(!words.is_on("test.services_up"));
        assert_eq!(words.get("test.action"), Some("reboot"));
    }
}
