//! The corridor as it runs on the box: the real program, in a root of its own, with the system's tools replaced by scripts that
//! note how they were called and fail when they are told to.
//!
//! The root is an overlay over this machine's, in a mount namespace: only root can make one. Nothing outside of it is touched.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;

use bench::{Bench, KEY, MINIMAL, with_web};

#[test]
fn a_good_configuration_is_put_in_place_and_the_same_again_changes_nothing() {
    let Some(bench) = Bench::new() else { return };
    let first = bench.import(&with_web());
    assert_eq!(
        (first["outcome"].as_str(), first["generation"].as_u64()),
        (Some("settled"), Some(1)),
        "{first}"
    );
    assert_eq!(first["admin_keys"][0], KEY);
    assert!(bench.read("/etc/passwd").contains("\nadmin:x:1000:1000:"), "{}", bench.read("/etc/passwd"));
    assert!(bench.read("/etc/slipway/authorized-keys/admin").starts_with("ssh-ed25519 "));
    assert!(bench.read("/etc/containers/systemd/web.container").contains("Image=localhost/web:1"));
    assert_eq!(bench.link("/data/config/current"), "generations/1");
    for call in [
        "nft --file",
        "networkctl reload",
        "systemctl daemon-reload",
        "systemctl start web.service --no-block",
    ] {
        assert!(bench.calls().contains(call), "{call} is missing:\n{}", bench.calls());
    }

    bench.forget_calls();
    let second = bench.import(&with_web());
    assert_eq!(second["outcome"], "unchanged", "{second}");
    assert!(!bench.calls().contains("systemctl"), "{}", bench.calls());
    assert_eq!(bench.link("/data/config/current"), "generations/1");
}

#[test]
fn another_user_restarts_no_container_and_no_network() {
    let Some(bench) = Bench::new() else { return };
    bench.import(&with_web());
    bench.forget_calls();
    let answer = bench.import(&format!("{}\n[users.bob]\nssh_key = \"{KEY}\"\n", with_web()));
    assert_eq!(answer["outcome"], "settled", "{answer}");
    assert!(bench.read("/etc/passwd").contains("\nbob:x:1001:1001:"));
    for call in ["restart", "networkctl", "daemon-reload", "nft --file"] {
        assert!(!bench.calls().contains(call), "{call}:\n{}", bench.calls());
    }
}

#[test]
fn a_wrong_configuration_lists_every_problem_and_changes_nothing() {
    let Some(bench) = Bench::new() else { return };
    let before = bench.etc();
    let answer = bench.import("version = 1\nusres = 1\n[network.firewall.inbound.wan]\ntcp = [0, 8080]\n");
    assert_eq!(answer["outcome"], "refused", "{answer}");
    let problems = answer["problems"].as_array().unwrap();
    assert!(problems.len() >= 3, "{answer}");
    assert!(
        problems.iter().any(|problem| problem.as_str().unwrap().starts_with("config.toml:2:1: usres: ")),
        "{answer}"
    );
    assert_eq!(bench.etc(), before);
    assert!(!bench.exists("/data/config/current") && !bench.exists("/data/config/generations/1"));
    assert!(!bench.calls().contains("systemctl"), "{}", bench.calls());
}

/// S06, the part without a machine: each way of not working undoes everything and names its stage.
#[test]
fn s06_part_whatever_fails_is_named_and_taken_back() {
    let rootless = format!(
        "{MINIMAL}\n[containers.container.web]\nprivileged = false\nContainer.Image = \"localhost/web:1\"\n\n\
         [activation]\nrequired = [\"web\"]\ntimeout_seconds = 3\n"
    );
    let web = with_web();
    let rows: [(&str, &str, &str, &str); 8] = [
        ("the rules are not accepted", "nft --check", "firewall", &web),
        ("the rules cannot be loaded", "nft --file", "firewall", &web),
        ("homes cannot be made", "systemd-tmpfiles", "users", &web),
        ("networkd does not reload", "networkctl", "network", &web),
        ("units are not accepted", "generator", "containers", &web),
        ("systemd does not reload", "systemctl daemon-reload", "containers", &web),
        ("the container does not start", "unit-failed", "required", &web),
        ("the user's systemd does not start", "systemctl start user@900.service", "containers", &rootless),
    ];
    for (what, fails, stage, config) in rows {
        let Some(bench) = Bench::new() else { return };
        let before = bench.etc();
        bench.let_fail(fails);
        let answer = bench.import(config);
        assert_eq!(answer["stage"], stage, "{what}: {answer}\n{}", bench.calls());
        assert!(
            ["failed", "refused", "failed-twice"].contains(&answer["outcome"].as_str().unwrap()),
            "{what}: {answer}"
        );
        assert!(!bench.exists("/data/config/current"), "{what}");
        assert_eq!(bench.etc(), before, "{what}: files were left in place");
        assert!(
            answer["outcome"] == "refused"
                || !bench.read("/run/slipway/provisioning.json").contains("\"provisioned\""),
            "{what}"
        );
    }
}

/// systemd-tmpfiles finds a file where a home should be, and does not mind.
#[test]
fn s06_part_a_home_that_is_no_folder_is_a_failure() {
    let Some(bench) = Bench::new() else { return };
    bench.write("/home/admin", "in the way");
    let answer = bench.import(MINIMAL);
    assert_eq!(
        (answer["outcome"].as_str(), answer["stage"].as_str()),
        (Some("failed"), Some("users")),
        "{answer}"
    );
    assert!(answer["reason"].as_str().unwrap().contains("/home/admin"), "{answer}");
}

/// The files are as they were, and yet a container may have been stopped: what was cut short is done whole on the way back.
#[test]
fn a04_part_what_was_stopped_before_the_failure_is_started_again() {
    let Some(bench) = Bench::new() else { return };
    assert_eq!(bench.import(&with_web())["outcome"], "settled");
    bench.let_fail_once("systemctl stop web.service");
    let answer = bench.import(MINIMAL);
    assert_eq!(
        (answer["outcome"].as_str(), answer["stage"].as_str()),
        (Some("failed"), Some("containers")),
        "{answer}"
    );
    let started = bench.calls().matches("systemctl start web.service").count();
    assert_eq!(started, 2, "{}", bench.calls());
    assert!(!bench.exists("/run/slipway/change-unfinished"));
}

/// A way back that does not get to its end is not good because the files are: the next one does all of it.
#[test]
fn a04_part_an_unfinished_way_back_is_finished_by_the_next() {
    let Some(bench) = Bench::new() else { return };
    assert_eq!(bench.import(&with_web())["outcome"], "settled");
    let opened =
        with_web().replace("[containers", "[network.firewall.inbound.wan]\ntcp = [80]\n\n[containers");
    bench.let_fail("nft --file");
    assert_eq!(bench.import(&opened)["outcome"], "failed-twice");
    bench.let_fail("");
    bench.forget_calls();
    assert_eq!(bench.import(&with_web())["outcome"], "settled", "{}", bench.calls());
    assert!(bench.calls().contains("nft --file"), "{}", bench.calls());
    assert!(!bench.exists("/run/slipway/change-unfinished"));
}

/// Nothing has read its units yet, so there is nothing to stop: that is no failure to go back.
#[test]
fn what_fails_before_its_units_are_read_is_taken_back_without_a_complaint() {
    let Some(bench) = Bench::new() else { return };
    bench.let_fail_once("nft --file");
    let answer = bench.import(&with_web());
    assert_eq!(
        (answer["outcome"].as_str(), answer["stage"].as_str()),
        (Some("failed"), Some("firewall")),
        "{answer}"
    );
    assert!(bench.calls().contains("systemctl stop web.service"), "{}", bench.calls());
}

#[test]
fn a_configuration_that_does_not_work_gives_way_to_the_one_before() {
    let Some(bench) = Bench::new() else { return };
    bench.import(&with_web());
    let before = bench.etc();
    bench.forget_calls();
    bench.let_fail("unit-failed");
    let answer = bench.import(&with_web().replace("web:1", "web:2"));
    assert_eq!(answer["outcome"], "failed", "{answer}");
    assert_eq!(answer["generation"], 1, "{answer}");
    assert!(answer["reason"].as_str().unwrap().contains("web.service: failed"), "{answer}");
    assert_eq!(bench.etc(), before);
    assert_eq!(bench.link("/data/config/current"), "generations/1");
    let restarts = bench.calls().matches("systemctl restart web.service").count();
    assert_eq!(restarts, 2, "to the new and back:\n{}", bench.calls());
}

#[test]
fn a_boot_puts_the_kept_configuration_in_place_again() {
    let Some(bench) = Bench::new() else { return };
    bench.import(&with_web());
    let before = bench.etc();
    bench.reboot();
    assert_ne!(bench.etc(), before, "/etc is memory");
    bench.run(&["boot"]);
    assert_eq!(bench.etc(), before);
    assert!(bench.calls().contains("systemctl daemon-reload"), "{}", bench.calls());
    bench.run(&["containers"]);
    assert!(bench.calls().contains("systemctl start --no-block -- web.service"), "{}", bench.calls());
    assert!(bench.read("/run/slipway/provisioning.json").contains("\"provisioned\""));
    let current: serde_json::Value = serde_json::from_str(&bench.run(&["current"])).unwrap();
    assert_eq!(
        (current["generation"].as_u64(), current["admin_keys"][0].as_str()),
        (Some(1), Some(KEY)),
        "{current}"
    );
}

#[test]
fn a_boot_without_a_configuration_says_so_and_changes_nothing() {
    let Some(bench) = Bench::new() else { return };
    let before = bench.etc();
    bench.run(&["boot"]);
    bench.run(&["containers"]);
    assert_eq!(bench.etc(), before);
    assert!(bench.read("/run/slipway/provisioning.json").contains("unprovisioned"));
    assert!(!bench.calls().contains("systemctl"), "{}", bench.calls());
}

/// The power goes while a configuration is being tried: the next boot has the one before.
#[test]
fn what_had_not_proven_itself_when_the_power_went_is_not_in_force_afterwards() {
    let Some(bench) = Bench::new() else { return };
    bench.import(&with_web());
    let before = bench.etc();
    bench.cut_while_waiting(&with_web().replace("web:1", "web:2"));
    assert_eq!(bench.link("/data/config/current"), "generations/2");
    bench.reboot();
    bench.run(&["boot"]);
    assert_eq!(bench.link("/data/config/current"), "generations/1");
    assert_eq!(bench.etc(), before);

    // And the next import begins by looking for what the cut has damaged in Podman's stores.
    bench.import(&with_web().replace("web:1", "web:3"));
    assert_eq!(
        bench.calls().matches("\npodman system check --repair --force").count(),
        2,
        "{}",
        bench.calls()
    );
    bench.forget_calls();
    bench.import(&with_web().replace("web:1", "web:4"));
    assert!(!bench.calls().contains("podman system check"), "{}", bench.calls());
}

/// Everything an import writes for good is below `/data/config`; all else is memory.
#[test]
fn an_import_writes_nothing_else_that_lasts() {
    let Some(bench) = Bench::new() else { return };
    bench.import(&with_web());
    let outside: Vec<String> = bench
        .written()
        .into_iter()
        .filter(|path| {
            !["/data/config/", "/data/containers/.keep", "/etc/", "/run/", "/test/"]
                .iter()
                .any(|place| path.starts_with(place))
        })
        .collect();
    assert!(outside.is_empty(), "{outside:#?}");
}
