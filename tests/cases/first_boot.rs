//! The first boot: from which source a configuration comes, and that nothing counts as provisioned before all of it works.

use image_tests::config::{HELLO, Seed, config_with};
use image_tests::console::{BOOT_SEED, FAILED, FOUND, GOOD, PROVISIONED, REFUSED, UP, WAITING};
use image_tests::{
    BOOT, COMMAND, Disk, EnvCopy, IMPORT, KeyPair, Provisioned, Ssh, Stick, StickFormat, Testbed, Vm,
    VmOptions, http_get,
};
use std::path::PathBuf;

/// The number of the breadcrumb that a good verdict leaves.
const MARK_GOOD: u8 = 8;

/// What every story here begins with.
struct Scene {
    testbed: Testbed,
    folder: PathBuf,
    key: KeyPair,
    options: VmOptions,
    ssh_port: u16,
    hello_port: u16,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let testbed = Testbed::get();
        let folder = testbed.folder(name).unwrap();
        let key = KeyPair::new(&testbed, &folder).unwrap();
        let mut options = VmOptions::board(&testbed);
        let ssh_port = options.forward(22).unwrap();
        let hello_port = options.forward(8000).unwrap();
        Scene { testbed, folder, key, options, ssh_port, hello_port }
    }

    fn disk(&self) -> Disk {
        Disk::flash_4g(&self.testbed, &self.folder, "disk").unwrap()
    }

    /// A folder with this configuration behind our administrator.
    fn seed(&self, name: &str, extra: &str) -> Seed {
        Seed::new(&self.folder, name, config_with(self.key.public(), extra)).unwrap()
    }

    /// The same with the container that must run, and its image.
    fn hello(&self, name: &str) -> Seed {
        self.seed(name, HELLO).hello_image(&self.testbed).unwrap()
    }

    fn stick(&self, name: &str, format: StickFormat, seed: &Seed) -> Stick {
        Stick::new(&self.testbed, &self.folder, name, format, seed.folder()).unwrap()
    }

    fn start(&self, disk: &Disk) -> Vm {
        Vm::start_with(&self.testbed, &[disk], &self.options).unwrap()
    }

    fn ssh(&self) -> Ssh {
        let ssh = Ssh::admin(&self.testbed, &self.key, self.ssh_port);
        ssh.wait(BOOT).unwrap();
        ssh
    }
}

/// Neither of the things that only a good boot leaves.
fn assert_not_confirmed(disk: &Disk) {
    for copy in [EnvCopy::Env0, EnvCopy::Env1] {
        let env = disk.env(copy).unwrap();
        assert!(!env.contains_key("SLIPWAY_CONFIRMED"), "{env:?}");
    }
    assert!(!disk.has_breadcrumb(MARK_GOOD).unwrap(), "a mark-good breadcrumb is in the black box");
}

/// The main job, on the smallest input. A fresh disk has a configuration beside the selector, and a stick has another: the
/// first is used. Its container, from an archive in the bundle, answers; the administrator can log in and become root; the slot
/// is marked good over D-Bus, as libubootenv sees it; the stick is left alone.
#[test]
fn s01_q04_the_boot_partition_wins_its_container_answers_and_the_slot_is_good() {
    let mut scene = Scene::new("s01");
    let disk = scene.disk();
    disk.seed(scene.hello("seed").folder()).unwrap();
    let other = Seed::new(&scene.folder, "other", "version = 1\n").unwrap();
    let stick = scene.stick("stick", StickFormat::Vfat, &other);
    scene.options.with_stick(&stick);

    let vm = scene.start(&disk);
    vm.serial().wait_for(BOOT_SEED, BOOT).unwrap();
    let provisioned = vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
    assert!(provisioned.contains("generation 1 from boot partition"), "{provisioned}");
    let good = vm.serial().wait_for(GOOD, BOOT).unwrap();
    assert!(good.contains("slot A"), "{good}");
    assert!(!vm.serial().text().contains(FOUND), "the stick was looked at");

    let answer = http_get(scene.hello_port, COMMAND).unwrap();
    assert!(answer.starts_with("hello from ") && answer.ends_with("answer 1\n"), "{answer}");
    let ssh = scene.ssh();
    let env = ssh.root("fw_printenv SLIPWAY_CONFIRMED BOOT_ORDER", COMMAND).unwrap();
    assert!(env.contains("SLIPWAY_CONFIRMED=A") && env.contains("BOOT_ORDER=A"), "{env}");
    let containers = ssh.root("podman ps --format '{{.Names}} {{.Image}}'", COMMAND).unwrap();
    assert!(containers.contains("localhost/hello:latest"), "{containers}");
    let rauc = ssh.root("rauc status --output-format=json", COMMAND).unwrap();
    assert!(rauc.contains("\"boot_status\":\"good\""), "{rauc}");
    ssh.root("sync", COMMAND).unwrap();
    vm.power_cut();
    assert_eq!(disk.env(EnvCopy::Env0).unwrap()["SLIPWAY_CONFIRMED"], "A");
    assert!(disk.has_breadcrumb(MARK_GOOD).unwrap());
    assert_eq!(stick.list("slipway-receipts").unwrap(), Vec::<String>::new());
}

/// A box that was set up before has lost its data partition, and what it was seeded with still lies beside the selector: that is
/// not looked at again. It waits, and takes the bundle on a stick that is plugged in then.
#[test]
fn s02_s04_without_its_data_the_boot_seed_is_ignored_and_a_stick_plugged_in_later_is_used() {
    let scene = Scene::new("s02");
    let saved = Provisioned::get(&scene.testbed, &scene.folder).unwrap();
    let mut disk = saved.disk("disk").unwrap();
    disk.delete_data().unwrap();
    let bundle = scene.hello("bundle");
    let content = scene.folder.join("stick-files");
    std::fs::create_dir(&content).unwrap();
    bundle.pack(&scene.testbed, &content, "config.tar.zst").unwrap();
    let stick = Stick::new(&scene.testbed, &scene.folder, "stick", StickFormat::Ext4, &content).unwrap();

    let mut vm = scene.start(&disk);
    vm.serial().wait_for(WAITING, BOOT).unwrap();
    vm.serial().wait_for(UP, BOOT).unwrap();
    assert!(!vm.serial().text().contains(BOOT_SEED), "the boot partition was looked at again");
    assert!(!vm.serial().text().contains(PROVISIONED));
    vm.plug("stick", &stick).unwrap();
    let provisioned = vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
    assert!(provisioned.contains("USB stick"), "{provisioned}");
    assert!(http_get(scene.hello_port, COMMAND).unwrap().ends_with("answer 1\n"));
    vm.power_cut();
    let receipt: toml::Table = stick.receipt().unwrap().parse().unwrap();
    assert_eq!(receipt["result"].as_str(), Some("accepted"), "{receipt}");
}

/// Nothing to set it up with: it says so, stays reachable for whoever has a stick, and marks nothing good. A first stick's
/// required container crashes again and again: not provisioned, not good, and the reason is said. A second stick helps.
#[test]
fn s03_s04_s06_it_waits_refuses_what_crashes_and_takes_the_next_stick() {
    let scene = Scene::new("s03");
    let disk = scene.disk();
    let crash = HELLO.replace("serve 8000", "crash").replace("= 300", "= 60");
    let crashing = scene.seed("crashing", &crash).hello_image(&scene.testbed).unwrap();
    let crashing = scene.stick("crashing", StickFormat::Vfat, &crashing);
    let working = scene.stick("working", StickFormat::Vfat, &scene.hello("working-files"));

    let mut vm = scene.start(&disk);
    vm.serial().wait_for(WAITING, BOOT).unwrap();
    vm.serial().wait_for(UP, BOOT).unwrap();
    vm.plug("crashing", &crashing).unwrap();
    let failed = vm.serial().wait_for(FAILED, IMPORT).unwrap();
    assert!(failed.contains("required") && failed.contains("hello"), "{failed}");
    vm.serial().wait_for(WAITING, BOOT).unwrap();
    let said = vm.serial().text();
    assert!(!said.contains(PROVISIONED) && !said.contains(GOOD), "{said}");
    assert_not_confirmed(&disk);
    vm.unplug("crashing").unwrap();
    let receipt: toml::Table = crashing.receipt().unwrap().parse().unwrap();
    assert_ne!(receipt["result"].as_str(), Some("accepted"), "{receipt}");
    assert!(receipt["reason"].as_str().unwrap().contains("hello"), "{receipt}");

    vm.plug("working", &working).unwrap();
    vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
    vm.serial().wait_for(GOOD, BOOT).unwrap();
    let why = scene.ssh().root("slipway why", COMMAND).unwrap();
    assert!(why.contains("hello"), "{why}");
}

/// What lies beside the selector is wrong at two places: both are said where they are, on the serial line and by `slipway why`.
/// Then the sticks: one is wrong too, and its receipt says where; the other has the marks that Windows editors leave (BOM, CRLF)
/// and a part for this device alone, which is laid over the rest.
#[test]
fn s05_s07_wrong_seeds_are_told_where_and_the_next_source_is_used() {
    let mut scene = Scene::new("s05");
    let disk = scene.disk();
    let wrong = config_with(scene.key.public(), "\n[usres.x]\n").replace("tcp = [8000]", "tcp = [22, 0]");
    disk.put_boot_file("config.toml", wrong.as_bytes()).unwrap();
    let refused = scene.seed("refused", "\n[network.interfaces.eth1]\nmode = \"statc\"\n");
    let refused = scene.stick("refused", StickFormat::Vfat, &refused);
    let windows = "\u{feff}".to_owned() + &config_with(scene.key.public(), "").replace('\n', "\r\n");
    let overlay = "[network.interfaces.eth1]\r\nmode = \"static\"\r\naddress = \"192.168.77.1/24\"\r\n";
    let accepted = Seed::new(&scene.folder, "accepted", windows).unwrap();
    let accepted = accepted.file("devices/525400123456.toml", overlay).unwrap();
    let accepted = accepted.file("devices/525400000000.toml", "version = 7\n").unwrap();
    let accepted = scene.stick("accepted", StickFormat::Vfat, &accepted);
    scene.options.with_stick(&refused);
    scene.options.with_stick(&accepted);

    let vm = scene.start(&disk);
    vm.serial().wait_for(BOOT_SEED, BOOT).unwrap();
    let line = vm.serial().wait_for(REFUSED, BOOT).unwrap();
    // `config.toml:LINE:COLUMN`, of the first of the two.
    let place = line.split_once(REFUSED).unwrap().1.split(": ").next().unwrap();
    let numbers: Vec<&str> = place.strip_prefix("config.toml:").unwrap().split(':').collect();
    let at = numbers[0].parse::<usize>().unwrap() - 1;
    let written = wrong.lines().nth(at).unwrap();
    assert!(written.contains("[22, 0]") || written.contains("usres"), "{line} means {written}");
    assert!(numbers.len() == 2 && numbers[1].parse::<usize>().is_ok(), "{line}");
    let provisioned = vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
    assert!(provisioned.contains("USB stick"), "{provisioned}");
    vm.serial().wait_for(GOOD, BOOT).unwrap();
    let ssh = scene.ssh();
    let why = ssh.root("slipway why --breadcrumbs", COMMAND).unwrap();
    assert!(why.contains("check seed: ") && why.contains("boot partition"), "{why}");
    let why = ssh.root("slipway why", COMMAND).unwrap();
    let found = why.split_once("Found in this boot, newest last:\n").unwrap_or_else(|| panic!("{why}")).1;
    let told = format!(" s after the kernel started: boot partition: refused: {place}: ");
    assert!(found.lines().any(|line| line.starts_with("- seed, ") && line.contains(&told)), "{told}: {why}");
    let addresses = ssh.run("ip -4 -brief address show eth1", COMMAND).unwrap();
    assert!(addresses.contains("192.168.77.1/24"), "{addresses}");
    let host_key = ssh.root("ssh-keygen -lf /data/ssh/ssh_host_ed25519_key.pub", COMMAND).unwrap();
    vm.power_cut();

    let receipt = accepted.receipt().unwrap();
    let table: toml::Table = receipt.parse().unwrap();
    assert_eq!(table["result"].as_str(), Some("accepted"), "{receipt}");
    assert!(receipt.contains(host_key.split_whitespace().nth(1).unwrap()), "{receipt}");
    assert!(receipt.contains("192.168.77.1/24") && receipt.contains(&scene.testbed.build_id), "{receipt}");
    // Both sticks were there: which is looked at first is not promised, and the other is not needed then.
    for receipt in refused.list("slipway-receipts").unwrap() {
        let text = refused.read(&format!("slipway-receipts/{receipt}")).unwrap();
        assert!(text.contains("result = \"refused\"") && text.contains("config.toml:"), "{text}");
    }
}

mod full {
    use super::*;
    use appliance_types::SlotName;
    use std::path::Path;

    /// As when the partition is gone, where it is there and empty.
    #[test]
    fn s02_with_empty_data_the_boot_seed_is_ignored() {
        let scene = Scene::new("s02-wiped");
        let saved = Provisioned::get(&scene.testbed, &scene.folder).unwrap();
        let (vm, ssh, overlay) = saved.resume().unwrap();
        ssh.root("rm -rf /data/* /data/.[!.]* 2>/dev/null; sync; ls -A /data", COMMAND).unwrap();
        vm.power_cut();
        let disk = overlay.flatten("wiped").unwrap();
        let mut options = scene.options.clone();
        let seed = scene.hello("files");
        let stick = scene.stick("stick", StickFormat::Vfat, &seed);
        options.with_stick(&stick);
        let vm = Vm::start_with(&scene.testbed, &[&disk], &options).unwrap();
        let provisioned = vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
        assert!(provisioned.contains("USB stick"), "{provisioned}");
        assert!(!vm.serial().text().contains(BOOT_SEED), "the boot partition was looked at again");
    }

    /// A larger stick, as they are sold: exFAT. A running machine fills it, because no tool here can.
    #[test]
    fn s04_s07_an_exfat_stick_with_a_bundle() {
        let scene = Scene::new("s04-exfat");
        let saved = Provisioned::get(&scene.testbed, &scene.folder).unwrap();
        let stick = Stick::blank(&scene.testbed, &scene.folder, "stick", StickFormat::Exfat).unwrap();
        let bundle = scene.hello("files").pack(&scene.testbed, &scene.folder, "config.tar.gz").unwrap();
        let (mut vm, ssh, _disk) = saved.resume().unwrap();
        vm.plug("stick", &stick).unwrap();
        let write = "for i in $(seq 60); do [ -b /dev/sda1 ] && break; sleep 1; done; \
                     mount -t exfat /dev/sda1 /mnt && cat > /mnt/config.tar.gz && umount /mnt";
        ssh.feed_root(write, &std::fs::read(bundle).unwrap(), COMMAND).unwrap();
        vm.unplug("stick").unwrap();
        vm.power_cut();

        let mut options = scene.options.clone();
        options.with_stick(&stick);
        let disk = scene.disk();
        let vm = Vm::start_with(&scene.testbed, &[&disk], &options).unwrap();
        vm.serial().wait_for(FOUND, BOOT).unwrap();
        vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
        let read = "mount -t exfat -o ro /dev/sda1 /mnt && cat /mnt/slipway-receipts/*; umount /mnt";
        let receipt = scene.ssh().root(read, COMMAND).unwrap();
        assert!(receipt.contains("result = \"accepted\""), "{receipt}");
    }

    /// A root with `change` in it cannot do what the boot seed asks: the import fails at `stage`, says so, and neither is the box
    /// provisioned nor the slot good. The reason is in the black box.
    fn fails_at(name: &str, stage: &str, change: impl FnOnce(&Path)) {
        let scene = Scene::new(name);
        let disk = scene.disk();
        disk.repack_root(SlotName::A, |root| {
            change(root);
            Ok(())
        })
        .unwrap();
        disk.seed(scene.hello("seed").folder()).unwrap();
        let vm = scene.start(&disk);
        vm.serial().wait_for(BOOT_SEED, BOOT).unwrap();
        let (_, line) = vm.serial().wait_for_any(&[FAILED, REFUSED, PROVISIONED], IMPORT).unwrap();
        assert!(line.contains(stage) && !line.contains(PROVISIONED), "{line}");
        vm.serial().wait_for(WAITING, BOOT).unwrap();
        vm.serial().wait_until_said(UP, BOOT).unwrap();
        let said = vm.serial().text();
        assert!(!said.contains(PROVISIONED) && !said.contains(GOOD), "{said}");
        assert!(!said.contains("going back failed"), "{said}");
        vm.power_cut();
        assert_not_confirmed(&disk);
        assert!(disk.black_box_text().unwrap().contains(stage), "{stage} is not in the black box");
    }

    fn script(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The administrator's home cannot be made.
    #[test]
    fn s06_users_that_cannot_be_made() {
        fails_at("s06-users", "users", |root| {
            std::fs::write(root.join("home/admin"), "in the way").unwrap();
        });
    }

    /// A file that comes first in the network's configuration keeps LAN off.
    #[test]
    fn s06_a_lan_that_does_not_get_its_address() {
        fails_at("s06-lan", "network", |root| {
            let text = "[Match]\nName=eth1\n\n[Link]\nUnmanaged=yes\n";
            std::fs::write(root.join("usr/lib/systemd/network/05-fault.network"), text).unwrap();
        });
    }

    /// Rules that pass nft's check and cannot be loaded.
    #[test]
    fn s06_a_firewall_that_cannot_be_loaded() {
        fails_at("s06-firewall", "firewall", |root| {
            let nft = root.join("usr/sbin/nft");
            std::fs::rename(&nft, root.join("usr/sbin/nft.real")).unwrap();
            script(
                &nft,
                "#!/bin/sh\ncase \" $* \" in *\" -c \"*|*\" --check \"*) ;; *) grep -q 8000 /etc/nftables.conf && exit 1 ;; esac\n\
                 exec /usr/sbin/nft.real \"$@\"\n",
            );
        });
    }

    /// The generator of container units refuses them.
    #[test]
    fn s06_a_quadlet_that_the_generator_refuses() {
        fails_at("s06-quadlet", "containers", |root| {
            script(&root.join("usr/libexec/podman/quadlet"), "#!/bin/sh\necho 'not today' >&2\nexit 1\n");
        });
    }
}
