use crate::document::Value;
use crate::reader::{Field, Table};
use crate::report::{At, Spot};

use super::named;

/// `[containers]`.
#[derive(Debug, Default)]
pub(crate) struct RawContainers {
    pub(crate) containers: Vec<RawContainer>,
    pub(crate) networks: Vec<RawResource>,
    pub(crate) volumes: Vec<RawResource>,
    pub(crate) images: Vec<RawResource>,
    pub(crate) builds: Vec<RawResource>,
    pub(crate) pods: Vec<RawPod>,
}

/// `[containers.container.NAME]`.
#[derive(Debug)]
pub(crate) struct RawContainer {
    pub(crate) name: At<String>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) privileged: Option<At<bool>>,
    pub(crate) unit: Option<RawSection>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) container: Option<RawSection>,
    pub(crate) service: Option<RawSection>,
    pub(crate) install: Option<RawSection>,
}

/// `[containers.pod.NAME]`.
#[derive(Debug)]
pub(crate) struct RawPod {
    pub(crate) name: At<String>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) privileged: Option<At<bool>>,
    pub(crate) unit: Option<RawSection>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) pod: Option<RawSection>,
    pub(crate) service: Option<RawSection>,
    pub(crate) install: Option<RawSection>,
}

/// `[containers.network.NAME]`, and the same for `volume`, `image` and `build`.
#[derive(Debug)]
pub(crate) struct RawResource {
    pub(crate) name: At<String>,
    /// `None`: missing or unreadable, and reported.
    pub(crate) section: Option<RawSection>,
}

/// A section of a Quadlet unit, with any keys.
#[derive(Debug)]
pub(crate) struct RawSection {
    pub(crate) name: &'static str,
    pub(crate) spot: Spot,
    /// Sorted by key.
    pub(crate) entries: Vec<RawEntry>,
}

/// A key of a section. Its place is the key's.
#[derive(Debug)]
pub(crate) struct RawEntry {
    pub(crate) key: At<String>,
    /// At least one.
    pub(crate) values: Vec<At<RawValue>>,
}

/// A value of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RawValue {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

impl RawContainers {
    pub(super) fn read(mut table: Table<'_>) -> RawContainers {
        let containers = RawContainers {
            containers: named(&mut table, "container", container),
            networks: named(&mut table, "network", |name, table| resource(name, table, "Network")),
            volumes: named(&mut table, "volume", |name, table| resource(name, table, "Volume")),
            images: named(&mut table, "image", |name, table| resource(name, table, "Image")),
            builds: named(&mut table, "build", |name, table| resource(name, table, "Build")),
            pods: named(&mut table, "pod", pod),
        };
        table.not_supported("kube", "this Slipway reads no Kubernetes files; write containers");
        table.finish();
        containers
    }
}

const PRIVILEGED: &str = "`privileged = false` runs it as the application user, `true` as root";

fn container(name: At<String>, mut table: Table<'_>) -> RawContainer {
    let [unit, service, install] = beside(&mut table);
    let container = RawContainer {
        name,
        privileged: table.required("privileged", PRIVILEGED).and_then(Field::boolean),
        unit,
        container: required(&mut table, "Container"),
        service,
        install,
    };
    table.finish();
    container
}

fn pod(name: At<String>, mut table: Table<'_>) -> RawPod {
    let [unit, service, install] = beside(&mut table);
    let pod = RawPod {
        name,
        privileged: table.required("privileged", PRIVILEGED).and_then(Field::boolean),
        unit,
        pod: required(&mut table, "Pod"),
        service,
        install,
    };
    table.finish();
    pod
}

/// The sections of systemd's.
fn beside(table: &mut Table<'_>) -> [Option<RawSection>; 3] {
    ["Unit", "Service", "Install"].map(|name| table.take(name).and_then(|field| section(name, field)))
}

fn resource(name: At<String>, mut table: Table<'_>, kind: &'static str) -> RawResource {
    let section = required(&mut table, kind);
    for other in ["Unit", "Service", "Install"] {
        table.not_supported(other, "only containers and pods have this section");
    }
    table.finish();
    RawResource { name, section }
}

fn required(table: &mut Table<'_>, name: &'static str) -> Option<RawSection> {
    let field = table.required(name, &format!("every unit has its section `{name}`, even an empty one"))?;
    section(name, field)
}

fn section(name: &'static str, field: Field<'_>) -> Option<RawSection> {
    let table = field.table()?;
    let entry = |(key, field): (&str, Field<'_>)| {
        let key = At { spot: field.key.clone(), value: key.to_owned() };
        let values = values(field)?;
        // What is wrong in an array was reported; the rest of it alone would be something else.
        (!values.is_empty()).then_some(RawEntry { key, values })
    };
    let entries = table.fields().filter_map(entry).collect();
    Some(RawSection { name, spot: table.spot().clone(), entries })
}

fn values(field: Field<'_>) -> Option<Vec<At<RawValue>>> {
    match &field.node.value {
        Value::Array(values) if values.is_empty() => field.wrong_type("at least one value"),
        Value::Array(_) => field.array(|field| one(&field)).map(|values| values.value),
        _ => one(&field).map(|value| vec![value]),
    }
}

fn one(field: &Field<'_>) -> Option<At<RawValue>> {
    let value = match &field.node.value {
        Value::String(text) => RawValue::Text(text.clone()),
        Value::Integer(integer) => RawValue::Integer(*integer),
        Value::Boolean(boolean) => RawValue::Boolean(*boolean),
        _ => return field.wrong_type("a string, an integer, a boolean, or an array of them"),
    };
    Some(At { spot: field.spot.clone(), value })
}
