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
    let declared: BTreeSet<&str> = containers.containers.iter().map(|raw| raw.name.value.as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut required = BTreeSet::new();
    for At { spot, value } in raw {
        if !seen.insert(value) {
            report.problem(spot, Code::Conflict, format!("`{value}` is listed twice"));
        } else if declared.contains(value.as_str()) {
            // A declared name that is no name was reported where it is declared.
            required.extend(value.parse::<ContainerName>().ok());
        } else if !report.is_full() {
            let message = "no container of this name is declared";
            let stem = [".service", ".container"].iter().find_map(|suffix| value.strip_suffix(suffix));
            match nearest(stem.unwrap_or(value), declared.iter().copied()) {
                Some(name) => report.hinted(spot, Code::Conflict, message, format!("did you mean `{name}`?")),
                None => report.problem(spot, Code::Conflict, message),
            }
        }
    }
    required
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, with};

    const WEB: &str = "containers.container.web = { privileged = true, Container = { Image = 'nginx' } }\n";

    fn rows(rows: &[(&str, &str)]) {
        for (activation, expected) in rows {
            check(&[(&format!("{WEB}[activation]\n{activation}"), expected)]);
        }
    }

    #[test]
    fn required_names_are_declared_containers() {
        rows(&[
            ("required = []", ""),
            ("required = ['web']", ""),
            ("", "activation.required missing-key"),
            ("required = 'web'", "activation.required wrong-type"),
            ("required = ['web', 'web']", "activation.required[1] conflict … listed twice"),
            ("required = ['wbe']", "activation.required[0] conflict … did you mean `web`?"),
            ("required = ['web.service']", "activation.required[0] conflict … did you mean `web`?"),
            ("required = ['database']", "activation.required[0] conflict … declared ()"),
        ]);
    }

    #[test]
    fn times_are_in_range() {
        rows(&[
            ("required = []\ntimeout_seconds = 1\nsettle_seconds = 300", ""),
            ("required = []\ntimeout_seconds = 0", "activation.timeout_seconds bad-value … 1 to 3600"),
            ("required = []\ntimeout_seconds = 3601", "activation.timeout_seconds bad-value"),
            ("required = []\ntimeout_seconds = true", "activation.timeout_seconds wrong-type"),
            ("required = []\nsettle_seconds = -1", "activation.settle_seconds bad-value … 0 to 300"),
            ("required = []\nsettle_seconds = 301", "activation.settle_seconds bad-value"),
        ]);
        let activation = with("").unwrap().config.activation;
        let (timeout, settle) = (Duration::from_secs(300), Duration::ZERO);
        assert_eq!(activation, Activation { required: BTreeSet::new(), timeout, settle });
    }

    #[test]
    fn what_is_not_acted_on_yet_is_said() {
        rows(&[
            ("required = []\nstrategy = 'rollback'", ""),
            ("required = []\nstrategy = 'keep-failed'", "activation.strategy not-supported"),
            ("required = []\nrestart = []\nallow_degraded = []", ""),
            ("required = []\nrestart = ['web']", "activation.restart not-supported"),
            ("required = []\nallow_degraded = ['web']", "activation.allow_degraded not-supported"),
            ("required = []\nallow_degraded = 'web'", "activation.allow_degraded wrong-type"),
        ]);
    }
}
