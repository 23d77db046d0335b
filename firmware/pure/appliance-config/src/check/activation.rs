use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use appliance_types::ContainerName;

use crate::nearest::nearest;
use crate::raw::{RawActivation, RawContainers};
use crate::report::{At, Report};
use crate::{Activation, Code};

use super::in_range;

const TIMEOUT: (u64, RangeInclusive<u64>) = (300, 1..=3600);
const SETTLE: (u64, RangeInclusive<u64>) = (0, 0..=300);

pub(super) fn check(
    raw: Option<&RawActivation>,
    containers: &RawContainers,
    report: &Report<'_>,
) -> Activation {
    let duration = |raw: Option<&At<i64>>, (default, range): (u64, RangeInclusive<u64>)| {
        Duration::from_secs(raw.map_or(default, |raw| in_range(raw, &range, " s", report)))
    };
    let timeout = duration(raw.and_then(|raw| raw.timeout_seconds.as_ref()), TIMEOUT);
    let settle = duration(raw.and_then(|raw| raw.settle_seconds.as_ref()), SETTLE);
    let Some(raw) = raw else {
        return Activation {
            required: BTreeSet::new(),
            restart: Vec::new(),
            allow_degraded: None,
            timeout,
            settle,
        };
    };
    if let Some(strategy) = raw.strategy.as_ref().filter(|strategy| strategy.value != "rollback") {
        let message =
            "this Slipway goes back to the configuration before when one fails, and knows nothing else yet";
        let hint = "write `strategy = \"rollback\"` or leave it out";
        report.hinted(&strategy.spot, Code::NotSupported, message, hint);
    }
    let declared: BTreeSet<&str> = containers.containers.iter().map(|raw| raw.name.value.as_str()).collect();
    let names = |raw: &[At<String>]| names(raw, &declared, report);
    let required: BTreeSet<ContainerName> = names(&raw.required).into_iter().collect();
    let allow_degraded = raw.allow_degraded.as_ref().map(|degraded| {
        for At { spot, .. } in
            degraded.iter().filter(|name| raw.required.iter().any(|r| r.value == name.value))
        {
            let message = "what is required may not fail";
            report.hinted(spot, Code::Conflict, message, "take it out of one of the two lists");
        }
        names(degraded).into_iter().collect()
    });
    Activation { required, restart: names(&raw.restart), allow_degraded, timeout, settle }
}

/// Declared containers, each once, in the order written.
fn names(raw: &[At<String>], declared: &BTreeSet<&str>, report: &Report<'_>) -> Vec<ContainerName> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for At { spot, value } in raw {
        if !seen.insert(value) {
            report.problem(spot, Code::Conflict, format!("`{value}` is listed twice"));
        } else if declared.contains(value.as_str()) {
            // A declared name that is no name was reported where it is declared.
            names.extend(value.parse::<ContainerName>().ok());
        } else if !report.is_full() {
            let message = "no container of this name is declared";
            let stem = [".service", ".container"].iter().find_map(|suffix| value.strip_suffix(suffix));
            match nearest(stem.unwrap_or(value), declared.iter().copied()) {
                Some(name) => report.hinted(spot, Code::Conflict, message, format!("did you mean `{name}`?")),
                None => report.problem(spot, Code::Conflict, message),
            }
        }
    }
    names
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
        let none = (BTreeSet::new(), Vec::new(), None);
        assert_eq!((activation.required, activation.restart, activation.allow_degraded), none);
        assert_eq!((activation.timeout, activation.settle), (timeout, settle));
    }

    #[test]
    fn what_is_restarted_and_what_may_fail_are_declared_containers() {
        rows(&[
            ("required = []\nstrategy = 'rollback'", ""),
            ("required = []\nstrategy = 'keep-failed'", "activation.strategy not-supported"),
            ("required = []\nrestart = []\nallow_degraded = []", ""),
            ("required = []\nrestart = ['web']\nallow_degraded = ['web']", ""),
            ("required = []\nrestart = ['web', 'web']", "activation.restart[1] conflict … twice"),
            ("required = []\nrestart = ['wbe']", "activation.restart[0] conflict … `web`"),
            ("required = []\nallow_degraded = ['wbe']", "activation.allow_degraded[0] conflict … `web`"),
            (
                "required = ['web']\nallow_degraded = ['web']",
                "allow_degraded[0] conflict … one of the two lists",
            ),
            ("required = []\nallow_degraded = 'web'", "activation.allow_degraded wrong-type"),
        ]);
        let activation = |text: &str| with(&format!("{WEB}[activation]\n{text}")).unwrap().config.activation;
        // Not written is not the same as empty: then everything must run.
        assert_eq!(activation("required = []").allow_degraded, None);
        assert_eq!(activation("required = []\nallow_degraded = []").allow_degraded, Some(BTreeSet::new()));
        let web = "web".parse::<ContainerName>().unwrap();
        assert_eq!(activation("required = []\nrestart = ['web']").restart, [web]);
    }
}
