//! Faults of a slot on trial, one by one: the box is back in the slot before without anybody's help, and `slipway why` names
//! where the other one stopped.

mod full {
    use appliance_types::SlotName;
    use image_tests::console::{BAD, GOOD, UP};
    use image_tests::{BOOT, COMMAND, Disk, IMPORT, Provisioned, Ssh, Testbed, Vm, VmOptions};
    use std::path::Path;
    use std::time::Duration;

    /// A trial slot that comes up and is not good is given up after five minutes.
    const TRIAL: Duration = Duration::from_secs(1200);
    /// Slot A is confirmed, slot B is on trial with one try, and comes first.
    const TRIAL_OF_B: [(&str, &str); 4] =
        [("BOOT_ORDER", "B A"), ("BOOT_A_LEFT", "9"), ("BOOT_B_LEFT", "1"), ("SLIPWAY_CONFIRMED", "A")];

    /// A box that is set up, with the same system in both slots and B on trial.
    struct Scene {
        testbed: Testbed,
        disk: Disk,
        saved: Provisioned,
    }

    impl Scene {
        fn new(name: &str) -> Scene {
            let testbed = Testbed::get();
            let folder = testbed.folder(&format!("b16-{name}")).unwrap();
            let saved = Provisioned::get(&testbed, &folder).unwrap();
            let disk = saved.disk("disk").unwrap();
            Scene::on(testbed, saved, disk)
        }

        fn on(testbed: Testbed, saved: Provisioned, disk: Disk) -> Scene {
            disk.install_b().unwrap();
            disk.set_boot_state(&TRIAL_OF_B).unwrap();
            Scene { testbed, disk, saved }
        }

        /// As [`Scene::new`], after root has run `command` on the box.
        fn after(name: &str, command: &str) -> Scene {
            let testbed = Testbed::get();
            let folder = testbed.folder(&format!("b16-{name}")).unwrap();
            let saved = Provisioned::get(&testbed, &folder).unwrap();
            let (vm, ssh, overlay) = saved.resume().unwrap();
            ssh.root(&format!("{command}; sync"), COMMAND).unwrap();
            vm.power_cut();
            let disk = overlay.flatten("disk").unwrap();
            Scene::on(testbed, saved, disk)
        }

        /// Boots until slot A runs and can be logged in to, and returns what `slipway why` says there.
        fn why(&self, limit: Duration) -> String {
            let mut options = VmOptions::board(&self.testbed);
            let port = options.forward(22).unwrap();
            let vm = Vm::start_with(&self.testbed, &[&self.disk], &options).unwrap();
            vm.serial().wait_for("slipway: selector: booting slot A", limit).unwrap();
            let rollback = vm.serial().wait_for("slipway: rollback: ", BOOT).unwrap();
            assert!(rollback.contains("from slot B to slot A"), "{rollback}");
            vm.serial().wait_for(UP, BOOT).unwrap();
            let ssh = Ssh::admin(&self.testbed, self.saved.key(), port);
            ssh.wait(BOOT).unwrap();
            ssh.root("slipway why", COMMAND).unwrap()
        }
    }

    fn names(why: &str, words: &[&str]) {
        let named = words.iter().all(|word| rollback_in(why).contains(word));
        assert!(named, "{words:?} are not in: {why}");
    }

    /// As [`names`], for one of these.
    fn names_one(why: &str, words: &[&str]) {
        assert!(words.iter().any(|word| rollback_in(why).contains(word)), "none of {words:?} is in: {why}");
    }

    fn rollback_in(why: &str) -> &str {
        why.lines().find(|line| line.contains("rolled back from slot B")).unwrap_or_default()
    }

    /// The other half of every story here: the same trial without a fault ends in slot B, marked good.
    #[test]
    fn b16_a_trial_without_a_fault_is_kept() {
        let scene = Scene::new("none");
        let vm = Vm::start(&scene.testbed, &[&scene.disk]).unwrap();
        let good = vm.serial().wait_for(GOOD, IMPORT).unwrap();
        assert!(good.contains("slot B"), "{good}");
        vm.power_cut();
        let env = scene.disk.env(image_tests::EnvCopy::Env0).unwrap();
        assert_eq!(env["SLIPWAY_CONFIRMED"], "B");
    }

    #[test]
    fn b16_a_bad_kernel() {
        let scene = Scene::new("kernel");
        scene.disk.damage_file(SlotName::B, "vmlinuz").unwrap();
        names(&scene.why(BOOT), &["load"]);
    }

    #[test]
    fn b16_a_truncated_squashfs() {
        let scene = Scene::new("squashfs");
        scene.disk.truncate_partition("rootfs-b", 8 << 20).unwrap();
        names(&scene.why(BOOT), &["rootfs"]);
    }

    #[test]
    fn b16_a_panic() {
        let scene = Scene::new("panic");
        // PID 1 ends, and the kernel with it.
        scene.disk.add_to_command_line(SlotName::B, "init=/usr/bin/true").unwrap();
        names(&scene.why(BOOT), &["switch-root", "panic"]);
    }

    #[test]
    fn b16_a_system_that_the_watchdog_ends() {
        let scene = Scene::new("watchdog");
        scene.disk.add_to_command_line(SlotName::B, "init=/usr/bin/cat").unwrap();
        names(&scene.why(BOOT), &["switch-root", "hung and was reset"]);
    }

    /// A unit that everything waits for never ends.
    #[test]
    fn b16_a_unit_that_hangs() {
        let scene = Scene::new("hang");
        repack(&scene.disk, "hang.service", "Type=oneshot\nExecStart=/usr/bin/sleep infinity\n");
        names(&scene.why(TRIAL), &["services"]);
    }

    /// A unit that the appliance cannot do without fails: here the firewall.
    #[test]
    fn b16_a_platform_unit_that_fails() {
        let scene = Scene::new("platform");
        scene
            .disk
            .repack_root(SlotName::B, |root| {
                std::fs::remove_file(root.join("usr/sbin/nft"))?;
                Ok(())
            })
            .unwrap();
        names(&scene.why(TRIAL), &["nftables.service"]);
    }

    /// Something eats all memory, faster than the kernel can end it, again and again.
    #[test]
    fn b16_a_system_without_memory() {
        let scene = Scene::new("memory");
        let eater = "ExecStart=/usr/bin/tail /dev/zero\nOOMScoreAdjust=-1000\nRestart=always\n";
        repack(&scene.disk, "eater.service", eater);
        // Whether the kernel gives up or PID 1 starves, and whether the services were up by then, is not known beforehand.
        let why = scene.why(TRIAL);
        names_one(&why, &["did not get past switch-root: ", "did not get past services: "]);
        names_one(&why, &["ended in a kernel panic", "hung and was reset"]);
    }

    /// Nothing can be written to /data any more: a required container does not start. Slot A has the same trouble and stays.
    #[test]
    fn b16_data_is_full() {
        let fill = "fallocate -l \"$(df --output=avail -B1 /data | tail -n 1)\" /data/filler; \
                    dd if=/dev/zero of=/data/filler2 bs=4k 2>/dev/null; true";
        names_one(&Scene::after("full", fill).why(TRIAL), &["hello", "quiet"]);
    }

    /// What the configuration says cannot be read. Slot A cannot either, and stays.
    #[test]
    fn b16_a_configuration_that_is_damaged() {
        let damage = "echo '[[[' >> /data/config/current/source.toml";
        let scene = Scene::after("config", damage);
        let options = VmOptions::board(&scene.testbed);
        let vm = Vm::start_with(&scene.testbed, &[&scene.disk], &options).unwrap();
        vm.serial().wait_for(BAD, TRIAL).unwrap();
        vm.serial().wait_for("slipway: selector: booting slot A", BOOT).unwrap();
        let rollback = vm.serial().wait_for("slipway: rollback: ", BOOT).unwrap();
        assert!(rollback.contains("config"), "{rollback}");
    }

    /// Slot B is the shipped system with one more unit that multi-user.target wants and waits for.
    fn repack(disk: &Disk, name: &str, service: &str) {
        disk.repack_root(SlotName::B, |root| {
            let units = root.join("usr/lib/systemd/system");
            let text = format!("[Unit]\nBefore=multi-user.target\n\n[Service]\n{service}");
            std::fs::write(units.join(name), text)?;
            let wants = units.join("multi-user.target.wants");
            std::fs::create_dir_all(&wants)?;
            std::os::unix::fs::symlink(Path::new("..").join(name), wants.join(name))?;
            Ok(())
        })
        .unwrap();
    }
}
