use super::*;
use proptest::prelude::*;

const START: Duration = Duration::from_secs(50);

fn peer(text: &str) -> Peer {
    Peer::new(text.parse().unwrap())
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_code_is_twelve_symbols_that_nobody_misreads() {
    let code = ClaimCode::new([0xff; 8]);
    assert_eq!(code.to_string(), "ZZZZ-ZZZZ-ZZZZ");
    assert_eq!(ClaimCode::new([0; 8]).to_string(), "0000-0000-0000");
    // All 60 bits count: each of the lower 60 changes the code.
    let codes = (0..60).map(|bit| ClaimCode::new((1u64 << bit).to_be_bytes()).to_string());
    assert_eq!(codes.collect::<std::collections::BTreeSet<_>>().len(), 60);
    assert_eq!(format!("{code:?}"), "ClaimCode(…)");

    let same = "7K2M-Q0XD-1RVA".parse::<ClaimCode>().unwrap();
    for text in ["7k2mq0xd1rva", "7K2M Q0XD 1RVA", "7K2M-QOXD-IRVA", "7k2m-qoxd-lrva", "-7K2MQ0XD1RVA-"] {
        assert_eq!(text.parse(), Ok(same.clone()), "{text}");
    }
    for text in ["", "7K2M-Q0XD-1RV", "7K2M-Q0XD-1RVAA", "7K2M-Q0XD-1RVU", "7K2M_Q0XD_1RVA", "é"] {
        let error = text.parse::<ClaimCode>().unwrap_err().to_string();
        assert!(!error.contains("7K2M"), "{error}");
    }
}

#[test]
fn a07_five_wrong_codes_and_the_peer_waits_and_then_the_right_one_is_accepted() {
    let code = ClaimCode::new([9; 8]);
    let mut claim = Claim::open(&code);
    let (guesser, owner) = (peer("192.0.2.7"), peer("192.0.2.8"));
    for _ in 0..FREE_TRIES {
        assert_eq!(claim.examine("0000-0000-0000", guesser, START), Err(ClaimFault::Wrong));
    }
    assert_eq!(claim.examine(&code.to_string(), guesser, START), Err(ClaimFault::Wait { wait: FIRST_WAIT }));
    let almost = START + secs(29);
    assert_eq!(claim.examine(&code.to_string(), guesser, almost), Err(ClaimFault::Wait { wait: secs(1) }));
    // The owner is not kept out by somebody else's guesses.
    assert_eq!(claim.examine(&code.to_string(), owner, START), Ok(()));
    assert_eq!(claim.examine(&code.to_string(), guesser, START + FIRST_WAIT), Ok(()));
    // Being right makes up for it.
    assert_eq!(claim.examine("x", guesser, START + FIRST_WAIT), Err(ClaimFault::Wrong));
    assert_eq!(claim.examine("x", guesser, START + FIRST_WAIT), Err(ClaimFault::Wrong));
}

#[test]
fn each_further_wrong_code_doubles_the_wait_up_to_an_hour() {
    let mut claim = Claim::open(&ClaimCode::new([9; 8]));
    let guesser = peer("192.0.2.7");
    let mut now = START;
    let mut waits = Vec::new();
    for _ in 0..15 {
        assert_eq!(claim.examine("x", guesser, now), Err(ClaimFault::Wrong));
        if let Err(ClaimFault::Wait { wait }) = claim.examine("x", guesser, now) {
            waits.push(wait.as_secs());
            now += wait;
        } else if waits.is_empty() {
            // One of the free tries was taken to look.
        }
    }
    assert_eq!(waits[..8], [30, 60, 120, 240, 480, 960, 1920, 3600]);
    assert!(waits[8..].iter().all(|&wait| wait == 3600), "{waits:?}");
}

#[test]
fn a07_what_belongs_to_somebody_cannot_be_claimed() {
    let code = ClaimCode::new([9; 8]);
    let mut claim = Claim::open(&code);
    assert!(claim.is_open());
    claim.close();
    assert!(!claim.is_open());
    let refused = claim.examine(&code.to_string(), peer("192.0.2.7"), START);
    assert_eq!(refused, Err(ClaimFault::Closed(WhyClosed::Claimed)));
    for why in [WhyClosed::OwnedByImage, WhyClosed::Unknown] {
        let mut claim = Claim::closed(why);
        let refused = claim.examine(&code.to_string(), peer("192.0.2.7"), START);
        assert_eq!(refused, Err(ClaimFault::Closed(why)));
    }
}

#[test]
fn a_crowd_of_guessers_does_not_fill_the_memory() {
    let mut claim = Claim::open(&ClaimCode::new([9; 8]));
    for count in 0..5_000u32 {
        let guesser = Peer::new(std::net::Ipv4Addr::from(count).into());
        let _wrong = claim.examine("x", guesser, START + secs(count.into()));
    }
    assert_eq!(claim.wrong.len(), PEERS);
    let last = Peer::new(std::net::Ipv4Addr::from(4_999).into());
    assert!(claim.wrong.contains_key(&last));
    // A day later all of it is forgotten.
    let _wrong = claim.examine("x", last, START + secs(5_000) + FORGOTTEN_AFTER);
    assert_eq!(claim.wrong.len(), 1);
}

proptest! {
    #[test]
    fn text_and_code_agree(random in any::<[u8; 8]>()) {
        let code = ClaimCode::new(random);
        prop_assert_eq!(code.to_string().parse(), Ok(code.clone()));
        let json = serde_json::to_string(&code).unwrap();
        prop_assert_eq!(serde_json::from_str::<ClaimCode>(&json).unwrap(), code);
    }

    #[test]
    fn any_text_is_a_code_or_none(text in ".{0,40}") {
        if let Ok(code) = text.parse::<ClaimCode>() {
            prop_assert_eq!(code.to_string().parse(), Ok(code));
        }
    }
}
