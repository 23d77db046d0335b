use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use appliance_types::ContainerName;

use crate::nearest::nearest;
use crate::raw::{RawActivation, RawContainers};
use crate::report::{At, Report};
use crate::{Activation, Code};

const TIMEOUT: (u64, RangeInclusive<u64>) = (300, 1..=3600);
const SETTLE: (u64, RangeInclusive<u64>) = (0, 0..=300);

pub(super) fn check(
    raw: Option<&RawActivation>,
    containers: &RawContainers,
    report: &Report<'_>,
) -> Activation {
    let duration = |raw: Option<&At<i64>>, (default, range): (u64, RangeInclusive<u64>)| {
        Duration::from_secs(raw.map_or(default, |raw| seconds(raw, &range, report)))
    };
    if let Some(raw) = raw.and_then(|raw| raw.strategy.as_ref()).filter(|raw| raw.value != "rollback") {
        let message =
            "this Slipway goes back to the configuration before when one fails, and knows nothing else yet";
        report.hinted(
            &raw.spot,
            Code::NotSupported,
            message,
            "write `strategy = \"rollback\"` or leave it out",
        );
    }
    Activation {
        required: raw.map(|raw| required(&raw.required, containers, report)).unwrap_or_default(),
        timeout: duration(raw.and_then(|raw| raw.timeout_seconds.as_ref()), TIMEOUT),
        settle: duration(raw.and_then(|raw| raw.settle_seconds.as_ref()), SETTLE),
    }
}

fn seconds(raw: &At<i64>, range: &RangeInclusive<u64>, report: &Report<'_>) -> u64 {
    let seconds = u64::try_from(raw.value).ok().filter(|seconds| range.contains(seconds));
    seconds.unwrap_or_else(|| {
        let message = format!("{} s is out of range: {} to {}", raw.value, range.start(), range.end());
        report.problem(&raw.spot, Code::BadValue, message);
        *range.start()
    })
}

fn required(raw: &[At<String>], containers: &RawContainers, report: &Report<'_>) -> BTreeSet<ContainerName> {
    let declared = || containers.containers.iter().map(|container| container.name.value.as_str());
    let mut seen = BTreeSet::new();
    let mut required = BTreeSet::new();
    for At { spot, value } in raw {
        let stem = [".service", ".container"].iter().find_map(|suffix| value.strip_suffix(suffix));
        if !seen.insert(value) {
            report.problem(spot, Code::Conflict, format!("`{}` is listed twice", value.escape_debug()));
        } else if declared().any(|name| name == value) {
            // A declared name that is no name was reported where it is declared.
            required.extend(value.parse::<ContainerName>().ok());
        } else {
            let message = "no container of this name is declared";
            match stem
                .filter(|stem| declared().any(|name| name == *stem))
                .or_else(|| nearest(value, declared()))
            {
                Some(name) => report.hinted(spot, Code::Conflict, message, format!("did you mean `{name}`?")),
                None => report.problem(spot, Code::Conflict, message),
            }
        }
    }
    required
}
