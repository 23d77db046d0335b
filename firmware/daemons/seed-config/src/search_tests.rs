use super::*;
use crate::import::tests::fake;
use host_files::Console;
use std::fs;

const GOOD: &str = r#"{"outcome":"settled","generation":3,"admin_keys":["ssh-ed25519 AAAA a"]}"#;
const WITH_OVERLAY: &str =
    r#"{"outcome":"settled","generation":3,"overlay":"devices/52-54-00-12-34-56.toml"}"#;
const REFUSED: &str =
    r#"{"outcome":"refused","generation":null,"problems":["config.toml:3:1: no","config.toml:4:1: no"]}"#;

/// A place with these files, and what became of it; then what the console and the report say.
fn boot_partition(files: &[&str], answer: &str) -> (Look, String, Option<ProvisioningReport>, String) {
    let folder = tempfile::tempdir().unwrap();
    let boot = folder.path().join("boot");
    for name in files {
        let path = boot.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    fs::create_dir_all(&boot).unwrap();
    let (console, report) = (folder.path().join("console"), folder.path().join("provisioning.json"));
    fs::write(&console, "").unwrap();
    let importer = fake(folder.path(), answer, 0);
    let mut search = Search {
        voice: &mut Voice::new(Console::at(&console), &report, None, None),
        importer: &importer,
        device: DeviceNames { macs: vec!["52:54:00:12:34:56".parse().unwrap()], serial: None },
        mount_point: Path::new("/nonexistent"),
        root: folder.path(),
        warnings: vec![],
        attempts: Attempts::default(),
    };
    let look = search.boot_partition(&boot);
    let said = fs::read_to_string(&console).unwrap().replace(&*folder.path().to_string_lossy(), "");
    let arguments = fs::read_to_string(folder.path().join("arguments")).unwrap_or_default();
    let arguments = arguments.replace(&*folder.path().to_string_lossy(), "").replace('\n', " ");
    (look, said, ProvisioningReport::read(&report).ok(), arguments)
}

#[test]
fn a_seed_is_handed_over_with_the_names_of_this_device() {
    let files = ["boot.scr", "config.toml", "devices/52-54-00-12-34-56.toml", "files/a"];
    let (look, said, report, arguments) = boot_partition(&files, WITH_OVERLAY);
    let Look::Imported(imported) = look else { panic!("{look:?}") };
    assert_eq!(imported.in_words(), "generation 3 from boot partition");
    assert_eq!(
        said,
        "slipway: seed: looking at /boot/config.toml\n\
         slipway: seed: with devices/52-54-00-12-34-56.toml for this device\n"
    );
    assert_eq!(report.unwrap().state, ProvisioningState::Importing);
    assert_eq!(arguments, "import --source boot partition --from /boot --device 52:54:00:12:34:56 ");
}

#[test]
fn a_bundle_on_the_boot_partition_is_taken_too() {
    let (look, said, _, arguments) = boot_partition(&["config.tar.zst"], GOOD);
    assert!(matches!(look, Look::Imported(_)));
    assert_eq!(said, "slipway: seed: looking at /boot/config.tar.zst\n");
    assert_eq!(
        arguments,
        "import --source boot partition --from /boot/config.tar.zst --device 52:54:00:12:34:56 "
    );
}

#[test]
fn s05_part_a_refused_seed_is_said_with_its_first_problem_and_reported_with_all() {
    let (look, said, report, _) = boot_partition(&["config.toml"], REFUSED);
    assert_eq!(look, Look::Useless);
    assert_eq!(
        said,
        "slipway: seed: looking at /boot/config.toml\n\
         slipway: seed: refused: config.toml:3:1: no (and 1 more)\n"
    );
    let report = report.unwrap();
    assert_eq!(report.state, ProvisioningState::Unprovisioned);
    assert_eq!(report.problems, ["config.toml:3:1: no", "config.toml:4:1: no"]);
    assert!(report.message.contains("boot partition"), "{}", report.message);
}

#[test]
fn what_cannot_be_meant_is_refused_without_an_import() {
    let (look, said, _, arguments) = boot_partition(&["config.toml", "config.tgz"], GOOD);
    assert_eq!((look, arguments.as_str()), (Look::Useless, ""));
    assert!(
        said.contains("refused: config.toml, config.tgz: more than one configuration; leave one"),
        "{said}"
    );
}

#[test]
fn an_empty_boot_partition_is_nothing() {
    let (look, said, report, arguments) = boot_partition(&["boot.scr"], GOOD);
    assert_eq!((look, said.as_str(), report, arguments.as_str()), (Look::Nothing, "", None, ""));
}
