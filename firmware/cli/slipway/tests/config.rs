//! `slipway config`, run as people and scripts run it.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test: it runs the program on files")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti admin@example";

fn slipway(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command.args(arguments).current_dir(folder).env("TERM", "xterm").stdin(Stdio::null());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn good() -> String {
    format!("version = 1\n\n[users.admin]\nisAdmin = true\nssh_key = \"{KEY}\"\n")
}

/// A folder `site` with a document, files and a file for a device.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join("site").join(name);
    fs::create_dir_all(at("devices")).unwrap();
    fs::create_dir_all(at("files/bin")).unwrap();
    let web = "[containers.container.web]\nprivileged = false\n[containers.container.web.Container]\n\
               Image = \"registry.example/web:1\"\nVolume = \"${FILES_DIR}/bin:/opt:ro\"\n";
    fs::write(at("config.toml"), format!("{}\n{web}", good())).unwrap();
    fs::write(at("devices/52-54-00-12-34-56.toml"), "[network.firewall.inbound.wan]\ntcp = [443]\n").unwrap();
    fs::write(at("files/bin/tool"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("files/bin/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn pack(folder: &Path) -> PathBuf {
    let bundle = folder.join("site.tar.gz");
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(&bundle).arg("-C").arg(folder.join("site")).args(["config.toml", "devices", "files"]);
    assert!(tar.status().unwrap().success());
    bundle
}

#[test]
fn c02_every_problem_is_said_at_its_place_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let document = format!("{}shel = \"sh\"\n[netwrok]\n[activation]\nrequired = 7\n", good());
    fs::write(folder.path().join("shop.toml"), &document).unwrap();

    let told = slipway(&["config", "check", "shop.toml"], folder.path());
    assert_eq!(told.status.code(), Some(1));
    let words = text(&told.stdout);
    for expected in [
        "error[unknown-key]: users.admin.shel: there is no such key\n --> shop.toml:6:1\n",
        "6 | shel = \"sh\"\n  | ^^^^\n",
        "help: did you mean `shell`?",
        "error[unknown-key]: netwrok: there is no such key\n --> shop.toml:7:2\n",
        "error[wrong-type]: activation.required: it should be an array, not an integer\n --> shop.toml:9:12\n",
        "shop.toml would be refused: 3 problems; for more, try `slipway config explain unknown-key`\n",
    ] {
        assert!(words.contains(expected), "{expected:?} is missing in:\n{words}");
    }
    assert!(!words.contains('\u{1b}'), "colours in a pipe:\n{words}");

    let told = slipway(&["config", "check", "--json", "shop.toml"], folder.path());
    assert_eq!(told.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&told.stdout).unwrap();
    let first = json!({
        "code": "unknown-key", "file": "shop.toml", "path": "users.admin.shel", "line": 6, "column": 1,
        "message": "there is no such key", "hint": "did you mean `shell`?",
    });
    assert_eq!((&answer["ok"], &answer["problems"][0]), (&json!(false), &first));
    assert_eq!(answer["problems"].as_array().unwrap().len(), 3);
    assert_eq!(fs::read_to_string(folder.path().join("shop.toml")).unwrap(), document);
}

#[test]
fn a_right_one_is_said_to_be_and_warnings_are_apart() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), good()).unwrap();
    let told = slipway(&["config", "check"], folder.path());
    assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(0), "config.toml is right\n"));

    fs::write(folder.path().join("config.toml"), format!("{}shell = \"zsh\"\n", good())).unwrap();
    let told = slipway(&["config", "check", "--json"], folder.path());
    let answer: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((told.status.code(), &answer["ok"], &answer["problems"]), (Some(0), &json!(true), &json!([])));
    assert_eq!(answer["warnings"][0]["code"], "warning");

    // What cannot be read is no answer about a configuration.
    let told = slipway(&["config", "check", "none.toml"], folder.path());
    assert_eq!(told.status.code(), Some(1));
    assert!(text(&told.stderr).starts_with("slipway: cannot open none.toml: "), "{}", text(&told.stderr));
}

#[test]
fn a_folder_a_bundle_and_standard_input_are_checked_with_their_devices() {
    let folder = folder();
    let check = |arguments: &[&str]| slipway(&[&["config", "check"], arguments].concat(), folder.path());
    let bundle = pack(folder.path());
    for source in ["site", bundle.to_str().unwrap()] {
        assert_eq!(text(&check(&[source]).stdout), format!("{source} is right\n"));
    }
    let device = folder.path().join("site/devices/52-54-00-12-34-56.toml");
    fs::write(&device, "[network.firewall.inbound.wan]\ntcp = [8080]\n").unwrap();
    let bundle = pack(folder.path());
    for source in ["site", bundle.to_str().unwrap()] {
        let told = check(&[source]);
        assert_eq!(told.status.code(), Some(1));
        let words = text(&told.stdout);
        assert!(words.contains(" --> devices/52-54-00-12-34-56.toml:2:8\n"), "{words}");
        assert!(words.contains("2 | tcp = [8080]\n  |        ^^^^\n"), "{words}");
        // Another device is not concerned.
        assert!(check(&[source, "--device", "525400654321"]).status.success());
        assert!(!check(&[source, "--device", "525400123456"]).status.success());
    }
    let overlay = check(&["site/config.toml", "--overlay", device.to_str().unwrap()]);
    assert_eq!(overlay.status.code(), Some(1));

    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command.args(["config", "check", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(&bundle).unwrap()).unwrap();
    let told = text(&child.wait_with_output().unwrap().stdout);
    assert!(told.contains("standard input would be refused: 1 problem; "), "{told}");
}

#[test]
fn c03_a_bundle_with_a_link_is_refused_with_a_code() {
    let folder = folder();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("site/files/passwd")).unwrap();
    let told = slipway(&["config", "check", "--json", "site"], folder.path());
    let answer: Value = serde_json::from_slice(&told.stdout).unwrap();
    let problem = &answer["problems"][0];
    assert_eq!((told.status.code(), &problem["code"]), (Some(1), &json!("bundle")));
    assert!(problem["message"].as_str().unwrap().starts_with("files/passwd: it is a symbolic link"));
}

#[test]
fn c05_the_tree_of_a_box_is_written_with_live_paths_and_execute_bits() {
    let folder = folder();
    let at = |name: &str| folder.path().join("out").join(name);
    let render = |source: &str, out: &str| {
        let arguments = ["config", "render", source, "--out", out, "--device", "525400123456"];
        let told = slipway(&arguments, folder.path());
        assert!(told.status.success(), "{}", text(&told.stderr));
        text(&told.stdout)
    };
    let told = render("site", "out");
    assert!(told.ends_with(" files of a box are in out\n"), "{told}");
    let unit = fs::read_to_string(at("etc/containers/systemd/users/900/web.container")).unwrap();
    assert!(unit.contains("Volume=/data/config/current/files/bin:/opt:ro\n"), "{unit}");
    assert!(fs::read_to_string(at("etc/nftables.conf")).unwrap().contains("443"));
    let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data/config/current/files/bin/tool"), 0o755);
    assert_eq!(mode("etc/shadow") & 0o007, 0);

    // The same again, and what a bundle makes is the same.
    fs::write(at("etc/stale"), "").unwrap();
    render("site", "out");
    render(pack(folder.path()).to_str().unwrap(), "packed");
    assert!(!at("etc/stale").exists());
    assert_eq!(difference("out", "packed", folder.path()), "");
}

#[test]
fn the_tree_is_the_one_of_the_renderer_s_goldens() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pure/artefact-render/tests/golden");
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for case in fs::read_dir(golden).unwrap().map(|entry| entry.unwrap().path()) {
        let config = case.join("config.toml");
        // What comes with it, files and images, is another story.
        let mut grep = Command::new("grep");
        grep.args(["-rqE", "files of the configuration|came with the configuration"]).arg(case.join("out"));
        if grep.status().unwrap().success() {
            continue;
        }
        let told = slipway(&["config", "render", config.to_str().unwrap(), "--out", "out"], folder.path());
        assert!(told.status.success(), "{}", text(&told.stderr));
        let expected = case.join("out/etc");
        assert_eq!(difference("out/etc", expected.to_str().unwrap(), folder.path()), "", "{case:?}");
        compared += 1;
    }
    assert!(compared >= 3);
}

fn difference(left: &str, right: &str, folder: &Path) -> String {
    let diff = Command::new("diff").args(["-r", left, right]).current_dir(folder).output().unwrap();
    assert!(diff.status.code().is_some_and(|code| code < 2), "{}", text(&diff.stderr));
    text(&diff.stdout)
}

#[test]
fn rendering_touches_nothing_that_it_did_not_make() {
    let folder = folder();
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/letter"), "dear").unwrap();
    let told = slipway(&["config", "render", "site", "--out", "mine"], folder.path());
    assert_eq!(told.status.code(), Some(1));
    assert!(text(&told.stderr).contains("mine is not empty, and not made by this command"));
    assert_eq!(fs::read_to_string(folder.path().join("mine/letter")).unwrap(), "dear");

    // What is refused leaves what was rendered before.
    assert!(slipway(&["config", "render", "site", "--out", "out"], folder.path()).status.success());
    fs::write(folder.path().join("site/config.toml"), "version = 1\n").unwrap();
    let told = slipway(&["config", "render", "site", "--out", "out"], folder.path());
    assert_eq!(told.status.code(), Some(1));
    assert!(
        text(&told.stdout).contains("error[missing-key]: users: it is missing"),
        "{}",
        text(&told.stdout)
    );
    assert!(folder.path().join("out/etc/nftables.conf").exists());
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = entries.collect();
    left.sort();
    assert_eq!(left, ["mine", "out", "site"]);
}

#[test]
fn a05_part_keys_are_set_and_unset_in_a_file_and_the_last_administrator_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let before = format!("# Berlin\n{}", good());
    fs::write(&path, &before).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let run = |arguments: &[&str]| slipway(&[&["config"], arguments].concat(), folder.path());
    let now = || fs::read_to_string(&path).unwrap();

    let told = run(&["set", "users.admin.shell=bash", "network.firewall.inbound.wan={ tcp = [443] }"]);
    assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(0), "config.toml is right\n"));
    assert_eq!(now(), format!("{before}shell = \"bash\"\n\n[network.firewall.inbound.wan]\ntcp = [443]\n"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(run(&["unset", "users.admin.shell", "network"]).status.success());
    assert_eq!(now(), before);

    let told = run(&["unset", "users.admin"]);
    assert_eq!(told.status.code(), Some(1));
    let words = text(&told.stdout);
    assert!(words.contains("error[no-admin]: users: nobody could administer the device\n"), "{words}");
    assert!(words.ends_with("config.toml is unchanged\n"), "{words}");
    let told = run(&["set", "--json", "users.admin.shell=fish"]);
    let answer: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((told.status.code(), &answer["problems"][0]["path"]), (Some(1), &json!("users.admin.shell")));
    assert!(text(&run(&["set", "users"]).stderr).contains("no PATH=VALUE"));
    assert_eq!(now(), before);
}

#[test]
fn keys_and_codes_are_explained_and_the_schema_is_printed() {
    let here = Path::new(".");
    let told = slipway(&["config", "explain", "network.interfaces.eth1.mode"], here);
    assert!(text(&told.stdout).contains("Where its address comes from."));
    let told = slipway(&["config", "explain", "unknown-key"], here);
    assert!(text(&told.stdout).starts_with("unknown-key\n\nThere is no such key"));
    let told = slipway(&["config", "explain", "isAdmn"], here);
    assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(1), ""));
    let schema = slipway(&["config", "schema"], here).stdout;
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/config.schema.json");
    assert_eq!(text(&schema), fs::read_to_string(checked_in).unwrap());
}
