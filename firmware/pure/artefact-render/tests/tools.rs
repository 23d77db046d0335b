//! The real tools judge every golden: nft, and Podman's generator.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]
#![expect(clippy::disallowed_methods, reason = "this is about other programs")]
#![expect(clippy::disallowed_macros, reason = "a test that is skipped says so")]

mod common;

use std::process::{Command, Output};

#[test]
fn nft_accepts_every_firewall() {
    // In a network of its own: it may check nothing otherwise, and changes nothing here.
    let nft = |arguments: &[&str]| {
        Command::new("unshare").args(["--map-root-user", "--net", "nft"]).args(arguments).output()
    };
    match nft(&["list", "tables"]) {
        Ok(output) if output.status.success() => {}
        Ok(output) => return println!("SKIPPED: nft: {}", String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => return println!("SKIPPED: unshare: {error}"),
    }
    for case in common::cases() {
        let rules = case.join("out/etc/nftables.conf");
        let output = nft(&["-c", "-f", rules.to_str().unwrap()]).unwrap();
        assert_accepts(&output, &rules.display().to_string());
    }
}

/// `SLIPWAY_QUADLET` is the generator and what runs it, for example
/// `qemu-aarch64 -L ROOT ROOT/usr/libexec/podman/quadlet` with ROOT an unpacked root of the image.
#[test]
fn quadlet_accepts_every_unit() {
    let command =
        std::env::var("SLIPWAY_QUADLET").unwrap_or_else(|_| "/usr/libexec/podman/quadlet".to_owned());
    let words: Vec<&str> = command.split_whitespace().collect();
    for case in common::cases() {
        for (folder, arguments) in
            [("systemd", &["-dryrun"][..]), ("systemd/users/900", &["-dryrun", "-user"])]
        {
            let folder = case.join("out/etc/containers").join(folder);
            let units = common::files(&folder);
            if units.is_empty() {
                continue;
            }
            // Quadlet looks into sub-folders: each mode's units alone.
            let alone = tempfile::tempdir().unwrap();
            for unit in &units {
                std::fs::copy(unit, alone.path().join(unit.file_name().unwrap())).unwrap();
            }
            let mut quadlet = Command::new(words[0]);
            let quadlet = quadlet.args(&words[1..]).args(arguments).env("QUADLET_UNIT_DIRS", alone.path());
            let output = match quadlet.output() {
                Ok(output) => output,
                Err(error) => return println!("SKIPPED: {command}: {error}"),
            };
            assert_accepts(&output, &folder.display().to_string());
            let services = String::from_utf8_lossy(&output.stdout).matches("\n[Service]\n").count();
            assert_eq!(services, units.len(), "{}: a unit is missing", folder.display());
        }
    }
}

fn assert_accepts(output: &Output, what: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("converting"), "{what}: {said}");
}
