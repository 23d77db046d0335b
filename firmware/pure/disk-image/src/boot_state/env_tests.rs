use proptest::prelude::*;

use super::*;

/// An environment over `data`, with the right checksum, as U-Boot or libubootenv would leave it.
fn sector(data: &[u8]) -> Sector {
    let mut bytes = [0; ENV_BYTES];
    bytes[4..4 + data.len()].copy_from_slice(data);
    let crc = crc32fast::hash(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn env(entries: &[(&str, &str)]) -> BootEnv {
    let mut env = BootEnv::default();
    for (key, value) in entries {
        env.set(key, value).unwrap();
    }
    env
}

#[test]
fn is_the_format_u_boot_and_libubootenv_share() {
    let bytes = env(&[("BOOT_ORDER", "A"), ("BOOT_A_LEFT", "9"), ("BOOT_B_LEFT", "0")]).encode();
    let data = b"BOOT_A_LEFT=9\0BOOT_B_LEFT=0\0BOOT_ORDER=A\0\0";
    // Computed with another implementation (zlib's crc32) over the data and 508 - 42 zeros.
    assert_eq!(bytes[..4], 0x9a30_74b5_u32.to_le_bytes());
    assert_eq!(bytes[4..4 + data.len()], *data);
    assert!(bytes[4 + data.len()..].iter().all(|&b| b == 0));
}

#[test]
fn an_empty_environment_is_valid_and_a_blank_sector_is_not() {
    assert_eq!(BootEnv::parse(&sector(b"")), Ok(BootEnv::default()));
    let error = BootEnv::parse(&[0; ENV_BYTES]).unwrap_err();
    assert!(matches!(error, EnvError::Checksum { stored: 0, .. }), "{error}");
    assert!(BootEnv::parse(&[0xff; ENV_BYTES]).is_err(), "nor is an erased one");
}

#[test]
fn what_follows_the_end_of_the_list_is_padding() {
    let parsed = BootEnv::parse(&sector(b"A=1\0\0left over from a longer list\0")).unwrap();
    assert_eq!(parsed, env(&[("A", "1")]));
}

#[test]
fn a_right_checksum_over_nonsense_says_where() {
    let error = BootEnv::parse(&sector(b"A=1\0nonsense\0\0")).unwrap_err();
    assert_eq!(error, EnvError::Malformed { offset: 8, problem: "the entry has no '='" });
    assert!(BootEnv::parse(&sector(&[b'x'; 508])).is_err(), "no end anywhere");
}

#[test]
fn refuses_what_a_boot_script_would_misread_and_stays_unchanged() {
    let before = env(&[("BOOT_ORDER", "A B")]);
    let mut env = before.clone();
    for key in ["", "A B", "A=B", "A\0", "BÖOT", "$A"] {
        assert!(matches!(env.set(key, "1"), Err(EnvError::Key { .. })), "{key:?}");
    }
    for value in ["a\0b", "a\nb", "a\\b", "é", "\u{7f}"] {
        assert!(matches!(env.set("KEY", value), Err(EnvError::Value { .. })), "{value:?}");
    }
    assert_eq!(env, before);
}

#[test]
fn fills_to_the_last_byte_and_refuses_the_next() {
    let mut env = BootEnv::default();
    // "K=", the value, its NUL, the NUL of the list: 508 bytes in all.
    env.set("K", &"x".repeat(504)).unwrap();
    assert_eq!(BootEnv::parse(&env.encode()), Ok(env.clone()));
    let error = env.set("K", &"x".repeat(505)).unwrap_err();
    assert_eq!(error, EnvError::Full { key: "K".to_owned(), needed: 509, room: 508 });
    assert!(matches!(env.set("L", ""), Err(EnvError::Full { needed: 511, .. })));
    assert_eq!(env.get("K").map(str::len), Some(504));
}

#[test]
fn removes_what_is_there_and_nothing_else() {
    let mut env = env(&[("A", "1"), ("B", "2")]);
    env.remove("A");
    env.remove("C");
    assert_eq!(env.iter().collect::<Vec<_>>(), [("B", "2")]);
}

proptest! {
    #[test]
    fn every_environment_survives_the_disk(
        entries in proptest::collection::btree_map("[A-Za-z0-9_]{1,12}", "[ -\\[\\]-~]{0,30}", 0..12),
    ) {
        let mut env = BootEnv::default();
        for (key, value) in &entries {
            let _full: Result<(), EnvError> = env.set(key, value);
        }
        prop_assert_eq!(BootEnv::parse(&env.encode()), Ok(env));
    }

    #[test]
    fn random_bytes_are_an_error_not_a_panic(bytes in proptest::collection::vec(any::<u8>(), ENV_BYTES)) {
        let mut bytes: Sector = bytes.try_into().unwrap();
        prop_assert!(BootEnv::parse(&bytes).is_err());
        // The same behind a right checksum: whatever comes of it, it comes back.
        bytes = sector(&bytes[4..]);
        if let Ok(env) = BootEnv::parse(&bytes) {
            prop_assert!(env.iter().count() <= ENV_BYTES);
            prop_assert_eq!(BootEnv::parse(&env.encode()), Ok(env));
        }
    }

    #[test]
    fn one_damaged_bit_is_noticed(byte in 0..ENV_BYTES, bit in 0..8u32) {
        let mut bytes = env(&[("BOOT_ORDER", "A B"), ("BOOT_A_LEFT", "3")]).encode();
        bytes[byte] ^= 1 << bit;
        let error = BootEnv::parse(&bytes).unwrap_err();
        prop_assert!(matches!(error, EnvError::Checksum { .. }), "{}", error);
    }
}
