//! What lasts and what does not: reboots and power cuts of a box that is set up, or about to be.

use image_tests::config::{HELLO, Seed, config_with};
use image_tests::console::{BAD, BOOT_SEED, DEGRADED, FAILED, GOOD, IN_PLACE, PROVISIONED, UP, WAITING};
use image_tests::{
    BOOT, COMMAND, Disk, EnvCopy, IMPORT, KeyPair, Provisioned, Ssh, TEST_SLOT, Testbed, Vm, VmOptions,
};
use std::time::Duration;

/// Asks a container on the box's own loopback, as the user who is logged in.
const ASK_QUIET: &str =
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/8001 && printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3 && cat <&3'";
/// What belongs to the device and not to a boot.
const IDENTITY: &str = "cat /etc/machine-id; ssh-keygen -lf /data/ssh/ssh_host_ed25519_key.pub; \
                        ssh-keygen -lf /data/ssh/ssh_host_ecdsa_key.pub";

/// A reboot of a box that is set up. Lost: what was written outside /data. Kept: /data, the machine id, the SSH host keys, the
/// journal, images and named volumes, root's and the application user's. The seed is not read again, nothing is formatted. Both
/// containers that must run do again, the rootless one included, and no unit has failed.
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
    let failed = "systemctl --failed --plain --no-legend";
    assert_eq!(ssh.run(failed, COMMAND).unwrap(), "");
    assert_eq!(ssh.app(&failed.replace("systemctl", "systemctl --user"), COMMAND).unwrap(), "");
}

/// A fresh disk with a seed for the story `name`, and its administrator's key.
fn seeded(testbed: &Testbed, name: &str) -> (Disk, KeyPair) {
    let folder = testbed.folder(name).unwrap();
    let key = KeyPair::new(testbed, &folder).unwrap();
    let disk = Disk::flash_4g(testbed, &folder, "disk").unwrap();
    let seed = Seed::new(&folder, "seed", config_with(key.public(), HELLO)).unwrap();
    disk.seed(seed.hello_image(testbed).unwrap().folder()).unwrap();
    (disk, key)
}

/// Whether seeding is closed in the black box, and the device belongs to the holder of `key`.
fn is_claimed(disk: &Disk, key: &KeyPair) -> bool {
    let text = disk.black_box_text().unwrap();
    let blob = key.public().split_whitespace().nth(1).unwrap();
    ["SEED_CLOSED=1", "CLAIMED=1", blob].iter().all(|word| text.contains(word))
}

/// Cuts the power of one boot after another, each where the import has said one of `points`. However far it was, the next boot
/// reads the seed again, and the last one, left alone, completes.
fn cuts(testbed: &Testbed, disk: &Disk, points: &[&str]) {
    for point in points {
        let vm = Vm::start(testbed, &[disk]).unwrap();
        vm.serial().wait_for(BOOT_SEED, BOOT).unwrap();
        if *point != BOOT_SEED {
            let (found, line) = vm.serial().wait_for_any(&[*point, IN_PLACE, FAILED], IMPORT).unwrap();
            assert_eq!(found, 0, "`{point}` was not said before: {line}");
        }
        let said = vm.serial().text();
        vm.power_cut();
        assert!(said.contains("selector: booting slot A"), "{said}");
        assert!(!said.contains(IN_PLACE) && !said.contains(PROVISIONED), "cut too late at `{point}`: {said}");
    }
    let vm = Vm::start(testbed, &[disk]).unwrap();
    vm.serial().wait_for(BOOT_SEED, BOOT).unwrap();
    let provisioned = vm.serial().wait_for(PROVISIONED, IMPORT).unwrap();
    assert!(provisioned.contains("boot partition"), "{provisioned}");
    vm.serial().wait_for(GOOD, BOOT).unwrap();
}

/// When the seed is found, and when its configuration is in effect but nothing has shown yet that it works.
#[test]
fn b05_a_power_cut_before_the_import_completes_leaves_the_seed_pending() {
    let testbed = Testbed::get();
    let (disk, _key) = seeded(&testbed, "b05");
    cuts(&testbed, &disk, &[BOOT_SEED, "starting hello.service"]);
}

mod full {
    use super::*;
    use appliance_types::SlotName;
    use std::os::unix::fs::PermissionsExt;

    /// From handing over to systemd to the last step before it is settled.
    #[test]
    fn b05_power_cuts_all_along_the_import_leave_the_seed_pending() {
        let testbed = Testbed::get();
        let (disk, _key) = seeded(&testbed, "b05-full");
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        vm.serial().wait_for("slipway: switch-root: ", BOOT).unwrap();
        vm.power_cut();
        let points = [
            BOOT_SEED,
            ": reading ",
            ": checking it ",
            ": loading image archive ",
            ": setting up the firewall",
            ": starting hello.service",
            ": all required containers run",
        ];
        cuts(&testbed, &disk, &points);
    }

    /// Everything works and is settled, and the power is cut before the seed is closed: the next boot has its configuration
    /// without another look at the seed, and closes it.
    #[test]
    fn b05_a_power_cut_between_settled_and_closed_is_made_up_for() {
        let testbed = Testbed::get();
        let (disk, key) = seeded(&testbed, "b05-settled");
        // Closing takes no longer than a cut does. So whoever waits for the import hears of its end a minute late.
        let late = "#!/bin/sh\n/usr/lib/slipway/apply-config.real \"$@\"\nstatus=$?\n\
                    [ \"$1\" != import ] || sleep 60\nexit $status\n";
        disk.repack_root(SlotName::A, |root| {
            let program = root.join("usr/lib/slipway/apply-config");
            std::fs::rename(&program, program.with_extension("real"))?;
            std::fs::write(&program, late)?;
            Ok(std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?)
        })
        .unwrap();
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        vm.serial().wait_for(BOOT_SEED, BOOT).unwrap();
        vm.serial().wait_for(IN_PLACE, IMPORT).unwrap();
        vm.power_cut();
        let text = disk.black_box_text().unwrap();
        assert!(!text.contains("SEED_CLOSED") && !text.contains("CLAIMED"), "it was closed already");

        let mut options = VmOptions::board(&testbed);
        let port = options.forward(22).unwrap();
        let vm = Vm::start_with(&testbed, &[&disk], &options).unwrap();
        let provisioned = vm.serial().wait_for(PROVISIONED, BOOT).unwrap();
        assert!(provisioned.contains("boot partition"), "{provisioned}");
        vm.serial().wait_for(GOOD, IMPORT).unwrap();
        let said = vm.serial().text();
        assert!(!said.contains(BOOT_SEED) && !said.contains(IN_PLACE), "{said}");
        let ssh = Ssh::admin(&testbed, &key, port);
        ssh.wait(BOOT).unwrap();
        let gone =
            "for i in $(seq 60); do [ -e /data/fresh-flash ] || exit 0; sleep 1; done; ls -d /data/*; exit 1";
        ssh.root(gone, COMMAND).unwrap();
        vm.power_cut();
        assert!(is_claimed(&disk, &key), "{}", disk.black_box_text().unwrap());
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
    /// not take the seed beside the selector, and writes nothing over what is there. The black box has the reason, and still whose
    /// device it is. A slot that was confirmed stays up, degraded.
    #[test]
    fn b12_a_box_that_cannot_mount_its_data_says_so_and_takes_no_seed() {
        let testbed = Testbed::get();
        let folder = testbed.folder("b12-set-up").unwrap();
        let saved = Provisioned::get(&testbed, &folder).unwrap();
        let disk = saved.disk("disk").unwrap();
        assert_eq!(disk.env(EnvCopy::Env0).unwrap()["SLIPWAY_CONFIRMED"], "A");
        assert!(is_claimed(&disk, saved.key()), "it was not claimed before");
        disk.damage_partition("data", 1 << 20).unwrap();
        let table = disk.table().unwrap();
        let vm = Vm::start(&testbed, &[&disk]).unwrap();
        let data = vm.serial().wait_for("slipway: data: ", BOOT).unwrap();
        assert!(data.contains("NOT MOUNTED"), "{data}");
        let (found, verdict) = vm.serial().wait_for_any(&[DEGRADED, BAD, GOOD], IMPORT).unwrap();
        assert!(found == 0 && verdict.contains("data"), "{verdict}");
        // Time to reboot, were it to.
        vm.run_for(Duration::from_secs(20));
        assert_eq!(vm.serial().count("Slipway selector, build"), 1, "it did not stay up");
        let said = vm.serial().text();
        assert!(!said.contains(BOOT_SEED) && !said.contains(PROVISIONED) && !said.contains(GOOD), "{said}");
        vm.power_cut();
        assert!(disk.black_box_text().unwrap().contains("/data"), "the black box does not say why");
        assert!(is_claimed(&disk, saved.key()), "the claim is gone");
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
