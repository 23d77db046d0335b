//! Random bytes and broken archives: no panic, nothing outside, and nothing left when refused.

use super::*;
use proptest::prelude::*;

fn good() -> Vec<u8> {
    let image = Tar::empty().file("manifest.json", br#"[{"RepoTags":["a:1"]}]"#).bytes();
    let mut tar = Tar::new()
        .folder("files/")
        .file("files/a", b"content")
        .file("devices/525400123456.toml", b"x")
        .file("files/images/a.tar", &image);
    let long = format!("files/{}", "n".repeat(150));
    let mut short = header(b"", tar::EntryType::Regular, 0o644, 1);
    tar.0.append_data(&mut short, long, &b"1"[..]).unwrap();
    tar.bytes()
}

/// Unpacks; what was promised for every result is checked on the way.
fn try_one(bundle: &[u8]) {
    let target = Target::new();
    // Not the sizes that broken headers promise.
    let limits = Limits { unpacked: 4 << 20, compressed: 4 << 20, ..patient() };
    if let Err(error) = target.unpack_within(bundle, &limits) {
        assert!(!error.to_string().is_empty());
        assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
    } else {
        let mut names = target.names();
        names.retain(|name| !name.starts_with("files/") && !name.starts_with("images/"));
        assert_eq!(names, [""; 0]);
    }
}

/// With the checksum of the header that was changed made right again, or nothing behind it would ever be looked at.
fn mend(bundle: &mut [u8], at: usize) {
    let start = at / 512 * 512;
    let Some(block) = bundle.get_mut(start..start + 512) else { return };
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..4096), magic in 0..4_usize) {
        let magics: [&[u8]; 4] = [b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"files/"];
        try_one(&[magics[magic], &bytes].concat());
    }

    #[test]
    fn changed_headers(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bundle = good();
        let length = bundle.len();
        for (at, byte) in changes {
            let at = at.index(length);
            bundle[at] = byte;
            mend(&mut bundle, at);
        }
        try_one(&bundle);
    }

    #[test]
    fn changed_compressed_bytes(
        zstandard in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bundle = if zstandard { zstd(&good()) } else { gzip(&good()) };
        let length = bundle.len();
        for (at, byte) in changes {
            bundle[at.index(length)] = byte;
        }
        try_one(&bundle);
    }

    #[test]
    fn random_names(names in proptest::collection::vec("(files/|devices/|\\./|\\.\\./|/|a|b|config\\.toml|\\.tar){1,6}", 1..5)) {
        let mut tar = Tar::new();
        for name in names {
            tar = tar.file(&name, b"x");
        }
        try_one(&tar.bytes());
    }
}
