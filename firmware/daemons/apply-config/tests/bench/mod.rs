//! A root for `apply-config` to work in, and tools that do as they are told.

#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti test";

pub(crate) const MINIMAL: &str = concat!(
    "version = 1\n\n[users.admin]\nisAdmin = true\nssh_key = \"",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti test",
    "\"\n"
);

/// [`MINIMAL`] with a container that must run.
pub(crate) fn with_web() -> String {
    format!(
        "{MINIMAL}\n[containers.container.web]\nprivileged = true\nContainer.Image = \"localhost/web:1\"\n\n\
         [activation]\nrequired = [\"web\"]\ntimeout_seconds = 20\n"
    )
}

/// As [`with_web`], and nothing has to run: without the ten seconds of watching it.
pub(crate) fn with_free_web() -> String {
    with_web().replace("required = [\"web\"]", "required = []")
}

const PASSWD: &str =
    "root:x:0:0:root:/root:/bin/bash\nslipway-app:x:900:900::/data/containers/app:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nslipway-app:x:900:\nslipway-admin:x:901:\nsystemd-journal:x:999:\n";
const SHADOW: &str = "root:*:20000:0:99999:7:::\nslipway-app:!*:20000::::::\n";
const GSHADOW: &str = "root:*::\nslipway-app:!*::\nslipway-admin:!*::\nsystemd-journal:!*::\n";
const NFT: &str = "#!/usr/sbin/nft -f\ntable inet slipway {\n}\n";

/// Makes the overlay `$1` of the machine's root the root, and runs the rest there.
const ENTER: &str = r#"set -eu
work=$1; shift
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/root"
for place in proc dev sys; do mount --rbind "/$place" "$work/root/$place"; done
mount --bind "$work/console" "$work/root/dev/console"
exec chroot "$work/root" env -i PATH=/test/bin:/usr/bin:/bin:/usr/sbin:/sbin "$@"
"#;

/// Every tool: notes its call, fails when the call begins with, or holds, what `/test/fails` says (`/test/fails-once`: the first
/// time), and answers what is asked of it. Units are known to systemd once it has read them.
const TOOL: &str = r#"#!/bin/sh
PATH=/test/bin:/usr/bin:/bin
name=${0##*/}
call="$name $*"
echo "$call" >> /test/calls
fails=$(cat /test/fails 2>/dev/null || true)
once=$(cat /test/fails-once 2>/dev/null || true)
if [ -n "$once" ]; then case "$call" in *"$once"*) rm /test/fails-once; echo "told to fail once" >&2; exit 1 ;; esac; fi
read_before() { grep -q -e daemon-reload -e "start user@" /test/calls; }
case "$call" in
*" show "*--value) if read_before; then echo loaded; else echo not-found; fi; exit 0 ;;
*" stop "*) read_before || { echo "Unit not loaded." >&2; exit 5; } ;;
*" show "*)
    if [ "$fails" = unit-failed ]; then state=failed; else state=active; fi
    if [ "$fails" = hang ]; then state=activating; fi
    printf 'Id=web.service\nLoadState=loaded\nActiveState=%s\nSubState=sub\nResult=success\nNRestarts=0\n' "$state"
    exit 0 ;;
esac
if [ -n "$fails" ]; then case "$call" in *"$fails"*) echo "told to fail" >&2; exit 1 ;; esac; fi
case "$name" in
ip) echo '[{"ifname":"eth1","addr_info":[{"local":"172.20.30.1","prefixlen":24}]}]' ;;
systemd-tmpfiles) sed -n 's/^d \([^ ]*\) .*/\1/p' /etc/tmpfiles.d/slipway-homes.conf | xargs -r mkdir -p 2>/dev/null || true ;;
podman)
    # A store for each user: the image behind each name, and the images.
    store=/test/store/${USER:-root}
    mkdir -p "$store/names" "$store/images"
    file() { echo "$store/names/$(echo "$1" | tr / _)"; }
    case "$*" in
    load)
        cat > "$store/loading"
        id=$(sha256sum < "$store/loading" | cut -c1-12)
        touch "$store/images/$id"
        for tag in $(tar -xOf "$store/loading" manifest.json | tr '"[],{}' '\n' | grep /); do
            echo "$id" > "$(file "$tag")"
        done ;;
    "image exists "*)
        for last; do true; done
        [ -e "$store/images/$last" ] || [ -e "$(file "$last")" ] || exit 1 ;;
    "image inspect "*)
        for last; do true; done
        if [ -e "$store/images/$last" ]; then echo "$last"; else cat "$(file "$last")" 2>/dev/null || exit 125; fi ;;
    "tag "*) echo "$2" > "$(file "$3")" ;;
    esac ;;
setpriv) while case "$1" in -* | *=*) true ;; *) false ;; esac; do shift; done; exec "$@" ;;
esac
"#;

pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// `None` where nobody may mount: said, so that it counts as skipped.
    pub(crate) fn new() -> Option<Bench> {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: only root can make a root of its own");
            return None;
        }
        let bench = Bench { folder: tempfile::tempdir().unwrap() };
        for folder in ["upper", "work", "root"] {
            fs::create_dir(bench.folder.path().join(folder)).unwrap();
        }
        fs::write(bench.folder.path().join("console"), "").unwrap();
        bench.lay_out_etc("");
        bench.lay_out_etc("/run/rootfs-base");
        bench.write(
            "/usr/share/slipway/build.json",
            r#"{"build":"0.1.0-test","version":"0.1.0","board":"test","time":1}"#,
        );
        bench.write("/run/rootfs-base/usr/lib/systemd/system/ssh.service", "");
        bench.write("/data/config/.keep", "");
        bench.write("/data/containers/.keep", "");
        bench.write("/test/calls", "");
        let program = fs::read(env!("CARGO_BIN_EXE_apply-config")).unwrap();
        bench.write_program("/test/apply-config", &program);
        for tool in [
            "systemctl",
            "networkctl",
            "nft",
            "podman",
            "systemd-tmpfiles",
            "loginctl",
            "ip",
            "setpriv",
            "sync",
            "systemd-run",
        ] {
            bench.write_program(&format!("/test/bin/{tool}"), TOOL.as_bytes());
        }
        // The application user has a PATH of its own.
        bench.write_program("/usr/bin/setpriv", TOOL.as_bytes());
        let generator = "/usr/lib/systemd/system-generators/podman-system-generator";
        bench.write_program(generator, TOOL.as_bytes());
        Some(bench)
    }

    /// Imports this text, and returns the answer.
    pub(crate) fn import(&self, config: &str) -> serde_json::Value {
        self.import_with(config, &[])
    }

    /// As [`Bench::import`], with more options.
    pub(crate) fn import_with(&self, config: &str, options: &[&str]) -> serde_json::Value {
        self.write("/test/source/config.toml", config);
        let words = ["import", "--from", "/test/source", "--source", "the test"];
        self.answer(&[&words, options].concat())
    }

    /// Runs the program, and returns its answer.
    pub(crate) fn answer(&self, words: &[&str]) -> serde_json::Value {
        let line = self.run(words);
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{words:?}: {error}: {line}"))
    }

    /// Puts an archive of an image into what is imported: its names, and what makes it another image than others.
    pub(crate) fn add_image(&self, file: &str, tag: &str, content: &str) {
        self.write("/test/archive/manifest.json", &format!(r#"[{{"RepoTags":["{tag}"]}}]"#));
        self.write("/test/archive/layer", content);
        let target = self.place("/test/source/files/images");
        fs::create_dir_all(&target).unwrap();
        let target = target.join(file);
        let words = ["-C", self.place("/test/archive").to_str().unwrap(), "-cf", target.to_str().unwrap()]
            .map(str::to_owned);
        host("tar", words.iter().map(String::as_str).chain(["manifest.json", "layer"]));
    }

    /// Takes the images out of what is imported.
    pub(crate) fn without_images(&self) {
        fs::remove_dir_all(self.place("/test/source/files/images")).unwrap();
    }

    /// The image behind a name in a user's store.
    pub(crate) fn image(&self, user: &str, name: &str) -> String {
        self.read(&format!("/test/store/{user}/names/{}", name.replace('/', "_"))).trim().to_owned()
    }

    /// Puts this document into a kept generation, as if it had been accepted.
    pub(crate) fn forge(&self, generation: u64, config: &str) {
        let folder = format!("/data/config/generations/{generation}");
        let sum = |path: &str| {
            let place = self.place(path);
            let sum = host("sha256sum", [place.to_str().unwrap()]);
            sum.split(' ').next().unwrap().to_owned()
        };
        let (source, manifest) = (format!("{folder}/source.toml"), format!("{folder}/manifest.json"));
        let before = sum(&source);
        self.write(&source, config);
        let text = self.read(&manifest).replace(&before, &sum(&source));
        self.write(&manifest, &text);
    }

    /// Has the deadline of what is on trial pass.
    pub(crate) fn let_the_time_pass(&self, generation: u64) {
        let path = format!("/data/config/generations/{generation}/trial.json");
        let mut trial: serde_json::Value = serde_json::from_str(&self.read(&path)).unwrap();
        trial["uptime_ms"] = 1.into();
        self.write(&path, &trial.to_string());
    }

    /// Runs the program, whatever its exit code, and returns what it printed.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some(), "{words:?}: {} {errors}", output.status);
        assert!(
            !output.stdout.is_empty() || output.status.success(),
            "{words:?}: {} {errors}",
            output.status
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Begins an import of what never comes up, and kills it while it waits.
    pub(crate) fn cut_while_waiting(&self, config: &str) {
        self.write("/test/source/config.toml", config);
        self.let_fail("hang");
        self.forget_calls();
        let mut child =
            self.command(&["import", "--from", "/test/source"]).stdout(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.calls().matches(" show ").count() < 2 {
            assert!(Instant::now() < deadline, "it never waits:\n{}", self.calls());
            pause();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        self.write("/test/fails", "");
    }

    /// The first call that holds this fails; later ones do not.
    pub(crate) fn let_fail_once(&self, call: &str) {
        self.write("/test/fails-once", call);
    }

    /// Lets every call with these words fail.
    pub(crate) fn let_fail(&self, words: &str) {
        self.write("/test/fails", words);
    }

    /// How the tools were called.
    pub(crate) fn calls(&self) -> String {
        self.read("/test/calls")
    }

    pub(crate) fn forget_calls(&self) {
        self.write("/test/calls", "");
    }

    /// What a reboot does to memory.
    pub(crate) fn reboot(&self) {
        let upper = self.folder.path().join("upper");
        fs::remove_dir_all(upper.join("etc")).unwrap();
        fs::remove_dir_all(upper.join("run/slipway")).unwrap();
        self.lay_out_etc("");
        self.forget_calls();
    }

    /// The files a configuration may change, and what is in them.
    pub(crate) fn etc(&self) -> Vec<(String, String)> {
        let places = [
            "etc/passwd",
            "etc/group",
            "etc/shadow",
            "etc/gshadow",
            "etc/nftables.conf",
            "etc/slipway",
            "etc/containers/systemd",
            "etc/systemd/network",
            "etc/tmpfiles.d",
        ];
        let upper = self.folder.path().join("upper");
        let mut files: Vec<PathBuf> = places.iter().flat_map(|place| walk(&upper.join(place))).collect();
        files.sort();
        files
            .iter()
            .map(|path| {
                (path.strip_prefix(&upper).unwrap().display().to_string(), fs::read_to_string(path).unwrap())
            })
            .collect()
    }

    /// Every file that was written since the beginning.
    pub(crate) fn written(&self) -> Vec<String> {
        let upper = self.folder.path().join("upper");
        let own = [
            "/usr/share/slipway/build.json",
            "/usr/bin/setpriv",
            "/usr/lib/systemd/system-generators/podman-system-generator",
        ];
        walk(&upper)
            .iter()
            .map(|path| format!("/{}", path.strip_prefix(&upper).unwrap().display()))
            .filter(|path| !own.contains(&path.as_str()))
            .collect()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.place(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn link(&self, path: &str) -> String {
        fs::read_link(self.place(path)).unwrap().display().to_string()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.place(path).symlink_metadata().is_ok()
    }

    /// Takes a file away; where it replaced one of this machine's, that one is there again.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.place(path)).unwrap();
    }

    fn lay_out_etc(&self, below: &str) {
        for (name, text) in [
            ("passwd", PASSWD),
            ("group", GROUP),
            ("shadow", SHADOW),
            ("gshadow", GSHADOW),
            ("nftables.conf", NFT),
        ] {
            self.write(&format!("{below}/etc/{name}"), text);
        }
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.place(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::File::create(file).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn write_program(&self, path: &str, bytes: &[u8]) {
        let file = self.place(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn place(&self, path: &str) -> PathBuf {
        self.folder.path().join("upper").join(path.trim_start_matches('/'))
    }

    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            ENTER,
            "enter",
        ]);
        command.arg(self.folder.path()).arg("/test/apply-config").args(words).stdin(Stdio::null());
        command
    }
}

/// Runs a program of this machine.
#[expect(clippy::disallowed_methods, reason = "a program that makes what is tested with")]
fn host<'a>(program: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the poll interval of a wait with a deadline")]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

fn walk(path: &Path) -> Vec<PathBuf> {
    let Ok(metadata) = path.symlink_metadata() else { return Vec::new() };
    if !metadata.is_dir() {
        return if metadata.is_file() { vec![path.to_owned()] } else { Vec::new() };
    }
    fs::read_dir(path).unwrap().flat_map(|entry| walk(&entry.unwrap().path())).collect()
}
