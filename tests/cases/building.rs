//! Building: what lies in the root is what Buildroot would have copied, a build needs no network twice, an interrupted
//! one leaves nothing behind, and a fresh Debian is enough.
//!
//! These stories run `cargo xtask image` as a user types it, in a copy of the checkout, and look at the machine
//! around it: its mounts, its loop devices, its processes, the clock.

mod checkout;
mod command;
mod debian;
mod traces;

use image_tests::Testbed;
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// How Buildroot's target-finalize lays a `BR2_ROOTFS_OVERLAY` over the root: `SYSTEM_RSYNC` of its system/system.mk
/// with `RSYNC_VCS_EXCLUSIONS` of its Makefile.
const BUILDROOT_RSYNC: &[&str] = &[
    "rsync",
    "-a",
    "--ignore-times",
    "--exclude",
    ".svn",
    "--exclude",
    ".git",
    "--exclude",
    ".hg",
    "--exclude",
    ".bzr",
    "--exclude",
    "CVS",
    "--chmod=u=rwX,go=rX",
    "--exclude",
    ".empty",
    "--exclude",
    "*~",
];

/// The overlay, copied by Buildroot's rules out of a checkout with odd modes and left-overs, is in the built root: the same
/// files, contents, links and modes.
#[test]
fn x07_buildroot_copies_the_overlay_as_we_do() {
    let testbed = Testbed::get();
    let folder = testbed.folder("x07").unwrap();
    let (overlay, target, image) = (folder.join("overlay"), folder.join("target"), folder.join("image"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    testbed.tool(&["cp", "-a", &text(&testbed.checkout.join("buildroot-overlay")), &text(&overlay)]).unwrap();
    leave_things_behind(&overlay);
    let mut rsync = BUILDROOT_RSYNC.to_vec();
    let (from, to) = (format!("{}/", text(&overlay)), format!("{}/", text(&target)));
    rsync.extend([from.as_str(), &to]);
    testbed.tool(&rsync).unwrap();

    // All of a root is root's: Buildroot sees to that when it packs it.
    let wanted = ["find", &text(&target), "-mindepth", "1", "-printf", "%M 0/0 %P -> %l\n"];
    let wanted = testbed.tool(&wanted).unwrap();
    let wanted: BTreeMap<String, String> = wanted.lines().map(|line| named(line, 2)).collect();
    assert!(wanted.values().any(|is| is.starts_with('-')), "the overlay has no files: {wanted:?}");
    let left_over = |path: &&String| path.contains(".git") || path.contains(".empty") || path.ends_with('~');
    assert_eq!(wanted.keys().find(left_over), None, "these are not Buildroot's rules");

    let squashfs = text(&testbed.squashfs);
    let found = testbed.tool(&["unsquashfs", "-lln", &squashfs]).unwrap();
    let found: BTreeMap<String, String> = found
        .lines()
        .filter(|line| line.contains(" squashfs-root/"))
        .map(|line| named(&line.replacen("squashfs-root/", "", 1), 5))
        .collect();
    let differences: Vec<String> = wanted
        .iter()
        .filter(|(path, is)| found.get(*path) != Some(is))
        .map(|(path, is)| format!("/{path}: Buildroot {is}, built root {:?}", found.get(path)))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));

    let files: Vec<&str> =
        wanted.iter().filter(|(_, is)| is.starts_with('-')).map(|(path, _)| path.as_str()).collect();
    let image_text = text(&image);
    let mut unsquashfs = vec!["unsquashfs", "-no-progress", "-quiet", "-dest", &image_text, &squashfs];
    unsquashfs.extend(&files);
    testbed.tool(&unsquashfs).unwrap();
    for file in files {
        let (ours, theirs) =
            (std::fs::read(image.join(file)).unwrap(), std::fs::read(target.join(file)).unwrap());
        assert!(ours == theirs, "/{file} has another content in the built root");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// What may lie in a checkout and not reach the root: in every folder version control, `.empty` and an editor's copy; and modes that
/// another umask gave.
fn leave_things_behind(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            leave_things_behind(&path);
        } else if metadata.is_file() {
            let mode = if metadata.permissions().mode() & 0o111 != 0 { 0o700 } else { 0o600 };
            std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
    }
    std::fs::create_dir(folder.join(".git")).unwrap();
    for name in [".git/config", ".empty", "foo~"] {
        std::fs::write(folder.join(name), "left behind").unwrap();
    }
    std::fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
}

/// The path of a line of `unsquashfs -lln` or of `find`, which begins after `before` words, and what is there: the mode as
/// `ls` writes it, the owner, and where a link leads.
fn named(line: &str, before: usize) -> (String, String) {
    let what: Vec<&str> = line.split_whitespace().take(2).collect();
    let mut rest = line;
    for _ in 0..before {
        rest = rest.trim_start().split_once(' ').unwrap().1;
    }
    let (path, link) = rest.split_once(" -> ").unwrap_or((rest, ""));
    (path.to_owned(), format!("{} {link}", what.join(" ")))
}

/// The stories that build, over a minute each.
mod full {
    use super::checkout::Checkout;
    use super::command::Running;
    use super::debian::Debian;
    use super::traces::Traces;
    use image_tests::Testbed;
    use rustix::process::geteuid;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    /// For a build from nothing, on a busy machine.
    const BUILD: Duration = Duration::from_secs(45 * 60);
    /// What a build with nothing to do may take.
    const NOTHING_TO_DO: Duration = Duration::from_secs(5);
    /// A build that says nothing for so long looks hung. A long step says something every 20 s.
    const SILENCE: Duration = Duration::from_secs(40);
    /// The image inside a checkout.
    const IMAGE: &str = "target/slipway/rock64/slipway-rock64.img";

    /// Another checkout of the same sources builds its image without any network from what the first build cached, and
    /// then has nothing to do.
    #[test]
    fn x05_a_second_build_needs_no_network_and_a_third_nothing() {
        let testbed = Testbed::get();
        let checkout = Checkout::copy(&testbed, testbed.folder("x05").unwrap()).unwrap();
        // The first line fails where a network is in sight, so that this story cannot pass by accident.
        let alone =
            "test \"$(grep -c : /proc/net/dev)\" = 1 && grep -q lo: /proc/net/dev && exec cargo xtask image";
        let mut words = vec!["unshare", "--net", "sh", "-c", alone];
        if !geteuid().is_root() {
            words.splice(1..1, ["--map-root-user", "--map-auto"]);
        }
        let built = Running::start(&checkout.run(&words)).unwrap().succeed(BUILD).unwrap();
        for step in ["tools tree", "Debian packages", "kernel", "U-Boot"] {
            assert!(
                said(&built.lines, step, "up to date"),
                "{step} was built again:\n{}",
                built.lines.join("\n")
            );
        }
        assert!(said(&built.lines, "root file system", "done in"), "{}", built.lines.join("\n"));
        let image = checkout.folder().join(IMAGE);
        let verified = testbed.tool(&["sfdisk", "--verify", image.to_str().unwrap()]).unwrap();
        assert!(verified.contains("No errors detected"), "{verified}");
        let packages =
            |target: &Path| std::fs::read_to_string(target.with_file_name("packages.tsv")).unwrap();
        assert_eq!(
            packages(&image),
            packages(&testbed.image),
            "the packages are not those of the first build"
        );
        println!("offline: {} s", built.took.as_secs());

        let mut best = Duration::MAX;
        for _ in 0..3 {
            let again = Running::start(&checkout.run(&words)).unwrap().succeed(BUILD).unwrap();
            assert_nothing_done(&again.lines);
            best = best.min(again.took);
        }
        assert!(best < NOTHING_TO_DO, "a build with nothing to do took {best:?}, the best of three");
        println!("nothing to do: {best:?}");
    }

    /// When Ctrl-C is pressed: so often after the step of this name has begun, at random moments within this time of it,
    /// with these parts of the cache there already.
    const MOMENTS: &[(&str, usize, Duration, &[&str])] = &[
        ("tools tree", 3, Duration::from_secs(60), &[]),
        ("Debian packages", 2, Duration::from_secs(30), &["tools-"]),
        ("U-Boot", 2, Duration::from_secs(40), &["base-", "kernel-"]),
        ("firmware", 2, Duration::from_secs(15), &["u-boot-"]),
        ("root file system", 2, Duration::from_secs(20), &[]),
        ("boot partitions", 1, Duration::from_millis(500), &[]),
        ("disk image", 1, Duration::from_millis(500), &[]),
    ];
    /// How long what was interrupted may take to be gone.
    const GONE: Duration = Duration::from_secs(10);

    /// Ctrl-C at random moments of every long step leaves no process, mount or loop device on the machine, and the next build goes on
    /// from there, to the end. So does Ctrl-C while the image runs.
    #[test]
    fn x06_ctrl_c_leaves_nothing_and_the_next_build_goes_on() {
        let testbed = Testbed::get();
        let folder = testbed.folder("x06").unwrap();
        let mut random = Random::seeded();
        let checkout = Checkout::copy(&testbed, folder.join("checkout")).unwrap();
        let cache = Cache::new(&testbed, folder.join("cache"));
        let image = |arguments: &[&str]| {
            let mut command = checkout.xtask(arguments);
            command.env("XDG_CACHE_HOME", &cache.home);
            command
        };
        let before = Traces::now().unwrap();
        let mut presses = 0;
        for (step, times, within, cached) in MOMENTS {
            cached.iter().for_each(|prefix| cache.fill(prefix));
            for _ in 0..*times {
                let pause = random.below(*within);
                let mut build = Running::start(&image(&["image"])).unwrap();
                let begun = build.wait_for(&format!("] {step}: "), BUILD).unwrap();
                build.run_for(pause);
                build.interrupt().unwrap();
                println!("{step}: Ctrl-C after {pause:?}");
                let gone = before.wait_gone(GONE);
                let ended = build.finish(GONE).unwrap();
                gone.unwrap_or_else(|error| panic!("{step}, {pause:?} after it began: {error:#}"));
                // Too late is fine, but a build that fails before its interruption does not go on.
                let interrupted = !ended.status.success();
                assert!(begun || !interrupted, "it failed by itself:\n{}", ended.lines.join("\n"));
                presses += usize::from(interrupted);
            }
        }
        let planned: usize = MOMENTS.iter().map(|(_, times, ..)| times).sum();
        assert!(presses + 2 >= planned, "only {presses} of {planned} came before the end of the build");

        let built = Running::start(&image(&["image"])).unwrap().succeed(BUILD).unwrap();
        assert!(checkout.folder().join(IMAGE).exists(), "{}", built.lines.join("\n"));
        let ports = [free_port(), free_port()];
        let mut run = Running::start(&image(&[
            "run",
            "--headless",
            "--ssh-port",
            &ports[0],
            "--console-port",
            &ports[1],
        ]))
        .unwrap();
        assert!(run.wait_for("booting build", BUILD).unwrap(), "{}", run.tail());
        run.run_for(random.below(Duration::from_secs(10)));
        run.interrupt().unwrap();
        before.wait_gone(GONE).unwrap();
        drop(run);
    }

    #[test]
    fn x01_debian_12_runs_the_appliance_with_nothing_but_rust() {
        a_fresh_debian_runs_it("bookworm");
    }

    #[test]
    fn x01_debian_13_runs_the_appliance_with_nothing_but_rust() {
        a_fresh_debian_runs_it("trixie");
    }

    /// On a fresh Debian with Rust and a C compiler, and without git, the first command builds the image from an empty cache and boots it until it is provisioned:
    /// it installs what is missing and says so, and never looks hung. The second has nothing to do.
    fn a_fresh_debian_runs_it(release: &str) {
        if !geteuid().is_root() {
            println!("SKIPPED: only root can make a chroot of Debian {release} and enter it");
            return;
        }
        let testbed = Testbed::get();
        let folder = testbed.folder(&format!("x01-{release}")).unwrap();
        let debian = Debian::install(&testbed, release, folder.join("root")).unwrap();
        let inside = "/root/slipway";
        let checkout = Checkout::copy(&testbed, debian.root().join("root/slipway")).unwrap();
        let image = || Running::start(&debian.run(inside, &["cargo", "xtask", "image"])).unwrap();

        // The README's first command; it ends by itself where a person would begin to look around.
        let ports = [free_port(), free_port(), free_port()];
        let mut words = vec!["cargo", "xtask", "run", "--until", "provisioned", "--timeout", "900"];
        words.extend(["--ssh-port", &ports[0], "--console-port", &ports[1], "--hello-port", &ports[2]]);
        let built = Running::start(&debian.run(inside, &words)).unwrap().succeed(BUILD).unwrap();
        let output = built.lines.join("\n");
        assert!(output.contains("slipway: provisioned: generation 1 from boot partition"), "{output}");
        println!("{output}\nbuilt in {} s, longest silence {:?}", built.took.as_secs(), built.silence);
        assert!(output.contains("installing mmdebstrap"), "it does not say what it installs:\n{output}");
        assert!(debian.root().join("usr/bin/mmdebstrap").exists(), "it did not install mmdebstrap");
        assert!(built.silence < SILENCE, "it said nothing for {:?}:\n{output}", built.silence);
        for step in [
            "tools tree",
            "Debian packages",
            "kernel",
            "U-Boot",
            "firmware",
            "root file system",
            "disk image",
        ] {
            assert!(said(&built.lines, step, "not built yet"), "{step} does not say why it runs:\n{output}");
            assert!(said(&built.lines, step, "done in"), "{step} does not say how long it took:\n{output}");
        }
        let image_file = checkout.folder().join(IMAGE);
        let verified = testbed.tool(&["sfdisk", "--verify", image_file.to_str().unwrap()]).unwrap();
        assert!(verified.contains("No errors detected"), "{verified}");

        let again = image().succeed(BUILD).unwrap();
        assert_nothing_done(&again.lines);
        println!("nothing to do: {:?}", again.took);
        assert!(again.took < 6 * NOTHING_TO_DO, "a build with nothing to do took {:?}", again.took);
    }

    /// Whether a line `[3/9] step: …` has `what`.
    fn said(lines: &[String], step: &str, what: &str) -> bool {
        lines.iter().any(|line| line.contains(&format!("] {step}: ")) && line.contains(what))
    }

    /// Every step said that it is up to date.
    fn assert_nothing_done(lines: &[String]) {
        let steps: Vec<&String> = lines.iter().filter(|line| line.starts_with('[')).collect();
        assert!(!steps.is_empty(), "it says nothing of its steps:\n{}", lines.join("\n"));
        for step in steps {
            assert!(step.ends_with(": up to date"), "something was built again:\n{}", lines.join("\n"));
        }
    }

    /// A cache of the story's own that can be filled with what the user's holds.
    struct Cache {
        /// What `XDG_CACHE_HOME` names.
        home: PathBuf,
        users: PathBuf,
    }

    impl Cache {
        fn new(testbed: &Testbed, home: PathBuf) -> Cache {
            let tree = testbed.tools.iter().map(Path::new).find(|word| {
                word.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tools-"))
            });
            let users = tree.unwrap().parent().unwrap().to_owned();
            std::fs::create_dir_all(home.join("slipway")).unwrap();
            let cache = Cache { home, users };
            // What the build takes for the age of the packages; without it the names in the caches differ.
            cache.fill("packages-of");
            cache
        }

        /// Adds the user's entries of this name: as hard links, because nothing in them is ever written in place.
        fn fill(&self, prefix: &str) {
            for entry in std::fs::read_dir(&self.users).unwrap() {
                let (name, from) = entry.map(|entry| (entry.file_name(), entry.path())).unwrap();
                let to = self.home.join("slipway").join(&name);
                let text = name.to_string_lossy();
                let unfinished = text.ends_with(".partial") || text.ends_with(".lock");
                if !text.starts_with(prefix) || unfinished || to.exists() {
                    continue;
                }
                let copy =
                    |how: &str| super::command::new("cp").arg(how).arg(&from).arg(&to).output().unwrap();
                if !copy("-al").status.success() {
                    let _ = std::fs::remove_dir_all(&to);
                    let copied = copy("-a");
                    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
                }
            }
        }
    }

    impl Drop for Cache {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.home);
        }
    }

    /// Moments that nobody chose, and that can be had again: `SLIPWAY_SEED` names those of an earlier run.
    struct Random(u64);

    impl Random {
        fn seeded() -> Random {
            let given = std::env::var("SLIPWAY_SEED").ok().and_then(|seed| seed.parse().ok());
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let seed = given.unwrap_or_else(|| u64::from(now.subsec_nanos()));
            println!("SLIPWAY_SEED={seed}");
            Random(seed)
        }

        /// A time shorter than `limit`, to the millisecond (SplitMix64).
        fn below(&mut self, limit: Duration) -> Duration {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = self.0;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bits ^= bits >> 31;
            Duration::from_millis(bits % u64::try_from(limit.as_millis()).unwrap())
        }
    }

    /// A TCP port of this machine that nobody listens on.
    fn free_port() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port().to_string()
    }
}
