//! `cargo xtask run`: builds the image and boots it in QEMU, on a writable copy that stays between runs. A fresh copy gets a
//! configuration to set itself up with.

mod seed;

use crate::context::Context;
use crate::image::{self, Built, ImageArgs};
use crate::{machine, sh};
use anyhow::{Context as _, Result, bail};
use seed::{Key, Seed};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Size of the emulated disk in bytes: the smallest eMMC sold for the board has twice that.
const DISK_BYTES: u64 = 4 << 30;

/// How to run.
#[derive(clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// Start from the image as flashed, forgetting what earlier runs left on the disk.
    #[arg(long)]
    fresh: bool,
    /// Seed a fresh disk with this config.toml (or a folder with one and its files/) instead of image/example.
    #[arg(long, value_name = "FILE", conflicts_with = "no_seed")]
    config: Option<PathBuf>,
    /// Put nothing onto a fresh disk: the appliance waits for a USB stick.
    #[arg(long)]
    no_seed: bool,
    /// Plug in a USB stick (FAT32) with the files of this folder. What the appliance writes onto it is in usb.img beside the
    /// disk.
    #[arg(long, value_name = "DIR")]
    usb: Option<PathBuf>,
    /// Do not show the serial console (it is always in a log).
    #[arg(long)]
    headless: bool,
    /// Switch off and end once this state is reached. Without it the machine runs until Ctrl-C.
    #[arg(long, value_name = "STATE")]
    until: Option<State>,
    /// Give up when the state is not reached within this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// TCP port of this machine, on loopback, that leads to the appliance's SSH.
    #[arg(long, default_value_t = 2222)]
    ssh_port: u16,
    /// TCP port of this machine, on loopback, that leads to the appliance's console and API.
    #[arg(long, default_value_t = 8080)]
    console_port: u16,
    /// TCP port of this machine, on loopback, that leads to the example's container.
    #[arg(long, default_value_t = 8000)]
    hello_port: u16,
}

/// States of a boot that the serial console shows.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    /// U-Boot chose a slot.
    Selector,
    /// Our /init runs.
    EarlyBoot,
    /// Everything that starts by itself has started.
    ServicesUp,
    /// A configuration is in place, and what it requires runs.
    Provisioned,
    /// The slot is marked good.
    Good,
}

impl State {
    /// The words on the serial console that show it.
    fn sign(self) -> &'static str {
        match self {
            State::Selector => "slipway: selector: booting slot",
            State::EarlyBoot => "slipway: start:",
            State::ServicesUp => "slipway: up: services are up",
            State::Provisioned => "slipway: provisioned: ",
            State::Good => "slipway: verdict: good",
        }
    }
}

/// A disk to boot, and what was put onto it.
struct Run {
    folder: PathBuf,
    disk: PathBuf,
    /// Remembered from the run that flashed it.
    seed: String,
    key: Key,
    stick: Option<PathBuf>,
}

/// Builds, boots and shows.
pub(crate) fn run(context: &Context, args: &RunArgs) -> Result<()> {
    let built = image::build(context, &args.image)?;
    let folder = context.out.join(&built.board.name).join("run");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let key = Key::ensure(context, &built, &folder.join("ssh"))?;
    let (disk, seed) = disk(context, args, &built, &key, &folder)?;
    let stick = args.usb.as_ref().map(|content| (content, folder.join("usb.img")));
    if let Some((content, path)) = &stick {
        seed::stick(context, &built, content, path)?;
        eprintln!("USB stick: {} with the files of {}", path.display(), content.display());
    }
    eprintln!(
        "booting build {} in QEMU, emulated (TCG: this host's processor cannot run {} itself)",
        built.build_id, built.board.qemu.cpu
    );
    let run = Run { folder, disk, seed, key, stick: stick.map(|(_, path)| path) };
    boot(context, args, &built, &run)
}

/// The writable copy of the image, and what it was seeded with: made anew when asked, or when it is a copy of another build.
fn disk(
    context: &Context,
    args: &RunArgs,
    built: &Built,
    key: &Key,
    folder: &Path,
) -> Result<(PathBuf, String)> {
    let (disk, of, with) = (folder.join("disk.img"), folder.join("disk.build"), folder.join("disk.seed"));
    let copied = std::fs::read_to_string(&of).unwrap_or_default();
    if disk.exists() && !args.fresh && copied == built.build_id {
        let seed = std::fs::read_to_string(&with).unwrap_or_default();
        eprintln!("disk: {} as the last run left it (--fresh starts anew)", disk.display());
        if args.config.is_some() || args.no_seed {
            eprintln!(
                "disk: --config and --no-seed have no effect on it: it was flashed with {seed}, and only a fresh disk looks for a seed"
            );
        }
        return Ok((disk, seed));
    }
    if disk.exists() && !args.fresh {
        eprintln!("disk: flashed anew, because the last run's was of build {copied}");
    }
    let seed = match &args.config {
        Some(path) => Seed::Given(path.clone()),
        None if args.no_seed => Seed::None,
        None => Seed::Example,
    };
    let _ = std::fs::remove_file(&of);
    sh::output(sh::command("cp").arg("--sparse=always").arg(&built.image).arg(&disk))?;
    let file =
        File::options().write(true).open(&disk).with_context(|| format!("cannot open {}", disk.display()))?;
    file.set_len(DISK_BYTES).with_context(|| format!("cannot enlarge {}", disk.display()))?;
    seed.write(context, built, key, folder, &disk)?;
    seed::forget_host_keys(key);
    eprintln!("disk: {}, flashed and seeded with {}", disk.display(), seed.name());
    std::fs::write(&with, seed.name()).with_context(|| format!("cannot write {}", with.display()))?;
    std::fs::write(&of, &built.build_id).with_context(|| format!("cannot write {}", of.display()))?;
    Ok((disk, seed.name()))
}

fn boot(context: &Context, args: &RunArgs, built: &Built, run: &Run) -> Result<()> {
    let qemu = &built.board.qemu;
    let mut words = machine::qemu(built);
    let forward = |host: u16, guest: u16| format!("hostfwd=tcp:127.0.0.1:{host}-:{guest}");
    let lan = run.folder.join("lan.sock");
    let _ = std::fs::remove_file(&lan);
    words.extend([
        "-drive".into(),
        format!("if=none,id=disk0,file={},format=raw,cache=unsafe,discard=unmap", run.disk.display()),
        "-device".into(),
        "virtio-blk-pci,drive=disk0,addr=0x10".into(),
        "-netdev".into(),
        format!(
            "user,id=wan,{},{},{}",
            forward(args.ssh_port, 22),
            forward(args.console_port, 8080),
            forward(args.hello_port, 8000)
        ),
        "-device".into(),
        format!("virtio-net-pci,netdev=wan,addr={},romfile=", qemu.wan_slot),
        "-netdev".into(),
        // Another QEMU can be plugged into the LAN here.
        format!("stream,id=lan,server=on,addr.type=unix,addr.path={}", lan.display()),
        "-device".into(),
        format!("virtio-net-pci,netdev=lan,addr={},romfile=", qemu.lan_slot),
        "-chardev".into(),
        "stdio,id=serial,signal=off".into(),
        "-serial".into(),
        "chardev:serial".into(),
    ]);
    if let Some(stick) = &run.stick {
        words.extend([
            "-drive".into(),
            format!("if=none,id=stick,file={},format=raw", stick.display()),
            "-device".into(),
            "usb-storage,drive=stick,bus=usb.0".into(),
        ]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = built
        .tools
        .command(&machine::entry(context), &words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start QEMU")?;
    let log = run.folder.join("serial.log");
    let lines = follow(child.stdout.take().context("QEMU has no output")?, &log)?;
    let outcome = watch(args, run, &lines, &log);
    // Killing `unshare` kills QEMU, its only child.
    let _ = child.kill();
    let _ = child.wait();
    let _ = std::fs::remove_file(&lan);
    outcome
}

/// Waits for the state, or for ever.
fn watch(args: &RunArgs, run: &Run, lines: &mpsc::Receiver<String>, log: &Path) -> Result<()> {
    let begun = Instant::now();
    let limit = Duration::from_secs(args.timeout);
    loop {
        let left = if args.until.is_some() {
            limit.saturating_sub(begun.elapsed())
        } else {
            Duration::from_secs(3600)
        };
        let line = match lines.recv_timeout(left) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Timeout) => match args.until {
                Some(state) => bail!(
                    "{state:?} was not reached within {} s. The console is in {}",
                    args.timeout,
                    log.display()
                ),
                None => continue,
            },
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("QEMU ended. The console is in {}", log.display())
            }
        };
        if !args.headless {
            println!("{line}");
        }
        if line.contains(State::ServicesUp.sign()) {
            eprintln!("up after {} s; Ctrl-C switches it off", begun.elapsed().as_secs());
            eprintln!("  serial console  {}", log.display());
            eprintln!("  LAN             plug another QEMU in at {}", run.folder.join("lan.sock").display());
        }
        if line.contains(State::Provisioned.sign()) {
            eprintln!("provisioned after {} s", begun.elapsed().as_secs());
            say_how_in(args, run);
        }
        if let Some(state) = args.until
            && line.contains(state.sign())
        {
            eprintln!("{state:?} reached after {} s; switching off", begun.elapsed().as_secs());
            return Ok(());
        }
    }
}

/// The ways in that the configuration opened.
fn say_how_in(args: &RunArgs, run: &Run) {
    if run.seed != Seed::Example.name() {
        eprintln!(
            "  WAN             127.0.0.1:{} leads to its port 22, 127.0.0.1:{} to 8080, 127.0.0.1:{} to 8000, where its firewall lets them in",
            args.ssh_port, args.console_port, args.hello_port
        );
        return;
    }
    let login = seed::login(&run.key, args.ssh_port);
    eprintln!("  log in          {login}");
    eprintln!("  look            {login} run0 slipway status");
    eprintln!("  its container   curl http://127.0.0.1:{}/", args.hello_port);
}

/// Reads the console line by line, into the log and into the channel.
fn follow(pipe: impl std::io::Read + Send + 'static, log: &Path) -> Result<mpsc::Receiver<String>> {
    let mut file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let _ = file.write_all(&bytes);
            if sender.send(String::from_utf8_lossy(&bytes).trim_end().to_owned()).is_err() {
                return;
            }
            bytes.clear();
        }
    });
    Ok(lines)
}
