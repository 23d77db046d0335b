//! The head of a request by a stranger: method and target on the first line, then `name: value` lines. Whatever it is, it is told off
//! with a problem, or asks for what is open to everybody; a command is never authorised. A signed text that is read is the one that
//! would be written.

#![no_main]

use std::net::Ipv4Addr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use provision_protocol::claim::{Claim, ClaimCode};
use provision_protocol::command::Route;
use provision_protocol::nonce::Nonces;
use provision_protocol::request::{RequestHead, SignedText};
use provision_protocol::sessions::Sessions;
use provision_protocol::signers::AllowedSigners;
use provision_protocol::tokens::Tokens;
use provision_protocol::verify::{Caller, Gate};
use provision_protocol::{Arrival, Peer, Problem, UnixTime, WallClock};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = SignedText::parse(data) {
        assert_eq!(text.to_string().as_bytes(), data);
    }
    let mut lines = data.split(|&byte| byte == b'\n');
    let Some((method, target)) =
        lines.next().and_then(|line| std::str::from_utf8(line).ok()).and_then(|line| line.split_once(' '))
    else {
        return;
    };
    let headers: Vec<(&str, &[u8])> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
        })
        .collect();
    let (Ok(asked), Ok(place)) = (method.parse(), target.parse()) else { return };
    let command = match Route::parse(asked, &place) {
        Ok(Route::Guarded(command)) => command,
        Ok(Route::Open(_)) => return,
        Err(fault) => {
            assert!(matches!(Problem::from(&fault).status(), 400 | 404 | 405));
            return;
        }
    };
    let mut signers = AllowedSigners::default();
    signers.allow(None, KEY.parse().unwrap());
    let mut gate = Gate {
        device: "02deadbeef01".parse().unwrap(),
        signers,
        nonces: Nonces::new([7; 32]),
        sessions: Sessions::default(),
        tokens: Tokens::default(),
        claim: Claim::open(&ClaimCode::new([0xa5; 8])),
    };
    let caller = Caller {
        peer: Peer::new(Ipv4Addr::LOCALHOST.into()),
        arrival: Arrival::Lan,
        now: Duration::from_secs(1_000),
        clock: WallClock { now: UnixTime::from_secs(1_795_360_991), synchronised: true },
    };
    let refusal =
        gate.verify(&RequestHead { method, target, headers: &headers }, command, &caller).unwrap_err();
    assert!(matches!(Problem::from(&refusal).status(), 400 | 401 | 403 | 429));
});
