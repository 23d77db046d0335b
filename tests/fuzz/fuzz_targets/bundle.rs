//! A bundle of any bytes: no panic; refused, it leaves nothing behind, and taken or not, nothing outside of its folder.

#![no_main]

use std::fs;
use std::path::Path;

use config_store::{Bundle, Limits, StagingFolder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // In memory: a disk would be the slowest part of it.
    let folder = tempfile::tempdir_in(Path::new("/dev/shm")).unwrap();
    let (bundle, staging) = (folder.path().join("bundle"), folder.path().join("staging"));
    fs::write(&bundle, bytes).unwrap();
    fs::create_dir(&staging).unwrap();
    let limits = Limits { unpacked: 1 << 20, spare: 0, ..Limits::default() };
    let into = StagingFolder::open(&staging).unwrap();
    let unpacked = Bundle::open(&bundle).unwrap().unpack_for_all(&into, &limits);
    if unpacked.is_err() {
        assert_eq!(fs::read_dir(&staging).unwrap().count(), 0, "a refused bundle left something");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something is outside");
});
