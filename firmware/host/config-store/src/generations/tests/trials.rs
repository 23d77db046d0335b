//! A generation on trial, as programs that come and go see it.

use super::*;

fn moment(boot_id: &str, seconds: u64) -> BootMoment {
    BootMoment { boot_id: boot_id.to_owned(), uptime_ms: seconds * 1000 }
}

fn open_at(root: &Path, now: &BootMoment) -> Generations {
    Generations::open_watched(root, NO_WAIT, Some(now), Watcher::default()).unwrap()
}

/// Generation 1 is settled, generation 2 on trial until second 160 of the boot "a".
fn on_trial() -> tempfile::TempDir {
    let folder = folder();
    let mut generations = open(folder.path());
    import(&mut generations, "1");
    let deadline = Deadline::after(Duration::from_secs(60), &moment("a", 100));
    let trial = activate(&mut generations, "2").provisional(deadline.clone()).unwrap();
    assert_eq!(trial, OnTrial { generation: number(2), deadline });
    folder
}

fn current(root: &Path) -> String {
    fs::read_to_string(root.join("current/source.toml")).unwrap()
}

#[test]
fn in_its_boot_and_in_time_it_stays_in_force_whoever_opens_the_folder() {
    let folder = on_trial();
    for seconds in [100, 120, 159] {
        let mut generations = open_at(folder.path(), &moment("a", seconds));
        assert_eq!((generations.given_up(), current(folder.path()).as_str()), (None, "2"));
        let trial = generations.provisional().unwrap();
        assert_eq!(trial.generation(), number(2));
        assert_eq!(trial.deadline().left(&moment("a", seconds)), Some(Duration::from_secs(160 - seconds)));
        drop(trial);
        assert_eq!(generations.stored().current_settled().unwrap(), None);
    }
    let stored = StoredGenerations::at(folder.path());
    let trial = stored.on_trial(&moment("a", 100)).unwrap().unwrap();
    assert_eq!(trial.generation, number(2));
    assert_eq!(stored.on_trial(&moment("a", 160)).unwrap(), None);
}

#[test]
fn at_its_deadline_and_in_any_other_boot_it_is_over() {
    for now in [
        Some(moment("a", 160)),
        Some(moment("a", 10_000)),
        Some(moment("b", 0)),
        Some(moment("b", 120)),
        None,
    ] {
        let folder = on_trial();
        let mut generations =
            Generations::open_watched(folder.path(), NO_WAIT, now.as_ref(), Watcher::default()).unwrap();
        assert_eq!(generations.given_up(), Some(number(2)), "{now:?}");
        assert!(generations.provisional().is_none(), "{now:?}");
        assert_eq!(current(folder.path()), "1", "{now:?}");
        assert_eq!(names(&folder.path().join("generations")), ["1"], "{now:?}");
        assert_eq!(names(folder.path()), [".lock", "current", "generations", "last-number"]);
    }
}

#[test]
fn a_deadline_that_cannot_be_read_is_over() {
    let folder = on_trial();
    fs::write(folder.path().join("generations/2/trial.json"), "{").unwrap();
    assert_eq!(open_at(folder.path(), &moment("a", 101)).given_up(), Some(number(2)));
}

#[test]
fn confirmed_it_is_as_any_other() {
    let folder = on_trial();
    let mut generations = open_at(folder.path(), &moment("a", 159));
    let settled = generations.provisional().unwrap().confirm().unwrap();
    assert_eq!(settled, Settled { generation: number(2) });
    assert!(generations.provisional().is_none());
    assert_eq!(import(&mut generations, "3"), number(3));
    drop(generations);
    let generations = open_at(folder.path(), &moment("b", 0));
    assert_eq!((generations.given_up(), current(folder.path()).as_str()), (None, "3"));
    assert_eq!(names(folder.path()), [".lock", "current", "generations", "last-number"]);
}

#[test]
fn taken_back_it_is_gone() {
    let folder = on_trial();
    let mut generations = open_at(folder.path(), &moment("a", 110));
    assert_eq!(generations.provisional().unwrap().back().unwrap(), Some(number(1)));
    assert_eq!(
        (current(folder.path()).as_str(), names(&folder.path().join("generations"))),
        ("1", vec!["1".to_owned()])
    );
    assert_eq!(import(&mut generations, "3"), number(3));
}

#[test]
fn beside_it_no_other_change_begins() {
    let folder = on_trial();
    let mut generations = open_at(folder.path(), &moment("a", 110));
    assert!(matches!(generations.put_in_force(number(1)), Err(GenerationsError::OnTrial(_))));
    let error = generations.begin().unwrap_err();
    assert!(
        error.to_string().starts_with("generation 2 is on trial: `slipway config confirm` keeps it"),
        "{error}"
    );
    assert_eq!(current(folder.path()), "2");
}

/// An image that cannot read the newest generation takes an older one; `current` says so, and the newer one stays.
#[test]
fn what_is_put_in_force_is_what_current_names_and_the_newer_one_stays() {
    let folder = folder();
    let mut generations = open(folder.path());
    for config in ["1", "2", "3", "4", "5"] {
        import(&mut generations, config);
    }
    generations.put_in_force(number(3)).unwrap();
    assert_eq!(current(folder.path()), "3");
    assert_eq!(generations.stored().newest_settled().unwrap(), Some(number(5)));
    assert!(generations.put_in_force(number(9)).is_err());
    // A change from there that does not work ends there.
    assert_eq!(activate(&mut generations, "6").back().unwrap(), Some(number(3)));
    drop(generations);
    let mut generations = open(folder.path());
    assert_eq!((generations.given_up(), current(folder.path()).as_str()), (None, "3"));
    // And back, by an image that can.
    generations.put_in_force(number(5)).unwrap();
    assert_eq!(current(folder.path()), "5");
    assert_eq!(names(folder.path()), [".lock", "current", "generations", "last-number"]);
}

#[test]
fn the_one_in_force_and_the_one_before_it_are_kept_however_old_they_are() {
    let folder = folder();
    let mut generations = open(folder.path());
    for config in ["1", "2", "3", "4", "5"] {
        import(&mut generations, config);
    }
    assert_eq!(generations.stored().settled().unwrap(), [3, 4, 5].map(number));
    generations.put_in_force(number(4)).unwrap();
    import(&mut generations, "6");
    assert_eq!(generations.stored().settled().unwrap(), [4, 5, 6].map(number));
    generations.put_in_force(number(5)).unwrap();
    // Three newer ones that nothing has put in force, as an image would find them that cannot read any of them.
    let stored = generations.stored().clone();
    for newer in [7, 8, 9] {
        copy_generation(&stored.folder(number(6)), &stored.folder(number(newer)));
    }
    generations.forget_older().unwrap();
    assert_eq!(generations.stored().settled().unwrap(), [4, 5, 7, 8, 9].map(number));
}

fn copy_generation(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for name in ["manifest.json", "source.toml", "settled"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// Whoever goes back to an older generation goes forward, to a new number with its content.
#[test]
fn a_kept_generation_is_taken_over_whole() {
    let folder = folder();
    let mut generations = open(folder.path());
    import(&mut generations, "1");
    import(&mut generations, "2");
    let script = folder.path().join("generations/1/files/www/version.txt");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let stored = generations.stored().clone();
    let kept = stored.read(number(1)).unwrap();

    let staging = generations.begin().unwrap();
    let taken = crate::bundle::Unpacked::from_kept(&stored, &kept, staging.folder()).unwrap();
    assert_eq!(taken.config, b"1");
    assert_eq!(taken.devices.into_iter().next(), kept.overlay);
    assert_eq!(taken.images, kept.manifest.images);
    let copied = folder.path().join("generations/3.partial/files/www");
    assert_eq!((mode(&copied.join("version.txt")), mode(&copied.join("index.html"))), (0o755, 0o644));
    assert_eq!(fs::read(copied.join("index.html")).unwrap(), [b'x'; 20_000]);
    assert!(!folder.path().join("generations/3.partial/images").exists());
    // But for the bit that was set here, the digest is the one of then.
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_dir_all(folder.path().join("generations/3.partial/files")).unwrap();
    let again = crate::bundle::Unpacked::from_kept(&stored, &kept, staging.folder()).unwrap();
    assert_eq!(again.files_digest, kept.manifest.files_digest);
}
