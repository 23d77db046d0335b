//! `slipway local-names`: `/etc/hosts`, from the configuration and the leases in force. systemd-resolved answers from it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use appliance_types::MacAddress;
use host_files::{read_bounded, read_text_bounded, write_atomic};
use local_names::{Leases, LocalNames, hosts};
use serde::de::DeserializeOwned;

/// A few hundred bytes for each of 65,536 leases.
const LIMIT: usize = 32 << 20;

/// resolved looks at the file every two seconds at most, and leases come in crowds. So what came meanwhile is looked for once more
/// before the end: while this runs, systemd does not watch the leases.
const PAUSE: Duration = Duration::from_secs(1);

/// A crowd that does not end is not waited for: systemd starts this again.
const ROUNDS: u32 = 30;

/// Where things are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// What a configuration says. Not there: no configuration is in force.
    names: PathBuf,
    /// What netbootd publishes. Not there: it has given no address yet.
    leases: PathBuf,
    /// What the kernel says of network cards.
    cards: PathBuf,
    /// What is made.
    hosts: PathBuf,
    pause: Duration,
}

impl Places {
    /// On an appliance.
    pub(crate) fn of_the_box() -> Places {
        Places {
            names: "/etc/slipway/local-names.json".into(),
            leases: "/run/slipway/netboot/leases.json".into(),
            cards: "/sys/class/net".into(),
            hosts: "/etc/hosts".into(),
            pause: PAUSE,
        }
    }
}

pub(crate) fn run(places: &Places) -> anyhow::Result<()> {
    for _ in 0..ROUNDS {
        if !make(places)? {
            return Ok(());
        }
        pause(places.pause);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the interval between two looks, of which there are few")]
fn pause(pause: Duration) {
    std::thread::sleep(pause);
}

/// True when something changed.
fn make(places: &Places) -> anyhow::Result<bool> {
    let names: Option<LocalNames> = read(&places.names)?;
    // Whoever wrote them, names of the configuration are there.
    let leases: Option<Leases> = read(&places.leases).unwrap_or_else(|error| {
        println!("leases have no names: {error:#}");
        None
    });
    let mac = names.as_ref().and_then(|names| mac(&places.cards.join(names.interface.as_str())));
    let text = hosts(names.as_ref(), mac, &leases.unwrap_or_default());
    let present = read_bounded(&places.hosts, LIMIT).ok();
    if present.as_deref() == Some(text.as_bytes()) {
        return Ok(false);
    }
    write_atomic(&places.hosts, text.as_bytes(), 0o644)?;
    Ok(true)
}

/// `None`: it is not there.
fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let bytes = match read_bounded(path, LIMIT) {
        Err(error) if error.is_not_found() => return Ok(None),
        bytes => bytes?,
    };
    let value =
        serde_json::from_slice(&bytes).with_context(|| format!("cannot understand {}", path.display()))?;
    Ok(Some(value))
}

/// The MAC address of a card, if it is there.
fn mac(card: &Path) -> Option<MacAddress> {
    read_text_bounded(&card.join("address"), 64).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const OF_THE_IMAGE: &str = include_str!("../../../../buildroot-overlay/etc/hosts");
    const NAMES: &str = r#"{"interface":"eth1","address":"172.20.30.1/24","domain":"internal","gateway_names":["slipway"],
        "hostname_pattern":"till-{mac}","hosts":{"nas":"172.20.30.9"},"reserved":{}}"#;

    fn places(folder: &Path) -> Places {
        fs::create_dir_all(folder.join("eth1")).unwrap();
        fs::write(folder.join("eth1/address"), "52:54:00:12:34:57\n").unwrap();
        fs::write(folder.join("hosts"), OF_THE_IMAGE).unwrap();
        Places {
            names: folder.join("names"),
            leases: folder.join("leases"),
            cards: folder.into(),
            hosts: folder.join("hosts"),
            pause: Duration::ZERO,
        }
    }

    #[test]
    fn the_file_follows_the_configuration_and_the_leases() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        let now = || {
            run(&places).unwrap();
            fs::read_to_string(&places.hosts).unwrap()
        };
        assert_eq!(now(), OF_THE_IMAGE);
        fs::write(&places.names, NAMES).unwrap();
        let configured = now();
        assert!(
            configured.contains("172.20.30.1 slipway.internal slipway till-525400123457.internal"),
            "{configured}"
        );
        assert!(configured.contains("\n172.20.30.9 nas.internal nas\n"), "{configured}");

        let leases = r#"{"leases":[{"mac":"52:54:00:00:00:01","address":"172.20.30.7","hostname":"laptop","expires_ms":9}]}"#;
        fs::write(&places.leases, leases).unwrap();
        assert_eq!(now(), format!("{configured}172.20.30.7 laptop.internal\n"));
        assert!(!make(&places).unwrap(), "the same again is left alone");

        fs::write(&places.leases, "{").unwrap();
        assert_eq!(now(), configured, "what is broken takes no name of the configuration away");
        fs::remove_file(&places.names).unwrap();
        assert_eq!(now(), OF_THE_IMAGE);
    }

    #[test]
    fn a_configuration_that_cannot_be_read_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        fs::write(&places.names, "{}").unwrap();
        let error = format!("{:#}", run(&places).unwrap_err());
        assert!(error.contains("names") && error.contains("missing field"), "{error}");
        assert_eq!(fs::read_to_string(&places.hosts).unwrap(), OF_THE_IMAGE);
    }
}
