//! A configuration on trial, generations to go back to, and images that change their names: the real program in a root of its
//! own, with the system's tools replaced by scripts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;

use bench::{Bench, KEY, MINIMAL, with_free_web};

/// Generation 1 settled, generation 2 on trial for 60 s.
fn on_trial() -> Option<Bench> {
    let bench = Bench::new()?;
    assert_eq!(bench.import(MINIMAL)["outcome"], "settled");
    bench.forget_calls();
    let answer = bench.import_with(&with_free_web(), &["--confirm", "60"]);
    assert_eq!(answer["outcome"], "provisional", "{answer}");
    assert_eq!((answer["generation"].as_u64(), answer["confirm_within_s"].as_u64()), (Some(2), Some(60)));
    Some(bench)
}

fn in_force(bench: &Bench) -> String {
    bench.link("/data/config/current")
}

#[test]
fn a12_part_what_is_on_trial_is_in_force_with_a_timer_that_ends_it() {
    let Some(bench) = on_trial() else { return };
    assert_eq!(in_force(&bench), "generations/2");
    assert!(bench.exists("/etc/containers/systemd/web.container"));
    let calls = bench.calls();
    let timer = calls.lines().find(|line| line.starts_with("systemd-run ")).unwrap();
    assert!(timer.contains("--unit slipway-revert.service") && timer.contains("--on-active=60"), "{timer}");
    assert!(bench.read("/run/slipway/provisioning.json").contains("slipway config confirm"));
    assert_eq!(bench.answer(&["current"])["generation"], 2);

    // The timer's service, too early: nothing happens.
    let early = bench.answer(&["revert"]);
    assert_eq!((early["outcome"].as_str(), in_force(&bench).as_str()), (Some("unchanged"), "generations/2"));
    // And no other change is begun beside it.
    let other = bench.import(MINIMAL);
    assert_eq!(other["outcome"], "failed", "{other}");
    assert!(other["reason"].as_str().unwrap().contains("generation 2 is on trial"), "{other}");
    assert_eq!(in_force(&bench), "generations/2");
}

#[test]
fn a12_part_nobody_confirms_and_what_was_before_is_back() {
    let Some(bench) = Bench::new() else { return };
    bench.import(MINIMAL);
    let before = bench.etc();
    bench.import_with(&with_free_web(), &["--confirm", "60"]);
    bench.let_the_time_pass(2);
    bench.forget_calls();
    let answer = bench.answer(&["revert"]);
    assert_eq!(answer["outcome"], "taken-back", "{answer}");
    assert_eq!(
        (&answer["rollback"]["done"], &answer["rollback"]["to"]),
        (&true.into(), &1.into()),
        "{answer}"
    );
    assert_eq!((in_force(&bench).as_str(), bench.etc()), ("generations/1", before));
    assert!(bench.calls().contains("systemctl stop web.service"), "{}", bench.calls());
    assert!(
        bench.read("/run/slipway/provisioning.json").contains("Generation 1, from the test, is in force")
    );
    // Once more changes nothing.
    bench.forget_calls();
    assert_eq!(bench.answer(&["revert"])["outcome"], "unchanged");
    assert!(!bench.calls().contains("systemctl"), "{}", bench.calls());
    // Too late.
    let late = bench.answer(&["confirm"]);
    assert_eq!((late["outcome"].as_str(), late["stage"].as_str()), (Some("failed"), Some("trial")), "{late}");
}

/// At any moment of the window: the next boot has what was before.
#[test]
fn a12_part_a_reboot_within_the_window_is_the_end_of_it() {
    let Some(bench) = Bench::new() else { return };
    bench.import(MINIMAL);
    let before = bench.etc();
    bench.import_with(&with_free_web(), &["--confirm", "3600"]);
    bench.reboot();
    bench.run(&["boot"]);
    assert_eq!((in_force(&bench).as_str(), bench.etc()), ("generations/1", before));
    assert_eq!(bench.answer(&["confirm"])["stage"], "trial");
}

#[test]
fn a12_part_what_is_confirmed_stays_also_after_a_reboot() {
    let Some(bench) = on_trial() else { return };
    let after = bench.etc();
    bench.forget_calls();
    let answer = bench.answer(&["confirm"]);
    assert_eq!(
        (answer["outcome"].as_str(), answer["generation"].as_u64()),
        (Some("settled"), Some(2)),
        "{answer}"
    );
    assert!(bench.calls().contains("systemctl stop slipway-revert.timer"), "{}", bench.calls());
    assert!(bench.read("/run/slipway/provisioning.json").contains("is in force."));
    assert_eq!(bench.answer(&["revert"])["outcome"], "unchanged");
    bench.reboot();
    bench.run(&["boot"]);
    assert_eq!((in_force(&bench).as_str(), bench.etc()), ("generations/2", after));
}

#[test]
fn a_trial_whose_end_cannot_be_arranged_does_not_begin() {
    let Some(bench) = Bench::new() else { return };
    bench.import(MINIMAL);
    let before = bench.etc();
    bench.let_fail("systemd-run");
    let answer = bench.import_with(&with_free_web(), &["--confirm", "60"]);
    assert_eq!(
        (answer["outcome"].as_str(), answer["stage"].as_str()),
        (Some("failed"), Some("trial")),
        "{answer}"
    );
    assert_eq!((in_force(&bench).as_str(), bench.etc()), ("generations/1", before));
}

#[test]
fn a_trial_on_a_box_without_a_configuration_ends_without_one() {
    let Some(bench) = Bench::new() else { return };
    let before = bench.etc();
    assert_eq!(bench.import_with(MINIMAL, &["--confirm", "60"])["outcome"], "provisional");
    let answer = bench.answer(&["rollback"]);
    assert_eq!(
        (answer["outcome"].as_str(), &answer["rollback"]["to"]),
        (Some("taken-back"), &().into()),
        "{answer}"
    );
    assert_eq!(bench.etc(), before);
    assert!(!bench.exists("/data/config/current"));
    assert!(bench.read("/run/slipway/provisioning.json").contains("unprovisioned"));
}

/// A04, the part without a machine.
#[test]
fn a04_part_a_failing_way_back_is_in_the_answer() {
    let Some(bench) = Bench::new() else { return };
    bench.import(&with_free_web());
    let changed = with_free_web().replace("web:1", "web:2");
    bench.let_fail_once("systemctl restart web.service");
    let answer = bench.import(&changed);
    assert_eq!(answer["outcome"], "failed", "{answer}");
    assert_eq!(
        (&answer["rollback"]["done"], &answer["rollback"]["to"]),
        (&true.into(), &1.into()),
        "{answer}"
    );

    bench.let_fail("systemctl restart web.service");
    let answer = bench.import(&changed);
    assert_eq!(answer["outcome"], "failed-twice", "{answer}");
    assert_eq!(
        (&answer["rollback"]["done"], &answer["rollback"]["stage"]),
        (&false.into(), &"containers".into())
    );
    assert!(answer["rollback"]["reason"].as_str().unwrap().contains("told to fail"), "{answer}");
    assert!(bench.read("/run/slipway/provisioning.json").contains("degraded"));
    assert_eq!(in_force(&bench), "generations/1");
}

#[test]
fn going_back_is_a_new_generation_with_the_old_content() {
    let Some(bench) = Bench::new() else { return };
    bench.write("/test/source/files/www/run.sh", "#!/bin/sh\n");
    bench.import(MINIMAL);
    let first = bench.etc();
    bench.import(&format!("{MINIMAL}\n[users.bob]\nssh_key = \"{KEY}\"\n"));
    let second = bench.etc();
    let answer = bench.answer(&["rollback"]);
    assert_eq!(
        (answer["outcome"].as_str(), answer["generation"].as_u64()),
        (Some("settled"), Some(3)),
        "{answer}"
    );
    // All but the numbers of users, which are never given twice.
    assert_eq!(bench.etc(), first);
    assert!(bench.exists("/data/config/generations/3/files/www/run.sh"));
    assert!(bench.read("/data/config/generations/3/manifest.json").contains("going back to generation 1"));

    let answer = bench.answer(&["rollback", "2"]);
    assert_eq!(
        (answer["outcome"].as_str(), answer["generation"].as_u64()),
        (Some("settled"), Some(4)),
        "{answer}"
    );
    assert_eq!(bench.etc(), second);
    assert_eq!(bench.answer(&["rollback", "2"])["outcome"], "unchanged");
    let missing = bench.answer(&["rollback", "77"]);
    assert!(missing["reason"].as_str().unwrap().contains("there is no generation 77"), "{missing}");
}

#[test]
fn what_differs_between_two_generations_is_told_with_what_it_does() {
    let Some(bench) = Bench::new() else { return };
    bench.import(MINIMAL);
    bench.import(&with_free_web());
    let diff = bench.answer(&["diff", "1", "2"]);
    let added = serde_json::json!({"path": "/etc/containers/systemd/web.container", "change": "added"});
    assert!(diff["files"].as_array().unwrap().contains(&added), "{diff}");
    assert!(diff["actions"].as_array().unwrap().contains(&"starting web.service".into()), "{diff}");
    let back = bench.answer(&["diff", "2", "1"]);
    assert!(back["actions"].as_array().unwrap().contains(&"stopping web.service".into()), "{back}");
    assert_eq!(bench.answer(&["diff", "2", "2"])["files"], serde_json::json!([]));
}

/// An image that cannot read the newest configuration takes the newest one that it can. What containers reach by the name of the
/// configuration in force is that one's, and the newer one is there for an image that can.
#[test]
fn what_this_image_cannot_read_gives_way_to_the_newest_that_it_can() {
    let Some(bench) = Bench::new() else { return };
    let (first, second) = (MINIMAL.to_owned(), with_free_web());
    for config in [&first, &second, &with_free_web().replace("web:1", "web:3")] {
        bench.import(config);
    }
    let readable = bench.read("/data/config/generations/3/source.toml");
    bench.forge(3, &readable.replace("version = 1", "version = 99"));
    bench.reboot();
    bench.run(&["boot"]);
    assert_eq!(in_force(&bench), "generations/2");
    assert!(bench.read("/etc/containers/systemd/web.container").contains("web:1"));
    let report = bench.read("/run/slipway/provisioning.json");
    assert!(
        report.contains("degraded") && report.contains("Generation 3 cannot be read by this image"),
        "{report}"
    );
    assert_eq!(bench.answer(&["current"])["generation"], 2);

    // A change from here that fails ends here.
    bench.let_fail_once("systemctl restart web.service");
    let failed = bench.import(&with_free_web().replace("web:1", "web:4"));
    assert_eq!(
        (failed["outcome"].as_str(), failed["generation"].as_u64()),
        (Some("failed"), Some(2)),
        "{failed}"
    );
    assert_eq!(in_force(&bench), "generations/2");

    // An image that can read it.
    bench.forge(3, &readable);
    bench.reboot();
    bench.run(&["boot"]);
    assert_eq!(in_force(&bench), "generations/3");
    assert!(bench.read("/run/slipway/provisioning.json").contains("\"provisioned\""));
}

/// What is loaded is on the disk before anything is started from it: Podman does not sync.
#[test]
fn q04_part_an_archive_is_loaded_and_on_the_disk_before_its_container_starts() {
    let Some(bench) = Bench::new() else { return };
    bench.add_image("web.tar", "localhost/web:1", "one");
    assert_eq!(bench.import(&with_free_web())["outcome"], "settled");
    let calls = bench.calls();
    let mut rest = calls.lines();
    for call in ["podman load", "sync --file-system /data", "systemctl start web.service --no-block"] {
        assert!(rest.any(|line| line == call), "`{call}` is missing or too early:\n{calls}");
    }
    assert!(!bench.exists("/data/config/generations/1/images/web.tar"), "Podman has it");
}

/// A06, the part without a machine: an archive is brought once. A later document without it is about the same image.
#[test]
fn a06_part_a_document_without_its_archive_restarts_nothing() {
    let Some(bench) = Bench::new() else { return };
    bench.add_image("web.tar", "localhost/web:1", "one");
    bench.import(&with_free_web());
    bench.without_images();
    bench.forget_calls();
    assert_eq!(bench.import(&with_free_web())["outcome"], "unchanged");
    for user in ["bob", "carol"] {
        let more = format!("{}\n[users.{user}]\nssh_key = \"{KEY}\"\n", with_free_web());
        assert_eq!(bench.import(&more)["outcome"], "settled");
    }
    for call in ["restart", "daemon-reload", "networkctl", "podman load"] {
        assert!(!bench.calls().contains(call), "{call}:\n{}", bench.calls());
    }
    bench.add_image("web.tar", "localhost/web:1", "two");
    assert_eq!(bench.import(&with_free_web())["outcome"], "settled");
    assert!(bench.calls().contains("systemctl restart web.service"), "{}", bench.calls());
    // Nothing uses it any more, and nothing is remembered of it.
    bench.without_images();
    bench.import(MINIMAL);
    assert!(!bench.read("/data/config/current/manifest.json").contains("localhost/web:1"));
}

/// Both Podmans: the name goes to the new image, and comes back with whatever takes the configuration back.
#[test]
fn an_older_image_of_the_same_name_comes_back_with_its_generation() {
    for (rootful, user) in [(true, "root"), (false, "slipway-app")] {
        let Some(bench) = Bench::new() else { return };
        let config = with_free_web().replace("privileged = true", &format!("privileged = {rootful}"));
        let image = || bench.image(user, "localhost/web:1");
        bench.add_image("web.tar", "localhost/web:1", "one");
        bench.import(&config);
        let first = image();

        // It does not work.
        bench.add_image("web.tar", "localhost/web:1", "two");
        bench.let_fail_once("restart web.service");
        assert_eq!(bench.import(&config)["outcome"], "failed");
        assert_eq!(image(), first, "after a failure");

        // It is not confirmed.
        assert_eq!(bench.import_with(&config, &["--confirm", "60"])["outcome"], "provisional");
        assert_ne!(image(), first, "on trial");
        assert_eq!(bench.answer(&["rollback"])["outcome"], "taken-back");
        assert_eq!(image(), first, "after a trial");

        // The power goes: the containers of the next boot start from the old one.
        bench.import_with(&config, &["--confirm", "60"]);
        bench.reboot();
        bench.run(&["boot"]);
        assert_ne!(image(), first);
        bench.run(&["containers"]);
        assert!(bench.calls().contains("systemctl start slipway-revert.service"), "{}", bench.calls());
        assert_eq!(bench.answer(&["revert"])["outcome"], "unchanged");
        assert_eq!(image(), first, "after a reboot in the trial");
        bench.forget_calls();
        bench.run(&["containers"]);
        assert!(!bench.calls().contains("slipway-revert"), "nothing is left to give back");

        // It works, and its owner goes back, and forth.
        bench.import(&config);
        let second = image();
        assert_ne!(second, first);
        bench.without_images();
        assert_eq!(bench.answer(&["rollback"])["outcome"], "settled");
        assert_eq!(image(), first, "after going back");
        assert_eq!(bench.answer(&["rollback"])["outcome"], "settled");
        assert_eq!(image(), second, "after going forth");
    }
}
