//! How much memory reading a bundle takes. A process of its own: what other tests use would hide it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::time::Duration;

use config_store::{Bundle, Limits, StagingFolder};

const MIB: u64 = 1024 * 1024;

/// Buffers, the window of the decompressor (at most 32 MiB, which no bomb here asks for), names.
const ALLOWED: u64 = 16 * MIB;

#[test]
fn c04_a_bomb_of_300_mib_is_refused_with_memory_flat() {
    let folder = tempfile::tempdir().unwrap();
    let bombs = ["bomb.tar.gz", "bomb.tar.zst"].map(|name| folder.path().join(name));
    gzip_bomb(&bombs[0]);
    zstd_bomb(&bombs[1]);
    let staging = folder.path().join("staging");
    fs::create_dir(&staging).unwrap();
    let staging = StagingFolder::open(&staging).unwrap();
    let limits = Limits { time: Duration::from_secs(600), ..Limits::default() };
    for bomb in &bombs {
        assert!(fs::metadata(bomb).unwrap().len() < MIB);
        let before = peak_memory_from_now();
        let refused = Bundle::open(bomb).unwrap().unpack(&staging, &limits, &[]).unwrap_err();
        let grown = peak_memory() - before;
        assert!(refused.to_string().starts_with("it expands to more than 268435456 bytes"), "{refused}");
        assert!(grown < ALLOWED, "memory grew by {grown} bytes for {}", bomb.display());
        assert_eq!(fs::read_dir(staging.path()).unwrap().count(), 0);
    }
}

/// An archive of five members of 60 MiB, all zeros.
fn bomb(mut write: impl Write) {
    let mut builder = tar::Builder::new(&mut write);
    let mut member = |name: &str, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_mode(0o644);
        header.set_size(size);
        header.set_cksum();
        builder.append(&header, std::io::repeat(0).take(size)).unwrap();
    };
    member("config.toml", 0);
    (0..5).for_each(|number| member(&format!("files/{number}"), 60 * MIB));
    builder.finish().unwrap();
}

fn gzip_bomb(path: &Path) {
    let file = BufWriter::new(File::create(path).unwrap());
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    bomb(&mut encoder);
    encoder.finish().unwrap().flush().unwrap();
}

fn zstd_bomb(path: &Path) {
    let mut encoder = zstd::Encoder::new(File::create(path).unwrap(), 1).unwrap();
    bomb(&mut encoder);
    encoder.finish().unwrap();
}

/// Has the kernel forget the peak so far (`proc_pid_clear_refs(5)`).
fn peak_memory_from_now() -> u64 {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    peak_memory()
}

/// The most memory this process has used, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
