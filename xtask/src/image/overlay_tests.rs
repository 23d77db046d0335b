//! The overlay's rules against a folder that has everything they are about.

use super::*;
use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};

/// Buildroot's `SYSTEM_RSYNC`, and what it leaves of [`odd_folder`].
const RSYNC: &str = "-a --ignore-times --exclude .svn --exclude .git --exclude .hg --exclude .bzr --exclude CVS \
                     --chmod=u=rwX,go=rX --exclude .empty --exclude *~";
const LEFT: &[&str] = &[
    "755 d deep",
    "755 d deep/er",
    "755 d empty",
    "777 l empty/link -> ../nowhere",
    "777 l folder-link -> deep",
    "644 f .gitignore tight",
    "644 f deep/er/tight tight",
    "644 f deep/loose-text loose",
    "755 f deep/loose-program loose",
    "755 f deep/program program",
    "755 f group-program group",
];

/// Modes that no umask of ours gave, files and folders that the rules leave out, links to nothing and to folders.
fn odd_folder(folder: &Path) {
    let file = |path: &str, content: &str, mode: u32| {
        std::fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        std::fs::write(folder.join(path), content).unwrap();
        std::fs::set_permissions(folder.join(path), Permissions::from_mode(mode)).unwrap();
    };
    file("deep/er/tight", "tight", 0o600);
    file("deep/loose-text", "loose", 0o666);
    file("deep/loose-program", "loose", 0o777);
    file("deep/program", "program", 0o700);
    file("group-program", "group", 0o610);
    file(".gitignore", "tight", 0o600);
    file("empty/.empty", "", 0o644);
    for left_out in [
        ".git/config",
        "deep/.svn/entries",
        "deep/.hg/x",
        "deep/er/.bzr/x",
        "CVS/Root",
        "deep/foo~",
        "back~/x",
    ] {
        file(left_out, "left out", 0o644);
    }
    symlink("../nowhere", folder.join("empty/link")).unwrap();
    symlink("deep", folder.join("folder-link")).unwrap();
    std::fs::set_permissions(folder.join("deep"), Permissions::from_mode(0o777)).unwrap();
    std::fs::set_permissions(folder.join("deep/er"), Permissions::from_mode(0o700)).unwrap();
}

/// An archive's entries in the words of [`LEFT`], sorted.
fn entries(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let mut entries: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().trim_end_matches('/').to_owned();
            let mode = entry.header().mode().unwrap() & 0o7777;
            match entry.header().entry_type() {
                tar::EntryType::Directory => format!("{mode:o} d {path}"),
                tar::EntryType::Symlink => {
                    format!("{mode:o} l {path} -> {}", entry.link_name().unwrap().unwrap().display())
                }
                _ => {
                    let mut content = String::new();
                    entry.read_to_string(&mut content).unwrap();
                    format!("{mode:o} f {path} {content}")
                }
            }
        })
        .collect();
    entries.sort();
    entries
}

/// What lies in a folder, in the words of [`LEFT`], sorted.
fn listing(folder: &Path) -> Vec<String> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.follow_symlinks(false);
    archive.append_dir_all("", folder).unwrap();
    let mut lines = entries(&archive.into_inner().unwrap());
    lines.retain(|line| !line.ends_with(" d "));
    lines
}

fn left() -> Vec<String> {
    let mut lines: Vec<String> = LEFT.iter().map(|line| (*line).to_owned()).collect();
    lines.sort();
    lines
}

#[test]
fn the_archive_follows_buildroots_rules() {
    let folder = tempfile::tempdir().unwrap();
    odd_folder(folder.path());
    let mut archive = Vec::new();
    Overlay::default().folder(folder.path()).unwrap().write(&mut archive, 1_767_225_600).unwrap();
    assert_eq!(entries(&archive), left());
    for entry in tar::Archive::new(&archive[..]).entries().unwrap() {
        let header = entry.unwrap().header().clone();
        let (owner, group, time) = (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap());
        assert_eq!((owner, group, time), (0, 0, 1_767_225_600));
    }
}

/// The literals above are what Buildroot's own command does.
#[test]
fn buildroots_rsync_leaves_the_same() {
    if !crate::sh::installed("rsync") {
        println!("SKIPPED: this machine has no rsync; x07 asks that of the tools tree");
        return;
    }
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    odd_folder(from.path());
    let mut rsync = crate::sh::command("rsync");
    rsync.args(RSYNC.split_whitespace());
    rsync.arg(format!("{}/", from.path().display())).arg(format!("{}/", to.path().display()));
    crate::sh::output(&mut rsync).unwrap();
    assert_eq!(listing(to.path()), left());
}

#[test]
fn a_file_brings_its_folders_and_wins_over_the_overlay() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("facts"), "old").unwrap();
    let overlay = Overlay::default().folder(folder.path()).unwrap();
    let overlay = overlay.file("facts", b"new".to_vec(), false).file("usr/lib/tool", b"#!".to_vec(), true);
    let mut archive = Vec::new();
    overlay.write(&mut archive, 0).unwrap();
    assert_eq!(entries(&archive), ["644 f facts new", "755 d usr", "755 d usr/lib", "755 f usr/lib/tool #!"]);
}
