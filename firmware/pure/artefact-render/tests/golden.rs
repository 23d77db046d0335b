//! `golden/<case>/config.toml` gives the files below `golden/<case>/out`, byte for byte, with the modes in `modes.txt`.
//!
//! `SLIPWAY_BLESS=1 cargo test -p artefact-render --test golden` writes them anew; the diff is the review.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]
#![expect(clippy::disallowed_methods, reason = "goldens are files")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use artefact_render::{Artefacts, actions, is_ours, render};

#[test]
fn goldens() {
    let bless = std::env::var_os("SLIPWAY_BLESS").is_some();
    let cases = common::cases();
    assert!(cases.len() >= 8, "goldens are missing");
    for case in cases {
        let config = common::load(&case.join("config.toml"));
        let artefacts = render(&config, &common::IMAGE, &Default::default(), &common::payload());
        assert!(artefacts.files.keys().all(|path| is_ours(path)), "{}", case.display());

        let out = case.join("out");
        if bless {
            write(&out, &artefacts);
        }
        let golden = read(&out, &out);
        for (path, file) in &artefacts.files {
            let text = String::from_utf8_lossy(&file.bytes);
            let golden = golden.get(path).map(|bytes| String::from_utf8_lossy(bytes));
            assert_eq!(
                Some(text),
                golden,
                "{}: {path}; SLIPWAY_BLESS=1 writes the goldens anew",
                case.display()
            );
        }
        assert!(
            golden.keys().all(|path| artefacts.files.contains_key(path)),
            "{}: one too many",
            case.display()
        );
        assert_eq!(fs::read_to_string(case.join("modes.txt")).unwrap_or_default(), modes(&artefacts));

        // What is in place stays in place.
        assert_eq!(actions(&golden, &artefacts), [], "{}", case.display());
        let again = render(&config, &common::IMAGE, &artefacts.user_ids, &common::payload());
        assert_eq!(again, artefacts, "{}", case.display());
    }
}

fn write(out: &Path, artefacts: &Artefacts) {
    let _ = fs::remove_dir_all(out);
    for (path, file) in &artefacts.files {
        let path = out.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.bytes).unwrap();
    }
    fs::write(out.with_file_name("modes.txt"), modes(artefacts)).unwrap();
}

fn modes(artefacts: &Artefacts) -> String {
    artefacts.files.iter().fold(String::new(), |mut text, (path, file)| {
        let _ = writeln!(text, "{:04o} {path}", file.mode);
        text
    })
}

/// All files below a folder, by the path they have on the device.
fn read(folder: &Path, root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(read(&path, root));
        } else {
            let name = format!("/{}", path.strip_prefix(root).unwrap().display());
            files.insert(name, fs::read(path).unwrap());
        }
    }
    files
}
