//! The container image that the example configuration and the tests run: one layer with one static program, packed by
//! hand, so that making it needs no registry, no network and no Podman. Both archive formats that `podman load` reads.

use super::firmware::Firmware;
use super::{Build, step_inputs};
use crate::step::{Plan, hex};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The name under which the image is found once it is loaded. `localhost` is no registry to Podman.
const NAME: &str = "localhost/hello:latest";
const PROGRAM: &str = "guest-container";

/// The archives.
pub(super) struct ContainerImage {
    /// As `docker save` writes it.
    pub(super) docker: PathBuf,
    /// As an OCI layout, whose blobs are what a registry serves.
    pub(super) oci: PathBuf,
}

pub(super) fn step(plan: &mut Plan, build: &Build<'_>, firmware: &Firmware) -> Result<ContainerImage> {
    let inputs = step_inputs(build, include_str!("container.rs")).value("firmware", &firmware.stamp);
    let image = ContainerImage { docker: build.out.join("hello.tar"), oci: build.out.join("hello-oci.tar") };
    let outputs = [image.docker.as_path(), &image.oci];
    plan.step("example's container image", &inputs, &outputs, &build.log("container"), |_| {
        let path = &firmware.guest_container;
        let program = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let parts = Parts::new(&program, "arm64")?;
        write(&image.docker, &parts.docker_archive()?)?;
        write(&image.oci, &parts.oci_archive()?)
    })?;
    Ok(image)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// What both formats are made of.
struct Parts {
    layer: Vec<u8>,
    config: Vec<u8>,
}

impl Parts {
    fn new(program: &[u8], architecture: &str) -> Result<Parts> {
        let layer = archive(&[(PROGRAM, program, 0o755)])?;
        // No times: two builds of the same program are the same image.
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "config": { "Entrypoint": [format!("/{PROGRAM}")], "Cmd": ["sleep"] },
            "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
            "history": [{ "created_by": "cargo xtask image" }],
        });
        Ok(Parts { layer, config: config.to_string().into_bytes() })
    }

    fn docker_archive(&self) -> Result<Vec<u8>> {
        let config = format!("{}.json", sha256(&self.config));
        let layer = format!("{}.tar", sha256(&self.layer));
        let manifest = json!([{ "Config": config, "RepoTags": [NAME], "Layers": [layer] }]);
        archive(&[
            (&layer, &self.layer, 0o644),
            (&config, &self.config, 0o644),
            ("manifest.json", manifest.to_string().as_bytes(), 0o644),
        ])
    }

    fn oci_archive(&self) -> Result<Vec<u8>> {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &self.config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &self.layer)],
        });
        let manifest = manifest.to_string().into_bytes();
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": NAME });
        let index = json!({ "schemaVersion": 2, "manifests": [entry] });
        let blobs: Vec<(String, &[u8])> = [&self.layer, &self.config, &manifest]
            .map(|bytes| (format!("blobs/sha256/{}", sha256(bytes)), bytes.as_slice()))
            .into();
        let mut files: Vec<(&str, &[u8], u32)> =
            blobs.iter().map(|(name, bytes)| (name.as_str(), *bytes, 0o644)).collect();
        let index = index.to_string();
        files.push(("index.json", index.as_bytes(), 0o644));
        files.push(("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, 0o644));
        archive(&files)
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A tar of these files, root's, without times.
fn archive(files: &[(&str, &[u8], u32)]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes, mode) in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(*mode);
        header.set_size(bytes.len() as u64);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, name, *bytes).with_context(|| format!("cannot pack {name}"))?;
    }
    builder.into_inner().context("cannot finish an archive")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Read;

    fn contents(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(name, bytes);
        }
        files
    }

    #[test]
    fn a_docker_archive_names_files_that_are_in_it() {
        let files = contents(&Parts::new(b"program", "arm64").unwrap().docker_archive().unwrap());
        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        let config: Value = serde_json::from_slice(&files[manifest[0]["Config"].as_str().unwrap()]).unwrap();
        let layer = &files[manifest[0]["Layers"][0].as_str().unwrap()];
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(layer));
        assert_eq!(contents(layer)["guest-container"], b"program");
    }

    #[test]
    fn an_oci_archive_names_blobs_by_their_digest() {
        let files = contents(&Parts::new(b"program", "arm64").unwrap().oci_archive().unwrap());
        for (name, bytes) in &files {
            if let Some(hash) = name.strip_prefix("blobs/sha256/") {
                assert_eq!(hash, sha256(bytes));
            }
        }
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
            assert_eq!(descriptor["size"], files[&format!("blobs/{digest}")].len());
            files[&format!("blobs/{digest}")].clone()
        };
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let manifest: Value = serde_json::from_slice(&blob(&index["manifests"][0])).unwrap();
        blob(&manifest["config"]);
        assert_eq!(contents(&blob(&manifest["layers"][0]))["guest-container"], b"program");
    }

    #[test]
    fn the_same_program_is_the_same_image() {
        let pack = || Parts::new(b"program", "arm64").unwrap().oci_archive().unwrap();
        assert_eq!(pack(), pack());
    }
}
