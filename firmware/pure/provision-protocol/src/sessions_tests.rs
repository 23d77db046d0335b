use super::*;
use crate::testing::{ALICE, BOB, NOW, by_alice, signer, signers};

fn sessions_of(count: u8, now: Duration) -> (Sessions, Vec<Bearer>) {
    let mut sessions = Sessions::default();
    let offers = (0..count).map(|n| sessions.offer(&by_alice(Command::OpenSession), [n; 32], now).unwrap());
    let offers: Vec<Bearer> = offers.collect();
    (sessions, offers)
}

/// Alice's session, and its secret as a browser has it.
fn signed_in() -> (Sessions, Bearer) {
    let (mut sessions, offers) = sessions_of(1, NOW);
    let begun = redeem(&mut sessions, &offers[0], NOW).unwrap();
    let text = begun.set_cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    (sessions, Bearer::parse(&text).unwrap())
}

fn redeem(sessions: &mut Sessions, code: &Bearer, now: Duration) -> Result<Begun, SessionFault> {
    sessions.redeem(&code.hash(), Arrival::Lan, &signers(&[("alice", ALICE)]), [99; 32], now)
}

const OWN_PAGE: &[(&str, &[u8])] =
    &[("Host", b"192.168.50.1:8080"), ("Origin", b"https://192.168.50.1:8080")];

fn examine(
    sessions: &mut Sessions,
    secret: &Bearer,
    headers: &[(&str, &[u8])],
    needed: SessionUse,
    now: Duration,
) -> Result<Signer, SessionFault> {
    let head = RequestHead { method: "POST", target: "/", headers };
    sessions.examine(secret, &head, needed, Arrival::Lan, &signers(&[("alice", ALICE)]), now)
}

#[test]
fn a_link_is_good_once_and_for_60_s() {
    let (mut sessions, offers) = sessions_of(3, NOW);
    let just = NOW + OFFER_LIFE - Duration::from_millis(1);
    let begun = redeem(&mut sessions, &offers[0], just).unwrap();
    assert_eq!(begun.signer, signer("alice", ALICE));
    assert_eq!(redeem(&mut sessions, &offers[0], just).unwrap_err(), SessionFault::NoOffer);
    assert_eq!(redeem(&mut sessions, &offers[1], NOW + OFFER_LIFE).unwrap_err(), SessionFault::NoOffer);
    assert_eq!(redeem(&mut sessions, &Bearer::new([77; 32]), NOW).unwrap_err(), SessionFault::NoOffer);
    assert_eq!(OFFER_LIFE, Duration::from_secs(60));
    // From WAN it is not looked at, so whoever stole it there does not even use it up.
    let none = AllowedSigners::default();
    let wan = sessions.redeem(&offers[2].hash(), Arrival::Wan, &none, [1; 32], NOW);
    assert_eq!(wan.unwrap_err(), SessionFault::NotFromLan);
    let gone = sessions.redeem(&offers[2].hash(), Arrival::Lan, &none, [1; 32], NOW);
    assert_eq!(gone.unwrap_err(), SessionFault::KeyGone(signer("alice", ALICE).key));
}

#[test]
fn the_cookie_is_for_this_host_over_tls_and_not_for_scripts() {
    let (mut sessions, offers) = sessions_of(1, NOW);
    let begun = redeem(&mut sessions, &offers[0], NOW).unwrap();
    let (value, attributes) = begun.set_cookie.split_once("; ").unwrap();
    assert!(value.starts_with("__Host-slipway=") && value.len() == "__Host-slipway=".len() + Bearer::LEN);
    assert_eq!(attributes, "Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Strict");
}

#[test]
fn only_a_signature_for_a_session_makes_a_link() {
    let mut sessions = Sessions::default();
    let session = Who::Session(signer("alice", ALICE));
    for asked in [
        by_alice(Command::Status),
        Authorised::for_tests(Command::OpenSession, session),
        Authorised::for_tests(Command::OpenSession, Who::Claimant),
    ] {
        assert_eq!(sessions.offer(&asked, [1; 32], NOW), None, "{asked:?}");
    }
}

#[test]
fn a_session_lasts_12_h_and_no_longer() {
    let (mut sessions, secret) = signed_in();
    let mut at = |now| examine(&mut sessions, &secret, &[], SessionUse::Read, now);
    assert_eq!(at(NOW + SESSION_LIFE - Duration::from_millis(1)), Ok(signer("alice", ALICE)));
    assert_eq!(at(NOW + SESSION_LIFE), Err(SessionFault::NoSession));
    assert_eq!(SESSION_LIFE, Duration::from_secs(12 * 60 * 60));
    let other = examine(&mut sessions, &Bearer::new([3; 32]), &[], SessionUse::Read, NOW);
    assert_eq!(other, Err(SessionFault::NoSession));
}

#[test]
fn what_changes_something_comes_from_our_own_pages() {
    let (mut sessions, secret) = signed_in();
    let mut with = |headers: &[(&str, &[u8])], needed| examine(&mut sessions, &secret, headers, needed, NOW);
    let alice = Ok(signer("alice", ALICE));
    assert_eq!(with(OWN_PAGE, SessionUse::Write), alice);
    assert_eq!(with(&[("host", b"Box.lan"), ("origin", b"https://box.lan")], SessionUse::Write), alice);
    let foreign: [&[(&str, &[u8])]; 8] = [
        &[],
        &[("Host", b"box")],
        &[("Origin", b"https://box")],
        &[("Host", b"box"), ("Origin", b"http://box")],
        &[("Host", b"box"), ("Origin", b"https://box.evil")],
        &[("Host", b"box"), ("Origin", b"null")],
        &[("Host", b""), ("Origin", b"https://")],
        &[("Host", b"box"), ("Origin", b"https://box"), ("Origin", b"https://box")],
    ];
    for headers in foreign {
        assert_eq!(with(headers, SessionUse::Write), Err(SessionFault::ForeignOrigin), "{headers:?}");
        assert_eq!(with(headers, SessionUse::Read), alice, "{headers:?}");
    }
    assert_eq!(with(OWN_PAGE, SessionUse::FreshSignature), Err(SessionFault::FreshSignatureNeeded));
}

#[test]
fn sessions_are_for_lan_and_end_with_their_key() {
    let (mut sessions, secret) = signed_in();
    let head = RequestHead { method: "GET", target: "/", headers: &[] };
    let mut from = |arrival, allowed: &AllowedSigners| {
        sessions.examine(&secret, &head, SessionUse::Read, arrival, allowed, NOW)
    };
    let alice = signers(&[("alice", ALICE)]);
    assert_eq!(from(Arrival::Wan, &alice), Err(SessionFault::NotFromLan));
    assert!(from(Arrival::Lan, &alice).is_ok());
    let gone = SessionFault::KeyGone(signer("alice", ALICE).key);
    assert_eq!(from(Arrival::Lan, &signers(&[("bob", BOB)])), Err(gone));
    // It does not come back with the key.
    assert_eq!(from(Arrival::Lan, &alice), Err(SessionFault::NoSession));

    let (mut sessions, _) = signed_in();
    assert_eq!(sessions.prune(&alice, NOW), []);
    assert_eq!(sessions.prune(&signers(&[("bob", BOB)]), NOW), [signer("alice", ALICE)]);
    assert_eq!(sessions.count(), 0);
}

#[test]
fn a_session_is_closed_by_who_has_it() {
    let (mut sessions, secret) = signed_in();
    let cookie = format!("theme=dark; __Host-slipway={}; x", secret.reveal());
    let headers: &[(&str, &[u8])] = &[("Cookie", cookie.as_bytes())];
    let head = RequestHead { method: "DELETE", target: "/", headers };
    assert_eq!(super::cookie(&head).unwrap().unwrap().hash(), secret.hash());
    assert!(sessions.close(&head).contains("Max-Age=0"));
    assert_eq!(sessions.count(), 0);
}

#[test]
fn one_key_has_sixteen_sessions_and_loses_the_oldest() {
    let mut sessions = Sessions::default();
    for n in 0..40u8 {
        let now = NOW + Duration::from_secs(n.into());
        let code = sessions.offer(&by_alice(Command::OpenSession), [n; 32], now).unwrap();
        sessions.redeem(&code.hash(), Arrival::Lan, &signers(&[("alice", ALICE)]), [n; 32], now).unwrap();
    }
    assert_eq!(sessions.count(), PER_KEY);
    let mut good = |n: u8| examine(&mut sessions, &Bearer::new([n; 32]), &[], SessionUse::Read, NOW).is_ok();
    assert!(!good(23) && good(24) && good(39));

    let (mut sessions, offers) = sessions_of(40, NOW);
    assert_eq!(sessions.offers.len(), PER_KEY);
    assert!(offers.iter().filter(|code| redeem(&mut sessions, code, NOW).is_ok()).count() == PER_KEY);
}
