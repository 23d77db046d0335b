//! `cargo metadata`: the packages of the workspace and everything they depend on, as a graph that can be walked.

use crate::sh;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

/// The part of `cargo metadata --format-version 1` that the checks use.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_root: PathBuf,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

/// A crate at one version from one source.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SPDX expression of the manifest.
    pub(crate) license: Option<String>,
    /// Where it comes from, as in `Cargo.lock`; nothing for a path.
    pub(crate) source: Option<String>,
    /// What its manifest asks for, whether or not a target or feature brings it in.
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) manifest_path: PathBuf,
    id: String,
    targets: Vec<Target>,
}

/// A line of a manifest's dependency tables.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The crate's own name, also where the manifest renames it.
    pub(crate) name: String,
    /// Nothing for an ordinary dependency.
    pub(crate) kind: Option<Kind>,
    /// The folder, for a dependency by path.
    pub(crate) path: Option<PathBuf>,
}

/// A dependency that is not linked into the crate itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Dev,
    Build,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Debug, Deserialize)]
struct EdgeKind {
    kind: Option<Kind>,
}

impl Metadata {
    /// Asks cargo about the workspace at `root`, with the dependencies of all targets or of one (`target`, a triple).
    ///
    /// # Errors
    /// When cargo fails, for instance because `Cargo.lock` is not up to date, or its answer has an unknown form.
    pub(crate) fn load(root: &Path, target: Option<&str>, offline: bool) -> Result<Metadata> {
        let mut command = sh::command(super::tools::cargo());
        command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root);
        command.args(target.iter().flat_map(|target| ["--filter-platform", *target]));
        command.args(offline.then_some("--offline"));
        let answer = sh::output(&mut command).context(
            "cannot ask cargo about the workspace; is Cargo.lock behind? `cargo check` brings it up to date",
        )?;
        serde_json::from_str(&answer).context("cannot read the answer of `cargo metadata`")
    }

    /// Our own crates, each with its folder relative to the workspace root.
    pub(crate) fn members(&self) -> impl Iterator<Item = (String, &Package)> {
        let members = self.packages.iter().filter(|package| self.workspace_members.contains(&package.id));
        members
            .map(|package| (self.relative(package.manifest_path.parent().unwrap_or(Path::new(""))), package))
    }

    /// `path` as seen from the workspace root; unchanged when it lies outside.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.workspace_root).unwrap_or(path).display().to_string()
    }

    /// What can be reached from our own crates for which `start(folder)` holds, along the edges of the resolved graph
    /// for which `follow` holds.
    pub(crate) fn reach(&self, start: impl Fn(&str) -> bool, follow: fn(Link<'_>) -> bool) -> Reach<'_> {
        let packages: BTreeMap<&str, &Package> = self.packages.iter().map(|p| (p.id.as_str(), p)).collect();
        let nodes: BTreeMap<&str, &Node> = self.resolve.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
        let roots =
            self.members().filter(|(folder, _)| start(folder)).map(|(_, package)| package.id.as_str());
        let mut parents: BTreeMap<&str, Option<&str>> = roots.map(|root| (root, None)).collect();
        let mut queue: VecDeque<&str> = parents.keys().copied().collect();
        // Breadth first, so that the path kept for a package is a shortest one.
        while let Some(id) = queue.pop_front() {
            for edge in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
                let Some(package) = packages.get(edge.pkg.as_str()) else { continue };
                let wanted = edge.dep_kinds.iter().any(|kind| follow(Link { kind: kind.kind, package }));
                if wanted && !parents.contains_key(edge.pkg.as_str()) {
                    parents.insert(&edge.pkg, Some(id));
                    queue.push_back(&edge.pkg);
                }
            }
        }
        Reach { packages, parents }
    }
}

impl Package {
    /// A procedural macro runs in the compiler and is not part of the program that uses it.
    pub(crate) fn is_proc_macro(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    }
}

/// An edge of the graph, as the one who walks it sees it.
#[derive(Clone, Copy)]
pub(crate) struct Link<'m> {
    /// How the package is used; nothing for an ordinary dependency.
    pub(crate) kind: Option<Kind>,
    /// The package the edge leads to.
    pub(crate) package: &'m Package,
}

/// The result of a walk.
pub(crate) struct Reach<'m> {
    packages: BTreeMap<&'m str, &'m Package>,
    parents: BTreeMap<&'m str, Option<&'m str>>,
}

impl<'m> Reach<'m> {
    /// The packages reached, our own starting points too.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &'m Package> {
        self.parents.keys().filter_map(|id| self.packages.get(id).copied())
    }

    /// Whether the walk came to `package`.
    pub(crate) fn contains(&self, package: &Package) -> bool {
        self.parents.contains_key(package.id.as_str())
    }

    /// How the walk came to `package`: `slipway → zbus → openssl-sys`.
    pub(crate) fn path(&self, package: &Package) -> String {
        let chain =
            std::iter::successors(Some(package.id.as_str()), |id| self.parents.get(id).copied().flatten());
        let mut names: Vec<&str> =
            chain.filter_map(|id| self.packages.get(id).map(|package| package.name.as_str())).collect();
        names.reverse();
        names.join(" → ")
    }
}

/// Hand-made workspaces for the tests of the checks.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use serde_json::{Value, json};

    /// A package of a hand-made workspace. A version of our own is `0.1.0`.
    pub(crate) struct Fake(Value, Value);

    /// A crate of ours in `folder`, named as the folder.
    pub(crate) fn ours(folder: &str) -> Fake {
        let name = folder.rsplit('/').next().unwrap();
        let manifest = format!("/repo/{folder}/Cargo.toml");
        Fake::new(name, &format!("ours:{folder}"), &manifest, "bin", None).license("MIT OR Apache-2.0")
    }

    /// A crate of the registry.
    pub(crate) fn external(name: &str) -> Fake {
        let source = Some("registry+https://github.com/rust-lang/crates.io-index");
        Fake::new(name, &format!("external:{name}"), &format!("/registry/{name}/Cargo.toml"), "lib", source)
            .license("MIT")
    }

    impl Fake {
        fn new(name: &str, id: &str, manifest: &str, kind: &str, source: Option<&str>) -> Fake {
            Fake(
                json!({"name": name, "version": "0.1.0", "license": null, "source": source, "id": id,
                    "dependencies": [],
                    "manifest_path": manifest, "targets": [{"kind": [kind]}]}),
                json!({"id": id, "deps": []}),
            )
        }

        pub(crate) fn license(mut self, expression: &str) -> Fake {
            self.0["license"] = json!(expression);
            self
        }

        pub(crate) fn source(mut self, source: &str) -> Fake {
            self.0["source"] = json!(source);
            self
        }

        pub(crate) fn named(mut self, name: &str) -> Fake {
            self.0["name"] = json!(name);
            self
        }

        pub(crate) fn proc_macro(mut self) -> Fake {
            self.0["targets"] = json!([{"kind": ["proc-macro"]}]);
            self
        }

        /// Depends on a crate of ours (`folder`, with a slash or `xtask`/`tests`) or of the registry (a name).
        pub(crate) fn uses(self, other: &str) -> Fake {
            self.depends(other, None)
        }

        pub(crate) fn uses_in_build(self, other: &str) -> Fake {
            self.depends(other, Some("build"))
        }

        pub(crate) fn uses_in_tests(self, other: &str) -> Fake {
            self.depends(other, Some("dev"))
        }

        fn depends(mut self, other: &str, kind: Option<&str>) -> Fake {
            let is_ours = other.contains('/') || ["xtask", "tests"].contains(&other);
            let id = if is_ours { format!("ours:{other}") } else { format!("external:{other}") };
            let path = if is_ours { json!(format!("/repo/{other}")) } else { Value::Null };
            let name = other.rsplit('/').next().unwrap();
            self.1["deps"].as_array_mut().unwrap().push(json!({"pkg": id, "dep_kinds": [{"kind": kind}]}));
            let line = json!({"name": name, "kind": kind, "path": path});
            self.0["dependencies"].as_array_mut().unwrap().push(line);
            self
        }
    }

    /// A workspace at `/repo` of these packages.
    pub(crate) fn workspace(packages: Vec<Fake>) -> Metadata {
        let ids = packages.iter().map(|fake| fake.0["id"].clone());
        let members: Vec<Value> = ids.filter(|id| id.as_str().unwrap().starts_with("ours:")).collect();
        let (packages, nodes): (Vec<Value>, Vec<Value>) =
            packages.into_iter().map(|fake| (fake.0, fake.1)).unzip();
        let all = json!({"packages": packages, "workspace_root": "/repo", "workspace_members": members,
            "resolve": {"nodes": nodes}});
        serde_json::from_value(all).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{external, ours, workspace};

    #[test]
    fn a_walk_follows_only_the_edges_asked_for_and_knows_the_shortest_way() {
        let metadata = workspace(vec![
            ours("firmware/cli/slipway")
                .uses("long")
                .uses("short")
                .uses_in_build("cc")
                .uses_in_tests("proptest"),
            ours("xtask").uses("tar"),
            external("long").uses("longer"),
            external("longer").uses("goal"),
            external("short").uses("goal"),
            external("goal"),
            external("cc"),
            external("proptest"),
            external("tar"),
        ]);
        let linked = metadata.reach(|folder| folder.starts_with("firmware/"), |link| link.kind.is_none());
        let names: Vec<&str> = linked.packages().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["goal", "long", "longer", "short", "slipway"]);
        let goal = metadata.packages.iter().find(|package| package.name == "goal").unwrap();
        assert_eq!(linked.path(goal), "slipway → short → goal");
    }
}
