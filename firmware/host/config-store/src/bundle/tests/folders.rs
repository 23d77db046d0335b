//! Folders: a stick with whatever is on it.

use super::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::os::unix::fs::{PermissionsExt, symlink};

/// A folder with a `config.toml`, to be broken.
fn stick(target: &Target) -> PathBuf {
    let stick = target.beside("stick");
    fs::create_dir_all(stick.join("files")).unwrap();
    fs::write(stick.join("config.toml"), CONFIG).unwrap();
    stick
}

fn executable(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o4777)).unwrap();
}

#[test]
fn a_folder_is_a_bundle_and_its_other_files_are_nobodys_business() {
    let target = Target::new();
    let stick = stick(&target);
    fs::create_dir(stick.join("System Volume Information")).unwrap();
    fs::write(stick.join("holiday.jpg"), "").unwrap();
    symlink("/etc", stick.join("link")).unwrap();
    fs::create_dir_all(stick.join("devices")).unwrap();
    fs::write(stick.join("devices/52-54-00-12-34-56.TOML"), "not this").unwrap();
    fs::write(stick.join("devices/52-54-00-12-34-56.toml"), "[network]").unwrap();
    fs::create_dir(stick.join("files/www")).unwrap();
    fs::write(stick.join("files/www/index.html"), "hello").unwrap();
    // On FAT every file has the execute bit; what has it and could be executed keeps it.
    executable(&stick.join("files/script"), b"#!/bin/sh\n");
    executable(&stick.join("files/program"), b"\x7fELF...");
    executable(&stick.join("files/data"), b"a,b,c\n");
    executable(&stick.join("files/empty"), b"");
    fs::write(stick.join("files/script.txt"), "#!/bin/sh\n").unwrap();

    let unpacked = target.unpack_path(&stick, &patient()).unwrap();
    assert_eq!(unpacked.config, CONFIG);
    assert_eq!(unpacked.devices.keys().collect::<Vec<_>>(), ["devices/52-54-00-12-34-56.toml"]);
    let mode =
        |name: &str| fs::metadata(target.staging.path().join(name)).unwrap().permissions().mode() & 0o7777;
    for (name, expected) in [
        ("files/script", 0o755),
        ("files/program", 0o755),
        ("files/data", 0o644),
        ("files/empty", 0o644),
        ("files/script.txt", 0o644),
        ("files/www/index.html", 0o644),
        ("files/www", 0o755),
    ] {
        assert_eq!(mode(name), expected, "{name}");
    }

    // The same files in an archive are the same files.
    let tar = Tar::new()
        .member(b"files/script", tar::EntryType::Regular, 0o755, b"#!/bin/sh\n")
        .member(b"files/program", tar::EntryType::Regular, 0o755, b"\x7fELF...")
        .file("files/data", b"a,b,c\n")
        .file("files/empty", b"")
        .file("files/script.txt", b"#!/bin/sh\n")
        .file("files/www/index.html", b"hello")
        .bytes();
    fs::remove_dir_all(&stick).unwrap();
    assert_eq!(Target::new().unpack(&tar).unwrap().files_digest, unpacked.files_digest);
}

#[test]
fn c03_what_is_no_file_or_folder_is_refused_and_not_opened() {
    let kinds = "; a bundle holds regular files and folders only";
    for (kind, what) in
        [(FileType::Fifo, "named pipe"), (FileType::Socket, "socket"), (FileType::CharacterDevice, "device")]
    {
        let target = Target::new();
        let path = stick(&target).join("files/odd");
        // Number 0:0 of a character device is nothing; making it needs no rights on a current kernel.
        if mknodat(CWD, &path, kind, Mode::from_raw_mode(0o666), 0).is_err() {
            println!("SKIPPED: cannot make a {what} here");
            continue;
        }
        let error = target.unpack_path(&target.beside("stick"), &patient()).unwrap_err();
        assert_eq!(error.to_string(), format!("files/odd: it is a {what}{kinds}"));
    }
}

#[test]
fn no_link_is_followed() {
    for name in ["config.toml", "files", "devices", "files/link", "files/folder/link"] {
        for leads_to in ["/etc/passwd", "/etc", "../neighbour", "nowhere"] {
            let target = Target::new();
            let stick = stick(&target);
            fs::create_dir(stick.join("files/folder")).unwrap();
            let path = stick.join(name);
            if path.is_dir() {
                fs::remove_dir_all(&path).unwrap();
            } else {
                let _none = fs::remove_file(&path);
            }
            symlink(leads_to, &path).unwrap();
            let error = target.unpack_path(&stick, &patient()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{name}: it is a symbolic link; a bundle holds regular files and folders only")
            );
        }
    }
}

#[test]
fn c04_a_folder_keeps_the_same_bounds_as_an_archive() {
    let small = Limits { unpacked: 1000, members: 8, member: 500, ..patient() };
    let refusal = |make: &dyn Fn(&Path)| {
        let target = Target::new();
        let stick = stick(&target);
        make(&stick);
        target.unpack_path(&stick, &small).unwrap_err().to_string()
    };
    let file = |stick: &Path, name: &str, bytes: usize| fs::write(stick.join(name), vec![0; bytes]).unwrap();
    assert_eq!(
        refusal(&|stick| file(stick, "files/a", 501)),
        "files/a: it has 501 bytes, more than the 500 allowed"
    );
    assert_eq!(
        refusal(&|stick| ["files/a", "files/b", "files/c"].iter().for_each(|name| file(stick, name, 400))),
        "it expands to more than 1000 bytes, container images not counted"
    );
    assert_eq!(
        refusal(&|stick| (0..8).for_each(|number| file(stick, &format!("files/{number}"), 0))),
        "it holds more than 8 files and folders"
    );
    let deep = |stick: &Path| fs::create_dir_all(stick.join("files").join(vec!["d"; 20].join("/"))).unwrap();
    let target = Target::new();
    let stick = stick(&target);
    deep(&stick);
    let error = target.unpack_path(&stick, &patient()).unwrap_err();
    assert!(error.to_string().ends_with("it lies more than 16 levels deep"), "{error}");
}

#[test]
fn a_folder_without_a_config_is_refused() {
    let target = Target::new();
    fs::remove_file(stick(&target).join("config.toml")).unwrap();
    let error = target.unpack_path(&target.beside("stick"), &patient()).unwrap_err();
    assert_eq!(error.to_string(), "there is no config.toml in it");
}

#[test]
fn bad_names_are_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    for (name, shown) in [
        (&b"line\nbreak"[..], "files/line\\nbreak: its name has a control character in it"),
        (b"latin\xe9", "files/latin\u{fffd}: its name is not UTF-8"),
    ] {
        let target = Target::new();
        fs::write(stick(&target).join("files").join(OsStr::from_bytes(name)), "").unwrap();
        let error = target.unpack_path(&target.beside("stick"), &patient()).unwrap_err();
        assert_eq!(error.to_string(), shown);
    }
}
