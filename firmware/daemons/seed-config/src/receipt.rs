//! What is written back to a stick: what became of the configuration on it, and how to reach the device.
//!
//! One file for each device, so that one stick can seed many. It is text for a person, and TOML for a script.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use appliance_types::Generation;
use host_files::{NetworkCard, Program, network_cards, run_program};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use serde::Serialize;

/// The folder on the stick.
pub(crate) const FOLDER: &str = "slipway-receipts";

/// Asking for addresses and keys takes a moment, or does not work.
const LIMIT: Duration = Duration::from_secs(20);

const HEADING: &str =
    "# What a Slipway device made of the configuration on this stick. Written by the device.\n";

/// The receipt. Plain values before lists, as TOML wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Receipt {
    /// What became of it.
    pub(crate) result: Verdict,
    /// Why not, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// By the device's clock; left out while nobody has set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<String>,
    /// The id the device is known by.
    pub(crate) device: String,
    /// Its serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serial: Option<String>,
    /// Slipway's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Its exact build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<String>,
    /// The file that was laid over the common configuration for this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) overlay: Option<String>,
    /// The number of the configuration on the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<Generation>,
    /// `eth0 192.0.2.5/24`.
    pub(crate) addresses: Vec<String>,
    /// As `ssh` shows them at the first connection.
    pub(crate) ssh_host_keys: Vec<String>,
    /// What is wrong with the configuration, each with file, line and column.
    pub(crate) problems: Vec<String>,
    /// What did not stop it.
    pub(crate) warnings: Vec<String>,
}

/// What became of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// It is in force.
    Accepted,
    /// It is not valid.
    Refused,
    /// It is valid and did not work.
    Failed,
}

impl Receipt {
    /// The file's content.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        // For Windows' notepad of old, and harmless everywhere else.
        let text = toml::to_string_pretty(self).context("cannot write the receipt as TOML")?;
        Ok(format!("{HEADING}{text}").replace('\n', "\r\n"))
    }

    /// Its file name.
    pub(crate) fn file_name(&self, mac: Option<appliance_types::MacAddress>) -> String {
        let stem = mac.map_or_else(|| self.device.clone(), |mac| mac.to_string().replace(':', "-"));
        format!("{stem}.txt")
    }
}

/// Puts a receipt onto a stick that is mounted, writable, at `root`; on the stick when this returns.
///
/// Nothing below `root` is trusted: each step is taken from an open folder, and follows no link.
pub(crate) fn write(root: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let folder_flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = rustix::fs::open(root, folder_flags, Mode::empty()).context("cannot open the stick")?;
    match rustix::fs::mkdirat(&root, FOLDER, Mode::from(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error).with_context(|| format!("cannot create {FOLDER}")),
    }
    let folder = rustix::fs::openat(&root, FOLDER, folder_flags, Mode::empty())
        .with_context(|| format!("cannot open {FOLDER}"))?;
    put(&folder, name, text).with_context(|| format!("cannot write {FOLDER}/{name}"))?;
    rustix::fs::fsync(&root).context("cannot sync the stick")
}

/// Writes a new file and renames it over the old one: a full stick keeps the receipt it has.
fn put(folder: &OwnedFd, name: &str, text: &str) -> anyhow::Result<()> {
    let partial = format!("{name}.partial");
    let remove = || match rustix::fs::unlinkat(folder, &partial, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    };
    remove()?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let written = rustix::fs::openat(folder, &partial, flags, Mode::from(0o644))
        .map_err(anyhow::Error::from)
        .and_then(|file| {
            let mut file = fs::File::from(file);
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            Ok(file.sync_all()?)
        });
    if let Err(error) = written {
        let _best_effort = remove();
        return Err(error);
    }
    rustix::fs::renameat(folder, &partial, folder, name)?;
    Ok(rustix::fs::fsync(folder)?)
}

/// The addresses of the cards, as `eth0 192.0.2.5/24`.
pub(crate) fn addresses() -> anyhow::Result<Vec<String>> {
    Ok(of_cards(&network_cards()?))
}

fn of_cards(cards: &[NetworkCard]) -> Vec<String> {
    let cards = cards.iter().filter(|card| card.name.starts_with("eth"));
    cards.flat_map(|card| card.addresses.iter().map(|address| format!("{} {address}", card.name))).collect()
}

/// The fingerprints of the SSH host keys in `folder`, in the order of their files.
pub(crate) fn host_keys(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut keys: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    keys.retain(|path| path.extension().is_some_and(|extension| extension == "pub"));
    keys.sort();
    keys.iter()
        .map(|key| {
            let told = run_program(&Program::new("ssh-keygen").arg("-lf").arg(key).timeout(LIMIT))?;
            Ok(told.stdout.trim().to_owned())
        })
        .collect()
}

/// `2026-11-22T15:03:11Z`
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    let (days, second) = (unix_ms / 86_400_000, unix_ms / 1000 % 86_400);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Days since 1970 as year, month, day, counted in eras of 400 years from March on, so that the leap day is a year's last
/// day (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_files::CardAddress;

    fn receipt() -> Receipt {
        Receipt {
            result: Verdict::Refused,
            reason: Some("refused: config.toml:3:1: no such key \"usres\"".to_owned()),
            time: Some(rfc3339(1_795_360_991_000)),
            device: "525400123456".to_owned(),
            serial: None,
            version: Some("0.1.0".to_owned()),
            build: Some("0.1.0-3fa9c12d01".to_owned()),
            overlay: None,
            generation: None,
            addresses: vec!["eth0 192.0.2.5/24".to_owned()],
            ssh_host_keys: vec!["256 SHA256:abc no comment (ED25519)".to_owned()],
            problems: vec!["config.toml:3:1: no such key \"usres\"".to_owned()],
            warnings: vec![],
        }
    }

    #[test]
    fn s07_part_a_receipt_is_text_for_a_person_and_toml_for_a_script() {
        let expected = r##"# What a Slipway device made of the configuration on this stick. Written by the device.
result = "refused"
reason = 'refused: config.toml:3:1: no such key "usres"'
time = "2026-11-22T15:23:11Z"
device = "525400123456"
version = "0.1.0"
build = "0.1.0-3fa9c12d01"
addresses = ["eth0 192.0.2.5/24"]
ssh_host_keys = ["256 SHA256:abc no comment (ED25519)"]
problems = ['config.toml:3:1: no such key "usres"']
warnings = []
"##;
        let text = receipt().text().unwrap();
        assert_eq!(text.replace("\r\n", "\n"), expected);
        let read: toml::Table = text.parse().unwrap();
        assert_eq!(read["result"].as_str(), Some("refused"));
    }

    #[test]
    fn the_file_is_named_after_the_device() {
        let mac = Some("52:54:00:12:34:56".parse().unwrap());
        assert_eq!(receipt().file_name(mac), "52-54-00-12-34-56.txt");
        assert_eq!(receipt().file_name(None), "525400123456.txt");
    }

    #[test]
    fn a_receipt_replaces_the_one_before_it_and_follows_no_link() {
        let stick = tempfile::tempdir().unwrap();
        write(stick.path(), "a.txt", "one").unwrap();
        write(stick.path(), "a.txt", "two").unwrap();
        let folder = stick.path().join(FOLDER);
        assert_eq!(fs::read_to_string(folder.join("a.txt")).unwrap(), "two");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

        let secret = tempfile::NamedTempFile::new().unwrap();
        std::os::unix::fs::symlink(secret.path(), folder.join("a.txt.partial")).unwrap();
        write(stick.path(), "a.txt", "three").unwrap();
        assert_eq!(fs::read_to_string(secret.path()).unwrap(), "");
        assert_eq!(fs::read_to_string(folder.join("a.txt")).unwrap(), "three");

        let other = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), other.path().join(FOLDER)).unwrap();
        let error = write(other.path(), "a.txt", "one").unwrap_err();
        assert_eq!(error.to_string(), format!("cannot open {FOLDER}"));
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn addresses_are_those_of_cards_and_not_of_the_machine_itself() {
        let card = |name: &str, addresses: &[(&str, u8)]| NetworkCard {
            name: name.to_owned(),
            state: "UP".to_owned(),
            mac: String::new(),
            addresses: addresses
                .iter()
                .map(|(local, prefix)| CardAddress { local: local.parse().unwrap(), prefix: *prefix })
                .collect(),
        };
        let cards = [
            card("lo", &[("127.0.0.1", 8)]),
            card("eth0", &[("192.0.2.5", 24), ("fe80::1", 64)]),
            card("eth1", &[]),
        ];
        assert_eq!(of_cards(&cards), ["eth0 192.0.2.5/24", "eth0 fe80::1/64"]);
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00Z");
    }
}
