//! A power cut after each step that changes the disk, and after each step of the recovery from it.

use super::*;

/// Copies of a folder, taken after each step.
#[derive(Clone, Default)]
struct Cuts(Rc<RefCell<Vec<(Step, tempfile::TempDir)>>>);

impl Cuts {
    fn watcher(&self, root: &Path) -> Watcher {
        let (cuts, root) = (Rc::clone(&self.0), root.to_owned());
        Watcher(Some(Box::new(move |step| {
            let copy = folder();
            copy_tree(&root, copy.path());
            cuts.borrow_mut().push((step, copy));
        })))
    }

    fn take(&self) -> Vec<(Step, tempfile::TempDir)> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dir(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What is in force, with the proof that it is whole.
fn in_force(root: &Path) -> Option<String> {
    let stored = StoredGenerations::at(root);
    let current = stored.current().unwrap()?;
    assert!(stored.is_settled(current));
    let read = stored.read(current).unwrap();
    let payload = fs::read(root.join("current/files/www/index.html")).unwrap();
    assert_eq!(payload, [b'x'; 20_000]);
    Some(String::from_utf8(read.config).unwrap())
}

fn check_tidy(root: &Path, what: &str) {
    let stored = StoredGenerations::at(root);
    let settled: Vec<String> = stored.settled().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names(&root.join("generations")), settled, "{what}");
    assert!(settled.len() <= KEPT, "{what}");
    let mut expected = vec![".lock", "generations", "last-number"];
    if !settled.is_empty() {
        expected.insert(1, "current");
    }
    let mut found = names(root);
    found.retain(|name| name != ".last-number.partial");
    if !found.contains(&"last-number".to_owned()) {
        expected.retain(|name| *name != "last-number");
    }
    assert_eq!(found, expected, "{what}");
}

/// Opens what a power cut left; what is then in force.
fn recover(root: &Path, what: &str) -> Option<String> {
    let cuts = Cuts::default();
    drop(Generations::open_watched(root, NO_WAIT, None, cuts.watcher(root)).unwrap());
    check_tidy(root, what);
    let result = in_force(root);
    // A second cut, in the middle of the recovery.
    for (step, copy) in cuts.take() {
        let what = format!("{what}, then after {step:?} of the recovery");
        drop(open(copy.path()));
        check_tidy(copy.path(), &what);
        assert_eq!(in_force(copy.path()), result, "{what}");
    }
    // Nothing is left to do.
    drop(Generations::open_watched(root, NO_WAIT, None, cuts.watcher(root)).unwrap());
    assert!(cuts.take().is_empty(), "{what}: the second opening changed something");
    result
}

/// How a change ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Settled,
    Back,
    Confirmed,
    TakenBack,
}

/// Imports `before`, then `config` with a cut after each step, up to its `end`.
fn cut_everywhere(before: &[&str], config: &str, end: End) -> Vec<Step> {
    let folder = folder();
    let root = folder.path().join("config");
    if !before.is_empty() {
        let mut generations = open(&root);
        for config in before {
            import(&mut generations, config);
        }
    }
    let old = before.last().map(|&config| config.to_owned());
    let parent = folder.path().to_owned();
    let cuts = Cuts::default();
    let mut generations = Generations::open_watched(&root, NO_WAIT, None, cuts.watcher(&parent)).unwrap();
    let active = activate(&mut generations, config);
    match end {
        End::Settled => drop(active.settle().unwrap()),
        End::Back => drop(active.back().unwrap()),
        End::Confirmed | End::TakenBack => {
            let deadline = Deadline::after(Duration::from_secs(3600), &BootMoment::now().unwrap());
            active.provisional(deadline).unwrap();
            let trial = generations.provisional().unwrap();
            match end {
                End::Confirmed => drop(trial.confirm().unwrap()),
                _ => drop(trial.back().unwrap()),
            }
        }
    }
    let taken = StoredGenerations::at(&root).current().unwrap();
    drop(generations);

    let mut steps = Vec::new();
    for (step, copy) in cuts.take() {
        steps.push(step);
        let what = format!("{before:?}, then {config}: after {} steps, {step:?}", steps.len());
        let expected = if steps.contains(&Step::Settled) { Some(config.to_owned()) } else { old.clone() };
        let root = copy.path().join("config");
        assert_eq!(recover(&root, &what), expected, "{what}");
        // And the device can still be configured, with a number nobody had.
        let mut generations = open(&root);
        let next = import(&mut generations, "next");
        assert!(Some(next) > taken.filter(|_| steps.contains(&Step::Settled)), "{what}");
        drop(generations);
        assert_eq!(in_force(&root), Some("next".to_owned()), "{what}");
    }
    steps
}

#[test]
fn after_a_cut_in_the_first_import_there_is_nothing_or_all_of_it() {
    use Step::*;
    let steps = cut_everywhere(&[], "1", End::Settled);
    let expected = [
        FolderMade,
        FolderMade,
        NumberTaken,
        FolderMade,
        ContentWritten,
        ContentWritten,
        ContentWritten,
        ContentWritten,
        ContentSynced,
        Renamed,
        LinkMade,
        Flipped,
        Settled,
    ];
    assert_eq!(steps, expected);
}

#[test]
fn after_a_cut_in_a_change_the_old_or_the_new_is_in_force() {
    let steps = cut_everywhere(&["1"], "2", End::Settled);
    assert!(steps.contains(&Step::LinkRemoved));
    let steps = cut_everywhere(&["1", "2", "3"], "4", End::Settled);
    assert!(steps.ends_with(&[Step::LinkRemoved, Step::SetAside, Step::Removed]), "{steps:?}");
}

#[test]
fn after_a_cut_on_the_way_back_the_old_is_in_force() {
    let steps = cut_everywhere(&["1"], "2", End::Back);
    assert!(
        steps.ends_with(&[Step::Flipped, Step::Flipped, Step::LinkRemoved, Step::SetAside, Step::Removed]),
        "{steps:?}"
    );
    let steps = cut_everywhere(&[], "1", End::Back);
    assert!(steps.ends_with(&[Step::Flipped, Step::Flipped, Step::SetAside, Step::Removed]), "{steps:?}");
}

/// A12, the part on the disk: at every moment of a trial, the power cut takes it back; after its confirmation, none does.
#[test]
fn a12_part_after_a_cut_in_a_trial_the_old_is_in_force() {
    for (end, after) in [
        (End::Confirmed, &[Step::OnTrial, Step::Settled, Step::LinkRemoved][..]),
        (End::TakenBack, &[Step::OnTrial, Step::Flipped, Step::LinkRemoved, Step::SetAside, Step::Removed]),
    ] {
        let steps = cut_everywhere(&["1"], "2", end);
        assert!(steps.ends_with(after), "{end:?}: {steps:?}");
    }
    // On a device that had nothing there is nothing again.
    assert!(cut_everywhere(&[], "1", End::Confirmed).ends_with(&[Step::OnTrial, Step::Settled]));
    assert!(cut_everywhere(&[], "1", End::TakenBack).contains(&Step::OnTrial));
}

#[test]
fn a_cut_among_the_files_of_a_bundle_leaves_nothing() {
    let folder = folder();
    let mut generations = open(folder.path());
    import(&mut generations, "1");
    drop(generations);
    for made in ["files", "files/a/b/c", "images"] {
        let partial = folder.path().join("generations/2.partial");
        fs::create_dir_all(partial.join(made)).unwrap();
        fs::write(partial.join(made).join("half"), "hal").unwrap();
        assert_eq!(recover(folder.path(), made), Some("1".to_owned()));
    }
}
