//! `[health]`: what must work, beyond running.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use appliance_types::{ContainerName, HealthSet, Mode, Probe, ProbeCheck, ProbeContainer, ProbeName};

use crate::nearest::nearest;
use crate::raw::{RawCheck, RawContainers, RawHealth};
use crate::report::{At, Report, Spot};
use crate::url::{Url, authority_parts};
use crate::{Code, Container, Containers};

use super::in_range;

const TIMEOUT: (u64, RangeInclusive<u64>) = (5, 1..=60);

/// More would not be answered within one round.
const MAX_PROBES: usize = 64;

pub(super) fn check(
    raw: &RawHealth,
    raw_containers: &RawContainers,
    containers: &Containers,
    report: &Report<'_>,
) -> HealthSet {
    let names = raw_containers.containers.iter().map(|raw| raw.name.value.as_str()).collect();
    let check = Check { names, containers, report };
    let mut probes = BTreeMap::new();
    let mut seen: BTreeMap<&str, &Spot> = BTreeMap::new();
    for raw in &raw.probes {
        if let Some(other) = seen.insert(&raw.name.value, &raw.name.spot) {
            let message = format!("{} has the same name", other.path);
            report.hinted(
                &raw.name.spot,
                Code::Conflict,
                message,
                "a report names one probe: give each its own",
            );
        }
        let name = raw.name.value.parse::<ProbeName>();
        if let Err(error) = &name {
            report.problem(&raw.name.spot, Code::BadValue, error.to_string());
        }
        let (default, range) = TIMEOUT;
        let timeout_s =
            raw.timeout_seconds.as_ref().map_or(default, |raw| in_range(raw, &range, " s", report));
        let checked = raw.check.as_ref().and_then(|raw| check.one(raw));
        if let (Ok(name), Some(check)) = (name, checked) {
            probes.insert(name, Probe { check, timeout_s });
        }
    }
    if let Some(raw) = raw.probes.get(MAX_PROBES) {
        let message = format!("there are {MAX_PROBES} probes before it, and no more are asked");
        report.problem(&raw.name.spot, Code::BadValue, message);
    }
    HealthSet { probes }
}

struct Check<'c> {
    /// All that are declared, also those that are wrong.
    names: BTreeSet<&'c str>,
    containers: &'c Containers,
    report: &'c Report<'c>,
}

impl Check<'_> {
    fn one(&self, raw: &RawCheck) -> Option<ProbeCheck> {
        match raw {
            RawCheck::Http { url, status, contains } => self.http(url, status, contains.as_ref()),
            RawCheck::Tcp { address } => self.tcp(address),
            RawCheck::Command { words, container } => self.command(words, container.as_ref()),
            RawCheck::Unit { unit } => self.unit(unit),
        }
    }

    fn bad(&self, at: &At<String>, message: &str, hint: &str) {
        self.report.hinted(&at.spot, Code::BadValue, message, hint);
    }

    fn http(
        &self,
        raw: &At<String>,
        status: &[At<i64>],
        contains: Option<&At<String>>,
    ) -> Option<ProbeCheck> {
        let code = |raw: &At<i64>| u16::try_from(in_range(raw, &(100..=599), "", self.report)).ok();
        let status = status.iter().filter_map(code).collect();
        let contains = contains.filter(|text| {
            let empty = text.value.is_empty();
            if empty {
                self.bad(text, "every answer contains the empty text", "leave it out");
            }
            !empty
        });
        let url = match Url::parse(&raw.value) {
            Ok(url) if url.is_https => {
                let hint = "ask the same service over http, or use a `tcp` or a `command` probe";
                self.bad(raw, "a probe speaks plain HTTP: it could trust no certificate", hint);
                return None;
            }
            Ok(url) => url,
            Err(why) => {
                self.bad(raw, why, "write `http://127.0.0.1:8080/health`");
                return None;
            }
        };
        let (port, contains) = (url.port_or_default(), contains.map(|text| text.value.clone()));
        Some(ProbeCheck::Http { host: url.host, port, target: url.target, status, contains })
    }

    fn tcp(&self, raw: &At<String>) -> Option<ProbeCheck> {
        const HINT: &str = "write `127.0.0.1:5432`";
        match authority_parts(&raw.value) {
            Ok((host, Some(port))) => return Some(ProbeCheck::Tcp { host, port }),
            Ok((_, None)) => self.bad(raw, "the port is missing", HINT),
            Err(why) => self.bad(raw, why, HINT),
        }
        None
    }

    fn command(&self, raw: &At<Vec<At<String>>>, container: Option<&At<String>>) -> Option<ProbeCheck> {
        const FILES: &str = "programs of a bundle are below ${FILES_DIR}/, others have a whole path";
        let Some(program) = raw.value.first() else {
            self.report.problem(&raw.spot, Code::BadValue, "there is no program to run");
            return None;
        };
        if let Some(word) = raw.value.iter().find(|word| word.value.contains('\0')) {
            self.report.problem(&word.spot, Code::BadValue, "a program gets no argument with NUL in it");
            return None;
        }
        let container = match container {
            Some(at) => Some(self.container(at)?),
            None => None,
        };
        let whole = program.value.starts_with('/') || program.value.starts_with("${");
        if program.value.is_empty() || (container.is_none() && !whole) {
            self.bad(program, "the program is not a whole path", FILES);
            return None;
        }
        Some(ProbeCheck::Command {
            words: raw.value.iter().map(|word| word.value.clone()).collect(),
            container,
        })
    }

    fn container(&self, at: &At<String>) -> Option<ProbeContainer> {
        let (name, container) = self.declared(&at.value, at)?;
        let podman_name = podman_name(name.as_str(), container);
        Some(ProbeContainer { name: name.clone(), podman_name, mode: container.mode })
    }

    /// A container's name, its service, or a unit of the system.
    fn unit(&self, at: &At<String>) -> Option<ProbeCheck> {
        let (stem, suffix) = at.value.rsplit_once('.').unwrap_or((&at.value, "container"));
        if suffix == "container" || (suffix == "service" && self.names.contains(stem)) {
            let (name, container) = self.declared(stem, at)?;
            return Some(ProbeCheck::Unit { unit: format!("{name}.service"), mode: container.mode });
        }
        self.system_unit(at, stem, suffix)
    }

    fn system_unit(&self, at: &At<String>, stem: &str, suffix: &str) -> Option<ProbeCheck> {
        const SUFFIXES: &[&str] = &["service", "socket", "target", "timer", "mount", "path"];
        let word = stem.bytes().all(|b| b.is_ascii_alphanumeric() || b":_.\\@-".contains(&b));
        if word
            && !stem.is_empty()
            && SUFFIXES.contains(&suffix)
            && at.value.len() <= 255
            && !stem.starts_with('-')
        {
            return Some(ProbeCheck::Unit { unit: format!("{stem}.{suffix}"), mode: Mode::Rootful });
        }
        self.bad(
            at,
            "it is neither a container nor a unit of the system",
            "write `web`, or `chrony.service`",
        );
        None
    }

    /// `None` where no container of this name is declared, or only one that is wrong in a way that was reported there.
    fn declared(&self, name: &str, at: &At<String>) -> Option<(&ContainerName, &Container)> {
        if self.names.contains(name) {
            return self.containers.containers.get_key_value(&name.parse().ok()?);
        }
        let message = format!("no container `{name}` is declared");
        match nearest(name, self.names.iter().copied()) {
            Some(name) => {
                self.report.hinted(&at.spot, Code::Conflict, message, format!("did you mean `{name}`?"));
            }
            None => self.report.problem(&at.spot, Code::Conflict, message),
        }
        None
    }
}

/// `ContainerName=`, or the name that Quadlet gives.
fn podman_name(name: &str, container: &Container) -> String {
    let entries = container.sections.iter().filter(|section| section.name == "Container");
    let mut own = entries.flat_map(|section| &section.entries).filter(|(key, _)| key == "ContainerName");
    let own = own.next().and_then(|(_, values)| values.first());
    own.cloned().unwrap_or_else(|| format!("systemd-{name}"))
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, with};

    const WEB: &str = "containers.container.web = { privileged = false, Container = { Image = 'nginx', ContainerName = 'shop' } }\n\
                       containers.container.db = { privileged = true, Container = { Image = 'nginx' } }\n";

    fn rows(rows: &[(&str, &str)]) {
        for (text, expected) in rows {
            check(&[(&format!("{WEB}{text}"), expected)]);
        }
    }

    fn probes(text: &str) -> Vec<String> {
        let health = with(&format!("{WEB}{text}")).unwrap().config.health;
        health
            .probes
            .iter()
            .map(|(name, probe)| format!("{name} {} s {:?}", probe.timeout_s, probe.check))
            .collect()
    }

    #[test]
    fn http_asks_for_a_page() {
        rows(&[
            (
                "health.http.a = { url = 'http://127.0.0.1:8080/health', status = [200, 204], contains = 'ok' }",
                "",
            ),
            ("health.http.a = { url = 'http://shop.lan' }", ""),
            ("health.http.a = {}", "health.http.a.url missing-key"),
            ("health.http.a = { url = 'https://shop.lan' }", "health.http.a.url bad-value … plain HTTP"),
            ("health.http.a = { url = 'shop.lan' }", "health.http.a.url bad-value … begins with"),
            ("health.http.a = { url = 'http://a', status = [99] }", "status[0] bad-value … 100 to 599"),
            ("health.http.a = { url = 'http://a', contains = '' }", "contains bad-value"),
            ("health.http.a = { url = 'http://a', method = 'HEAD' }", "health.http.a.method unknown-key"),
            ("health.http.'a b' = { url = 'http://a' }", "health.http.\"a b\" bad-value … name of a probe"),
            ("health.htp.a = { url = 'http://a' }", "health.htp unknown-key … did you mean `http`?"),
        ]);
        assert_eq!(
            probes("health.http.a = { url = 'http://[::1]:81/x?y=1', timeout_seconds = 9 }"),
            ["a 9 s Http { host: Address(::1), port: 81, target: \"/x?y=1\", status: [], contains: None }"]
        );
    }

    #[test]
    fn tcp_asks_for_a_connection() {
        rows(&[
            ("health.tcp.a = { address = '127.0.0.1:53', timeout_seconds = 60 }", ""),
            ("health.tcp.a = { address = '[::1]:53' }", ""),
            ("health.tcp.a = { address = '127.0.0.1' }", "health.tcp.a.address bad-value … port is missing"),
            ("health.tcp.a = { address = 'a b:1' }", "health.tcp.a.address bad-value"),
            (
                "health.tcp.a = { address = '127.0.0.1:53', timeout_seconds = 0 }",
                "timeout_seconds bad-value … 1 to 60",
            ),
            (
                "health.tcp.a = { address = '127.0.0.1:53', timeout_seconds = 61 }",
                "timeout_seconds bad-value",
            ),
        ]);
    }

    #[test]
    fn a_command_runs_on_the_device_or_in_a_container() {
        rows(&[
            ("health.command.a = { command = ['${FILES_DIR}/check', '--quick'] }", ""),
            ("health.command.a = { command = ['check'], container = 'web' }", ""),
            (
                "health.command.a = { command = ['check'] }",
                "health.command.a.command[0] bad-value … whole path",
            ),
            ("health.command.a = { command = [''], container = 'web' }", "command[0] bad-value"),
            ("health.command.a = { command = [] }", "health.command.a.command bad-value … no program"),
            ("health.command.a = { command = ['/x', \"a\\u0000\"] }", "command[1] bad-value … NUL"),
            ("health.command.a = { command = 'check' }", "health.command.a.command wrong-type"),
            ("health.command.a = { command = ['x'], container = 'wbe' }", "container conflict … `web`"),
        ]);
        assert_eq!(
            probes(
                "health.command.a = { command = ['x'], container = 'web' }\nhealth.command.b = { command = ['/x'] }"
            ),
            [
                "a 5 s Command { words: [\"x\"], container: Some(ProbeContainer { name: ContainerName(\"web\"), \
                 podman_name: \"shop\", mode: Rootless }) }",
                "b 5 s Command { words: [\"/x\"], container: None }"
            ]
        );
    }

    #[test]
    fn a_unit_is_a_container_or_one_of_the_system() {
        for (unit, expected) in [
            ("web", "web.service\", mode: Rootless"),
            ("web.service", "web.service\", mode: Rootless"),
            ("db.container", "db.service\", mode: Rootful"),
            ("chrony.service", "chrony.service\", mode: Rootful"),
            ("data.mount", "data.mount\", mode: Rootful"),
            ("wg-quick@wg0.service", "wg-quick@wg0.service\", mode: Rootful"),
        ] {
            let probe = probes(&format!("health.unit.a = {{ unit = '{unit}' }}")).remove(0);
            assert!(probe.contains(expected), "{unit}: {probe}");
        }
        rows(&[
            ("health.unit.a = { unit = 'wbe' }", "health.unit.a.unit conflict … `web`"),
            ("health.unit.a = { unit = 'wbe.container' }", "health.unit.a.unit conflict … `web`"),
            ("health.unit.a = { unit = '-a.service' }", "health.unit.a.unit bad-value"),
            ("health.unit.a = { unit = 'a/b.service' }", "health.unit.a.unit bad-value"),
            ("health.unit.a = { unit = 'x.swap' }", "health.unit.a.unit bad-value"),
        ]);
    }

    #[test]
    fn every_probe_has_a_name_of_its_own_and_their_number_is_bounded() {
        rows(&[(
            "health.http.a = { url = 'http://a' }\nhealth.tcp.a = { address = 'a:1' }",
            "health.tcp.a conflict … health.http.a has the same name",
        )]);
        let many = |count: usize| -> String {
            (0..count).map(|n| format!("health.tcp.p{n} = {{ address = 'a:1' }}\n")).collect()
        };
        rows(&[(&many(64), ""), (&many(65), "bad-value … no more are asked")]);
    }
}
