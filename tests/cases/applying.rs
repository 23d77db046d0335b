//! Changing the configuration of a box that runs: only what differs is touched, what does not work is taken back, and whoever has
//! cut themselves off is let in again.

use image_tests::console::{PROVISIONED, UP};
use image_tests::{BOOT, COMMAND, Disk, IMPORT, Provisioned, Ssh, Testbed, Vm, VmOptions};
use serde_json::Value;
use std::time::Duration;

/// What a change of something else must not restart, each with the number that systemd gives it at every start.
const UNTOUCHED: &str = "systemctl show --property=Id,InvocationID hello.service systemd-networkd.service nftables.service \
                         ssh.service chrony.service systemd-resolved.service user@900.service";
const LAN: &str = "ip -4 -oneline address show dev eth1";
const OTHER_LAN: &str = "\n[network.interfaces.eth1]\nmode = \"static\"\naddress = \"10.77.0.1/24\"\n";

/// A box that is set up and runs: root's container `hello` and the application user's `quiet`, both required.
struct Running {
    testbed: Testbed,
    saved: Provisioned,
    vm: Vm,
    ssh: Ssh,
    disk: Disk,
    config: String,
}

impl Running {
    fn resume(name: &str) -> Running {
        let testbed = Testbed::get();
        let folder = testbed.folder(name).unwrap();
        let saved = Provisioned::get(&testbed, &folder).unwrap();
        let (vm, ssh, disk) = saved.resume().unwrap();
        let config = ssh.root("cat /data/config/current/source.toml", COMMAND).unwrap();
        Running { testbed, saved, vm, ssh, disk, config }
    }

    /// Applies this document as an administrator does, and returns the answer.
    fn apply(&self, config: &str, options: &str) -> Value {
        self.ssh.feed_root("cat > /run/new.toml", config.as_bytes(), COMMAND).unwrap();
        // The exit status says the same as the answer.
        self.answer(&format!("slipway config apply /run/new.toml --json {options} || true"))
    }

    fn answer(&self, command: &str) -> Value {
        let text = self.ssh.root(command, IMPORT).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("`{command}`: {error}: {text}"))
    }

    fn untouched(&self) -> String {
        let system = self.ssh.root(UNTOUCHED, COMMAND).unwrap();
        assert_eq!(system.matches("InvocationID=").count(), 7, "{system}");
        system + &self.quiet("--property=Id,InvocationID,ActiveState")
    }

    /// What the application user's systemd says of its container.
    fn quiet(&self, what: &str) -> String {
        self.ssh.app(&format!("systemctl --user show {what} quiet.service"), COMMAND).unwrap()
    }

    fn in_force(&self) -> Value {
        let history = self.answer("slipway config history --json");
        history.as_array().unwrap().iter().find(|entry| entry["state"] == "in-force").unwrap()["generation"]
            .clone()
    }
}

fn outcome(answer: &Value) -> &str {
    answer["outcome"].as_str().unwrap()
}

/// A user and a port more: the user is there, the port is open, and nothing was restarted, no container and no service. The same
/// once more changes nothing at all.
#[test]
fn a06_a_user_and_a_port_restart_nothing() {
    let it = Running::resume("a06");
    let before = it.untouched();
    let key = it.saved.key().public();
    let changed = it.config.replace("tcp = [8000]", "tcp = [8000, 8123]");
    let changed = format!("{changed}\n[users.bob]\nssh_key = \"{key}\"\n");
    assert_ne!(changed.len(), it.config.len());
    assert!(!it.ssh.root("nft list ruleset", COMMAND).unwrap().contains("8123"));
    let answer = it.apply(&changed, "");
    assert_eq!(outcome(&answer), "settled", "{answer}");
    assert_eq!(it.untouched(), before);
    it.ssh.run("id bob", COMMAND).unwrap();
    assert!(it.ssh.root("nft list ruleset", COMMAND).unwrap().contains("8123"));
    let diff = it.ssh.root("slipway config diff", COMMAND).unwrap();
    assert!(diff.contains("+[users.bob]") && diff.contains("does     setting up the firewall"), "{diff}");
    assert!(!diff.contains("restarting"), "{diff}");

    let answer = it.apply(&changed, "");
    assert_eq!(outcome(&answer), "unchanged", "{answer}");
    assert_eq!(it.untouched(), before);
}

/// A LAN address set wrongly is back within the window, with nobody's help.
#[test]
fn a12_a_wrong_lan_address_is_back_within_the_window() {
    let it = Running::resume("a12");
    let lan = it.ssh.run(LAN, COMMAND).unwrap();
    assert!(lan.contains("172.20.30.1/24"), "{lan}");
    let answer = it.apply(&(it.config.clone() + OTHER_LAN), "--confirm 60");
    assert_eq!(outcome(&answer), "provisional", "{answer}");
    let wrong = it.ssh.run(LAN, COMMAND).unwrap();
    assert!(wrong.contains("10.77.0.1/24") && !wrong.contains("172.20.30.1"), "{wrong}");

    it.vm.serial().wait_for("generation 1: is in force again", Duration::from_secs(300)).unwrap();
    let back = it.ssh.run(LAN, COMMAND).unwrap();
    assert!(back.contains("172.20.30.1/24") && !back.contains("10.77.0.1"), "{back}");
    assert_eq!(it.in_force(), 1);
    let late = it.answer("slipway config confirm --json || true");
    assert_eq!((outcome(&late), late["stage"].as_str()), ("failed", Some("trial")), "{late}");
}

/// What is required does not run: all of it is taken back, and the answer says so.
#[test]
fn a04_what_does_not_work_gives_way_to_what_was_before() {
    let it = Running::resume("a04");
    let wrong = it.config.replace("Exec = \"serve 8000\"", "Exec = \"crash\"");
    assert_ne!(wrong, it.config);
    let answer = it.apply(&wrong, "");
    assert_eq!((outcome(&answer), answer["stage"].as_str()), ("failed", Some("required")), "{answer}");
    assert!(answer["reason"].as_str().unwrap().contains("hello.service"), "{answer}");
    assert_eq!(
        (&answer["rollback"]["done"], &answer["rollback"]["to"]),
        (&true.into(), &1.into()),
        "{answer}"
    );
    assert_eq!(it.in_force(), 1);
    // It is on its way up again.
    let wait = "for i in $(seq 60); do systemctl is-active hello.service && exit 0; sleep 1; done; exit 1";
    it.ssh.root(wait, COMMAND).unwrap();
}

/// A container that is not in the configuration any more: its service is stopped, its unit is gone, and what is not ours is as it was.
#[test]
fn q02_a_removed_container_goes_and_a_foreign_unit_stays() {
    let it = Running::resume("q02");
    let foreign = "printf '[Service]\\nExecStart=sleep infinity\\n' > /etc/systemd/system/foreign.service \
                   && systemctl daemon-reload && systemctl start foreign.service";
    it.ssh.root(foreign, COMMAND).unwrap();
    let states = "systemctl show --property=Id,InvocationID,ActiveState foreign.service hello.service";
    let before = it.ssh.root(states, COMMAND).unwrap();
    assert!(it.quiet("--property=ActiveState").contains("=active"));

    let (without, _) = it.config.split_once("[containers.container.quiet]").unwrap();
    let without = without.replace(", \"quiet\"]", "]");
    let answer = it.apply(&without, "");
    assert_eq!(outcome(&answer), "settled", "{answer}");
    let quiet = it.quiet("--property=LoadState,ActiveState");
    assert!(quiet.contains("LoadState=not-found") && quiet.contains("ActiveState=inactive"), "{quiet}");
    let running = it.ssh.app("podman ps --format {{.Names}}", COMMAND).unwrap();
    assert_eq!(running.trim(), "", "the application user still runs something");
    assert_eq!(it.ssh.root(states, COMMAND).unwrap(), before);
    it.ssh.root("test -e /etc/systemd/system/foreign.service", COMMAND).unwrap();

    assert_eq!(outcome(&it.apply(&without, "")), "unchanged");
    // The way back brings it back.
    assert_eq!(outcome(&it.answer("slipway config rollback --json")), "settled");
    assert!(it.quiet("--property=ActiveState").contains("=active"));
    assert_eq!(it.ssh.root(states, COMMAND).unwrap(), before);
}

mod full {
    use super::*;

    /// The power goes within the window: the next boot has the old address, however long the window still was.
    #[test]
    fn a12_a_power_cut_within_the_window_ends_it() {
        let it = Running::resume("a12-cut");
        let answer = it.apply(&(it.config.clone() + OTHER_LAN), "--confirm 3600");
        assert_eq!(outcome(&answer), "provisional", "{answer}");
        assert!(it.ssh.run(LAN, COMMAND).unwrap().contains("10.77.0.1/24"));
        it.vm.power_cut();

        let disk = it.disk.flatten("disk").unwrap();
        let mut options = VmOptions::board(&it.testbed);
        let port = options.forward(22).unwrap();
        let vm = Vm::start_with(&it.testbed, &[&disk], &options).unwrap();
        let provisioned = vm.serial().wait_for(PROVISIONED, BOOT).unwrap();
        assert!(provisioned.contains("generation 1 "), "{provisioned}");
        vm.serial().wait_for(UP, BOOT).unwrap();
        let ssh = Ssh::admin(&it.testbed, it.saved.key(), port);
        ssh.wait(BOOT).unwrap();
        let lan = ssh.run(LAN, COMMAND).unwrap();
        assert!(lan.contains("172.20.30.1/24") && !lan.contains("10.77.0.1"), "{lan}");
    }

    /// What is confirmed within the window stays, also after a power cut.
    #[test]
    fn a12_what_is_confirmed_stays() {
        let it = Running::resume("a12-confirmed");
        assert_eq!(outcome(&it.apply(&(it.config.clone() + OTHER_LAN), "--confirm 600")), "provisional");
        let answer = it.answer("slipway config confirm --json");
        assert_eq!(outcome(&answer), "settled", "{answer}");
        let timers = it.ssh.root("systemctl list-timers --all", COMMAND).unwrap();
        assert!(!timers.contains("slipway-revert"), "{timers}");
        it.vm.power_cut();

        let disk = it.disk.flatten("disk").unwrap();
        let mut options = VmOptions::board(&it.testbed);
        let port = options.forward(22).unwrap();
        let vm = Vm::start_with(&it.testbed, &[&disk], &options).unwrap();
        vm.serial().wait_for(UP, BOOT).unwrap();
        let ssh = Ssh::admin(&it.testbed, it.saved.key(), port);
        ssh.wait(BOOT).unwrap();
        let lan = ssh.run(LAN, COMMAND).unwrap();
        assert!(lan.contains("10.77.0.1/24") && !lan.contains("172.20.30.1"), "{lan}");
    }

    /// A change that is killed half-way is put in order by itself: what was before is in place.
    #[test]
    fn a04_a_change_that_is_killed_is_taken_back() {
        let it = Running::resume("a04-killed");
        let wrong = it.config.replace("Exec = \"serve 8000\"", "Exec = \"crash\"");
        it.ssh.feed_root("cat > /run/new.toml", wrong.as_bytes(), COMMAND).unwrap();
        it.ssh.root("systemd-run --quiet slipway config apply /run/new.toml", COMMAND).unwrap();
        it.vm.serial().wait_for("waiting for hello.service", IMPORT).unwrap();
        it.ssh.root("systemctl kill --signal=SIGKILL slipway-apply.service", COMMAND).unwrap();
        it.vm.serial().wait_for("generation 1: is in force again", IMPORT).unwrap();
        assert_eq!(it.in_force(), 1);
        let unit = it.ssh.root("cat /etc/containers/systemd/hello.container", COMMAND).unwrap();
        assert!(unit.contains("Exec=serve 8000"), "{unit}");
    }
}
