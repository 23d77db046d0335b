//! A disk without room, at each place where that can be noticed.
//!
//! For real, on a small file system in memory; mounting one needs root, and a mount namespace so that nobody else sees it.

use super::tests::{bundle, import, names, number, open, stage};
use super::*;
use crate::is_disk_full;
use crate::testing::folder;
use host_files::{Program, run_program};
use std::error::Error;
use std::fs;
use std::path::PathBuf;

const FOLDER: &str = "SLIPWAY_FULL_DISK_TEST";

#[test]
fn a_full_disk_keeps_the_old_generation() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: mounting a small file system needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script =
        r#"mount -t tmpfs -o size=1m,nr_inodes=64 none "$1" && exec "$2" --ignored --exact "$3" --nocapture"#;
    let program = Program::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .arg("generations::full_disk_tests::on_a_small_disk")
        .env(FOLDER, folder.path())
        .timeout(Duration::from_secs(600));
    let output = run_program(&program).unwrap();
    assert!(output.stdout.contains("1 passed"), "{}", output.stdout);
}

#[test]
#[ignore = "run by a_full_disk_keeps_the_old_generation, on a disk that it may fill"]
fn on_a_small_disk() {
    let disk = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let root = disk.join("config");
    assert_eq!(names(&disk), [""; 0]);
    import(&mut open(&root), "1");

    // With no byte to spare, then one page, two pages, …, until there is room for all of it. The same with files.
    let by_bytes = until_it_fits(&root, &|room| fill_bytes(&disk, room));
    let by_files = until_it_fits(&root, &|room| fill_files(&disk, room));
    assert!(by_bytes > 5 && by_files > 5, "{by_bytes} and {by_files} attempts failed");

    // What must work with no room at all: ending a change, either way.
    let mut generations = open(&root);
    let old = generations.stored().current_settled().unwrap().unwrap();
    for settles in [false, true] {
        let staged = stage(&mut generations, bundle("last").path()).unwrap();
        let new = staged.generation();
        let active = staged.check(|_| Ok::<(), ()>(())).unwrap().activate().unwrap();
        fill_bytes(&disk, 0);
        fill_files(&disk, 0);
        let current =
            if settles { active.settle().unwrap().generation } else { active.back().unwrap().unwrap() };
        assert_eq!(current, if settles { new } else { old });
        assert_eq!(generations.stored().current_settled().unwrap(), Some(current));
        empty(&disk);
    }
}

/// Imports with ever more room; how many attempts failed. After each the old generation is in force, and nothing is left.
fn until_it_fits(root: &Path, fill: &dyn Fn(u64)) -> u64 {
    let disk = root.parent().unwrap();
    let before = open(root).stored().current_settled().unwrap();
    let kept = names(&root.join("generations"));
    for room in 0..100 {
        let config = format!("room {room}");
        let bundle = bundle(&config);
        fill(room);
        let mut generations = open(root);
        let result = import_all(&mut generations, bundle.path());
        let current = generations.stored().current_settled().unwrap();
        drop(generations);
        match result {
            Ok(new) => {
                assert_eq!(current, Some(new));
                empty(disk);
                return room;
            }
            Err(error) => {
                let no_room = is_disk_full(&*error) || error.to_string().contains("the disk has room for");
                assert!(no_room, "with room for {room}: {error}: {:?}", error.source());
                assert_eq!(current, before, "with room for {room}");
                assert_eq!(names(&root.join("generations")), kept, "with room for {room}");
                // Opening needs no room.
                assert_eq!(open(root).stored().current_settled().unwrap(), before);
            }
        }
        empty(disk);
    }
    panic!("there was never enough room");
}

fn import_all(generations: &mut Generations, bundle: &Path) -> Result<Generation, Box<dyn Error>> {
    let staged = stage(generations, bundle)?;
    let checked = staged.check(|_| Ok::<(), std::io::Error>(()))?;
    Ok(checked.activate()?.settle()?.generation)
}

/// Leaves room for so many pages.
fn fill_bytes(disk: &Path, room: u64) {
    let free = crate::free_bytes(&fs::File::open(disk).unwrap()).unwrap();
    let filler = disk.join("filler");
    fs::write(&filler, vec![0; usize::try_from(free.saturating_sub(room * 4096)).unwrap()]).unwrap();
    let left = crate::free_bytes(&fs::File::open(disk).unwrap()).unwrap();
    assert_eq!(left, room * 4096);
}

/// Leaves room for so many files.
fn fill_files(disk: &Path, room: u64) {
    let free = rustix::fs::statvfs(disk).unwrap().f_ffree;
    for number in room..free {
        fs::write(disk.join(format!("filler{number}")), "").unwrap();
    }
    assert_eq!(rustix::fs::statvfs(disk).unwrap().f_ffree, room.min(free));
}

fn empty(disk: &Path) {
    for name in names(disk) {
        if name.starts_with("filler") {
            fs::remove_file(disk.join(name)).unwrap();
        }
    }
}

#[test]
fn a_full_disk_is_told_as_such() {
    let folder = folder();
    assert_eq!(import(&mut open(folder.path()), "1"), number(1));
    let error: Box<dyn Error> = Box::new(GenerationsError::Io {
        action: "write",
        path: "file".into(),
        source: std::io::ErrorKind::StorageFull.into(),
    });
    assert!(is_disk_full(&*error));
}
