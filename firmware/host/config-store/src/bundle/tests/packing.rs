//! What goes out comes in again as it was.

use super::*;
use crate::bundle::pack::{ArchiveKind, Packing};

const DEVICE: (&str, &[u8]) = ("devices/525400123456.toml", b"[network]\n");

#[test]
fn c10_part_what_is_packed_is_unpacked_as_it_was() {
    let target = Target::new();
    let long = "x".repeat(120);
    let bundle = Tar::new()
        .member(b"files/bin/tool", tar::EntryType::Regular, 0o755, b"\x7fELF")
        .file("files/www/index.html", &[b'x'; 100_000])
        .folder("files/empty")
        .file(&format!("files/{}", &long[..90]), b"long")
        .file(DEVICE.0, DEVICE.1)
        .bytes();
    let before = target.unpack(&bundle).unwrap();
    let deep = format!("files/{}", ["deep-folder-name"; 12].join("/"));
    fs::create_dir_all(target.staging.path().join(&deep)).unwrap();
    fs::write(target.staging.path().join(format!("{deep}/{long}")), "deep").unwrap();
    let files = target.staging.path().join("files");
    let packing = Packing { config: CONFIG, device: Some(DEVICE), files: &files };

    let mut digests = Vec::new();
    for kind in [ArchiveKind::Tar, ArchiveKind::Gzip, ArchiveKind::Zstd] {
        let mut packed = Vec::new();
        packing.archive(kind, Path::new("out"), &mut packed).unwrap();
        let mut again = Vec::new();
        packing.archive(kind, Path::new("out"), &mut again).unwrap();
        assert_eq!(packed, again, "{kind:?}");
        let other = Target::new();
        let unpacked = other.unpack(&packed).unwrap();
        assert_eq!((&unpacked.config, &unpacked.devices), (&before.config, &before.devices));
        assert_eq!(other.names(), target.names());
        digests.push(unpacked.files_digest);
    }
    let folder = target.beside("folder");
    fs::create_dir(&folder).unwrap();
    packing.folder(&folder).unwrap();
    let other = Target::new();
    digests.push(other.unpack_path(&folder, &patient()).unwrap().files_digest);
    assert!(digests.iter().all(|digest| digest.is_some() && *digest == digests[0]), "{digests:?}");

    // Without the deep one, which came by another way, it is what came in.
    fs::remove_dir_all(files.join("deep-folder-name")).unwrap();
    let mut packed = Vec::new();
    packing.archive(ArchiveKind::Zstd, Path::new("out"), &mut packed).unwrap();
    assert_eq!(Target::new().unpack(&packed).unwrap(), before);
}

#[test]
fn nothing_is_packed_but_files_and_folders() {
    let target = Target::new();
    let files = target.beside("files");
    fs::create_dir(&files).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", files.join("link")).unwrap();
    let packing = Packing { config: CONFIG, device: None, files: &files };
    let mut packed = Vec::new();
    packing.archive(ArchiveKind::Tar, Path::new("out"), &mut packed).unwrap();
    fs::remove_dir_all(&files).unwrap();
    assert_eq!(target.unpack(&packed).map(|_| target.names()).unwrap(), ["files/"; 0]);
    for (name, kind) in [
        ("a.tar", Some(ArchiveKind::Tar)),
        ("a.tgz", Some(ArchiveKind::Gzip)),
        ("a.tar.zst", Some(ArchiveKind::Zstd)),
        ("a.zip", None),
        ("tar", None),
    ] {
        assert_eq!(ArchiveKind::of_name(name), kind);
    }
}
