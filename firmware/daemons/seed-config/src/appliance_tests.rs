use super::*;
use crate::import::tests::fake;
use crate::situation::{Plan, decide};
use host_files::DataPartition;

const CURRENT: &str = r#"{"outcome":"settled","generation":1,"admin_keys":["ssh-ed25519 AAAA admin"]}"#;

/// A box in a folder: its black box, its data, its boot partition.
struct Device {
    folder: tempfile::TempDir,
}

impl Device {
    fn freshly_flashed(answer: &str) -> Device {
        let device = Device { folder: tempfile::tempdir().unwrap() };
        for folder in ["data/fresh-flash", "boot", "dev", "run", "sys/class/net/eth0"] {
            fs::create_dir_all(device.path(folder)).unwrap();
        }
        fs::write(device.path("blackbox"), vec![0; 1024 * 1024]).unwrap();
        fs::write(device.path("console"), "").unwrap();
        fs::write(device.path("sys/class/net/eth0/address"), "52:54:00:12:34:56\n").unwrap();
        fake(device.folder.path(), answer, 0);
        device.boot(true);
        device
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn boot(&self, fresh_flash: bool) {
        let report = BootReport {
            build: "0.1.0-a".parse().unwrap(),
            selector_build: None,
            slot: appliance_types::SlotName::A,
            disk: "/dev/vda".into(),
            black_box: Some(self.path("blackbox")),
            token: None,
            tries_left: None,
            reason: None,
            env: None,
            reset: None,
            last_resort: false,
            fresh_flash,
            data: if fresh_flash { DataPartition::Absent } else { DataPartition::Present },
            boot_number: 1,
        };
        fs::write(self.path("run/boot.json"), report.to_json()).unwrap();
    }

    fn open(&self) -> Appliance {
        Appliance::open(Places {
            root: self.folder.path().to_owned(),
            data: self.path("data"),
            boot: self.path("boot"),
            boot_report: self.path("run/boot.json"),
            black_box: "/nonexistent".into(),
            fresh_marker: self.path("data/fresh-flash"),
            console: Console::at(&self.path("console")),
            watched: Watched { sticks: self.path("dev/usb"), report: self.path("run/provisioning.json") },
            mount_point: self.path("run/seed"),
            importer: Importer { program: self.path("apply-config") },
        })
    }

    /// What an import that worked leaves, before it is closed.
    fn settle(&self, source: &str) {
        let generation = self.path("data/config/generations/1");
        fs::create_dir_all(&generation).unwrap();
        fs::write(generation.join("source.toml"), source).unwrap();
        fs::write(generation.join("settled"), "").unwrap();
        std::os::unix::fs::symlink("generations/1", self.path("data/config/current")).unwrap();
    }

    /// As the box itself would find them: its data is no mount point here.
    fn plan(&self) -> Plan {
        decide(&Facts { data_usable: true, ..self.open().facts() })
    }

    fn records(&self) -> disk_image::blackbox::Records {
        BlackBox::open(&self.path("blackbox")).unwrap().records().unwrap()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.path("console")).unwrap()
    }
}

#[test]
fn s01_part_a_fresh_box_takes_the_boot_partitions_seed_and_closes_it() {
    let device = Device::freshly_flashed(CURRENT);
    fs::write(device.path("boot/config.toml"), "version = 1\n").unwrap();
    assert_eq!(device.plan(), Plan::Search { forget_claim: false, boot_partition: true, ignored: None });
    device.open().search(true, None).unwrap();

    let records = device.records();
    let claim = records.claim.unwrap();
    assert!(records.seed_closed);
    assert_eq!(
        (claim.device_id(), claim.admin_keys()),
        ("525400123456", &["ssh-ed25519 AAAA admin".to_owned()][..])
    );
    assert!(!device.path("data/fresh-flash").exists());
    assert!(
        device.said().ends_with("slipway: provisioned: generation 1 from boot partition\n"),
        "{}",
        device.said()
    );

    device.settle("version = 1\n");
    device.boot(false);
    assert_eq!(device.plan(), Plan::Provisioned { close: false, ignored: None });
    fs::write(device.path("boot/config.toml"), "version = 1 # another\n").unwrap();
    assert!(matches!(device.plan(), Plan::Provisioned { close: false, ignored: Some(_) }));
}

#[test]
fn a_power_cut_between_the_import_and_its_end_is_made_up_for() {
    let device = Device::freshly_flashed(CURRENT);
    device.settle("version = 1\n");
    device.boot(false);
    assert_eq!(device.plan(), Plan::Provisioned { close: true, ignored: None });
    device.open().close_again();
    assert!(device.records().seed_closed && device.records().claim.is_some());
    assert_eq!(device.plan(), Plan::Provisioned { close: false, ignored: None });
}

#[test]
fn an_end_that_does_not_work_is_said_and_tried_again_at_the_next_boot() {
    let device = Device::freshly_flashed(CURRENT);
    device.settle("version = 1\n");
    fs::remove_dir_all(device.path("sys")).unwrap();
    device.open().close_again();
    assert!(
        device.said().contains("the import is not closed, and will be at the next boot"),
        "{}",
        device.said()
    );
    let report = ProvisioningReport::read(&device.path("run/provisioning.json")).unwrap();
    assert_eq!(report.warnings.len(), 1);
    assert!(matches!(device.plan(), Plan::Provisioned { close: true, .. }));
}

#[test]
fn s02_part_a_wiped_box_belongs_to_nobody_and_says_what_it_passes_over() {
    let device = Device::freshly_flashed(CURRENT);
    fs::write(device.path("boot/config.toml"), "version = 1\n").unwrap();
    device.open().search(true, None).unwrap();
    device.boot(false);
    let Plan::Search { forget_claim: true, boot_partition: false, ignored: Some(why) } = device.plan() else {
        panic!("{:?}", device.plan());
    };
    let appliance = device.open();
    appliance.forget_claim().unwrap();
    appliance.say_what_is_ignored(Some(why));
    assert!(device.records().seed_closed && device.records().claim.is_none());
    assert!(device.said().contains("is not looked at: this device was seeded before"), "{}", device.said());
    assert!(matches!(device.plan(), Plan::Search { forget_claim: false, boot_partition: false, .. }));
}

#[test]
fn s05_part_while_it_waits_a_configuration_from_elsewhere_ends_the_search() {
    let device = Device::freshly_flashed(CURRENT);
    let mut appliance = device.open();
    let (done, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(appliance.search(false, None)));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !device.said().contains("waiting for a USB stick") {
        assert!(std::time::Instant::now() < deadline, "{}", device.said());
        std::thread::yield_now();
    }
    device.settle("version = 1\n");
    host_files::write_atomic(&device.path("run/provisioning.json"), b"{}", 0o644).unwrap();
    end.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
    assert!(device.records().seed_closed);
    assert!(!device.path("data/fresh-flash").exists());
}

#[test]
fn without_data_nothing_is_imported_and_nothing_forgotten() {
    let device = Device::freshly_flashed(CURRENT);
    let mut appliance = device.open();
    assert_eq!(decide(&appliance.facts()), Plan::WithoutData);
    appliance.say_that_nothing_can_be_kept();
    assert!(device.said().contains("slipway: seed: nothing is imported: "), "{}", device.said());
    let report = ProvisioningReport::read(&device.path("run/provisioning.json")).unwrap();
    assert_eq!(report.state, ProvisioningState::Degraded);
}

#[test]
fn data_that_cannot_be_read_is_not_data_without_a_configuration() {
    // A file in place of a folder: an error, and another one than "not found".
    for file in ["data/config", "data/config/generations"] {
        let device = Device::freshly_flashed(CURRENT);
        let path = device.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        let mut appliance = device.open();
        assert_eq!(decide(&appliance.facts()), Plan::WithoutData, "{file}");
        appliance.say_that_nothing_can_be_kept();
        let said = device.said();
        assert!(said.contains("slipway: seed: nothing is imported: cannot look at "), "{said}");
    }
    let nothing = tempfile::tempdir().unwrap();
    assert!(!is_settled(nothing.path()).unwrap());
    assert!(!has_entries(&nothing.path().join("generations")).unwrap());
    assert!(!has_entries(nothing.path()).unwrap());
    std::os::unix::fs::symlink("current", nothing.path().join("current")).unwrap();
    assert!(has_entries(&nothing.path().join("current/generations")).is_err());
}

#[test]
fn a_kept_configuration_that_cannot_be_read_is_said_and_a_new_one_ends_the_search() {
    let device = Device::freshly_flashed("oops");
    device.settle("version = 1\n");
    device.boot(false);
    fs::write(device.path("boot/config.toml"), "version = 1\n").unwrap();
    let mut appliance = device.open();
    let plan = decide(&Facts { data_usable: true, ..appliance.facts() });
    assert!(
        matches!(plan, Plan::Search { forget_claim: false, boot_partition: false, ignored: Some(_) }),
        "{plan:?}"
    );
    assert!(device.said().contains("seed: the kept configuration cannot be used: `"), "{}", device.said());

    let (done, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(appliance.search(false, None)));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !device.said().contains("waiting for a USB stick") {
        assert!(std::time::Instant::now() < deadline, "{}", device.said());
        std::thread::yield_now();
    }
    let report = device.path("run/provisioning.json");
    assert_eq!(ProvisioningReport::read(&report).unwrap().state, ProvisioningState::Degraded);
    assert!(end.recv_timeout(Duration::from_millis(200)).is_err(), "it waits for another one");

    let answer = device.path("answer");
    fs::create_dir(&answer).unwrap();
    fake(&answer, CURRENT, 0);
    fs::rename(answer.join("apply-config"), device.path("apply-config")).unwrap();
    let (new, link) = (device.path("data/config/generations/2"), device.path("data/config/current"));
    fs::create_dir(&new).unwrap();
    fs::write(new.join("settled"), "").unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("generations/2", &link).unwrap();
    host_files::write_atomic(&report, b"{}", 0o644).unwrap();
    end.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
    assert!(device.records().seed_closed);
}
