use crate::reader::{Field, Table};
use crate::report::At;

use super::{named, strings};

/// `[health]`.
#[derive(Debug, Default)]
pub(crate) struct RawHealth {
    pub(crate) probes: Vec<RawProbe>,
}

/// `[health.KIND.NAME]`.
#[derive(Debug)]
pub(crate) struct RawProbe {
    pub(crate) name: At<String>,
    pub(crate) timeout_seconds: Option<At<i64>>,
    /// `None`: something of it is missing or unreadable, and reported.
    pub(crate) check: Option<RawCheck>,
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum RawCheck {
    Http { url: At<String>, status: Vec<At<i64>>, contains: Option<At<String>> },
    Tcp { address: At<String> },
    Command { words: At<Vec<At<String>>>, container: Option<At<String>> },
    Unit { unit: At<String> },
}

impl RawHealth {
    pub(super) fn read(mut table: Table<'_>) -> RawHealth {
        let mut probes = named(&mut table, "http", |name, table| probe(name, table, http));
        probes.extend(named(&mut table, "tcp", |name, table| probe(name, table, tcp)));
        probes.extend(named(&mut table, "command", |name, table| probe(name, table, command)));
        probes.extend(named(&mut table, "unit", |name, table| probe(name, table, unit)));
        table.finish();
        RawHealth { probes }
    }
}

fn probe(name: At<String>, mut table: Table<'_>, read: fn(&mut Table<'_>) -> Option<RawCheck>) -> RawProbe {
    let check = read(&mut table);
    let timeout_seconds = table.take("timeout_seconds").and_then(Field::integer);
    table.finish();
    RawProbe { name, timeout_seconds, check }
}

fn http(table: &mut Table<'_>) -> Option<RawCheck> {
    let url = table.required("url", "write `url = \"http://127.0.0.1:8080/health\"`").and_then(Field::string);
    let status = table.take("status").and_then(|field| field.array(Field::integer));
    let contains = table.take("contains").and_then(Field::string);
    Some(RawCheck::Http { url: url?, status: status.map(|list| list.value).unwrap_or_default(), contains })
}

fn tcp(table: &mut Table<'_>) -> Option<RawCheck> {
    let address = table.required("address", "write `address = \"127.0.0.1:5432\"`").and_then(Field::string);
    Some(RawCheck::Tcp { address: address? })
}

fn command(table: &mut Table<'_>) -> Option<RawCheck> {
    const HINT: &str =
        "write `command = [\"${FILES_DIR}/check\", \"--quick\"]`: the program and its arguments, one by one";
    let words = table.required("command", HINT).and_then(strings);
    let container = table.take("container").and_then(Field::string);
    Some(RawCheck::Command { words: words?, container })
}

fn unit(table: &mut Table<'_>) -> Option<RawCheck> {
    let unit = table
        .required("unit", "write a container's name, or `unit = \"chrony.service\"`")
        .and_then(Field::string);
    Some(RawCheck::Unit { unit: unit? })
}
