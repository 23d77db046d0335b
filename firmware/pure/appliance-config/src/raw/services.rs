use crate::reader::{Field, Table};
use crate::report::{At, Spot};

use super::strings;

/// `[updates]`.
#[derive(Debug)]
pub(crate) struct RawUpdates {
    pub(crate) source: Option<At<String>>,
    pub(crate) interval_minutes: Option<At<i64>>,
    pub(crate) window: Option<At<String>>,
    pub(crate) days: Option<At<Vec<At<String>>>>,
    pub(crate) bandwidth_kib_per_second: Option<At<i64>>,
}

/// `[os_upgrade]`: the update server of AtomixOS.
#[derive(Debug)]
pub(crate) struct RawOsUpgrade {
    /// The table itself.
    pub(crate) spot: Spot,
    /// `None`: missing or unreadable, and reported.
    pub(crate) server_url: Option<At<String>>,
}

/// `[netboot]`.
#[derive(Debug)]
pub(crate) struct RawNetboot {
    pub(crate) mode: Option<At<String>>,
    pub(crate) force: Option<At<bool>>,
    pub(crate) tftp_uploads: Option<At<bool>>,
}

/// `[devices]`.
#[derive(Debug)]
pub(crate) struct RawDevices {
    pub(crate) hostname_prefix: Option<At<String>>,
    pub(crate) poll_seconds: Option<At<i64>>,
    /// `[devices.stages]`: a site's name, and the stage it is.
    pub(crate) stages: Vec<(At<String>, At<String>)>,
    pub(crate) allowed_serials: Vec<At<String>>,
    pub(crate) allowed_macs: Vec<At<String>>,
}

impl RawUpdates {
    pub(super) fn read(mut table: Table<'_>) -> RawUpdates {
        let updates = RawUpdates {
            source: table.take("source").and_then(Field::string),
            interval_minutes: table.take("interval_minutes").and_then(Field::integer),
            window: table.take("window").and_then(Field::string),
            days: table.take("days").and_then(strings),
            bandwidth_kib_per_second: table.take("bandwidth_kib_per_second").and_then(Field::integer),
        };
        table.finish();
        updates
    }
}

impl RawOsUpgrade {
    pub(super) fn read(mut table: Table<'_>) -> RawOsUpgrade {
        const HINT: &str = "write `server_url = \"https://updates.example\"`, or leave the table out";
        let server_url = table.required("server_url", HINT).and_then(Field::string);
        let spot = table.spot().clone();
        table.finish();
        RawOsUpgrade { spot, server_url }
    }
}

impl RawNetboot {
    pub(super) fn read(mut table: Table<'_>) -> RawNetboot {
        let netboot = RawNetboot {
            mode: table.take("mode").and_then(Field::string),
            force: table.take("force").and_then(Field::boolean),
            tftp_uploads: table.take("tftp_uploads").and_then(Field::boolean),
        };
        table.finish();
        netboot
    }
}

impl RawDevices {
    pub(super) fn read(mut table: Table<'_>) -> RawDevices {
        let list =
            |field: Option<Field<'_>>| field.and_then(strings).map(|list| list.value).unwrap_or_default();
        let hostname_prefix = table.take("hostname_prefix").and_then(Field::string);
        let poll_seconds = table.take("poll_seconds").and_then(Field::integer);
        let stages = table.take("stages").and_then(Field::table);
        let stage = |(name, field): (&str, Field<'_>)| {
            Some((At { spot: field.key.clone(), value: name.to_owned() }, field.string()?))
        };
        let devices = RawDevices {
            hostname_prefix,
            poll_seconds,
            stages: stages.iter().flat_map(|stages| stages.fields().filter_map(stage)).collect(),
            allowed_serials: list(table.take("allowed_serials")),
            allowed_macs: list(table.take("allowed_macs")),
        };
        table.finish();
        devices
    }
}
