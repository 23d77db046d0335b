//! Whatever is written: no panic, and every problem is at a place that is in its file. What is accepted has nothing in it
//! that a unit's file would read as something else.

use appliance_config::{Config, Loaded, Look, Overlay, Problem, Problems, Sources, SystemFacts, load};
use proptest::prelude::*;

const FULL: &str = include_str!("accepts/full.toml");
const CADDY: &str = include_str!("accepts/caddy-oidc.toml");
const MANY: &str = include_str!("fails/many.toml");
const ATOMIXOS: &str = include_str!("frozen/version-1/atomixos-full.toml");
const OURS: &str = include_str!("frozen/version-1/slipway-0.1-workloads.toml");
const UNSAFE: &str = include_str!("fails/atomixos-unsafe.toml");

/// Pieces of documents, to make new ones from.
const WORDS: &[&str] = &[
    "version",
    " = ",
    "1",
    "\n",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    "\"",
    "'",
    "\"\"\"",
    "\\",
    "#",
    "true",
    "-1",
    "1.5",
    "é",
    "\r\n",
    "\u{0}",
    "\u{feff}",
    "\t",
    "users",
    "users.admin",
    "isAdmin",
    "ssh_key",
    "network",
    "interfaces.eth0",
    "mode",
    "'static'",
    "address",
    "'10.0.0.1/24'",
    "containers.container.web",
    "Container",
    "Image",
    "'nginx'",
    "PublishPort",
    "'8080:80'",
    "Network",
    "'host'",
    "'%p'",
    "'a\\'",
    "[[",
    "]]",
    "activation",
    "required",
    "allow_degraded",
    "secrets.values",
    "secrets.registries.'r'",
    "health.http.a",
    "url",
    "'http://[::1]:80/x?y'",
    "health.tcp.a",
    "health.command.a",
    "health.unit.a",
    "updates",
    "window",
    "'22:00-04:30'",
    "os_upgrade.server_url",
    "devices.stages",
    "containers.pod.p",
    "Pod",
    "containers.build.b.Build",
    "ImageTag",
    "Secret",
    "'a,type=env,target=B'",
    "Mount",
    "'type=volume,source=,dst=/x'",
    "''",
    "'.'",
    "'-'",
    "'a.pod'",
    "'a.build'",
    "99999999999999999999",
    "1979-05-27",
];

fn read(config: &[u8], overlay: Option<&[u8]>) -> Result<Loaded, Problems> {
    let overlay = overlay.map(|bytes| Overlay { name: "devices/x.toml", bytes });
    load(&Sources { config, overlay }, &SystemFacts::of_image())
}

/// Reads, and holds what is promised about the answer.
fn hold(config: &[u8], overlay: Option<&[u8]>) {
    match read(config, overlay) {
        Ok(Loaded { config: meant, warnings }) => {
            hold_places(warnings.iter(), config, overlay);
            hold_text(&meant);
        }
        Err(problems) => hold_places(problems.iter(), config, overlay),
    }
}

fn hold_places<'p>(problems: impl Iterator<Item = &'p Problem>, config: &[u8], overlay: Option<&[u8]>) {
    let mut before = None;
    for problem in problems {
        let overlaid = problem.file == "devices/x.toml";
        let text = String::from_utf8_lossy(if overlaid { overlay.unwrap_or_default() } else { config });
        let line = text.split('\n').nth(problem.line - 1);
        assert!(line.is_some_and(|line| problem.column <= line.chars().count() + 1), "{problem} in {text:?}");
        assert_eq!(problem.to_string().lines().count(), 1, "{problem}");
        let lines = 6 + usize::from(problem.hint.is_some());
        for look in [Look::Plain, Look::Coloured] {
            let excerpt = problem.excerpt(&text, look);
            assert!((lines - 1..=lines).contains(&excerpt.lines().count()), "{excerpt}");
        }
        let place = Some((overlaid, problem.line, problem.column));
        assert!(before <= place, "{problem} stands after {before:?}");
        before = place;
    }
}

fn hold_text(config: &Config) {
    let all = &config.containers;
    let containers = all.containers.values().flat_map(|container| &container.sections);
    let pods = all.pods.values().flat_map(|pod| &pod.sections);
    let resources = [&all.networks, &all.volumes, &all.images];
    let resources =
        resources.into_iter().flat_map(|resources| resources.values().map(|resource| &resource.section));
    let builds = all.builds.values().map(|build| &build.section);
    let containers = containers.chain(pods).inspect(|section| {
        let taken = ["Network", "PublishPort", "Pod"];
        assert!(section.entries.iter().all(|(key, _)| !taken.contains(&key.as_str())), "{section:?}");
    });
    let resources = resources.chain(builds).inspect(|section| {
        let refused = ["PodmanArgs", "GlobalArgs", "ContainersConfModule", "ServiceName", "ExecStart"];
        assert!(section.entries.iter().all(|(key, _)| !refused.contains(&key.as_str())), "{section:?}");
    });
    for (key, values) in containers.chain(resources).flat_map(|section| &section.entries) {
        assert!(key.bytes().all(|b| b.is_ascii_alphanumeric()) && !values.is_empty(), "{key}");
        for value in values {
            let plain =
                !value.chars().any(char::is_control) && !value.ends_with('\\') && value.trim() == value;
            assert!(plain && !value.is_empty(), "{key} = {value:?}");
        }
    }
}

/// A document with a few changes: bytes removed, words put in, lines moved.
fn changed() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0usize..12, prop::sample::select(WORDS), 0u8..3);
    let document = prop::sample::select(&[FULL, CADDY, MANY, ATOMIXOS, OURS, UNSAFE][..]);
    (document, prop::collection::vec(change, 1..6)).prop_map(|(document, changes)| {
        let mut bytes = document.as_bytes().to_vec();
        for (place, count, word, kind) in changes {
            let at = place.index(bytes.len() + 1);
            let end = (at + count).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..end, word.bytes())),
                _ => bytes.rotate_left(at),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn c11_any_bytes(config: Vec<u8>, overlay: Option<Vec<u8>>) {
        hold(&config, overlay.as_deref());
    }

    #[test]
    fn c11_any_words(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        hold(format!("version = 1\n{}", words.concat()).as_bytes(), None);
        hold(FULL.as_bytes(), Some(words.concat().as_bytes()));
    }

    #[test]
    fn c11_changed_documents(config in changed(), overlay in prop::option::of(changed())) {
        hold(&config, overlay.as_deref());
    }
}
