//! The packets of boots that fail, and of boots that work, kept as capture files in `corpus/`. Each is told here as a scene;
//! `BLESS=1 cargo test -p netboot-protocol --test explain_scenes` writes the files. `tcpdump -r` shows them.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test: its cases are files")]

mod scenes;

use std::path::Path;

use netboot_protocol::explain::{read_pcap, write_pcap};

#[test]
fn the_corpus_is_what_the_scenes_tell() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let bless = std::env::var_os("BLESS").is_some();
    let mut names = Vec::new();
    for (name, records) in scenes::all() {
        let path = folder.join(format!("{name}.pcap"));
        let file = write_pcap(&records);
        if bless {
            std::fs::write(&path, &file).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(kept == file, "{name}.pcap is not what its scene tells; BLESS=1 writes it anew");
        assert_eq!(read_pcap(&kept).unwrap(), records, "{name}");
        names.push(format!("{name}.pcap"));
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&file), "{file} has no scene");
    }
    assert!(names.iter().filter(|name| !name.starts_with("healthy-")).count() >= 20);
}
