//! A change of a document, both of any bytes: `PATH NUL JSON NUL DOCUMENT`. No panic; what comes out is TOML; and what is secret is
//! found in every document that can be read.

#![no_main]

use appliance_config::change::{Change, ChangeError, change, without_secrets};
use appliance_config::{Sources, SystemFacts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let (Some(path), Some(value), Some(config)) = (parts.next(), parts.next(), parts.next()) else { return };
    let before = without_secrets(config);
    let Ok(path) = std::str::from_utf8(path) else { return };
    let asked = match serde_json::from_slice(value) {
        Ok(value) => Change::set(path, value),
        Err(_) => Change::unset(path),
    };
    let Ok(asked) = asked else { return };
    let sources = Sources { config, overlay: None };
    let after = match change(&sources, &[asked], &SystemFacts::of_image()) {
        Ok(changed) => changed.config,
        Err(ChangeError::Refused { config, .. }) => config,
        Err(_) => return,
    };
    if before.is_some() {
        assert!(without_secrets(after.as_bytes()).is_some(), "what was TOML is none any more:\n{after}");
    }
});
