//! Banned crates, sources and licences, over the resolved graph. The lists are those of deny.toml, so that this check
//! and `cargo deny check` cannot disagree about them. What is added here: it needs no tool but cargo, and it knows
//! which crates end up on the box.

use super::metadata::{Kind, Metadata, Package, Reach};
use super::problem::Problem;
use super::spdx::Licence;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// Checks the graph of every target that deny.toml names.
///
/// # Errors
/// When deny.toml cannot be read or cargo cannot resolve the graph.
pub(crate) fn check_checkout(root: &Path, offline: bool) -> Result<Vec<Problem>> {
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let policy: Policy = toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
    let mut problems = BTreeSet::new();
    for target in &policy.graph.targets {
        problems.extend(check(&Metadata::load(root, Some(target), offline)?, &policy));
    }
    Ok(problems.into_iter().collect())
}

/// The parts of deny.toml that this check shares with cargo-deny. The rest of the file is cargo-deny's alone.
#[derive(Debug, Deserialize)]
struct Policy {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Graph {
    /// Target triples.
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licences {
    /// SPDX identifiers that any crate may have.
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    /// SPDX identifiers that this crate may have besides.
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Sources {
    #[serde(rename = "allow-registry")]
    registries: Vec<String>,
}

/// Where a crate of the graph ends up.
///
/// The graph has the features of all workspace members united, as cargo resolves them; a build of the firmware alone
/// may link a little less. So the check may refuse too much, never too little.
struct Uses<'m> {
    /// Linked into a program of the box: reached from `firmware/` over ordinary dependencies.
    firmware: Reach<'m>,
    /// Runs while the firmware is built: build scripts, procedural macros, and what they need.
    building: Reach<'m>,
    /// All of the graph: the two above, the builder, the tests.
    all: Reach<'m>,
}

fn check(metadata: &Metadata, policy: &Policy) -> Vec<Problem> {
    let on_the_box = |folder: &str| folder.starts_with("firmware/");
    let uses = Uses {
        firmware: metadata.reach(on_the_box, |link| link.kind.is_none() && !link.package.is_proc_macro()),
        building: metadata.reach(on_the_box, |link| link.kind != Some(Kind::Dev)),
        all: metadata.reach(|_| true, |_| true),
    };
    let packages = uses.all.packages();
    packages
        .flat_map(|package| {
            [
                banned(package, policy, &uses),
                foreign(package, policy, &uses),
                unlicensed(package, policy, &uses),
            ]
        })
        .flatten()
        .collect()
}

impl Uses<'_> {
    /// `openssl-sys 0.9.1 (linked into the firmware: slipway → zbus → openssl-sys)`.
    fn place(&self, package: &Package) -> String {
        let (how, walk) = if self.firmware.contains(package) {
            ("linked into the firmware", &self.firmware)
        } else if self.building.contains(package) {
            ("runs while the firmware is built", &self.building)
        } else {
            ("used by the builder or the tests", &self.all)
        };
        format!("{} {} ({how}: {})", package.name, package.version, walk.path(package))
    }
}

fn banned(package: &Package, policy: &Policy, uses: &Uses<'_>) -> Option<Problem> {
    let ban = policy.bans.deny.iter().find(|ban| ban.name == package.name)?;
    let remedy = format!(
        "take it out; `cargo tree --workspace -e features -i {}` shows which feature brings it in",
        package.name
    );
    Some(Problem::new("banned crate", uses.place(package), ban.reason.as_str(), remedy))
}

/// A crate that comes from neither this checkout nor an allowed registry.
fn foreign(package: &Package, policy: &Policy, uses: &Uses<'_>) -> Option<Problem> {
    let source = package.source.as_deref()?;
    if policy.sources.registries.iter().any(|registry| source.strip_prefix("registry+") == Some(registry)) {
        return None;
    }
    let remedy =
        "use a published release; a fork belongs into this repository, with its reason in docs/decisions";
    Some(Problem::new("source", uses.place(package), format!("it comes from {source}"), remedy))
}

fn unlicensed(package: &Package, policy: &Policy, uses: &Uses<'_>) -> Option<Problem> {
    let linked = uses.firmware.contains(package);
    let exceptions =
        policy.licenses.exceptions.iter().filter(|exception| !linked && exception.name == package.name);
    let mut allowed = policy.licenses.allow.clone();
    allowed.extend(exceptions.flat_map(|exception| exception.allow.iter().cloned()));

    let why = match package.license.as_deref().map(|text| (text, Licence::parse(text))) {
        Some((_, Ok(licence))) if licence.met_by(&allowed) => return None,
        Some((text, Ok(_))) => {
            format!("its licence `{text}` needs more than licenses.allow of deny.toml gives")
        }
        Some((text, Err(error))) => format!("its licence `{text}` cannot be read: {error}"),
        None => "its manifest names no licence".to_owned(),
    };
    let remedy = if linked {
        "choose another crate: what the firmware links has no exceptions"
    } else {
        "choose another crate, or add it to licenses.exceptions of deny.toml with a reason"
    };
    Some(Problem::new("licence", uses.place(package), why, remedy))
}

#[cfg(test)]
mod tests {
    use super::super::metadata::testing::{Fake, external, ours, workspace};
    use super::*;

    const DENY_TOML: &str = include_str!("../../../deny.toml");

    fn problems(exceptions: &str, packages: Vec<Fake>) -> Vec<String> {
        let ours: toml::Table = toml::from_str(&format!("exceptions = [{exceptions}]")).unwrap();
        let mut deny: toml::Table = toml::from_str(DENY_TOML).unwrap();
        deny["licenses"]["exceptions"] = ours["exceptions"].clone();
        let policy: Policy = deny.try_into().unwrap();
        check(&workspace(packages), &policy).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn deny_toml_bans_every_way_to_a_second_crypto_stack() {
        for name in
            ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys", "rsa"]
        {
            let found = problems("", vec![ours("xtask").uses(name), external(name)]);
            assert_eq!(found.len(), 1, "{name}: {found:#?}");
        }
    }

    #[test]
    fn a_banned_crate_is_found_deep_down_with_the_way_to_it() {
        let found = problems(
            "",
            vec![
                ours("firmware/cli/slipway").uses("client"),
                external("client").uses("transport"),
                external("transport").uses("openssl-sys"),
                external("openssl-sys"),
            ],
        );
        assert_eq!(
            found,
            ["check: banned crate: openssl-sys 0.1.0 (linked into the firmware: \
              slipway → client → transport → openssl-sys): rustls with ring is the only TLS stack — \
              take it out; `cargo tree --workspace -e features -i openssl-sys` shows which feature brings it in"]
        );
    }

    #[test]
    fn a_copyleft_licence_is_refused_and_a_choice_is_not() {
        let linked = |licence| vec![ours("firmware/cli/slipway").uses("a"), external("a").license(licence)];
        assert_eq!(problems("", linked("MIT OR GPL-3.0")), [""; 0]);
        let found = problems("", linked("GPL-3.0 AND MIT"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(
            "check: licence: a 0.1.0 (linked into the firmware: slipway → a): \
             its licence `GPL-3.0 AND MIT` needs more"
        ));
        assert!(problems("", linked("MIT and more"))[0].contains("cannot be read"));
    }

    #[test]
    fn an_exception_helps_the_builder_but_never_the_firmware() {
        let exception = "{ crate = 'a', allow = ['MPL-2.0'] }";
        let a = || external("a").license("MPL-2.0");
        assert_eq!(problems(exception, vec![ours("xtask").uses("a"), a()]), [""; 0]);
        let found =
            problems(exception, vec![ours("xtask").uses("a"), ours("firmware/cli/slipway").uses("a"), a()]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("what the firmware links has no exceptions"), "{}", found[0]);
    }

    #[test]
    fn what_only_builds_the_firmware_is_reported_as_that() {
        let found = problems(
            "",
            vec![
                ours("firmware/cli/slipway")
                    .uses("derive")
                    .uses_in_build("generator")
                    .uses_in_tests("checker"),
                external("derive").proc_macro().license("MPL-2.0").uses("parser"),
                external("parser").license("MPL-2.0"),
                external("generator").license("MPL-2.0"),
                external("checker").license("MPL-2.0"),
            ],
        );
        let uses: Vec<&str> =
            found.iter().map(|line| &line["check: licence: ".len()..line.find("): ").unwrap()]).collect();
        assert_eq!(
            uses,
            [
                "checker 0.1.0 (used by the builder or the tests: slipway → checker",
                "derive 0.1.0 (runs while the firmware is built: slipway → derive",
                "generator 0.1.0 (runs while the firmware is built: slipway → generator",
                "parser 0.1.0 (runs while the firmware is built: slipway → derive → parser",
            ]
        );
    }

    #[test]
    fn a_git_dependency_is_refused() {
        let source = "git+https://example.org/a.git#0123";
        let found = problems("", vec![ours("xtask").uses("a"), external("a").source(source)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("it comes from git+https://example.org/a.git#0123"), "{}", found[0]);
    }
}
