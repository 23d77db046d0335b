//! `slipway status`: the state of this appliance, gathered from where each fact lives.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use appliance_types::SlotName;
use disk_image::boot_state::BootState;
use host_files::{
    BootReport, BootStateStore, BuildFacts, FactsError, NetworkCard, ProvisioningReport, VerdictReport,
    network_cards, uptime_ms, wall_clock_ms,
};
use serde::Serialize;

use crate::arguments::StatusOptions;
use crate::status_text;
use crate::system::{self, DATA, ENV};

pub(crate) fn run(options: &StatusOptions) -> anyhow::Result<()> {
    let status = gather();
    let text = if options.json {
        format!("{}\n", serde_json::to_string_pretty(&status).context("cannot write JSON")?)
    } else {
        status_text::in_words(&status)
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the status")
}

/// Everything `slipway status` knows. What could not be found out is `None`, and `unknown` says why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    pub(crate) build: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) board: Option<String>,
    pub(crate) boot: Option<BootReport>,
    pub(crate) slot: Option<SlotStatus>,
    /// Whether it has a configuration; `None` while nothing says so yet.
    pub(crate) provisioning: Option<ProvisioningReport>,
    /// What is thought of this boot; `None` while nothing is.
    pub(crate) verdict: Option<VerdictReport>,
    pub(crate) up_since_unix_s: Option<u64>,
    pub(crate) uptime_s: u64,
    pub(crate) data: DataStatus,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) failed_units: Option<Vec<String>>,
    /// What could not be found out, and why.
    pub(crate) unknown: Vec<String>,
}

/// What the boot state says about the running slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SlotStatus {
    pub(crate) name: SlotName,
    pub(crate) tries_left: u8,
    pub(crate) confirmed: bool,
    pub(crate) order: String,
}

/// The data partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DataStatus {
    pub(crate) mounted: bool,
    pub(crate) device: Option<String>,
    pub(crate) size_bytes: Option<u64>,
    pub(crate) free_bytes: Option<u64>,
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Interface {
    pub(crate) name: String,
    /// The kernel's word: `UP` (carrier), `DOWN`, `UNKNOWN`.
    pub(crate) state: String,
    pub(crate) mac: String,
    /// With prefix length: `192.0.2.5/24`.
    pub(crate) addresses: Vec<String>,
}

/// Asks every source; one that does not answer costs its own facts only.
pub(crate) fn gather() -> Status {
    let mut unknown = Vec::new();
    let build =
        note(BuildFacts::read(Path::new(BuildFacts::PATH)).map_err(Into::into), "the build", &mut unknown);
    let boot = note(system::boot_report(), "this boot", &mut unknown);
    let slot = boot.as_ref().and_then(|boot| note(slot_status(boot.slot), "the boot state", &mut unknown));
    let provisioning = ProvisioningReport::read(Path::new(ProvisioningReport::PATH));
    let provisioning = note(if_there(provisioning), "the configuration", &mut unknown).flatten();
    let verdict = VerdictReport::read(Path::new(VerdictReport::PATH));
    let verdict = note(if_there(verdict), "the verdict", &mut unknown).flatten();
    let data = note(data_status(), "the data partition", &mut unknown).unwrap_or_default();
    let interfaces = note(interfaces(), "the network", &mut unknown).unwrap_or_default();
    let failed_units = note(system::failed_units(), "failed units", &mut unknown);
    let uptime_s = uptime_ms() / 1000;
    Status {
        build: build.as_ref().map(|facts| facts.build.to_string()),
        version: build.as_ref().map(|facts| facts.version.clone()),
        board: build.map(|facts| facts.board),
        boot,
        slot,
        provisioning,
        verdict,
        up_since_unix_s: wall_clock_ms().map(|now| (now / 1000).saturating_sub(uptime_s)),
        uptime_s,
        data,
        interfaces,
        failed_units,
        unknown,
    }
}

/// Notes why something is not known.
fn note<T>(found: anyhow::Result<T>, what: &str, unknown: &mut Vec<String>) -> Option<T> {
    let one_line = |error: anyhow::Error| format!("{error:#}").lines().collect::<Vec<_>>().join("; ");
    found.map_err(|error| unknown.push(format!("{what}: {}", one_line(error)))).ok()
}

/// A report that is not there yet is no failure: whoever writes it has not got that far.
fn if_there<T>(report: Result<T, FactsError>) -> anyhow::Result<Option<T>> {
    match report {
        Ok(report) => Ok(Some(report)),
        Err(FactsError::Read(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn slot_status(name: SlotName) -> anyhow::Result<SlotStatus> {
    let [env0, env1] = ENV.map(Path::new);
    Ok(judge_slot(name, &BootStateStore::open_read_only(env0, env1)?.read()?.state()))
}

fn judge_slot(name: SlotName, state: &BootState) -> SlotStatus {
    SlotStatus {
        name,
        tries_left: state.left(name).get(),
        confirmed: state.is_confirmed(name),
        order: state.order.to_string(),
    }
}

fn data_status() -> anyhow::Result<DataStatus> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot list what is mounted")?;
    let Some(device) = mounted_at(&mounts, DATA) else { return Ok(DataStatus::default()) };
    let space = rustix::fs::statvfs(DATA).with_context(|| format!("cannot measure {DATA}"))?;
    Ok(DataStatus {
        mounted: true,
        device: Some(device),
        size_bytes: Some(space.f_blocks * space.f_frsize),
        free_bytes: Some(space.f_bavail * space.f_frsize),
    })
}

/// What is mounted at `target`: the last line wins, as the last mount covers the others.
fn mounted_at(mounts: &str, target: &str) -> Option<String> {
    let mut lines = mounts.lines().map(|line| line.split(' '));
    let rows = lines.by_ref().filter_map(|mut words| Some((words.next()?, words.next()?)));
    rows.filter(|(_, at)| *at == target).last().map(|(device, _)| device.to_owned())
}

fn interfaces() -> anyhow::Result<Vec<Interface>> {
    Ok(of_cards(network_cards()?))
}

/// The cards (`eth0`, `eth1`, …) in the order of their numbers.
fn of_cards(cards: Vec<NetworkCard>) -> Vec<Interface> {
    let cards = cards.into_iter().filter(|card| card.name.starts_with("eth"));
    let mut interfaces: Vec<Interface> = cards
        .map(|card| Interface {
            name: card.name,
            state: card.state,
            mac: card.mac,
            addresses: card.addresses.iter().map(ToString::to_string).collect(),
        })
        .collect();
    interfaces.sort_by(|a, b| (a.name.len(), &a.name).cmp(&(b.name.len(), &b.name)));
    interfaces
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_files::CardAddress;

    #[test]
    fn cards_are_in_the_order_of_their_numbers() {
        let card = |name: &str| NetworkCard {
            name: name.to_owned(),
            state: "UP".to_owned(),
            mac: "02:00:00:00:00:00".to_owned(),
            addresses: vec![CardAddress { local: "10.0.2.15".parse().unwrap(), prefix: 24 }],
        };
        let interfaces = of_cards(["lo", "eth10", "eth1", "eth0"].map(card).into());
        let names: Vec<&str> = interfaces.iter().map(|card| card.name.as_str()).collect();
        assert_eq!(names, ["eth0", "eth1", "eth10"]);
        assert_eq!(interfaces[0].addresses, ["10.0.2.15/24"]);
    }

    #[test]
    fn the_last_mount_at_a_place_counts() {
        let mounts = "overlay / overlay rw 0 0\n/dev/vda9 /data f2fs rw 0 0\n/dev/vda10 /data f2fs rw 0 0\n";
        assert_eq!(mounted_at(mounts, "/data").as_deref(), Some("/dev/vda10"));
        assert_eq!(mounted_at(mounts, "/boot"), None);
        assert_eq!(mounted_at("", "/"), None);
    }

    #[test]
    fn a_slot_is_judged_by_the_boot_state() {
        let factory = judge_slot(SlotName::A, &BootState::factory());
        let expected =
            SlotStatus { name: SlotName::A, tries_left: 9, confirmed: true, order: "A".to_owned() };
        assert_eq!(factory, expected);
        assert!(!judge_slot(SlotName::B, &BootState::factory()).confirmed);
    }

    #[test]
    fn what_cannot_be_found_out_is_said_with_its_reason() {
        let mut unknown = Vec::new();
        let found: Option<()> = note(
            Err(anyhow::anyhow!("no such file\nnowhere").context("cannot read x")),
            "the build",
            &mut unknown,
        );
        assert_eq!(
            (found, unknown),
            (None, vec!["the build: cannot read x: no such file; nowhere".to_owned()])
        );
    }

    #[test]
    fn a_report_that_is_not_there_yet_is_no_failure_but_a_damaged_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("verdict.json");
        assert!(if_there(VerdictReport::read(&path)).unwrap().is_none());
        std::fs::write(&path, "{").unwrap();
        assert!(if_there(VerdictReport::read(&path)).is_err());
    }

    #[test]
    fn gathering_works_on_a_machine_that_is_no_appliance() {
        let status = gather();
        assert!(status.build.is_none() && status.uptime_s > 0);
        assert!(status.unknown.iter().any(|line| line.starts_with("the build: ")), "{:?}", status.unknown);
    }
}
