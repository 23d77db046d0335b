//! Bundles that are small and cost much: refused within bounds. That no memory goes into them is seen in `tests/memory.rs`.

use super::*;
use std::io::Read;
use std::time::Instant;
use tar::EntryType;

const MIB: u64 = 1024 * 1024;

/// A compressed archive whose members hold this many zeros each, made without holding them.
fn bomb(members: &[u64], mut write: impl Write) {
    let mut builder = tar::Builder::new(&mut write);
    builder.append(&header(b"config.toml", EntryType::Regular, 0o644, 0), &b""[..]).unwrap();
    for (number, &size) in members.iter().enumerate() {
        let header = header(format!("files/{number}").as_bytes(), EntryType::Regular, 0o644, size);
        builder.append(&header, std::io::repeat(0).take(size)).unwrap();
    }
    builder.finish().unwrap();
}

fn gzip_bomb(members: &[u64]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb(members, &mut encoder);
    encoder.finish().unwrap()
}

fn zstd_bomb(members: &[u64]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    bomb(members, &mut encoder);
    encoder.finish().unwrap()
}

#[test]
fn c04_bombs_are_refused() {
    // 300 MiB in members that are each allowed.
    let members = [60 * MIB; 5];
    for bomb in [gzip_bomb(&members), zstd_bomb(&members)] {
        assert!((bomb.len() as u64) < MIB);
        assert_eq!(
            Target::new().refusal(&bomb),
            "it expands to more than 268435456 bytes, container images not counted"
        );
    }
}

#[test]
fn c04_zeros_behind_the_end_are_a_bomb_too() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&Tar::new().bytes()).unwrap();
    std::io::copy(&mut std::io::repeat(0).take(300 * MIB), &mut encoder).unwrap();
    assert_eq!(
        Target::new().refusal(&encoder.finish().unwrap()),
        "it expands to more than 268435456 bytes, container images not counted"
    );
}

#[test]
fn c04_a_member_of_more_than_64_mib_is_refused_before_it_is_read() {
    let bundle = gzip_bomb(&[64 * MIB + 1]);
    assert_eq!(
        Target::new().refusal(&bundle),
        "files/0: it has 67108865 bytes, more than the 67108864 allowed"
    );
    let promised = Tar::new().bytes();
    let mut huge = header(b"files/a", EntryType::Regular, 0o644, u64::MAX / 4);
    huge.set_cksum();
    let bundle = [&promised[..1024], huge.as_bytes(), &[0; 1024]].concat();
    assert_eq!(
        Target::new().refusal(&bundle),
        format!("files/a: it has {} bytes, more than the 67108864 allowed", u64::MAX / 4)
    );
}

#[test]
fn the_config_and_the_device_files_have_1_mib() {
    for name in ["config.toml", "devices/52-54-00-12-34-56.toml"] {
        let bundle = Tar::empty().file(name, &vec![b'#'; (1 << 20) + 1]).bytes();
        assert_eq!(
            Target::new().refusal(&bundle),
            format!("{name}: it has 1048577 bytes, more than the 1048576 allowed")
        );
    }
}

#[test]
fn c04_the_4097th_member_is_refused() {
    let bundle = |members: usize| {
        let mut tar = Tar::new();
        for number in 1..members {
            tar = tar.file(&format!("files/{number}"), b"");
        }
        tar.bytes()
    };
    Target::in_memory().unpack(&bundle(4096)).unwrap();
    let refusal = "it holds more than 4096 files and folders";
    assert_eq!(Target::in_memory().refusal(&bundle(4097)), refusal);
    // Few members in many folders are not better, nor is the same nothing again and again.
    let mut deep = Tar::new();
    for number in 0..400 {
        deep = deep.file(&format!("files/{number}{}/f", "/d".repeat(12)), b"");
    }
    assert_eq!(Target::in_memory().refusal(&deep.bytes()), refusal);
    let mut tops = Tar::new();
    for _ in 0..4096 {
        tops = tops.folder("./");
    }
    assert_eq!(Target::in_memory().refusal(&tops.bytes()), refusal);
}

#[test]
fn c04_compressed_bytes_and_time_are_bounded() {
    // Bytes that cannot be compressed.
    let mut state = 1_u32;
    let mut noise = Vec::new();
    for _ in 0..200_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.push(state.to_be_bytes()[0]);
    }
    let bundle = gzip(&Tar::new().file("files/noise", &noise).bytes());
    let limits = Limits { compressed: 150_000, ..patient() };
    let refused = Target::new().unpack_within(&bundle, &limits).unwrap_err();
    assert_eq!(refused.to_string(), "it has more than 150000 compressed bytes, container images not counted");
    let limits = Limits { compressed: 300_000, ..patient() };
    Target::new().unpack_within(&bundle, &limits).unwrap();

    let limits = Limits { time: Duration::ZERO, ..patient() };
    let before = Instant::now();
    let refused = Target::new().unpack_within(&bundle, &limits).unwrap_err();
    assert_eq!(refused.to_string(), "it took more than 0 s to read, container images not counted");
    assert!(before.elapsed() < Duration::from_secs(10));
}

#[test]
fn c04_a_zstd_frame_does_not_get_the_memory_it_asks_for() {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.long_distance_matching(true).unwrap();
    encoder.write_all(&Tar::new().bytes()).unwrap();
    let refusal = Target::new().refusal(&encoder.finish().unwrap());
    assert!(refusal.starts_with("it is damaged: ") && refusal.contains("memory"), "{refusal}");
}
