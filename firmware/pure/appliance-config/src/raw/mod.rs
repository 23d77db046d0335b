//! What was written, read into the shape of one version of the format. Types are right here and every key is one that
//! exists; whether the values make sense is asked afterwards.

mod activation;
mod containers;
pub(crate) mod keys;
mod network;
mod users;

pub(crate) use activation::RawActivation;
pub(crate) use containers::{RawContainer, RawContainers, RawEntry, RawResource, RawSection, RawValue};
pub(crate) use network::{
    RawDnsmasq, RawHost, RawInterface, RawList, RawNetwork, RawPorts, RawStaticLease, RawVlan,
};
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
        let network = root.take("network").and_then(Field::table).map(RawNetwork::read);
        let containers = root.take("containers").and_then(Field::table).map(RawContainers::read);
        let activation = root.take("activation").and_then(Field::table);
        root.not_supported(
            "os_upgrade",
            "this Slipway does not fetch updates by itself yet; remove the table",
        );
        let raw = RawV1 {
            users,
            network: network.unwrap_or_default(),
            containers: containers.unwrap_or_default(),
            activation: activation.map(RawActivation::read),
        };
        root.finish();
        raw
    }
}

/// An array of strings.
fn strings(field: Field<'_>) -> Option<At<Vec<At<String>>>> {
    field.array(Field::string)
}
