//! The doors other than a signature; that one is tested with the real `ssh-keygen`, in `tests/`.

use super::*;
use crate::Code;
use crate::claim::{ClaimCode, FIRST_WAIT};
use crate::command::{Command, Scope};
use crate::testing::{ALICE, BOB, CLOCK, NOW, by_alice, caller, gate, signer, signers};
use crate::tokens::TokenWish;

type Headers<'a> = &'a [(&'a str, &'a [u8])];

fn ask(gate: &mut Gate, headers: Headers<'_>, command: Command, caller: Caller) -> Result<Who, Code> {
    let head = RequestHead { method: "POST", target: "/api/config", headers };
    let awaiting = gate.verify(&head, command, &caller).map_err(|refusal| refusal.code())?;
    // Without a signature nothing says which body it should be.
    let authorised = awaiting.body(Sha256Digest::of(b"any")).map_err(|refusal| refusal.code())?;
    Ok(authorised.into_parts().1)
}

const IMPORT: Command = Command::Import { confirm: None };

#[test]
fn nothing_is_done_for_nobody() {
    let mut gate = gate();
    let headers: [Headers<'_>; 5] = [
        &[],
        &[("Cookie", b"theme=dark")],
        &[("Cookie", b"__Host-slipway=short")],
        &[("Cookie", b"\xff")],
        &[("Accept", b"*/*")],
    ];
    for headers in headers {
        for command in [Command::Status, IMPORT, Command::FactoryReset, Command::CreateToken] {
            assert_eq!(ask(&mut gate, headers, command, caller()), Err(Code::Unsigned), "{headers:?}");
        }
    }
}

#[test]
fn a_session_looks_and_changes_but_not_who_may() {
    let mut gate = gate();
    let code = gate.sessions.offer(&by_alice(Command::OpenSession), [1; 32], NOW).unwrap();
    let begun = gate.sessions.redeem(&code.hash(), Arrival::Lan, &gate.signers, [2; 32], NOW).unwrap();
    let cookie = begun.set_cookie.split(';').next().unwrap().as_bytes();
    let page: Headers<'_> = &[("Cookie", cookie), ("Host", b"box"), ("Origin", b"https://box")];
    let elsewhere: Headers<'_> = &[("Cookie", cookie), ("Host", b"box"), ("Origin", b"https://evil")];
    let alice = Ok(Who::Session(signer("alice", ALICE)));
    assert_eq!(ask(&mut gate, page, Command::Status, caller()), alice);
    assert_eq!(ask(&mut gate, elsewhere, Command::Status, caller()), alice);
    assert_eq!(ask(&mut gate, page, IMPORT, caller()), alice);
    assert_eq!(ask(&mut gate, elsewhere, IMPORT, caller()), Err(Code::ForeignOrigin));
    assert_eq!(ask(&mut gate, page, Command::FactoryReset, caller()), Err(Code::FreshSignatureNeeded));
    let wan = Caller { arrival: Arrival::Wan, ..caller() };
    assert_eq!(ask(&mut gate, page, Command::Status, wan), Err(Code::LanOnly));

    // A configuration that comes by session may not change the administrators.
    let head = RequestHead { method: "POST", target: "/", headers: page };
    let awaiting = gate.verify(&head, IMPORT, &caller()).unwrap();
    assert_eq!(awaiting.command(), &IMPORT);
    let authorised = awaiting.body(Sha256Digest::of(b"")).unwrap();
    assert_eq!(authorised.may_change_users().unwrap_err().code(), Code::FreshSignatureNeeded);
    assert!(by_alice(IMPORT).may_change_users().is_ok());

    assert_eq!(gate.replace_signers(signers(&[("bob", BOB)]), NOW), [signer("alice", ALICE)]);
    assert_eq!(ask(&mut gate, page, Command::Status, caller()), Err(Code::SessionOver));
}

#[test]
fn a_token_opens_its_scope_only() {
    let mut gate = gate();
    let wish = TokenWish { name: "graphs".parse().unwrap(), scope: Scope::Monitor, expires: None };
    let token = gate.tokens.create(&by_alice(Command::CreateToken), wish, ([0; 4], [1; 32]), CLOCK).unwrap();
    let bearer = format!("Bearer {}", token.text.reveal());
    let headers: Headers<'_> = &[("authorization", bearer.as_bytes())];
    let by = Who::Token { id: token.record.id.clone(), name: token.record.name.clone() };
    assert_eq!(ask(&mut gate, headers, Command::Status, caller()), Ok(by));
    for command in [IMPORT, Command::Export, Command::Tokens, Command::Reboot, Command::FactoryReset] {
        assert_eq!(ask(&mut gate, headers, command, caller()), Err(Code::TokenScope));
    }
    for value in ["", "Bearer", "Bearer x", "Basic YWxpY2U6eA==", "Bearer slipway_t00000000_x"] {
        let headers: Headers<'_> = &[("Authorization", value.as_bytes())];
        assert_eq!(ask(&mut gate, headers, Command::Status, caller()), Err(Code::TokenUnknown), "{value}");
    }
}

#[test]
fn a07_a_device_that_belongs_to_nobody_takes_its_first_configuration_by_claim_code() {
    let code = ClaimCode::new([5; 8]);
    let mut gate = Gate { signers: AllowedSigners::default(), claim: Claim::open(&code), ..gate() };
    let text = code.to_string();
    let right: Headers<'_> = &[("Slipway-Claim-Code", text.as_bytes())];
    let wrong: Headers<'_> = &[("Slipway-Claim-Code", b"0000-0000-0000")];
    // Without the code nothing; with it the first configuration, and nothing else.
    assert_eq!(ask(&mut gate, &[], IMPORT, caller()), Err(Code::Unsigned));
    for command in [Command::Status, Command::FactoryReset, Command::CreateToken, Command::OpenSession] {
        assert_eq!(ask(&mut gate, right, command, caller()), Err(Code::ClaimOpensNotThis));
    }
    assert_eq!(ask(&mut gate, right, Command::Validate, caller()), Ok(Who::Claimant));
    for _ in 0..5 {
        assert_eq!(ask(&mut gate, wrong, IMPORT, caller()), Err(Code::WrongClaimCode));
    }
    assert_eq!(ask(&mut gate, right, IMPORT, caller()), Err(Code::ClaimWait));
    let later = Caller { now: NOW + FIRST_WAIT, ..caller() };
    assert_eq!(ask(&mut gate, right, IMPORT, later), Ok(Who::Claimant));

    // Provisioned: the claim is over, and so is everything unsigned.
    gate.claim.close();
    gate.replace_signers(signers(&[("alice", ALICE)]), NOW);
    assert_eq!(ask(&mut gate, right, IMPORT, later), Err(Code::Claimed));
    assert_eq!(ask(&mut gate, right, Command::Validate, later), Err(Code::Claimed));
    assert_eq!(ask(&mut gate, &[], IMPORT, later), Err(Code::Unsigned));
}

#[test]
fn whoever_sends_a_signature_does_not_fall_back_to_less() {
    let code = ClaimCode::new([5; 8]);
    let mut gate = Gate { claim: Claim::open(&code), ..gate() };
    let text = code.to_string();
    let headers: Headers<'_> = &[("Slipway-Claim-Code", text.as_bytes()), ("Slipway-Signature", b"AAAA")];
    assert_eq!(ask(&mut gate, headers, IMPORT, caller()), Err(Code::BadSignatureHeader));
}
