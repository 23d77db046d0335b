//! Which of our crates may import which: pure ← host ← {daemons, device, cli}, and what xtask and the tests see.
//!
//! Cargo itself would accept any import that makes no cycle. This table is where a new arrow is asked for and reviewed.

use super::metadata::{Kind, Metadata, Package};
use super::problem::Problem;

const WHAT: &str = "layers";
const HERE: &str = "xtask/src/check/layers.rs";

/// One row: the crate in `folder` imports nothing of ours but `imports`.
pub(crate) struct Rule {
    folder: &'static str,
    imports: &'static [Imports],
}

/// Crates of ours that a row allows.
#[derive(Clone, Copy)]
enum Imports {
    /// The crate in this folder.
    Only(&'static str),
    /// All crates below this folder.
    Below(&'static str),
}

use Imports::{Below, Only};

const PURE: Imports = Below("firmware/pure");
const HOST: Imports = Below("firmware/host");
const HOST_FILES: Imports = Only("firmware/host/host-files");

/// Every crate has a row. A pure crate names the siblings it may see; a host crate sees host-files, the base of its layer,
/// and no other host crate; daemons, device programs and the CLI never see each other.
#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    Rule { folder: "firmware/pure/appliance-types", imports: &[] },
    Rule { folder: "firmware/pure/disk-image", imports: &[Only("firmware/pure/appliance-types")] },
    Rule { folder: "firmware/pure/appliance-config", imports: &[Only("firmware/pure/appliance-types")] },
    Rule {
        folder: "firmware/pure/artefact-render",
        imports: &[
            Only("firmware/pure/appliance-config"),
            Only("firmware/pure/appliance-types"),
            // Only for the types of files that it fills: the names of LAN machines, and netbootd's policy.
            Only("firmware/pure/local-names"),
            Only("firmware/pure/netboot-protocol"),
        ],
    },
    Rule { folder: "firmware/pure/local-names", imports: &[Only("firmware/pure/appliance-types")] },
    Rule { folder: "firmware/pure/netboot-protocol", imports: &[Only("firmware/pure/appliance-types")] },
    Rule { folder: "firmware/pure/provision-protocol", imports: &[Only("firmware/pure/appliance-types")] },
    Rule { folder: "firmware/pure/boot-verdict", imports: &[Only("firmware/pure/appliance-types")] },
    Rule { folder: "firmware/host/host-files", imports: &[PURE] },
    Rule { folder: "firmware/host/health-probe", imports: &[PURE, HOST_FILES] },
    Rule { folder: "firmware/host/host-systemd", imports: &[] },
    Rule { folder: "firmware/host/host-bus", imports: &[PURE] },
    Rule { folder: "firmware/host/host-sockets", imports: &[PURE, HOST_FILES] },
    Rule { folder: "firmware/host/config-store", imports: &[PURE, HOST_FILES] },
    Rule { folder: "firmware/daemons/nic-names", imports: &[PURE, HOST] },
    Rule { folder: "firmware/daemons/apply-config", imports: &[PURE, HOST] },
    Rule { folder: "firmware/daemons/seed-config", imports: &[PURE, HOST] },
    Rule { folder: "firmware/daemons/confirm-boot", imports: &[PURE, HOST] },
    // The zoo in its tests only: machines of others, which know nothing of ours.
    Rule { folder: "firmware/daemons/netbootd", imports: &[PURE, HOST, Only("tests/client-zoo")] },
    Rule { folder: "firmware/device/early-boot", imports: &[PURE, HOST] },
    Rule { folder: "firmware/cli/slipway", imports: &[PURE, HOST] },
    // The builder computes with the same code as the box. What touches the world it has of its own.
    // The zoo: benches need machines to boot.
    Rule { folder: "xtask", imports: &[PURE, Only("tests/client-zoo")] },
    // To write faults onto a disk, never to judge the result: a test that judged with the code under test would agree
    // with its mistakes.
    Rule {
        folder: "tests",
        imports: &[
            Only("firmware/pure/appliance-types"),
            Only("firmware/pure/disk-image"),
            Only("tests/client-zoo"),
        ],
    },
    Rule { folder: "tests/guest-init", imports: &[] },
    Rule { folder: "tests/guest-container", imports: &[] },
    Rule { folder: "tests/client-zoo", imports: &[] },
];

/// All that pure crates may take from the registry: parsers, checksums, derives. It is a list of what is allowed
/// because a list of what is not (tokio, zbus, rustix, libc, …) would be silent about the next such crate, and about
/// its own spelling mistakes. Dev-dependencies are free.
pub(crate) const PURE_EXTERNALS: &[&str] = &[
    "annotate-snippets",
    "base64ct",
    "crc32fast",
    "ed25519-dalek",
    // For what it computes only: its source of random numbers is among the calls that firmware/pure/clippy.toml forbids.
    "ring",
    "serde",
    "serde_json",
    "sha2",
    "ssh-key",
    "thiserror",
    "toml",
    "toml_edit",
    "uuid",
];

/// Compares the imports of all workspace members with `rules`, and the rules with the workspace: a row or name that
/// matches nothing is misspelt or out of date, and would otherwise pass in silence for ever.
pub(crate) fn check(metadata: &Metadata, rules: &[Rule], pure_externals: &[&str]) -> Vec<Problem> {
    let members: Vec<(String, &Package)> = metadata.members().collect();
    let mut problems = Vec::new();
    for (folder, package) in &members {
        problems.extend(misnamed(folder, package));
        match rules.iter().find(|rule| rule.folder == folder) {
            Some(rule) => problems.extend(forbidden_imports(metadata, package, rule)),
            None => problems.push(Problem::new(
                WHAT,
                folder,
                "the crate has no row in the table of layers",
                format!("add a row to RULES in {HERE} that says what it may import"),
            )),
        }
        if is_pure(folder) {
            problems.extend(impure_externals(folder, package, pure_externals));
        }
    }
    let folders: Vec<&str> = members.iter().map(|(folder, _)| folder.as_str()).collect();
    problems.extend(rules.iter().flat_map(|rule| names_nothing(rule, &folders)));
    problems.extend(unused_externals(&members, pure_externals));
    problems
}

impl Imports {
    fn allows(self, folder: &str) -> bool {
        match self {
            Only(one) => folder == one,
            Below(parent) => folder.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/')),
        }
    }

    fn folder(self) -> &'static str {
        let (Only(folder) | Below(folder)) = self;
        folder
    }
}

fn is_pure(folder: &str) -> bool {
    PURE.allows(folder)
}

/// The folder name is the crate name, so that a path in an error or a manifest says which crate it is.
fn misnamed(folder: &str, package: &Package) -> Option<Problem> {
    let expected = folder.strip_prefix("firmware/")?.rsplit('/').next()?;
    let remedy = format!("rename one so that both are `{expected}` or `{}`", package.name);
    (package.name != expected).then(|| {
        Problem::new(
            WHAT,
            folder,
            format!("the crate is named `{}`, other than its folder", package.name),
            remedy,
        )
    })
}

/// Imports of ours that `rule` does not allow, of any kind: a test that reaches over a layer couples the two as well.
fn forbidden_imports(metadata: &Metadata, package: &Package, rule: &Rule) -> Vec<Problem> {
    let paths = package.dependencies.iter().filter_map(|dependency| dependency.path.as_deref());
    let folders = paths.map(|path| metadata.relative(path));
    let forbidden = folders.filter(|folder| !rule.imports.iter().any(|imports| imports.allows(folder)));
    let report = forbidden.map(|folder| {
        Problem::new(
            WHAT,
            format!("{}/Cargo.toml", rule.folder),
            format!("it imports {folder}, which is not allowed: {}", rule.in_words()),
            format!("move what both need into a layer both may see; RULES in {HERE} is where a new arrow is argued"),
        )
    });
    report.collect()
}

impl Rule {
    fn in_words(&self) -> String {
        if self.imports.is_empty() {
            return format!("{} may import no crate of ours", self.folder);
        }
        let words = self.imports.iter().map(|imports| match imports {
            Only(folder) => (*folder).to_owned(),
            Below(folder) => format!("{folder}/*"),
        });
        format!("{} may import {}", self.folder, words.collect::<Vec<_>>().join(", "))
    }
}

fn impure_externals(folder: &str, package: &Package, allowed: &[&str]) -> Vec<Problem> {
    let report = externals(package).filter(|name| !allowed.contains(name)).map(|name| {
        Problem::new(
            WHAT,
            format!("{folder}/Cargo.toml"),
            format!("a pure crate depends on `{name}`, which is not on the list for pure crates"),
            format!(
                "keep files, sockets, processes, clock and randomness in firmware/host; \
                 if `{name}` has none of them, add it to PURE_EXTERNALS in {HERE}"
            ),
        )
    });
    report.collect()
}

/// What a crate takes from the registry other than for its tests.
fn externals(package: &Package) -> impl Iterator<Item = &str> {
    let shipped = package.dependencies.iter().filter(|dependency| dependency.kind != Some(Kind::Dev));
    shipped.filter(|dependency| dependency.path.is_none()).map(|dependency| dependency.name.as_str())
}

fn names_nothing(rule: &Rule, folders: &[&str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !folders.contains(&rule.folder) {
        problems.push(Problem::new(
            WHAT,
            HERE,
            format!("the row for {} names no crate of the workspace", rule.folder),
            "correct the spelling or remove the row",
        ));
    }
    let nowhere = |imports: &&Imports| !folders.iter().any(|folder| imports.allows(folder));
    for imports in rule.imports.iter().filter(nowhere) {
        problems.push(Problem::new(
            WHAT,
            HERE,
            format!("the row for {} allows {}, where no crate stands", rule.folder, imports.folder()),
            "correct the spelling or remove the entry",
        ));
    }
    problems
}

fn unused_externals(members: &[(String, &Package)], allowed: &[&str]) -> Vec<Problem> {
    let pure = members.iter().filter(|(folder, _)| is_pure(folder));
    let used: Vec<&str> = pure.flat_map(|(_, package)| externals(package)).collect();
    let unused = allowed.iter().filter(|name| !used.contains(name));
    let report = unused.map(|name| {
        Problem::new(
            WHAT,
            HERE,
            format!("PURE_EXTERNALS allows `{name}`, which no pure crate uses"),
            "correct the spelling or remove it",
        )
    });
    report.collect()
}

#[cfg(test)]
mod tests {
    use super::super::metadata::testing::{Fake, external, ours, workspace};
    use super::*;

    const TYPES: &str = "firmware/pure/types";
    const DISK: &str = "firmware/pure/disk";
    const FILES: &str = "firmware/host/files";
    const CLI: &str = "firmware/cli/tool";

    const TABLE: &[Rule] = &[
        Rule { folder: TYPES, imports: &[] },
        Rule { folder: DISK, imports: &[Only(TYPES)] },
        Rule { folder: FILES, imports: &[PURE] },
        Rule { folder: CLI, imports: &[PURE, HOST] },
    ];

    /// A workspace that keeps `TABLE`, but for `other` in place of the crate in the same folder, or added to it.
    fn problems(other: Option<(&str, Fake)>, rules: &[Rule]) -> Vec<String> {
        let mut crates = vec![
            (TYPES, ours(TYPES).uses("serde")),
            (DISK, ours(DISK).uses(TYPES).uses_in_tests("proptest")),
            (FILES, ours(FILES).uses(TYPES).uses(DISK).uses("rustix")),
            (CLI, ours(CLI).uses(FILES).uses(DISK).uses("clap")),
        ];
        crates.retain(|(folder, _)| other.as_ref().is_none_or(|(name, _)| name != folder));
        crates.extend(other);
        let registry = ["serde", "proptest", "rustix", "clap", "libc"].map(external);
        let metadata = workspace(crates.into_iter().map(|(_, fake)| fake).chain(registry).collect());
        check(&metadata, rules, &["serde"]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_that_point_inwards_are_fine() {
        assert_eq!(problems(None, TABLE), [""; 0]);
    }

    #[test]
    fn an_arrow_that_points_outwards_is_found() {
        let found = problems(Some((DISK, ours(DISK).uses(FILES))), TABLE);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with(
                "check: layers: firmware/pure/disk/Cargo.toml: it imports firmware/host/files, which is not allowed: \
                 firmware/pure/disk may import firmware/pure/types — "
            ),
            "{}",
            found[0]
        );
    }

    #[test]
    fn a_dev_dependency_is_an_arrow_too() {
        assert_eq!(problems(Some((TYPES, ours(TYPES).uses("serde").uses_in_tests(CLI))), TABLE).len(), 1);
    }

    #[test]
    fn siblings_in_host_do_not_see_each_other() {
        const BUS: &str = "firmware/host/bus";
        let table = [
            Rule { folder: TYPES, imports: &[] },
            Rule { folder: DISK, imports: &[Only(TYPES)] },
            Rule { folder: FILES, imports: &[PURE] },
            Rule { folder: BUS, imports: &[PURE] },
            Rule { folder: CLI, imports: &[PURE, HOST] },
        ];
        let found = problems(Some((BUS, ours(BUS).uses(FILES))), &table);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("firmware/host/bus may import firmware/pure/*"), "{}", found[0]);
    }

    #[test]
    fn a_crate_without_a_row_is_told_where_to_get_one() {
        let found = problems(Some(("firmware/cli/new", ours("firmware/cli/new"))), TABLE);
        assert_eq!(
            found,
            ["check: layers: firmware/cli/new: the crate has no row in the table of layers — \
              add a row to RULES in xtask/src/check/layers.rs that says what it may import"]
        );
    }

    #[test]
    fn a_misspelt_row_is_found() {
        let mut table: Vec<Rule> = Vec::from([Rule { folder: "firmware/pure/tpyes", imports: &[] }]);
        table.extend([
            Rule { folder: TYPES, imports: &[] },
            Rule { folder: DISK, imports: &[Only(TYPES), Only("firmware/pure/tpyes")] },
            Rule { folder: FILES, imports: &[PURE, Below("firmware/puer")] },
            Rule { folder: CLI, imports: &[PURE, HOST] },
        ]);
        let found = problems(None, &table);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("the row for firmware/pure/tpyes names no crate"), "{}", found[0]);
        assert!(found[1].contains("allows firmware/pure/tpyes, where no crate stands"), "{}", found[1]);
        assert!(found[2].contains("allows firmware/puer, where no crate stands"), "{}", found[2]);
    }

    #[test]
    fn a_pure_crate_takes_only_listed_crates_and_the_list_only_used_ones() {
        let found = problems(Some((TYPES, ours(TYPES).uses("libc"))), TABLE);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].contains("a pure crate depends on `libc`"), "{}", found[0]);
        assert!(found[1].contains("PURE_EXTERNALS allows `serde`, which no pure crate uses"), "{}", found[1]);
        // A build script runs code on the builder that the box's pure code then depends on.
        let found = problems(Some((DISK, ours(DISK).uses(TYPES).uses_in_build("libc"))), TABLE);
        assert_eq!(found.len(), 1, "{found:#?}");
    }

    #[test]
    fn a_crate_is_named_as_its_folder() {
        let found = problems(Some((CLI, ours(CLI).named("utility"))), TABLE);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("the crate is named `utility`, other than its folder"), "{}", found[0]);
    }

    #[test]
    fn the_table_itself_points_one_way() {
        for rule in RULES {
            let layers: &[&str] = match rule.folder {
                pure if is_pure(pure) => &["firmware/pure"],
                host if HOST_FILES.allows(host) => &["firmware/pure"],
                host if HOST.allows(host) => &["firmware/pure", "firmware/host/host-files"],
                // The builder flashes with the code that the box writes its own disk with.
                "xtask" => &["firmware/pure", "firmware/host/disk-writer", "tests/client-zoo"],
                tests if tests.starts_with("tests") => &["firmware/pure", "tests/client-zoo"],
                // Firmware of other machines, to test against.
                "firmware/daemons/netbootd" => &["firmware/pure", "firmware/host", "tests/client-zoo"],
                _ => &["firmware/pure", "firmware/host"],
            };
            for imports in rule.imports {
                let folder = imports.folder();
                assert!(
                    layers.iter().any(|layer| folder.starts_with(layer)),
                    "{} imports {folder}",
                    rule.folder
                );
            }
        }
    }
}
