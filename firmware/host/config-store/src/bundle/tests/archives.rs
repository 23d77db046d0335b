//! Archives: what is taken, and what is refused and why.

use super::*;
use host_files::{Program, run_program};
use tar::EntryType;

#[test]
fn a_bundle_is_unpacked_whatever_it_is_compressed_with() {
    let tar = Tar::new()
        .folder("./files/")
        .member(b"files/run.sh", EntryType::Regular, 0o4775, b"#!/bin/sh\n")
        .member(b"./files/www/index.html", EntryType::Regular, 0o000, b"hello")
        .folder("files/empty")
        .file("devices/525400123456.toml", b"[network]\n")
        .file("devices/525400000000.toml", b"other")
        .file("devices/readme.txt", b"see below")
        .bytes();
    let mut digests = Vec::new();
    for bundle in [tar.clone(), gzip(&tar), zstd(&tar)] {
        let target = Target::new();
        let unpacked = target.unpack(&bundle).unwrap();
        assert_eq!(unpacked.config, CONFIG);
        let devices = [("devices/525400123456.toml".to_owned(), b"[network]\n".to_vec())];
        assert_eq!(unpacked.devices, devices.into());
        assert_eq!(unpacked.images, []);
        let expected = ["files/", "files/empty/", "files/run.sh", "files/www/", "files/www/index.html"];
        assert_eq!(target.names(), expected);
        let mode = |name: &str| {
            use std::os::unix::fs::PermissionsExt;
            fs::metadata(target.staging.path().join(name)).unwrap().permissions().mode() & 0o7777
        };
        assert_eq!(mode("files/run.sh"), 0o755, "the execute bit is kept, setuid is not");
        assert_eq!(mode("files/www/index.html"), 0o644);
        assert_eq!((mode("files"), mode("files/www")), (0o755, 0o755));
        assert_eq!(fs::read(target.staging.path().join("files/www/index.html")).unwrap(), b"hello");
        digests.push(unpacked.files_digest.unwrap());
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

#[test]
fn a_lone_config_is_a_bundle() {
    for config in [CONFIG, b"", b"\xef\xbb\xbfversion = 1\r\n", &[b'#'; 600]] {
        let target = Target::new();
        let unpacked = target.unpack(config).unwrap();
        assert_eq!(unpacked.config, config);
        assert_eq!((unpacked.files_digest, target.names()), (None, Vec::new()));
    }
    let target = Target::new();
    assert_eq!(
        target.refusal(&vec![b'#'; (1 << 20) + 1]),
        "it has more than 1048576 bytes and is neither a tar archive nor compressed with gzip or zstd"
    );
}

#[test]
fn the_digest_covers_names_execute_bits_and_contents_and_not_the_order() {
    let digest = |tar: Tar| Target::new().unpack(&tar.bytes()).unwrap().files_digest;
    let base = || Tar::new().file("files/a", b"1").file("files/b", b"2");
    let same = Tar::empty()
        .folder("files")
        .file("files/b", b"2")
        .file("files/a", b"1")
        .file("config.toml", b"x = 2");
    assert_eq!(digest(base()), digest(same));
    let others = [
        Tar::new(),
        Tar::new().file("files/a", b"1"),
        Tar::new().file("files/a", b"1").file("files/c", b"2"),
        Tar::new().file("files/a", b"2").file("files/b", b"1"),
        Tar::new().file("files/a", b"1").member(b"files/b", EntryType::Regular, 0o700, b"2"),
        base().folder("files/c"),
    ];
    for (number, other) in others.into_iter().enumerate() {
        assert_ne!(digest(base()), digest(other), "{number}");
    }
}

#[test]
fn c03_members_that_are_no_files_or_folders_are_refused() {
    let kinds = "; a bundle holds regular files and folders only";
    for (tar, message) in [
        (
            Tar::new().link("files/x", EntryType::Symlink, "/etc/passwd"),
            format!("files/x: it is a symbolic link{kinds}"),
        ),
        (
            Tar::new().link("files/x", EntryType::Link, "config.toml"),
            format!("files/x: it is a hard link{kinds}"),
        ),
        (
            Tar::new().member(b"files/x", EntryType::Char, 0o644, b""),
            format!("files/x: it is a device{kinds}"),
        ),
        (
            Tar::new().member(b"files/x", EntryType::Block, 0o644, b""),
            format!("files/x: it is a device{kinds}"),
        ),
        (
            Tar::new().member(b"files/x", EntryType::Fifo, 0o644, b""),
            format!("files/x: it is a named pipe{kinds}"),
        ),
        (
            Tar::new().member(b"files/x", EntryType::GNUSparse, 0o644, b""),
            "files/x: it is a sparse file; pack the bundle without --sparse".to_owned(),
        ),
        (
            Tar::new().member(b"files/x", EntryType::new(b'V'), 0o644, b""),
            format!("files/x: it is of a kind that is not known here ('V'){kinds}"),
        ),
        // The link of old: whatever is behind it, it is not followed, because it is not made.
        (
            Tar::new().link("files/x", EntryType::Symlink, "../..").file("files/x/escaped", b""),
            format!("files/x: it is a symbolic link{kinds}"),
        ),
        (
            Tar::empty().link("config.toml", EntryType::Symlink, "x"),
            format!("config.toml: it is a symbolic link{kinds}"),
        ),
    ] {
        let target = Target::new();
        assert_eq!(target.refusal(&tar.bytes()), message);
    }
}

#[test]
fn c03_members_with_names_that_lead_elsewhere_are_refused() {
    for (name, message) in [
        (&b"/etc/passwd"[..], "/etc/passwd: its name is absolute"),
        (b"../x", "../x: its name leads out of the bundle (`..`)"),
        (b"files/../../x", "files/../../x: its name leads out of the bundle (`..`)"),
        (b"", "(no name): its name has an empty part"),
        (b"files//x", "files//x: its name has an empty part"),
        (b"files/a\nb", "files/a\\nb: its name has a control character in it"),
        (b"files/\xff", "files/\u{fffd}: its name is not UTF-8"),
        (
            b"readme.txt",
            "readme.txt: it does not belong here: at the top of a bundle are config.toml, files/ and devices/, nothing else",
        ),
        (
            b"bundle/config.toml",
            "bundle/config.toml: it does not belong here: at the top of a bundle are config.toml, files/ and devices/, \
             nothing else",
        ),
    ] {
        let target = Target::new();
        let bundle = Tar::new().member(name, EntryType::Regular, 0o644, b"x").bytes();
        assert_eq!(target.refusal(&bundle), message);
    }
    // A NUL ends a name in a header, but not in an extension.
    let pax = pax("path", "files/a\0b");
    let bundle = Tar::new().member(b"x", EntryType::XHeader, 0o644, &pax).file("files/a", b"").bytes();
    assert_eq!(Target::new().refusal(&bundle), "files/a\\u{0}b: its name has a control character in it");
}

#[test]
fn c03_members_that_cannot_be_beside_each_other_are_refused() {
    for (tar, message) in [
        (Tar::new().file("files/a", b"1").file("./files/a", b"2"), "files/a: it is there twice"),
        (Tar::new().file("config.toml", b""), "config.toml: it is there twice"),
        (Tar::new().folder("files").folder("files/"), "files: it is there twice"),
        (
            Tar::new().file("files/a", b"").file("files/a/b", b""),
            "files/a: it is a file and a folder at once",
        ),
        (
            Tar::new().file("files/a/b", b"").file("files/a", b""),
            "files/a: it is a file and a folder at once",
        ),
        (Tar::new().file("files/a", b"").folder("files/a"), "files/a: it is a file and a folder at once"),
        (Tar::new().file("files", b""), "files: it is a file, and must be a folder"),
        (Tar::new().file("devices", b""), "devices: it is a file, and must be a folder"),
        (Tar::empty().folder("config.toml"), "config.toml: it is a folder, and must be a file"),
        (
            Tar::new().folder("files/images/web.tar"),
            "files/images/web.tar: it is a folder, and must be a file",
        ),
    ] {
        assert_eq!(Target::new().refusal(&tar.bytes()), message);
    }
}

#[test]
fn c03_a_bundle_without_a_config_is_refused() {
    let no_config = "there is no config.toml in it";
    assert_eq!(Target::new().refusal(&Tar::empty().file("files/a", b"1").bytes()), no_config);
    assert_eq!(Target::new().refusal(&Tar::empty().bytes()), no_config);
    assert_eq!(Target::new().refusal(&gzip(&Tar::empty().bytes())), no_config);
}

#[test]
fn long_names_of_both_kinds_are_read() {
    let long = format!("files/{}/{}", "d".repeat(200), "f".repeat(200));
    let mut gnu = Tar::new();
    let mut short = header(b"", EntryType::Regular, 0o644, 1);
    gnu.0.append_data(&mut short, &long, &b"1"[..]).unwrap();
    let pax = pax("path", &long);
    let pax = Tar::new().member(b"pax", EntryType::XHeader, 0o644, &pax).file("short", b"1");
    // What git writes in front of everything.
    let git = b"18 comment=abcdef\n";
    let git = Tar::empty()
        .member(b"pax_global_header", EntryType::XGlobalHeader, 0o644, git)
        .file("config.toml", CONFIG)
        .file("files/a", b"1");
    for (tar, name) in [(gnu, long.as_str()), (pax, &long), (git, "files/a")] {
        let target = Target::new();
        target.unpack(&tar.bytes()).unwrap();
        assert_eq!(fs::read(target.staging.path().join(name)).unwrap(), b"1");
    }
}

#[test]
fn extensions_that_programs_understand_differently_are_refused() {
    let extended = |key: &str, value: &str| {
        let pax = pax(key, value);
        Tar::new().member(b"pax", EntryType::XHeader, 0o644, &pax).file("files/a", b"12345").bytes()
    };
    let target = Target::new();
    assert_eq!(target.refusal(&extended("size", "1")), "files/a: its two sizes differ");
    target.unpack(&extended("size", "5")).unwrap();
    let target = Target::new();
    assert_eq!(target.refusal(&extended("size", "many")), "it is damaged: a size is no number");
    assert_eq!(
        target.refusal(&extended("GNU.sparse.major", "1")),
        "files/a: it is a sparse file; pack the bundle without --sparse"
    );
    assert_eq!(
        target.refusal(&extended("path", "../escaped")),
        "../escaped: its name leads out of the bundle (`..`)"
    );
    let global = pax("path", "files/b");
    let global =
        Tar::new().member(b"g", EntryType::XGlobalHeader, 0o644, &global).file("files/a", b"").bytes();
    assert_eq!(target.refusal(&global), "it is damaged: one header would rename or resize all members");
    let huge = Tar::new().member(b"pax", EntryType::XHeader, 0o644, &[b'x'; 70_000]).bytes();
    assert_eq!(target.refusal(&huge), "it is damaged: an extension header has more than 65536 bytes");
    let huge = Tar::new().member(b"name", EntryType::GNULongName, 0o644, &[b'x'; 70_000]).bytes();
    assert_eq!(target.refusal(&huge), "it is damaged: an extension header has more than 65536 bytes");
    let alone = Tar::new().member(b"name", EntryType::GNULongName, 0o644, b"files/a\0").bytes();
    assert_eq!(target.refusal(&alone), "it is cut off: its end is missing");
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_refused() {
    let whole = Tar::new().file("files/a", &[b'x'; 700]).bytes();
    // Two blocks for each member's header and content, three for the second, then two of zeros.
    for length in (512..whole.len() - 1024).step_by(128) {
        let refusal = Target::new().refusal(&whole[..length]);
        assert_eq!(refusal, "it is cut off: its end is missing", "after {length} bytes");
    }
    for (what, whole) in [("gzip", gzip(&whole)), ("zstd", zstd(&whole))] {
        for length in 4..whole.len() {
            let error = Target::new().unpack(&whole[..length]).unwrap_err();
            assert!(error.is_refusal(), "{what} after {length} bytes: {error}");
        }
    }
}

#[test]
fn a_changed_byte_of_a_compressed_bundle_is_found() {
    let whole = gzip(&Tar::new().file("files/a", b"content").bytes());
    let mut changed = whole.clone();
    // The checksum of gzip comes last but four; it is looked at although the archive has ended before.
    let at = changed.len() - 6;
    changed[at] ^= 1;
    assert!(Target::new().refusal(&changed).starts_with("it is damaged: "));
    Target::new().unpack(&whole).unwrap();
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut padded = Tar::new().bytes();
    padded.resize(20 * 1024, 0);
    Target::new().unpack(&padded).unwrap();
    padded.extend(Tar::empty().file("files/second", b"").bytes());
    assert_eq!(Target::new().refusal(&padded), "there are bytes after the end of the archive");
    assert_eq!(Target::new().refusal(&gzip(&padded)), "there are bytes after the end of the archive");
}

#[test]
fn what_is_not_a_bundle_is_told() {
    let target = Target::new();
    for (bundle, message) in [
        (gzip(b"version = 1\n"), "it is cut off: its end is missing"),
        (gzip(&[b'x'; 2000]), "it is damaged: "),
        (b"\x1f\x8b\x08 and no more".to_vec(), "it is "),
        (b"\x28\xb5\x2f\xfd and no more".to_vec(), "it is damaged: "),
    ] {
        let refusal = target.refusal(&bundle);
        assert!(refusal.starts_with(message), "{refusal}");
    }
    let error = Bundle::open(&target.beside("missing")).unwrap_err();
    assert!(!error.is_refusal());
    assert_eq!(error.to_string(), format!("cannot open {}", target.beside("missing").display()));
    for odd in ["link", "pipe"] {
        let path = target.beside(odd);
        match odd {
            "link" => std::os::unix::fs::symlink("/etc/passwd", &path).unwrap(),
            _ => make_pipe(&path),
        }
        assert_eq!(Bundle::open(&path).unwrap_err().to_string(), "it is neither a regular file nor a folder");
    }
}

/// A pax extension: its length in front counts itself.
fn pax(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}").into_bytes()
}

fn make_pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

#[test]
fn what_real_tar_packs_is_a_bundle() {
    let source = tempfile::tempdir().unwrap();
    let long = format!("files/{}", "long".repeat(40));
    fs::create_dir(source.path().join("files")).unwrap();
    fs::write(source.path().join("config.toml"), CONFIG).unwrap();
    fs::write(source.path().join("files/a"), "1").unwrap();
    let pack = |arguments: &[&str], bundle: &Path| {
        let program = Program::new("tar").arg("-C").arg(source.path()).args(arguments).arg("-f").arg(bundle);
        run_program(&program.arg(".")).unwrap();
    };
    for (format, takes_long) in
        [("v7", false), ("ustar", false), ("gnu", true), ("oldgnu", true), ("pax", true)]
    {
        for compression in ["--gzip", "--zstd", "--no-auto-compress"] {
            if takes_long {
                fs::write(source.path().join(&long), "2").unwrap();
            } else {
                let _none = fs::remove_file(source.path().join(&long));
            }
            let target = Target::new();
            let bundle = target.beside("bundle");
            pack(&["-c", "--format", format, compression], &bundle);
            let unpacked = target.unpack_path(&bundle, &patient()).unwrap();
            assert_eq!(unpacked.config, CONFIG);
            let files: &[&str] =
                if takes_long { &["files/", "files/a", &long] } else { &["files/", "files/a"] };
            assert_eq!(target.names(), files, "{format} {compression}");
        }
    }

    let hole = fs::File::create(source.path().join("files/hole")).unwrap();
    hole.set_len(1 << 20).unwrap();
    for format in ["gnu", "pax"] {
        let target = Target::new();
        let bundle = target.beside("bundle");
        pack(&["-c", "--sparse", "--format", format], &bundle);
        let refusal = target.unpack_path(&bundle, &patient()).unwrap_err().to_string();
        assert!(refusal.ends_with("it is a sparse file; pack the bundle without --sparse"), "{refusal}");
    }
}
