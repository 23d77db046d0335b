//! What the tests of several modules need.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::claim::{Claim, WhyClosed};
use crate::command::Command;
use crate::nonce::Nonces;
use crate::sessions::Sessions;
use crate::signers::{AllowedSigners, Fingerprint, Signer, SignerKey};
use crate::tokens::Tokens;
use crate::verify::{Authorised, Caller, Gate, Who};
use crate::words::{Arrival, Peer, UnixTime, WallClock};

pub(crate) const ALICE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
pub(crate) const BOB: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdd7Y4aTZNoTr7SwvOw5qvYJ0BKrGzb9TXGTGu2Ab0p";

pub(crate) const NOW: Duration = Duration::from_secs(10_000);
pub(crate) const CLOCK: WallClock = WallClock { now: UnixTime::from_secs(1_795_360_991), synchronised: true };

pub(crate) fn signers(keys: &[(&str, &str)]) -> AllowedSigners {
    let mut signers = AllowedSigners::default();
    for (user, key) in keys {
        signers.allow(Some(user.parse().unwrap()), key.parse().unwrap());
    }
    signers
}

pub(crate) fn signer(user: &str, key: &str) -> Signer {
    let key: Fingerprint = key.parse::<SignerKey>().unwrap().fingerprint().clone();
    Signer { user: Some(user.parse().unwrap()), key }
}

pub(crate) fn by_alice(command: Command) -> Authorised<Command> {
    Authorised::for_tests(command, Who::Admin(signer("alice", ALICE)))
}

pub(crate) fn gate() -> Gate {
    Gate {
        device: "02deadbeef01".parse().unwrap(),
        signers: signers(&[("alice", ALICE)]),
        nonces: Nonces::new([7; 32]),
        sessions: Sessions::default(),
        tokens: Tokens::default(),
        claim: Claim::closed(WhyClosed::Claimed),
    }
}

pub(crate) fn caller() -> Caller {
    let peer = Peer::new(Ipv4Addr::new(192, 168, 50, 7).into());
    Caller { peer, arrival: Arrival::Lan, now: NOW, clock: CLOCK }
}
