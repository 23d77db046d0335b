//! The real tools judge every golden: nft, Podman's generator, systemd-tmpfiles.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]
#![expect(clippy::disallowed_methods, reason = "this is about other programs")]
#![expect(clippy::disallowed_macros, reason = "a test that is skipped says so")]

mod common;
#[path = "common/quadlet.rs"]
mod quadlet;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
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

#[test]
fn q05_the_real_quadlet_generator_accepts_every_golden() {
    let words = match quadlet::find() {
        Ok(words) => words,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let mut judged = 0;
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
            let mut quadlet = Command::new(&words[0]);
            let quadlet = quadlet.args(&words[1..]).args(arguments).env("QUADLET_UNIT_DIRS", alone.path());
            let output = quadlet.output().unwrap();
            assert_accepts(&output, &folder.display().to_string());
            let services = String::from_utf8_lossy(&output.stdout).matches("\n[Service]\n").count();
            assert_eq!(services, units.len(), "{}: a unit is missing", folder.display());
            judged += units.len();
        }
    }
    assert!(judged > 30, "only {judged} units were looked at");
}

/// Makes and removes the secrets of every golden, as root in a folder of its own: the lines are systemd-tmpfiles' own syntax.
#[test]
fn systemd_tmpfiles_makes_the_secrets_and_removes_those_that_are_none_any_more() {
    let secrets = |case: &str| common::cases().into_iter().find(|path| path.ends_with(case)).unwrap();
    let root = tempfile::tempdir().unwrap();
    let etc = root.path().join("etc");
    std::fs::create_dir_all(&etc).unwrap();
    std::fs::write(etc.join("passwd"), common::IMAGE.passwd).unwrap();
    std::fs::write(etc.join("group"), common::IMAGE.group).unwrap();
    let place = |case: &str| {
        let list = secrets(case).join("out/etc/tmpfiles.d/slipway-secrets.conf");
        let mut tmpfiles = Command::new("systemd-tmpfiles");
        tmpfiles
            .args(["--remove", "--create"])
            .arg(format!("--root={}", root.path().display()))
            .arg(list)
            .output()
    };
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    match place("own-workloads") {
        Err(error) => return println!("SKIPPED: systemd-tmpfiles: {error}"),
        Ok(_) if !is_root => {
            return println!("SKIPPED: systemd-tmpfiles gives files to others, which only root can");
        }
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
    }
    let folder = root.path().join("run/slipway-secrets");
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let mode = |file: &str| std::fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!(read("rootless/env/front"), "CLIENT_SECRET=not-a-secret\n");
    assert_eq!(read("rootless/files/signing-key"), "two\nlines");
    let auths: serde_json::Value = serde_json::from_str(&read("rootful/auth.json")).unwrap();
    // robot:not-a-secret
    assert_eq!(auths["auths"]["registry.example:5000"]["auth"], "cm9ib3Q6bm90LWEtc2VjcmV0");
    assert_eq!((mode("rootless"), mode("rootful"), mode("rootless/env/front")), (0o700, 0o700, 0o400));
    assert_eq!(std::fs::metadata(folder.join("rootless")).unwrap().uid(), 900);

    assert!(place("minimal").unwrap().status.success());
    assert!(!folder.join("rootless/env/front").exists() && folder.join("rootless").exists());
}

fn assert_accepts(output: &Output, what: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("converting"), "{what}: {said}");
}

/// In a mount namespace of its own, where sshd finds the folder it wants.
#[test]
fn sshd_listens_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    if !made.is_ok_and(|status| status.success()) || !std::path::Path::new("/usr/sbin/sshd").exists() {
        return println!("SKIPPED: no ssh-keygen or no sshd: install openssh-server");
    }
    for case in common::cases() {
        let file = case.join("out/etc/ssh/sshd_config.d/20-slipway-listen.conf");
        let script =
            "mount -t tmpfs none /run && mkdir /run/sshd && exec /usr/sbin/sshd -T -f \"$1\" -h \"$2\"";
        let mut sshd = Command::new("unshare");
        sshd.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&file).arg(&key);
        let output = sshd.output().unwrap();
        assert_accepts(&output, &file.display().to_string());
        let effective = String::from_utf8_lossy(&output.stdout).to_lowercase();
        let written = std::fs::read_to_string(&file).unwrap();
        for address in written.lines().filter_map(|line| line.strip_prefix("ListenAddress ")) {
            let expected =
                if address.contains(':') { format!("[{address}]:22") } else { format!("{address}:22") };
            assert!(effective.contains(&format!("listenaddress {expected}\n")), "{expected}:\n{effective}");
        }
    }
}

#[test]
fn chrony_reads_every_clock() {
    for case in common::cases() {
        let file = case.join("out/etc/chrony/chrony.conf");
        // Prints what it has understood, and changes nothing.
        let output = match Command::new("chronyd").args(["-p", "-f"]).arg(&file).output() {
            Ok(output) => output,
            Err(error) => return println!("SKIPPED: chronyd: {error}: install chrony"),
        };
        assert_accepts(&output, &file.display().to_string());
        let understood = String::from_utf8_lossy(&output.stdout);
        assert!(understood.contains("local stratum 10") && understood.contains("allow "), "{understood}");
    }
}
