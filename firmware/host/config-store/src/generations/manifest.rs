//! What is written beside a configuration when it is accepted.

use std::collections::BTreeMap;

use appliance_types::{BuildId, Generation, UserName};
use serde::{Deserialize, Serialize};

use crate::bundle::ImageArchive;
use crate::hex::sha256_hex;

/// A new configuration, ready to become a generation.
#[derive(Debug, Clone, Copy)]
pub struct NewGeneration<'a> {
    /// The bytes of `config.toml`.
    pub config: &'a [u8],
    /// The file for this device that belongs to it.
    pub overlay: Option<Overlay<'a>>,
    /// Where it is from, in words.
    pub source: &'a str,
    /// The build that accepts it.
    pub build: &'a BuildId,
    /// When, if the clock is set.
    pub accepted_unix_ms: Option<u64>,
    /// The digest over its files ([`crate::Unpacked::files_digest`]).
    pub files_digest: Option<&'a str>,
    /// Its container images ([`crate::Unpacked::images`]).
    pub images: &'a [ImageArchive],
    /// The numbers its users have, and those that are never given again.
    pub user_ids: &'a BTreeMap<UserName, u32>,
}

/// A file that changes a configuration for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlay<'a> {
    /// Its name in the bundle: `devices/525400123456.toml`.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// `manifest.json`: what is known of a generation besides what was written. Keys not listed here are passed over, for an
/// older image reads what a newer one wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its number.
    pub generation: Generation,
    /// The build that accepted it.
    pub build: BuildId,
    /// Where it is from, in words.
    pub source: String,
    /// When it was accepted, in milliseconds since 1970; `None` when the clock was not set.
    pub accepted_unix_ms: Option<u64>,
    /// SHA-256 of `source.toml`.
    pub config_sha256: String,
    /// The file for this device.
    pub overlay: Option<StoredOverlay>,
    /// The digest over `files/`.
    pub files_digest: Option<String>,
    /// The archives of container images that came with it. They are removed once Podman has them.
    pub images: Vec<ImageArchive>,
    /// The numbers of users.
    pub user_ids: BTreeMap<UserName, u32>,
}

/// The file for this device, as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOverlay {
    /// Its name in the bundle.
    pub name: String,
    /// SHA-256 of `overlay.toml`.
    pub sha256: String,
}

impl Manifest {
    pub(crate) fn new(generation: Generation, new: &NewGeneration<'_>) -> Manifest {
        let overlay = new.overlay.map(|overlay| StoredOverlay {
            name: overlay.name.to_owned(),
            sha256: sha256_hex(overlay.bytes),
        });
        Manifest {
            generation,
            build: new.build.clone(),
            source: new.source.to_owned(),
            accepted_unix_ms: new.accepted_unix_ms,
            config_sha256: sha256_hex(new.config),
            overlay,
            files_digest: new.files_digest.map(ToOwned::to_owned),
            images: new.images.to_vec(),
            user_ids: new.user_ids.clone(),
        }
    }

    /// Whether both would make the same appliance: same configuration, same files, same images. Where it is from, when it
    /// came and who accepted it do not matter, nor how an image's archive or the overlay is called.
    pub fn same_content(&self, other: &Manifest) -> bool {
        let overlay = |manifest: &Manifest| manifest.overlay.as_ref().map(|overlay| overlay.sha256.clone());
        let images = |manifest: &Manifest| {
            let mut sums: Vec<String> = manifest.images.iter().map(|image| image.sha256.clone()).collect();
            sums.sort_unstable();
            sums
        };
        self.config_sha256 == other.config_sha256
            && overlay(self) == overlay(other)
            && self.files_digest == other.files_digest
            && images(self) == images(other)
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("text and numbers can always be written as JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest::new(
            Generation::FIRST,
            &NewGeneration {
                config: b"version = 1\n",
                overlay: Some(Overlay { name: "devices/525400123456.toml", bytes: b"" }),
                source: "USB stick KINGSTON (sda1)",
                build: &"0.1.0-3fa9c12d01".parse().unwrap(),
                accepted_unix_ms: Some(1_767_225_600_000),
                files_digest: Some("f1"),
                images: &[ImageArchive {
                    name: "web.tar".to_owned(),
                    bytes: 5,
                    sha256: "1a".to_owned(),
                    tags: vec!["localhost/web:1".to_owned()],
                }],
                user_ids: &[("anna".parse().unwrap(), 1000)].into(),
            },
        )
    }

    /// Frozen: a later image must read what this one wrote.
    const WRITTEN: &str = r#"{
  "generation": 1,
  "build": "0.1.0-3fa9c12d01",
  "source": "USB stick KINGSTON (sda1)",
  "accepted_unix_ms": 1767225600000,
  "config_sha256": "5e2bb4b2b4e3a7c3e6d1e6e3f6f8d6a0",
  "overlay": {
    "name": "devices/525400123456.toml",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  },
  "files_digest": "f1",
  "images": [
    {
      "name": "web.tar",
      "bytes": 5,
      "sha256": "1a",
      "tags": [
        "localhost/web:1"
      ]
    }
  ],
  "user_ids": {
    "anna": 1000
  }
}"#;

    #[test]
    fn the_manifest_is_the_documented_json_and_later_keys_are_passed_over() {
        let expected = WRITTEN.replace("5e2bb4b2b4e3a7c3e6d1e6e3f6f8d6a0", &manifest().config_sha256);
        assert_eq!(String::from_utf8(manifest().to_json()).unwrap(), expected);
        let later = expected.replacen('{', r#"{"later": [],"#, 1);
        assert_eq!(serde_json::from_str::<Manifest>(&later).unwrap(), manifest());
    }

    #[test]
    fn the_content_is_what_counts_for_being_the_same() {
        let mut other = manifest();
        other.generation = Generation::new(7).unwrap();
        other.source = "elsewhere".to_owned();
        other.accepted_unix_ms = None;
        other.build = "2-b".parse().unwrap();
        other.images[0].name = "other.tar".to_owned();
        assert!(manifest().same_content(&other));
        let changes: [fn(&mut Manifest); 4] = [
            |manifest| manifest.config_sha256.push('0'),
            |manifest| manifest.overlay = None,
            |manifest| manifest.files_digest = None,
            |manifest| manifest.images.clear(),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut other = manifest();
            change(&mut other);
            assert!(!manifest().same_content(&other), "change {number}");
        }
    }
}
