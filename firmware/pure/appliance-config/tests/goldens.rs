//! Whole documents and all that is said about them: `fails/*.toml` with their problems, `accepts/*.toml` with the
//! configuration they mean and its warnings. Beside `x.toml`, `x.overlay.toml` is laid over it, and `x.txt` is what is
//! expected. `BLESS=1 cargo test -p appliance-config` writes what is found instead; read the difference before a commit.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test: it reads its cases from files")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use appliance_config::{Look, Overlay, Problem, Sources, SystemFacts, load};

#[test]
fn wrong_documents_get_every_problem_at_its_place() {
    check("fails", |document, overlay| match read(document, overlay) {
        Ok(_) => panic!("accepted:\n{document}"),
        Err(problems) => {
            let source =
                |problem: &Problem| if problem.file == "config.toml" { document } else { overlay.unwrap() };
            problems.iter().fold(String::new(), |text, problem| {
                format!("{text}{}\n\n", problem.excerpt(source(problem), Look::Plain))
            })
        }
    });
}

#[test]
fn right_documents_mean_what_they_say() {
    check("accepts", |document, overlay| match read(document, overlay) {
        Ok(loaded) => {
            let mut text = format!("{:#?}\n", loaded.config);
            loaded.warnings.iter().for_each(|warning| writeln!(text, "{warning}").unwrap());
            text
        }
        Err(problems) => panic!("refused:\n{problems}"),
    });
}

fn read(
    document: &str,
    overlay: Option<&str>,
) -> Result<appliance_config::Loaded, appliance_config::Problems> {
    let overlay = overlay.map(|text| Overlay { name: "devices/525400123456.toml", bytes: text.as_bytes() });
    load(&Sources { config: document.as_bytes(), overlay }, &SystemFacts::of_image())
}

/// Compares every document of a folder with its golden, and lists all differences at once.
fn check(folder: &str, found: impl Fn(&str, Option<&str>) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut different = Vec::new();
    let documents = documents(&folder);
    assert!(!documents.is_empty(), "{folder:?} has no documents");
    for path in documents {
        let read = |path: &Path| String::from_utf8(std::fs::read(path).unwrap()).unwrap();
        let overlay = path.with_extension("overlay.toml");
        let overlay = overlay.exists().then(|| read(&overlay));
        let found = found(&read(&path), overlay.as_deref());
        let golden = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &found).unwrap();
        } else if !golden.exists() || read(&golden) != found {
            different.push(format!("{}:\n{found}", golden.display()));
        }
    }
    assert!(different.is_empty(), "BLESS=1 would write:\n{}", different.join("\n"));
}

fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_document = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".toml") && !name.ends_with(".overlay.toml")
    };
    let mut documents: Vec<PathBuf> = entries.filter(is_document).collect();
    documents.sort();
    documents
}
