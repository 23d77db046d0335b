use super::*;
use crate::testing::{ALICE, CLOCK, by_alice, signer};
use proptest::prelude::*;

fn wish(scope: Scope, expires: Option<u64>) -> TokenWish {
    let expires = expires.map(|seconds| UnixTime::from_secs(CLOCK.now.as_secs() + seconds));
    TokenWish { name: "line 3".parse().unwrap(), scope, expires }
}

fn made(tokens: &mut Tokens, number: u32, wish: TokenWish) -> MadeToken {
    let secret = [u8::try_from(number % 251).unwrap(); 32];
    tokens.create(&by_alice(Command::CreateToken), wish, (number.to_be_bytes(), secret), CLOCK).unwrap()
}

fn at(seconds: u64, synchronised: bool) -> WallClock {
    WallClock { now: UnixTime::from_secs(CLOCK.now.as_secs() + seconds), synchronised }
}

#[test]
fn a_token_opens_what_it_is_for_until_it_is_over_or_revoked() {
    let mut tokens = Tokens::default();
    let token = made(&mut tokens, 1, wish(Scope::Provision, Some(100)));
    let id = token.record.id.clone();
    let check = |tokens: &Tokens, scope, clock| {
        let text = TokenText::parse(&token.text.reveal()).unwrap();
        tokens.examine(&text, scope, clock).map(|token| token.id.clone())
    };
    let right = Some(Scope::Provision);
    assert_eq!(check(&tokens, right, at(99, true)), Ok(id.clone()));
    let over = TokenFault::Expired(id.clone(), at(100, true).now);
    assert_eq!(check(&tokens, right, at(100, true)), Err(over.clone()));
    // A clock that nobody confirmed may be behind, and is never ahead.
    assert_eq!(check(&tokens, right, at(99, false)), Err(TokenFault::ClockNotSet(id.clone())));
    assert_eq!(check(&tokens, right, at(100, false)), Err(over));
    assert_eq!(check(&tokens, Some(Scope::Monitor), at(0, true)), Err(TokenFault::Scope(id.clone())));
    assert_eq!(check(&tokens, None, at(0, true)), Err(TokenFault::Scope(id.clone())));
    assert!(tokens.revoke(&id).is_some());
    assert_eq!(check(&tokens, right, at(0, true)), Err(TokenFault::Unknown));
    assert!(tokens.revoke(&id).is_none());
}

#[test]
fn a_token_without_an_end_needs_no_clock() {
    let mut tokens = Tokens::default();
    let token = made(&mut tokens, 1, wish(Scope::Monitor, None));
    assert!(tokens.examine(&token.text, Some(Scope::Monitor), at(0, false)).is_ok());
    // The same id with another secret is nothing.
    let forged = TokenText { secret: Bearer::new([9; 32]), ..token.text };
    assert_eq!(tokens.examine(&forged, Some(Scope::Monitor), CLOCK), Err(TokenFault::Unknown));
}

#[test]
fn what_is_kept_does_not_hold_the_secret() {
    let mut tokens = Tokens::default();
    let token = made(&mut tokens, 1, wish(Scope::Monitor, None));
    let text = token.text.reveal();
    assert!(text.starts_with("slipway_t00000001_") && text.len() == 18 + Bearer::LEN, "{text}");
    let file = String::from_utf8(tokens.to_bytes()).unwrap();
    assert!(!file.contains(token.text.secret.reveal()), "{file}");
    assert!(!format!("{token:?}").contains(token.text.secret.reveal()));
    let read = Tokens::parse(file.as_bytes()).unwrap();
    assert_eq!(read, tokens);
    assert!(read.examine(&token.text, Some(Scope::Monitor), CLOCK).is_ok());
    assert_eq!(read.iter().next().unwrap().by, signer("alice", ALICE));
}

#[test]
fn tokens_are_made_by_signature_and_there_are_64() {
    let mut tokens = Tokens::default();
    for asked in [
        by_alice(Command::Tokens),
        Authorised::for_tests(Command::CreateToken, Who::Session(signer("alice", ALICE))),
    ] {
        let refused = tokens.create(&asked, wish(Scope::Monitor, None), ([0; 4], [0; 32]), CLOCK);
        assert_eq!(refused.unwrap_err(), TokenFault::NotAsked);
    }
    let over = tokens.create(
        &by_alice(Command::CreateToken),
        wish(Scope::Monitor, Some(0)),
        ([0; 4], [0; 32]),
        CLOCK,
    );
    assert_eq!(over.unwrap_err(), TokenFault::AlreadyOver);
    for _ in 0..MAX_TOKENS {
        // Always the same random number: ids are different all the same.
        made(&mut tokens, u32::MAX, wish(Scope::Monitor, None));
    }
    let more =
        tokens.create(&by_alice(Command::CreateToken), wish(Scope::Monitor, None), ([0; 4], [0; 32]), CLOCK);
    assert_eq!(more.unwrap_err(), TokenFault::TooMany);
    assert_eq!(Tokens::parse(&tokens.to_bytes()).unwrap(), tokens);
}

#[test]
fn a_file_that_is_not_one_is_no_empty_list() {
    let mut tokens = Tokens::default();
    made(&mut tokens, 1, wish(Scope::Monitor, None));
    let good = String::from_utf8(tokens.to_bytes()).unwrap();
    let twice =
        serde_json::to_vec(&File { version: 1, tokens: [tokens.0.clone(), tokens.0].concat() }).unwrap();
    assert!(matches!(Tokens::parse(&twice), Err(TokensFileError::Contradiction)));
    let newer = good.replace("\"version\": 1", "\"version\": 2");
    assert!(matches!(Tokens::parse(newer.as_bytes()), Err(TokensFileError::Version(2))));
    for bad in ["", "{}", "[]", &good[..good.len() - 3], &good.replace("monitor", "root")] {
        assert!(matches!(Tokens::parse(bad.as_bytes()), Err(TokensFileError::Format(_))), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_token_or_none(text in "(slipway_)?[t0-9a-f_]{0,12}.{0,50}") {
        if let Some(token) = TokenText::parse(&text) {
            prop_assert_eq!(token.reveal(), text);
        }
    }

    #[test]
    fn any_file_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _either = Tokens::parse(&bytes);
    }
}
