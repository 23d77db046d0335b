//! Archives of container images.

use super::*;
use crate::hex::sha256_hex;

const DOCKER: &[u8] =
    br#"[{"Config":"c.json","RepoTags":["docker.io/library/web:1","localhost/web:latest"],"Layers":[]},
    {"Config":"d.json","RepoTags":null}]"#;
const OCI: &[u8] = br#"{"schemaVersion":2,"manifests":[
    {"digest":"sha256:1","annotations":{"org.opencontainers.image.ref.name":"docker.io/library/web:1"}},
    {"digest":"sha256:2","annotations":{"io.containerd.image.name":"docker.io/library/db:2","org.opencontainers.image.ref.name":"2"}},
    {"digest":"sha256:3"}]}"#;

/// As the tools write it: layers first, links between them, the list last.
fn image(name: &str, list: &[u8]) -> Vec<u8> {
    Tar::empty()
        .file("0a/layer.tar", &[7; 3000])
        .link("1b/layer.tar", tar::EntryType::Symlink, "../0a/layer.tar")
        .file(name, list)
        .file("later", &[9; 2000])
        .bytes()
}

#[test]
fn an_image_is_kept_as_it_is_and_its_names_are_read() {
    let docker = image("manifest.json", DOCKER);
    let oci = image("./index.json", OCI);
    let both = Tar::empty().file("index.json", OCI).file("manifest.json", DOCKER).bytes();
    let docker_tags = ["docker.io/library/web:1", "localhost/web:latest"];
    let oci_tags = ["docker.io/library/web:1", "docker.io/library/db:2"];
    for (image, tags) in [
        (docker.clone(), docker_tags),
        (gzip(&docker), docker_tags),
        (zstd(&docker), docker_tags),
        (oci, oci_tags),
        (both, docker_tags),
    ] {
        let bundle =
            Tar::new().folder("files/images").file("files/images/web.tar", &image).file("files/a", b"1");
        let target = Target::new();
        let unpacked = target.unpack(&zstd(&bundle.bytes())).unwrap();
        assert_eq!(target.names(), ["files/", "files/a", "images/", "images/web.tar"]);
        assert_eq!(fs::read(target.staging.path().join("images/web.tar")).unwrap(), image);
        let [stored] = &unpacked.images[..] else { panic!("{:?}", unpacked.images) };
        assert_eq!((stored.name.as_str(), stored.bytes), ("web.tar", image.len() as u64));
        assert_eq!(stored.sha256, sha256_hex(&image));
        assert_eq!(stored.tags, tags);
        // An image is not among the files of containers.
        let without = Target::new().unpack(&Tar::new().file("files/a", b"1").bytes()).unwrap();
        assert_eq!(unpacked.files_digest, without.files_digest);
    }
}

#[test]
fn an_image_on_a_stick_is_taken_too() {
    let target = Target::new();
    let stick = target.beside("stick");
    fs::create_dir_all(stick.join("files/images")).unwrap();
    fs::write(stick.join("config.toml"), CONFIG).unwrap();
    let image = image("manifest.json", DOCKER);
    fs::write(stick.join("files/images/web.tar"), &image).unwrap();
    let unpacked = target.unpack_path(&stick, &patient()).unwrap();
    assert_eq!(target.names(), ["images/", "images/web.tar"]);
    assert_eq!((unpacked.images.len(), unpacked.files_digest), (1, None));
}

#[test]
fn c04_images_count_in_no_bound_but_the_room_on_the_disk() {
    let image = gzip(&image("manifest.json", DOCKER));
    let bundle = Tar::new().file("files/images/web.tar", &image).file("files/a", b"1").bytes();
    let bundle_size = bundle.len() as u64;
    let small =
        Limits { compressed: 3000, unpacked: bundle_size - image.len() as u64, member: 1, ..patient() };
    Target::new().unpack_within(&bundle, &small).unwrap();
    // A bundle that cannot be compressed: what is read ahead is all that is counted.
    Target::new().unpack_within(&zstd(&bundle), &small).unwrap();

    let no_room = Limits { spare: u64::MAX, ..patient() };
    let error = Target::new().unpack_within(&bundle, &no_room).unwrap_err();
    let message = format!("files/images/web.tar: it has {} bytes, and the disk has room for 0", image.len());
    assert_eq!(error.to_string(), message);
}

#[test]
fn what_is_no_image_is_refused() {
    let name = "files/images/web.tar: it is no archive of container images: ";
    let endless = format!("[{}]", vec![r#"{"RepoTags":["a:1"]}"#; 65].join(","));
    for (image, why) in [
        (Tar::empty().file("readme", b"").bytes(), "it has neither manifest.json nor index.json"),
        (image("manifest.json", b"{"), "its manifest.json cannot be understood: "),
        (image("index.json", b"[]"), "its index.json cannot be understood: "),
        (
            image("manifest.json", &vec![b' '; (1 << 20) + 1]),
            "its list of images has more than 1048576 bytes",
        ),
        (image("manifest.json", endless.as_bytes()), "the names of its images are not acceptable"),
        (image("manifest.json", br#"[{"RepoTags":["a\nb"]}]"#), "the names of its images are not acceptable"),
        (b"not a tar archive at all".to_vec(), ""),
        (vec![b'x'; 5000], ""),
        (Vec::new(), "it has neither manifest.json nor index.json"),
        (gzip(&[b'x'; 5000])[..30].to_vec(), ""),
    ] {
        let target = Target::new();
        let refusal = target.refusal(&Tar::new().file("files/images/web.tar", &image).bytes());
        assert!(refusal.starts_with(&format!("{name}{why}")), "{refusal}");
    }
}

#[test]
fn an_image_that_is_cut_off_with_its_bundle_is_cut_off() {
    let bundle = Tar::new().file("files/images/web.tar", &image("manifest.json", DOCKER)).bytes();
    for length in [1024 + 512, 1024 + 600, 1024 + 512 + 4000, bundle.len() - 1500] {
        assert_eq!(Target::new().refusal(&bundle[..length]), "it is cut off: its end is missing", "{length}");
    }
}

#[test]
fn a_full_disk_is_told_from_a_bad_image() {
    let image = image("manifest.json", DOCKER);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let failure = super::super::image_archive::store(&mut &image[..], image.len() as u64, &full).unwrap_err();
    assert!(
        matches!(&failure, super::super::image_archive::Failure::Write(error)
            if error.kind() == std::io::ErrorKind::StorageFull),
        "{failure:?}"
    );
}
