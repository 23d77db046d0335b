//! Every document that a shipped version accepted is still accepted.

#![expect(clippy::disallowed_methods, reason = "a test: it reads its cases from files")]

use std::path::Path;

use appliance_config::{Code, Sources, SystemFacts, load};
use sha2::{Digest, Sha256};

/// The documents, and the first 16 digits of the SHA-256 of their bytes. A new one is added; none is changed or removed.
const FROZEN: &[(&str, &str)] = &[
    ("version-1/atomixos-caddy-oidc.toml", "9c743c20e850144b"),
    ("version-1/atomixos-full.toml", "5df8048d0165b5e8"),
    ("version-1/atomixos-minimal.toml", "06959a20aea3fbee"),
    ("version-1/slipway-0.1-workloads.toml", "a9e90d682eca42b4"),
];

#[test]
fn c12_every_shipped_version_has_a_frozen_fixture_that_still_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen");
    for (name, digest) in FROZEN {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let found: String = Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, *digest, "{name} was edited; it holds what a shipped version accepted");
        match load(&Sources { config: &bytes, overlay: None }, &SystemFacts::of_image()) {
            Ok(loaded) => assert!(loaded.warnings.iter().all(|warning| warning.code == Code::Warning)),
            Err(problems) => panic!("{name} is refused:\n{problems}"),
        }
    }
    // And nothing lies there that this list does not know.
    let mut there: Vec<String> = std::fs::read_dir(folder.join("version-1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .map(|name| format!("version-1/{name}"))
        .collect();
    there.sort();
    assert_eq!(there, FROZEN.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}
