//! What lasts and what does not: reboots and power cuts of a box that is set up, or about to be.

use image_tests::config::{HELLO, Seed, config_with};
use image_tests::console::{BOOT_SEED, DEGRADED, GOOD, NOT_YET, PROVISIONED, UP, WAITING};
use image_tests::{
    BOOT, COMMAND, Disk, EnvCopy, IMPORT, KeyPair, Provisioned, Ssh, TEST_SLOT, Testbed, Vm, VmOptions,
};

/// Asks a container on the box's own loopback, as the user who is logged in.
const ASK_QUIET: &str =
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/8001 && printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3 && cat <&3'";
/// What belongs to the device and not to a boot.
const IDENTITY: &str = "cat /etc/machine-id; ssh-keygen -lf /data/ssh/ssh_host_ed25519_key.pub; \
                        ssh-keygen -lf /data/ssh/ssh_host_ecdsa_key.pub";

/// A reboot of a box that is set up. Lost: what was written outside /data. Kept: /data, the machine id, the SSH host keys, the
/// journal, images and named volumes, root's and the application user's. The seed is not read again, nothing is formatted.
#[test]
fn b04_b10_b11_q03_a_reboot_keeps_what_is_on_data_and_nothing_else() {
    let testbed = Testbed::get();
    let folder = testbed.folder("b10").unwrap();
    let saved = Provisioned::get(&testbed, &folder).unwrap();
    let (vm, ssh, _disk) = saved.resume().unwrap();
    let identity = ssh.root(IDENTITY, COMMAND).unwrap();
    let images = ssh.app("podman images --no-trunc --quiet localhost/hello", COMMAND).unwrap();
    assert!(!images.trim().is_empty(), "the application user has no image");
    ssh.root("echo lost > /etc/slipway/note; echo lost > /var/note; echo kept > /data/note", COMMAND)
        .unwrap();
    let answer = ssh.run(ASK_QUIET, COMMAND).unwrap();
    assert!(answer.ends_with("answer 1\n"), "{answer}");
    let volumes = ssh.root("podman volume ls --quiet", COMMAND).unwrap();

    // The connection breaks off, whatever the command has to say.
    let _ = ssh.root("systemctl reboot", COMMAND);
    vm.serial().wait_for("Slipway selector, build", BOOT).unwrap();
    vm.serial().wait_for(UP, BOOT).unwrap();
    vm.serial().wait_for(GOOD, IMPORT).unwrap();
    let said = vm.serial().text();
    assert!(!said.contains("freshly flashed") && !said.contains(BOOT_SEED), "{said}");
    ssh.wait(BOOT).unwrap();
    assert_eq!(ssh.root(IDENTITY, COMMAND).unwrap(), identity);
    let notes = "cat /data/note; ls /etc/slipway/note /var/note 2>&1 || true";
    let notes = ssh.root(notes, COMMAND).unwrap();
    assert!(notes.starts_with("kept\n") && notes.matches("No such file").count() == 2, "{notes}");
    let boots = ssh.root("journalctl --list-boots --quiet --no-pager", COMMAND).unwrap();
    assert!(boots.lines().count() >= 2, "{boots}");
    assert_eq!(ssh.app("podman images --no-trunc --quiet localhost/hello", COMMAND).unwrap(), images);
    assert_eq!(ssh.root("podman volume ls --quiet", COMMAND).unwrap(), volumes);
    let answer = ssh.run(ASK_QUIET, COMMAND).unwrap();
    assert!(answer.ends_with("answer 2\n"), "the volume is new: {answer}");
}

/// A fresh disk with a seed for the story `name`.
fn seeded(testbed: &Testbed, name: &str) -> Disk {
    let folder = testbed.folder(name).unwrap();
    let key = KeyPair::new(testbed, &folder).unwrap();
    let disk = Disk::flash_4g(testbed, &folder, "disk").unwrap();
    let seed = Seed::new(&folder, "seed", config_with(key.public(), HELLO)).unwrap();
    disk.seed(seed.hello_image(testbed).unwrap().folder()).unwrap();
    disk
}

/// Cuts the power of one boot after another, each where the machine has said one of `points` so many times. However far the
/// import was, the next boot reads the seed again; left alone, it completes.
fn cuts(name: &str, points: &[(&str, usize)]) {
    let testbed = Testbed::get();
    let disk = seeded(&testbed, name);
    for (index, (point, times)) in points.iter().enumerate() {
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        for _ in 0..*times {
            let wanted = [*point, PROVISIONED];
            let (found, line) = vm.serial().wait_for_any(&wanted, IMPORT).unwrap();
            assert_eq!(found, 0, "cut {index} came too late: {line}");
        }
        let said = vm.serial().text();
        vm.power_cut();
        assert!(said.contains("selector: booting slot A"), "{said}");
    }
    let vm = Vm::start(&testbed, &[&disk]).unwrap();
    vm.serial().wait_for(BOOT_SEED, BOOT).unwrap();
    let provisioned = vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
    assert!(provisioned.contains("boot partition"), "{provisioned}");
    vm.serial().wait_for(GOOD, BOOT).unwrap();
}

/// When the seed is found, and when its configuration is in place but nothing has shown yet that it works.
#[test]
fn b05_a_power_cut_before_the_import_completes_leaves_the_seed_pending() {
    cuts("b05", &[(BOOT_SEED, 1), (" is in place", 1)]);
}

mod full {
    use super::*;

    /// From handing over to systemd to every step of the import.
    #[test]
    fn b05_power_cuts_all_along_the_import_leave_the_seed_pending() {
        cuts(
            "b05-full",
            &[
                ("slipway: switch-root: ", 1),
                (BOOT_SEED, 1),
                ("slipway: apply: generation ", 1),
                ("slipway: apply: generation ", 2),
                ("slipway: apply: generation ", 3),
                ("slipway: apply: generation ", 4),
                (" is in place", 1),
            ],
        );
    }

    /// Nobody sets it up, and somebody switches it off again and again: slot A stays.
    #[test]
    fn b05_twenty_power_cycles_without_a_configuration_stay_in_slot_a() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b05-cycles").unwrap();
        let disk = Disk::flash_4g(&testbed, &folder, "disk").unwrap();
        for cycle in 1..=20 {
            let vm = Vm::start(&testbed, &[&disk]).unwrap();
            vm.serial().wait_for("selector: booting slot ", TEST_SLOT).unwrap();
            vm.serial().wait_for(WAITING, BOOT).unwrap();
            let said = vm.serial().text();
            vm.power_cut();
            assert!(
                said.contains("booting slot A") && !said.contains("booting slot B"),
                "cycle {cycle}:\n{said}"
            );
        }
        let env = disk.env(EnvCopy::Env0).unwrap();
        assert_eq!((env["BOOT_ORDER"].as_str(), env["BOOT_A_LEFT"].as_str()), ("A", "9"));
        assert!(!env.contains_key("SLIPWAY_CONFIRMED"), "{env:?}");
    }

    /// A box that was set up finds its data partition damaged: it boots, says so on the serial line, does not mark the slot good anew, does
    /// not take the seed beside the selector, and writes nothing over what is there. The black box has the reason.
    #[test]
    fn b12_a_box_that_cannot_mount_its_data_says_so_and_takes_no_seed() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b12-set-up").unwrap();
        let disk = Provisioned::get(&testbed, &folder).unwrap().disk("disk").unwrap();
        disk.damage_partition("data", 1 << 20).unwrap();
        let table = disk.table().unwrap();
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        let data = vm.serial().wait_for("slipway: data: ", BOOT).unwrap();
        assert!(data.contains("NOT MOUNTED"), "{data}");
        let (_, verdict) = vm.serial().wait_for_any(&[DEGRADED, NOT_YET, GOOD], BOOT).unwrap();
        assert!(verdict.contains("data"), "{verdict}");
        let said = vm.serial().text();
        assert!(!said.contains(BOOT_SEED) && !said.contains(PROVISIONED) && !said.contains(GOOD), "{said}");
        vm.power_cut();
        assert!(disk.black_box_text().unwrap().contains("/data"), "the black box does not say why");
        assert_eq!(disk.table().unwrap(), table);
        assert_eq!(disk.read("data", 0, 1 << 20).unwrap(), vec![0xA5; 1 << 20], "data was written over");
    }

    /// A power cut right after the box is set up loses nothing of it.
    #[test]
    fn b10_a_power_cut_keeps_what_is_on_data() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b10-cut").unwrap();
        let saved = Provisioned::get(&testbed, &folder).unwrap();
        let disk = saved.disk("disk").unwrap();
        let mut options = VmOptions::board(&testbed);
        let port = options.forward(22).unwrap();
        let vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
        vm.serial().wait_for(GOOD, IMPORT).unwrap();
        let ssh = Ssh::admin(&testbed, saved.key(), port);
        ssh.wait(BOOT).unwrap();
        let answer = ssh.run(ASK_QUIET, COMMAND).unwrap();
        assert!(answer.ends_with("answer 1\n"), "{answer}");
    }
}
