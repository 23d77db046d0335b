//! The recipe of `docs/api-signing.md`, run as it stands there, with the real `ssh-keygen` and a `curl` that hands over to the code.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is the assertion itself")]
#![expect(clippy::disallowed_methods, reason = "this is about other programs and their files")]
#![expect(clippy::disallowed_macros, reason = "a test that is skipped says so")]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command as Program;

use common::{Device, Key, skipped_without};
use provision_protocol::nonce::NonceAnswer;
use provision_protocol::request::{RequestHead, SignedText};
use provision_protocol::{Arrival, Peer, Sha256Digest, UnixTime, WallClock};

/// Answers the nonce; of the other request it keeps what was sent.
const CURL: &str = r#"#!/bin/sh
last=; for word; do last=$word; done
case "$*" in
*/api/nonce) cat nonce.json ;;
*) : > headers
   while [ $# -gt 0 ]; do
       case $1 in
       -H) printf '%s\n' "$2" >> headers; shift ;;
       -X) printf %s "$2" > method; shift ;;
       --data-binary) cat "${2#@}" > sent; shift ;;
       --cacert) shift ;;
       https://*) printf %s "${1#https://*:8080}" > target ;;
       esac
       shift
   done ;;
esac
"#;

fn script() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/api-signing.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("```sh\n# recipe\n").expect("the page has the recipe");
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn a02_the_recipe_of_the_documentation_makes_a_request_that_is_accepted() {
    if skipped_without("ssh-keygen") {
        return;
    }
    let key = Key::new("ed25519");
    let mut device = Device::of(&[&key.public]);
    let nonce = device.text().nonce;

    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("curl", CURL);
    std::fs::set_permissions(folder.path().join("curl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    put("config.toml", "version = 1\n# é\n");
    put("nonce.json", &serde_json::to_string(&NonceAnswer::new(&nonce, &device.gate.device)).unwrap());
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let home_key = format!("key={}\n", key.path.display());
    let script: String = script()
        .lines()
        .map(|line| {
            // The one line that is different for everybody.
            if line.starts_with("key=") { home_key.clone() } else { format!("{line}\n") }
        })
        .collect();
    assert!(script.contains(&home_key));
    let output = Program::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let sent = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (method, target, headers) = (sent("method"), sent("target"), sent("headers"));
    let headers: Vec<(&str, &[u8])> = headers
        .lines()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name, value.as_bytes()))
        .collect();
    let head = RequestHead { method: &method, target: &target, headers: &headers };
    let route = provision_protocol::command::Route::parse(method.parse().unwrap(), &target.parse().unwrap());
    let Ok(provision_protocol::command::Route::Guarded(command)) = route else { panic!("{route:?}") };
    let caller = provision_protocol::verify::Caller {
        peer: Peer::new(std::net::Ipv4Addr::LOCALHOST.into()),
        arrival: Arrival::Lan,
        now: device.now,
        clock: WallClock { now: UnixTime::from_secs(0), synchronised: false },
    };
    let body = std::fs::read(folder.path().join("sent")).unwrap();
    let awaiting = device.gate.verify(&head, command, &caller).unwrap();
    awaiting.body(Sha256Digest::of(&body)).unwrap();
}

/// The example of the page is one: it reads, and writes back the same.
#[test]
fn the_example_of_the_documentation_is_a_signed_text() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/api-signing.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("```\nslipway-request v1\n").expect("the page has the example");
    let example = format!("slipway-request v1\n{}", rest.split_once("```").unwrap().0);
    assert_eq!(example.parse::<SignedText>().unwrap().to_string(), example);
}
