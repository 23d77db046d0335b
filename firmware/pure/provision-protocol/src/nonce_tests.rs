use super::*;
use proptest::prelude::*;

const START: Duration = Duration::from_secs(1_000);

fn nonces() -> Nonces {
    Nonces::new([7; 32])
}

fn key(name: &str) -> Fingerprint {
    Fingerprint::for_tests(name)
}

#[test]
fn a01_a_nonce_is_good_for_300_s() {
    let nonces = nonces();
    let nonce = nonces.make([1; 16], START);
    let at = |now| nonces.examine(&nonce, now).map(|_| ());
    assert_eq!(at(START), Ok(()));
    assert_eq!(at(START + NONCE_LIFE - Duration::from_millis(1)), Ok(()));
    assert_eq!(at(START + NONCE_LIFE), Err(NonceFault::Expired));
    assert_eq!(NONCE_LIFE, Duration::from_secs(300));
    // Made in the future: by another boot.
    assert_eq!(at(START - Duration::from_millis(1)), Err(NonceFault::Unknown));
}

#[test]
fn a01_a_nonce_is_good_for_one_request_by_whomever() {
    let mut nonces = nonces();
    let nonce = nonces.make([1; 16], START);
    let fresh = nonces.examine(&nonce, START).unwrap();
    assert_eq!(nonces.spend(fresh, &key("a"), START), Ok(()));
    assert_eq!(nonces.spend(fresh, &key("a"), START), Err(NonceFault::Replayed));
    assert_eq!(nonces.spend(fresh, &key("b"), START), Err(NonceFault::Replayed));
    // Up to its last moment.
    let last = START + NONCE_LIFE - Duration::from_millis(1);
    assert_eq!(
        nonces.spend(nonces.examine(&nonce, last).unwrap(), &key("a"), last),
        Err(NonceFault::Replayed)
    );
}

#[test]
fn a01_nobody_else_can_make_one() {
    let ours = nonces();
    let theirs = Nonces::new([8; 32]).make([1; 16], START);
    assert_eq!(ours.examine(&theirs, START).unwrap_err(), NonceFault::Unknown);
    let real = ours.make([1; 16], START);
    for bit in 0..LEN * 8 {
        let mut bytes = real.0;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let found = ours.examine(&Nonce(bytes), START).unwrap_err();
        assert_eq!(found, NonceFault::Unknown, "bit {bit}");
    }
}

#[test]
fn however_many_ask_a_nonce_that_was_given_out_stays_good() {
    let mut nonces = nonces();
    let mine = nonces.make([255; 16], START);
    for other in 0..100_000u32 {
        let mut random = [0; 16];
        random[..4].copy_from_slice(&other.to_be_bytes());
        nonces.make(random, START);
    }
    assert_eq!(nonces.remembered(), 0);
    let fresh = nonces.examine(&mine, START).unwrap();
    assert_eq!(nonces.spend(fresh, &key("a"), START), Ok(()));
}

#[test]
fn a_key_that_asks_too_much_is_told_to_wait_and_disturbs_no_other() {
    let mut nonces = nonces();
    for count in 0..USED_PER_SIGNER {
        let fresh = fresh(&nonces, count, START);
        assert_eq!(nonces.spend(fresh, &key("a"), START), Ok(()));
    }
    let later = START + Duration::from_secs(100);
    let next = fresh(&nonces, USED_PER_SIGNER, later);
    let retry_after = NONCE_LIFE - Duration::from_secs(100);
    assert_eq!(nonces.spend(next, &key("a"), later), Err(NonceFault::TooMany { retry_after }));
    assert_eq!(nonces.spend(next, &key("b"), later), Ok(()));
    // None of those was forgotten on the way.
    let first = fresh(&nonces, 0, START);
    assert_eq!(nonces.spend(first, &key("b"), later), Err(NonceFault::Replayed));

    let after = START + NONCE_LIFE;
    let next = fresh(&nonces, USED_PER_SIGNER + 1, after);
    assert_eq!(nonces.spend(next, &key("a"), after), Ok(()));
    assert_eq!(nonces.remembered(), 2);
}

fn fresh(nonces: &Nonces, count: usize, now: Duration) -> Fresh {
    let mut random = [0; 16];
    random[..8].copy_from_slice(&count.to_be_bytes());
    nonces.examine(&nonces.make(random, now), now).unwrap()
}

proptest! {
    #[test]
    fn text_and_nonce_agree(bytes in prop::collection::vec(any::<u8>(), LEN)) {
        let nonce = Nonce(bytes.try_into().unwrap());
        prop_assert_eq!(nonce.to_string().len(), 75);
        prop_assert_eq!(nonce.to_string().parse::<Nonce>(), Ok(nonce));
    }

    /// Whatever is used in whatever order and at whatever time: never twice.
    #[test]
    fn nothing_is_ever_good_twice(uses in prop::collection::vec((0..20usize, 0..3u8, 0..200_000u64), 1..80)) {
        let mut nonces = nonces();
        let made: Vec<Nonce> = (0..20).map(|n| nonces.make([n; 16], START)).collect();
        let (mut now, mut spent) = (START, BTreeSet::new());
        for (which, signer, step) in uses {
            now += Duration::from_millis(step);
            let Ok(fresh) = nonces.examine(&made[which], now) else { continue };
            let first = spent.insert(which);
            prop_assert_eq!(nonces.spend(fresh, &key(&signer.to_string()), now).is_ok(), first);
        }
    }
}
