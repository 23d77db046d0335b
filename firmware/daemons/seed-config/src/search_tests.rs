use super::*;
use crate::import::tests::fake;
use host_files::Console;
use std::fs;
use std::time::Duration;

const GOOD: &str = r#"{"outcome":"settled","generation":3,"admin_keys":["ssh-ed25519 AAAA a"]}"#;
const WITH_OVERLAY: &str =
    r#"{"outcome":"settled","generation":3,"overlay":"devices/52-54-00-12-34-56.toml"}"#;
const REFUSED: &str =
    r#"{"outcome":"refused","generation":null,"problems":["config.toml:3:1: no","config.toml:4:1: no"]}"#;

/// A place with these files, and what became of it; then what the console and the report say.
fn boot_partition(files: &[&str], answer: &str) -> (Look, String, Option<ProvisioningReport>, String) {
    boot_partition_of(Idle::Empty, files, answer)
}

fn boot_partition_of(
    idle: Idle,
    files: &[&str],
    answer: &str,
) -> (Look, String, Option<ProvisioningReport>, String) {
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
        idle,
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
fn a_device_that_should_have_a_configuration_stays_degraded() {
    let lost = || Idle::Degraded("The kept configuration cannot be used: no.".to_owned());
    let failed = r#"{"outcome":"failed","generation":null,"stage":"firewall","reason":"no"}"#;
    let twice = r#"{"outcome":"failed-twice","generation":null,"stage":"firewall","reason":"no"}"#;
    let rows = [
        (Idle::Empty, REFUSED, ProvisioningState::Unprovisioned),
        (Idle::Empty, failed, ProvisioningState::Unprovisioned),
        (Idle::Empty, twice, ProvisioningState::Degraded),
        (lost(), REFUSED, ProvisioningState::Degraded),
        (lost(), failed, ProvisioningState::Degraded),
    ];
    for (idle, answer, expected) in rows {
        let (look, _, report, _) = boot_partition_of(idle.clone(), &["config.toml"], answer);
        assert_eq!((look, report.unwrap().state), (Look::Useless, expected), "{idle:?}: {answer}");
    }
}

#[test]
fn what_is_in_force_already_is_reported_as_that() {
    let unchanged = r#"{"outcome":"unchanged","generation":3}"#;
    let (look, _, report, _) = boot_partition(&["config.toml"], unchanged);
    let Look::Imported(imported) = look else { panic!("{look:?}") };
    assert_eq!(imported.in_words(), "generation 3 from boot partition");
    let report = report.unwrap();
    assert_eq!(report.state, ProvisioningState::Provisioned);
    assert_eq!(report.generation.map(Generation::get), Some(3));
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

#[test]
fn a_seed_that_failed_is_tried_again_when_its_time_has_come_and_not_once_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (boot, console) = (folder.path().join("boot"), folder.path().join("console"));
    fs::create_dir(&boot).unwrap();
    fs::write(boot.join("config.toml"), "").unwrap();
    fs::write(&console, "").unwrap();
    let importer = fake(folder.path(), r#"{"outcome":"failed","generation":null,"reason":"no"}"#, 2);
    let mut search = Search {
        voice: &mut Voice::new(Console::at(&console), &folder.path().join("provisioning.json"), None, None),
        importer: &importer,
        device: DeviceNames::default(),
        mount_point: Path::new("/nonexistent"),
        root: folder.path(),
        warnings: vec![],
        attempts: Attempts::default(),
        idle: Idle::Empty,
    };
    let place = [Place::BootPartition];
    let an_hour_ago = Instant::now() - Duration::from_secs(3600);
    assert_eq!(search.boot_partition(&boot), Look::Useless);
    assert_eq!(search.boot_partition(&boot), Look::Nothing);
    search.attempts.ended(&place[0], End::Failed, an_hour_ago);
    assert_eq!(search.boot_partition(&boot), Look::Useless);
    let said = fs::read_to_string(&console).unwrap();
    assert_eq!(said.matches("slipway: seed: trying the boot partition again\n").count(), 1, "{said}");
    assert_eq!(said.matches("slipway: seed: failed: no\n").count(), 2, "{said}");

    search.attempts.ended(&place[0], End::Failed, an_hour_ago);
    fs::remove_file(boot.join("config.toml")).unwrap();
    assert_eq!(search.boot_partition(&boot), Look::Nothing);
    assert_eq!(search.attempts.next(&place, Instant::now()), None);
}
