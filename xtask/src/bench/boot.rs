//! Boot time: ours and a bare Debian's, taken in turns on the same emulated machine.

use super::Row;
use super::bare::Bare;
use crate::context::Context;
use crate::image::Built;
use crate::{machine, sh};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A boot that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(600);

/// When the signs of a boot appeared, since the kernel was started.
struct Times(Vec<Duration>);

/// The lines of the table.
pub(super) fn rows(context: &Context, built: &Built, bare: &Bare, runs: usize) -> Result<Vec<Row>> {
    let folder = context.out.join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // A first boot makes the data partition, which no later one does.
    let disk = folder.join("disk.img");
    copy(&built.image, &disk)?;
    grow(&disk, 4 << 30)?;
    ours(context, built, &disk)?;
    let bare_disk = folder.join("bare.img");
    copy(&bare.folder.join("root.ext4"), &bare_disk)?;
    bare_boot(context, built, bare, &bare_disk)?;

    let (mut up, mut early, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=runs {
        let times = ours(context, built, &disk)?;
        early.push(times.0[1] - times.0[0]);
        up.push(times.0[2]);
        peers.push(bare_boot(context, built, bare, &bare_disk)?.0[0]);
        eprintln!(
            "      run {run} of {runs}: ours {:.1} s, bare Debian {:.1} s",
            seconds(up[run - 1]),
            seconds(peers[run - 1])
        );
    }
    for path in [disk, bare_disk] {
        let _ = std::fs::remove_file(path);
    }
    let (up, early, peer) = (median(up), median(early), median(peers));
    Ok(vec![
        Row {
            what: "kernel start to services up".into(),
            goal: "<= 0.6 x".into(),
            measured: format!("{:.1} s", seconds(up)),
            peer: format!("bare Debian {:.1} s", seconds(peer)),
            ratio: format!("{:.2}", seconds(up) / seconds(peer)),
        },
        Row {
            what: "early-boot, first to last line".into(),
            goal: "<= 1 s".into(),
            measured: format!("{:.2} s", seconds(early)),
            peer: "the goal".into(),
            ratio: format!("{:.2}", seconds(early)),
        },
    ])
}

fn ours(context: &Context, built: &Built, disk: &Path) -> Result<Times> {
    let mut words = machine::qemu(built);
    words.extend(devices(built, disk));
    // The selector ends in U-Boot's own words; the kernel's first comes after them.
    time(
        context,
        built,
        &words,
        Some("Starting kernel ..."),
        &["slipway: start:", "slipway: switch-root:", "slipway: up: services are up"],
    )
}

fn bare_boot(context: &Context, built: &Built, bare: &Bare, disk: &Path) -> Result<Times> {
    let mut words = machine::qemu(built);
    // Straight into the kernel: what firmware does before it is not Debian's. It is quiet about its start, as ours is, so power-on
    // counts: a fraction of a second in which QEMU loads it.
    let at = words.iter().position(|word| word == "-bios").context("QEMU's command line lost its -bios")?;
    words.drain(at..at + 2);
    words.extend(devices(built, disk));
    words.extend([
        "-kernel".into(),
        bare.folder.join("vmlinuz").display().to_string(),
        "-initrd".into(),
        bare.folder.join("initrd.img").display().to_string(),
        "-append".into(),
        "root=/dev/vda console=ttyAMA0 earlycon loglevel=4 systemd.show_status=1".into(),
    ]);
    time(context, built, &words, None, &["Multi-User System"])
}

fn devices(built: &Built, disk: &Path) -> Vec<String> {
    let qemu = &built.board.qemu;
    let mut words = vec![
        "-drive".to_owned(),
        format!("if=none,id=disk0,file={},format=raw,cache=unsafe", disk.display()),
        "-device".into(),
        "virtio-blk-pci,drive=disk0,addr=0x10".into(),
        "-chardev".into(),
        "stdio,id=serial,signal=off".into(),
        "-serial".into(),
        "chardev:serial".into(),
    ];
    for (id, slot) in [("wan", &qemu.wan_slot), ("lan", &qemu.lan_slot)] {
        words.extend([
            "-netdev".into(),
            format!("user,id={id},restrict=on"),
            "-device".into(),
            format!("virtio-net-pci,netdev={id},addr={slot},romfile="),
        ]);
    }
    words
}

/// Boots once and notes when each of `signs` appeared, in this order, after `start`, or after power-on when there is none.
fn time(
    context: &Context,
    built: &Built,
    words: &[String],
    start: Option<&str>,
    signs: &[&str],
) -> Result<Times> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = built
        .tools
        .command(&machine::entry(context), &words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start QEMU")?;
    let pipe = child.stdout.take().context("QEMU has no output")?;
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if sender.send((Instant::now(), String::from_utf8_lossy(&line).into_owned())).is_err() {
                return;
            }
        }
    });
    let deadline = Instant::now() + LIMIT;
    let mut began = start.is_none().then(Instant::now);
    let mut times = Vec::new();
    while times.len() < signs.len() {
        let Ok((at, line)) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) else {
            break;
        };
        match began {
            None if start.is_some_and(|start| line.contains(start)) => began = Some(at),
            Some(began) if line.contains(signs[times.len()]) => times.push(at - began),
            _ => {}
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    if times.len() < signs.len() {
        bail!("a boot to be timed did not say `{}` within {} s", signs[times.len()], LIMIT.as_secs());
    }
    Ok(Times(times))
}

fn copy(from: &Path, to: &PathBuf) -> Result<()> {
    sh::output(sh::command("cp").arg("--sparse=always").arg(from).arg(to)).map(drop)
}

fn grow(path: &Path, bytes: u64) -> Result<()> {
    let file = std::fs::File::options()
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    file.set_len(bytes).with_context(|| format!("cannot enlarge {}", path.display()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
