//! A document of any bytes, and an overlay behind a NUL: no panic, every problem at a place that is in its file, and what is accepted
//! renders.

#![no_main]

use appliance_config::{Look, Overlay, Sources, SystemFacts, load};
use artefact_render::{ImageFacts, PayloadFacts, UserIds, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (config, over) = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    };
    let overlay = over.map(|bytes| Overlay { name: "devices/x.toml", bytes });
    let found = match load(&Sources { config, overlay }, &SystemFacts::of_image()) {
        Ok(loaded) => {
            let artefacts =
                render(&loaded.config, &ImageFacts::USUAL, &UserIds::default(), &PayloadFacts::default());
            assert!(!artefacts.files.is_empty());
            loaded.warnings
        }
        Err(problems) => problems.iter().cloned().collect(),
    };
    for problem in found {
        let text = String::from_utf8_lossy(if problem.file == "config.toml" { config } else { over.unwrap() });
        let line = text.split('\n').nth(problem.line - 1).expect("the line is there");
        assert!(problem.column <= line.chars().count() + 1, "{problem}");
        assert_eq!(problem.to_string().lines().count(), 1);
        problem.excerpt(&text, Look::Coloured);
    }
});
