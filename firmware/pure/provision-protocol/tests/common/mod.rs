//! A device with administrators, and the real `ssh-keygen` to sign for them.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod authenticator;

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use provision_protocol::claim::{Claim, WhyClosed};
use provision_protocol::command::{Command, Route};
use provision_protocol::nonce::Nonces;
use provision_protocol::request::{RequestHead, SignedText};
use provision_protocol::sessions::Sessions;
use provision_protocol::signers::AllowedSigners;
use provision_protocol::tokens::Tokens;
use provision_protocol::verify::{Authorised, Caller, Gate};
use provision_protocol::{Arrival, NAMESPACE, Peer, Refusal, Sha256Digest, UnixTime, WallClock};
use tempfile::TempDir;

pub(crate) const START: Duration = Duration::from_secs(1_000);
pub(crate) const BODY: &[u8] = b"version = 1\n";

/// True, and said, when the program is not there.
pub(crate) fn skipped_without(program: &str) -> bool {
    let missing =
        Program::new(program).arg("-?").stderr(Stdio::null()).stdout(Stdio::null()).status().is_err();
    if missing {
        println!("skipped: {program} is not installed");
    }
    missing
}

/// A private key in a file of its own.
pub(crate) struct Key {
    _folder: TempDir,
    pub(crate) path: PathBuf,
    /// `ssh-ed25519 AAAA…`
    pub(crate) public: String,
}

impl Key {
    /// `kind`: words of `ssh-keygen -t`, for example `rsa -b 2048`.
    pub(crate) fn new(kind: &str) -> Key {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut program = Program::new("ssh-keygen");
        program.args(["-q", "-N", "", "-C", "", "-t"]).args(kind.split(' ')).arg("-f").arg(&path);
        assert!(program.status().unwrap().success(), "{program:?}");
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap().trim().to_owned();
        Key { _folder: folder, path, public }
    }

    /// The value of the header: `ssh-keygen -Y sign`, and the armour taken off.
    pub(crate) fn sign(&self, namespace: &str, text: &str, options: &[&str]) -> String {
        let mut program = Program::new("ssh-keygen");
        program.args(["-q", "-Y", "sign", "-n", namespace]).args(options).arg("-f").arg(&self.path);
        let mut child =
            program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        without_armour(&String::from_utf8(output.stdout).unwrap())
    }
}

pub(crate) fn without_armour(signature: &str) -> String {
    signature.lines().filter(|line| !line.starts_with('-')).collect()
}

/// A request on its way: what is sent, and what was signed.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    pub(crate) signed: Option<String>,
    pub(crate) signature: Option<String>,
}

/// A device, and the time there.
pub(crate) struct Device {
    pub(crate) gate: Gate,
    pub(crate) now: Duration,
    nonces: u8,
}

impl Device {
    /// `alice` owns the first key, `bob` the second, and so on.
    pub(crate) fn of(keys: &[&str]) -> Device {
        let mut signers = AllowedSigners::default();
        for (user, key) in ["alice", "bob", "carol", "dave", "erin", "frank"].into_iter().zip(keys) {
            signers.allow(Some(user.parse().unwrap()), key.parse().unwrap());
        }
        let gate = Gate {
            device: "02deadbeef01".parse().unwrap(),
            signers,
            nonces: Nonces::new([7; 32]),
            sessions: Sessions::default(),
            tokens: Tokens::default(),
            claim: Claim::closed(WhyClosed::Claimed),
        };
        Device { gate, now: START, nonces: 0 }
    }

    /// The text for `POST /api/config?confirm=120`, with a new nonce.
    pub(crate) fn text(&mut self) -> SignedText {
        self.nonces += 1;
        SignedText {
            nonce: self.gate.nonce([self.nonces; 16], self.now),
            device: self.gate.device.clone(),
            method: "POST".parse().unwrap(),
            target: "/api/config?confirm=120".parse().unwrap(),
            content_type: Some("application/toml".parse().unwrap()),
            body: Sha256Digest::of(BODY),
        }
    }

    /// The request that this text is for.
    pub(crate) fn request(text: &SignedText, signature: String) -> Request {
        Request {
            method: "POST",
            target: "/api/config?confirm=120".to_owned(),
            content_type: Some("application/toml"),
            body: BODY.to_vec(),
            signed: Some(text.to_string()),
            signature: Some(signature),
        }
    }

    /// A request that `key` signed.
    pub(crate) fn signed_by(&mut self, key: &Key) -> Request {
        let text = self.text();
        let signature = key.sign(NAMESPACE, &text.to_string(), &[]);
        Device::request(&text, signature)
    }

    /// What the device says to it, all the way.
    pub(crate) fn send(&mut self, request: &Request) -> Result<Authorised<Command>, Refusal> {
        let base64 = request.signed.as_ref().map(|text| encode(text.as_bytes()));
        let mut headers: Vec<(&str, &[u8])> = vec![("Host", b"192.168.50.1:8080")];
        headers.extend(request.content_type.map(|value| ("Content-Type", value.as_bytes())));
        headers.extend(base64.as_ref().map(|value| ("Slipway-Request", value.as_bytes())));
        headers.extend(request.signature.as_ref().map(|value| ("Slipway-Signature", value.as_bytes())));
        let head = RequestHead { method: request.method, target: &request.target, headers: &headers };
        let route = Route::parse(request.method.parse().unwrap(), &request.target.parse().unwrap());
        let Ok(Route::Guarded(command)) = route else { panic!("{route:?}") };
        let caller = Caller {
            peer: Peer::new(Ipv4Addr::new(192, 168, 50, 7).into()),
            arrival: Arrival::Lan,
            now: self.now,
            clock: WallClock { now: UnixTime::from_secs(1_795_360_991), synchronised: true },
        };
        self.gate.verify(&head, command, &caller)?.body(Sha256Digest::of(&request.body))
    }
}

/// base64, written a second time: not by the code under test.
pub(crate) fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for index in 0..4u32 {
            let symbol = ALPHABET[usize::try_from(bits >> (18 - 6 * index) & 63).unwrap()];
            text.push(if index as usize <= chunk.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}
