//! `slipway config export`: what leaves the appliance makes the same appliance again.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test: it runs the program on files")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use config_store::{Bundle, Generations, Limits, NewGeneration, Overlay};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti admin@example";

const DEVICE: &str = "52-54-00-12-34-56";

fn slipway(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_slipway")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `site`, as an owner wrote it.
fn write_site(folder: &Path, more: &str) {
    let at = |name: &str| folder.join("site").join(name);
    fs::create_dir_all(at("devices")).unwrap();
    fs::create_dir_all(at("files/bin")).unwrap();
    let config = format!(
        "# The shop.\r\nversion = 1 # the format\r\n\r\n[users.admin]\r\nisAdmin = true\r\nssh_key = \"{KEY}\"\r\n\r\n\
         [containers.container.web]\r\nprivileged = false\r\n[containers.container.web.Container]\r\n\
         Image = \"registry.example/web:1\"\r\nVolume = \"${{FILES_DIR}}/bin:/opt:ro\"\r\n{more}"
    );
    fs::write(at("config.toml"), config).unwrap();
    let overlay = "[network.firewall.inbound.wan] # this one only\ntcp = [443]\n";
    fs::write(at(&format!("devices/{DEVICE}.toml")), overlay).unwrap();
    fs::write(at("files/bin/tool"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("files/bin/tool"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Keeps `from` in `store`, as an import does.
fn import(from: &Path, store: &Path) {
    let mut generations = Generations::open(store, Duration::from_secs(10)).unwrap();
    let staging = generations.begin().unwrap();
    let limits = Limits { time: Duration::from_secs(600), ..Limits::default() };
    let unpacked =
        Bundle::open(from).unwrap().unpack(staging.folder(), &limits, &[DEVICE.to_owned()]).unwrap();
    let overlay = unpacked.devices.iter().next().map(|(name, bytes)| Overlay { name, bytes });
    let new = NewGeneration {
        config: &unpacked.config,
        overlay,
        source: "a test",
        build: &"1-a".parse().unwrap(),
        accepted_unix_ms: None,
        files_digest: unpacked.files_digest.as_deref(),
        images: &unpacked.images,
        user_ids: &BTreeMap::new(),
    };
    let checked = staging.finish(&new).unwrap().check(|_| Ok::<(), ()>(())).unwrap();
    checked.activate().unwrap().settle().unwrap();
}

fn same(left: &str, right: &str, folder: &Path) {
    let diff = Command::new("diff").args(["-r", left, right]).current_dir(folder).output().unwrap();
    assert!(diff.status.success(), "{left} and {right}:\n{}{}", text(&diff.stdout), text(&diff.stderr));
}

#[test]
fn c10_what_is_exported_and_imported_makes_identical_artefacts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_site(folder, "");
    import(&folder.join("site"), &folder.join("store"));
    let render = |source: &str, out: &str| {
        let told = slipway(&["config", "render", source, "--out", out, "--device", DEVICE], folder);
        assert!(told.status.success(), "{}{}", text(&told.stdout), text(&told.stderr));
    };
    render("site", "before");
    for (number, out) in ["folder", "bundle.tar", "bundle.tar.gz", "bundle.tar.zst"].into_iter().enumerate() {
        let told = slipway(&["config", "export", out, "--store", "store"], folder);
        assert_eq!(text(&told.stdout), format!("generation 1 is in {out}\n"), "{}", text(&told.stderr));
        render(out, "after");
        same("before", "after", folder);
        // And the whole way round.
        let store = format!("store-{number}");
        import(&folder.join(out), &folder.join(&store));
        let again = format!("again-{number}");
        assert!(slipway(&["config", "export", &again, "--store", &store], folder).status.success());
        same("site", &again, folder);
    }
    let told = slipway(&["config", "export", "folder", "--store", "store"], folder);
    assert_eq!(
        (told.status.code(), text(&told.stderr)),
        (Some(1), "slipway: folder is there already\n".to_owned())
    );
    let told = slipway(&["config", "export", "lone.toml", "--store", "store"], folder);
    assert!(text(&told.stderr).contains("name a folder or an archive"), "{}", text(&told.stderr));
    assert!(!slipway(&["config", "export", "x", "--store", "nowhere"], folder).status.success());
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with('.')), "left-overs");
}

#[test]
fn c10_secrets_stay_on_the_appliance_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_site(folder, "\r\n[secrets.values] # two of them\r\noidc = \"s3cret\"\r\nmail = \"s3cret\"\r\n");
    import(&folder.join("site"), &folder.join("store"));
    let told = slipway(&["config", "export", "out", "--store", "store", "--json"], folder);
    let answer: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(answer["secrets"], serde_json::json!(["secrets.values.oidc", "secrets.values.mail"]));
    let exported = fs::read_to_string(folder.join("out/config.toml")).unwrap();
    assert!(
        !exported.contains("s3cret") && exported.contains("[secrets.values] # two of them\r\n"),
        "{exported}"
    );
    assert!(exported.starts_with("# The shop.\r\nversion = 1 # the format\r\n"), "{exported}");
    let told = slipway(&["config", "export", "out.tar", "--store", "store", "--generation", "1"], folder);
    assert!(text(&told.stdout).contains("left out, secret: secrets.values.oidc; "), "{}", text(&told.stdout));
    assert!(!String::from_utf8_lossy(&fs::read(folder.join("out.tar")).unwrap()).contains("s3cret"));
}
