use super::disk::Step;
use super::*;
use crate::bundle::{Bundle, Limits};
use crate::testing::folder;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::rc::Rc;

mod images;
mod power_cuts;
mod trials;

const NO_WAIT: Duration = Duration::from_secs(10);

pub(super) fn open(root: &Path) -> Generations {
    Generations::open(root, NO_WAIT).unwrap()
}

/// A bundle in a file: a configuration, a file for containers, and an image.
pub(super) fn bundle(config: &str) -> tempfile::NamedTempFile {
    bundle_with(config, config)
}

/// As [`bundle`], with this in one of its files.
fn bundle_with(config: &str, content: &str) -> tempfile::NamedTempFile {
    let mut image = tar::Builder::new(Vec::new());
    add(&mut image, "manifest.json", br#"[{"RepoTags":["localhost/web:1"]}]"#);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut tar = tar::Builder::new(file.as_file());
    add(&mut tar, "config.toml", config.as_bytes());
    add(&mut tar, "files/www/index.html", &[b'x'; 20_000]);
    add(&mut tar, "files/www/version.txt", content.as_bytes());
    add(&mut tar, "files/images/web.tar", &image.into_inner().unwrap());
    tar.finish().unwrap();
    drop(tar);
    file
}

fn add(tar: &mut tar::Builder<impl std::io::Write>, name: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, name, content).unwrap();
}

/// Everything up to [`Staged`], as a program would do it.
pub(super) fn stage<'a>(
    generations: &'a mut Generations,
    bundle: &Path,
) -> Result<Staged<'a>, Box<dyn std::error::Error>> {
    let staging = generations.begin()?;
    let limits = Limits { spare: 0, ..Limits::default() };
    let unpacked = Bundle::open(bundle)?.unpack(staging.folder(), &limits, &[])?;
    let staged = staging.finish(&NewGeneration {
        config: &unpacked.config,
        overlay: Some(Overlay { name: "devices/525400123456.toml", bytes: b"[network]\n" }),
        source: "a test",
        build: &"1-a".parse().unwrap(),
        accepted_unix_ms: None,
        files_digest: unpacked.files_digest.as_deref(),
        images: &unpacked.images,
        user_ids: &BTreeMap::from([("anna".parse().unwrap(), 1000)]),
    })?;
    Ok(staged)
}

fn activate<'a>(generations: &'a mut Generations, config: &str) -> Active<'a> {
    let staged = stage(generations, bundle(config).path()).unwrap();
    staged.check(|_| Ok::<(), ()>(())).unwrap().activate().unwrap()
}

pub(super) fn import(generations: &mut Generations, config: &str) -> Generation {
    activate(generations, config).settle().unwrap().generation
}

pub(super) fn number(number: u64) -> Generation {
    Generation::new(number).unwrap()
}

/// What is in a folder, sorted.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_first_configuration_is_kept_as_it_was_written() {
    let folder = folder();
    let root = folder.path().join("config");
    let mut generations = open(&root);
    assert_eq!(generations.stored().current().unwrap(), None);
    assert_eq!(import(&mut generations, "version = 1\r\n"), number(1));

    let stored = generations.stored();
    assert_eq!(stored.current_settled().unwrap(), Some(number(1)));
    let read = stored.read(number(1)).unwrap();
    assert_eq!(read.config, b"version = 1\r\n");
    assert_eq!(read.overlay, Some(("devices/525400123456.toml".to_owned(), b"[network]\n".to_vec())));
    assert_eq!(read.manifest.user_ids, [("anna".parse().unwrap(), 1000)].into());
    assert_eq!(read.manifest.images[0].tags, ["localhost/web:1"]);

    assert_eq!(names(&root), [".lock", "current", "generations", "last-number"]);
    let first = root.join("current");
    assert_eq!(names(&first), ["files", "images", "manifest.json", "overlay.toml", "settled", "source.toml"]);
    for (name, expected) in [
        ("", 0o711),
        ("source.toml", 0o600),
        ("overlay.toml", 0o600),
        ("manifest.json", 0o600),
        ("files", 0o755),
        ("files/www/index.html", 0o644),
        ("images", 0o700),
        ("images/web.tar", 0o600),
    ] {
        assert_eq!(mode(&first.join(name)), expected, "{name}");
    }
    assert_eq!((mode(&root), mode(&root.join("generations"))), (0o711, 0o711));
}

#[test]
fn images_are_listed_until_they_are_removed() {
    let folder = folder();
    let mut generations = open(folder.path());
    let mut active = activate(&mut generations, "1");
    let images = active.images().unwrap();
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].archive.tags, ["localhost/web:1"]);
    assert!(images[0].path.ends_with("generations/1/images/web.tar") && images[0].path.exists());
    active.remove_images().unwrap();
    active.remove_images().unwrap();
    assert_eq!(active.images().unwrap(), []);
    active.settle().unwrap();
    assert_eq!(generations.stored().manifest(number(1)).unwrap().images.len(), 1);

    import(&mut generations, "2");
    generations.remove_images(number(2)).unwrap();
    assert_eq!(generations.stored().images(number(2)).unwrap(), []);
}

#[test]
fn what_is_given_up_leaves_nothing_and_its_number_is_not_used_again() {
    let folder = folder();
    let mut generations = open(folder.path());
    import(&mut generations, "1");
    drop(generations.begin().unwrap());
    drop(stage(&mut generations, bundle("2").path()).unwrap());
    let refused = stage(&mut generations, bundle("2").path()).unwrap().check(|staged| {
        assert!(staged.folder().join("source.toml").exists());
        Err("a tool says no")
    });
    assert_eq!(refused.unwrap_err(), "a tool says no");
    let checked = stage(&mut generations, bundle("2").path()).unwrap().check(|_| Ok::<(), ()>(()));
    drop(checked.unwrap());
    let broken = tempfile::NamedTempFile::new().unwrap();
    fs::write(broken.path(), b"\x1f\x8b").unwrap();
    stage(&mut generations, broken.path()).unwrap_err();

    assert_eq!(names(&folder.path().join("generations")), ["1"]);
    assert_eq!(generations.stored().current().unwrap(), Some(number(1)));
    assert_eq!(import(&mut generations, "2"), number(7));
}

#[test]
fn the_same_again_is_seen_and_anything_else_is_another() {
    let folder = folder();
    let mut generations = open(folder.path());
    assert!(!stage(&mut generations, bundle("1").path()).unwrap().is_current(), "there is none");
    let first = import(&mut generations, "1");
    assert!(stage(&mut generations, bundle("1").path()).unwrap().is_current());
    assert!(!stage(&mut generations, bundle("2").path()).unwrap().is_current());
    generations.remove_images(first).unwrap();
    assert!(stage(&mut generations, bundle("1").path()).unwrap().is_current(), "images were loaded");
    // What has been damaged since is not what was accepted.
    fs::write(generations.stored().folder(first).join("source.toml"), "x").unwrap();
    assert!(!stage(&mut generations, bundle("1").path()).unwrap().is_current());
}

#[test]
fn going_back_restores_what_was_or_nothing() {
    let folder = folder();
    let mut generations = open(folder.path());
    assert_eq!(activate(&mut generations, "1").back().unwrap(), None);
    assert_eq!(names(folder.path()), [".lock", "generations", "last-number"]);

    assert_eq!(import(&mut generations, "2"), number(2));
    let active = activate(&mut generations, "3");
    assert_eq!(active.generation(), number(3));
    assert_eq!(fs::read_to_string(folder.path().join("current/source.toml")).unwrap(), "3");
    assert_eq!(active.back().unwrap(), Some(number(2)));
    assert_eq!(fs::read_to_string(folder.path().join("current/source.toml")).unwrap(), "2");
    assert_eq!(names(folder.path()), [".lock", "current", "generations", "last-number"]);
    assert_eq!(names(&folder.path().join("generations")), ["2"]);
}

#[test]
fn a_program_that_ends_without_a_word_has_given_up() {
    let folder = folder();
    let mut generations = open(folder.path());
    drop(activate(&mut generations, "1"));
    drop(generations);
    let mut generations = open(folder.path());
    assert_eq!(generations.given_up(), Some(number(1)));
    assert_eq!(generations.stored().current().unwrap(), None);

    import(&mut generations, "2");
    drop(activate(&mut generations, "3"));
    drop(generations);
    let generations = open(folder.path());
    assert_eq!(generations.given_up(), Some(number(3)));
    assert_eq!(generations.stored().current_settled().unwrap(), Some(number(2)));
    drop(generations);
    assert_eq!(open(folder.path()).given_up(), None);
}

/// A container that nothing has changed for has the folder of an old generation mounted.
#[test]
fn generations_with_the_files_in_force_are_kept_until_nothing_runs() {
    let folder = folder();
    let mut generations = open(folder.path());
    for config in ["1", "2", "3", "4", "5"] {
        let content = if config == "1" { "other" } else { "same" };
        let staged = stage(&mut generations, bundle_with(config, content).path()).unwrap();
        staged.check(|_| Ok::<(), ()>(())).unwrap().activate().unwrap().settle().unwrap();
    }
    assert_eq!(generations.stored().settled().unwrap(), [2, 3, 4, 5].map(number));
    generations.forget_older().unwrap();
    assert_eq!(generations.stored().settled().unwrap(), [3, 4, 5].map(number));
}

#[test]
fn the_last_three_are_kept_and_numbers_never_go_back() {
    let folder = folder();
    let mut generations = open(folder.path());
    for expected in 1..=5 {
        assert_eq!(import(&mut generations, &expected.to_string()), number(expected));
    }
    assert_eq!(generations.stored().settled().unwrap(), [3, 4, 5].map(number));
    assert_eq!(names(&folder.path().join("generations")), ["3", "4", "5"]);

    // Somebody removes the newest.
    fs::remove_dir_all(generations.stored().folder(number(5))).unwrap();
    drop(generations);
    let mut generations = open(folder.path());
    assert_eq!(generations.stored().current_settled().unwrap(), Some(number(4)));
    assert_eq!(import(&mut generations, "6"), number(6));

    // Somebody damages the count: the folders still know.
    fs::write(folder.path().join("last-number"), "many").unwrap();
    assert_eq!(import(&mut generations, "7"), number(7));
}

#[test]
fn a_link_that_leads_nowhere_is_made_anew() {
    let damages: [fn(&Path); 5] = [
        |_| {},
        |link| symlink("generations/9", link).unwrap(),
        |link| symlink("/etc", link).unwrap(),
        |link| symlink("generations/../generations/1", link).unwrap(),
        |link| fs::write(link, "").unwrap(),
    ];
    for (kind, damage) in damages.iter().enumerate() {
        let folder = folder();
        let mut generations = open(folder.path());
        import(&mut generations, "1");
        import(&mut generations, "2");
        drop(generations);
        let link = folder.path().join("current");
        fs::remove_file(&link).unwrap();
        damage(&link);
        let generations = open(folder.path());
        assert_eq!(generations.stored().current_settled().unwrap(), Some(number(2)), "{kind}");
        assert_eq!(names(folder.path()), [".lock", "current", "generations", "last-number"], "{kind}");
    }
}

#[test]
fn damage_is_found_and_older_generations_can_still_be_read() {
    let folder = folder();
    let mut generations = open(folder.path());
    for config in ["1", "2", "3"] {
        import(&mut generations, config);
    }
    let stored = generations.stored();
    let path = |generation: u64, name: &str| stored.folder(number(generation)).join(name);
    fs::write(path(3, "source.toml"), "4").unwrap();
    fs::write(path(2, "manifest.json"), "{").unwrap();
    let damaged =
        format!("{} is not what was accepted: its checksum differs", path(3, "source.toml").display());
    assert_eq!(stored.read(number(3)).unwrap_err().to_string(), damaged);
    let damaged = format!("cannot understand {}", path(2, "manifest.json").display());
    assert_eq!(stored.read(number(2)).unwrap_err().to_string(), damaged);
    assert_eq!(stored.read(number(1)).unwrap().config, b"1");
    assert_eq!(stored.read(number(9)).unwrap_err().to_string(), "there is no generation 9");

    fs::copy(path(1, "manifest.json"), path(2, "manifest.json")).unwrap();
    assert!(stored.read(number(2)).is_err(), "the manifest of another generation");
    fs::write(path(1, "overlay.toml"), "").unwrap();
    assert!(stored.read(number(1)).is_err());
}

#[test]
fn one_program_at_a_time_changes_the_configuration_and_others_may_read() {
    let folder = folder();
    let mut generations = open(folder.path());
    import(&mut generations, "1");
    let error = Generations::open(folder.path(), Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "cannot change the configuration while another program does");
    let _active = activate(&mut generations, "2");
    let reader = StoredGenerations::at(folder.path());
    assert_eq!(reader.current().unwrap(), Some(number(2)));
    assert_eq!(reader.current_settled().unwrap(), None);
    assert_eq!(reader.newest_settled().unwrap(), Some(number(1)));
}

#[test]
fn a_folder_that_is_not_there_holds_nothing() {
    let reader = StoredGenerations::at(Path::new("/nonexistent"));
    assert_eq!(reader.current().unwrap(), None);
    assert_eq!(reader.settled().unwrap(), []);
    let error = Generations::open(Path::new("/nonexistent/config"), NO_WAIT).unwrap_err();
    assert_eq!(error.to_string(), "cannot make the folder /nonexistent/config");
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let folder = folder();
    drop(open(folder.path()));
    for name in ["generations/notes.txt", "generations/01.partial", "keep"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    fs::create_dir(folder.path().join("generations/7.partial")).unwrap();
    drop(open(folder.path()));
    assert_eq!(names(&folder.path().join("generations")), ["01.partial", "notes.txt"]);
    assert!(folder.path().join("keep").exists());
}
