//! What was written, read into the shape of one version of the format. Types are right here and every key is one that
//! exists; whether the values make sense is asked afterwards.

mod activation;
mod containers;
mod health;
pub(crate) mod keys;
mod network;
mod secrets;
mod services;
mod users;

pub(crate) use activation::RawActivation;
pub(crate) use containers::{
    RawContainer, RawContainers, RawEntry, RawPod, RawResource, RawSection, RawValue,
};
pub(crate) use health::{RawCheck, RawHealth};
pub(crate) use network::{
    RawDnsmasq, RawHost, RawInterface, RawList, RawNetwork, RawPorts, RawStaticLease, RawVlan,
};
pub(crate) use secrets::{RawLogin, RawSecrets};
pub(crate) use services::{RawDevices, RawNetboot, RawOsUpgrade, RawUpdates};
pub(crate) use users::{RawUser, RawUsers};

use crate::Code;
use crate::document::{Document, Value};
use crate::reader::{Field, Table};
use crate::report::{At, Report};

/// The versions of the format that this Slipway reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The one AtomixOS began.
    V1,
}

impl Version {
    /// The version of a document. Without one, nothing else in it can be judged.
    pub(crate) fn of(document: &Document, report: &Report<'_>) -> Option<Version> {
        const HINT: &str = "write `version = 1`";
        let mut root = Table::root(document, report);
        let version = root.required("version", HINT)?;
        match version.node.value {
            Value::Integer(1) => Some(Version::V1),
            Value::Integer(other) => {
                let message = format!("this Slipway reads version 1, not {other}");
                report.problem(&version.spot, Code::UnknownVersion, message);
                None
            }
            _ => {
                let message = format!("the version is the integer 1, not {}", version.node.value.kind());
                report.hinted(&version.spot, Code::UnknownVersion, message, HINT);
                None
            }
        }
    }
}

/// A document of version 1.
#[derive(Debug)]
pub(crate) struct RawV1 {
    /// `None`: missing or unreadable, and reported.
    pub(crate) users: Option<RawUsers>,
    pub(crate) network: RawNetwork,
    pub(crate) containers: RawContainers,
    pub(crate) activation: Option<RawActivation>,
    pub(crate) secrets: RawSecrets,
    pub(crate) health: RawHealth,
    pub(crate) updates: Option<RawUpdates>,
    pub(crate) os_upgrade: Option<RawOsUpgrade>,
    pub(crate) netboot: Option<RawNetboot>,
    pub(crate) devices: Option<RawDevices>,
}

impl RawV1 {
    /// Reads a document of version 1.
    pub(crate) fn read(document: &Document, report: &Report<'_>) -> RawV1 {
        let mut root = Table::root(document, report);
        let _read_before = root.take("version");
        let users = root
            .required("users", "name at least one administrator with a key: [users.admin]")
            .and_then(Field::table)
            .map(|table| RawUsers::read(&table, report));
        let mut table = |key| root.take(key).and_then(Field::table);
        let raw = RawV1 {
            users,
            network: table("network").map(RawNetwork::read).unwrap_or_default(),
            containers: table("containers").map(RawContainers::read).unwrap_or_default(),
            activation: table("activation").map(RawActivation::read),
            secrets: table("secrets").map(RawSecrets::read).unwrap_or_default(),
            health: table("health").map(RawHealth::read).unwrap_or_default(),
            updates: table("updates").map(RawUpdates::read),
            os_upgrade: table("os_upgrade").map(RawOsUpgrade::read),
            netboot: table("netboot").map(RawNetboot::read),
            devices: table("devices").map(RawDevices::read),
        };
        root.finish();
        raw
    }
}

/// Tables below a key, each with a name of the owner's choice.
fn named<T>(table: &mut Table<'_>, key: &'static str, read: impl Fn(At<String>, Table<'_>) -> T) -> Vec<T> {
    let Some(names) = table.take(key).and_then(Field::table) else { return Vec::new() };
    let read = |(name, field): (&str, Field<'_>)| {
        let name = At { spot: field.key.clone(), value: name.to_owned() };
        Some(read(name, field.table()?))
    };
    names.fields().filter_map(read).collect()
}

/// An array of strings.
fn strings(field: Field<'_>) -> Option<At<Vec<At<String>>>> {
    field.array(Field::string)
}
