use super::*;
use proptest::prelude::*;

const MIB: u64 = 1 << 20;

fn client(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + number)
}

/// Machines that all ask at once and load over one wire that they share fairly. Returns for each how long its file took once
/// it was begun, and when the last was done.
fn storm(machines: u32, size: u64, wire: u64) -> (Vec<Duration>, Duration) {
    const STEP: Duration = Duration::from_millis(100);
    let mut admission = Admission::new(AdmissionLimits::default());
    let mut left: Vec<u64> = vec![size; machines as usize];
    let mut begun: Vec<Option<Duration>> = vec![None; machines as usize];
    let mut took = vec![None; machines as usize];
    let mut now = Duration::from_secs(100);
    while took.iter().any(Option::is_none) {
        assert!(now < Duration::from_secs(3600), "somebody waits for ever");
        for number in 0..machines {
            let at = number as usize;
            // Firmware asks every 4 s, each from its own moment on.
            let asks = (now.as_millis() + u128::from(number) * 137) % 4000 < STEP.as_millis();
            if begun[at].is_none() && asks && admission.ask(now, client(number), size) == Answer::Go {
                begun[at] = Some(now);
            }
        }
        let loading: Vec<usize> =
            (0..left.len()).filter(|at| begun[*at].is_some() && took[*at].is_none()).collect();
        let share = wire / 10 / loading.len().max(1) as u64;
        for at in loading {
            let bytes = share.min(left[at]);
            left[at] -= bytes;
            admission.delivered(now, client(u32::try_from(at).unwrap()), bytes);
            if left[at] == 0 {
                took[at] = begun[at].map(|begun| now + STEP - begun);
            }
        }
        now += STEP;
    }
    (took.into_iter().flatten().collect(), now - Duration::from_secs(100))
}

#[test]
fn a_boot_storm_keeps_the_deadline_of_every_file() {
    let (took, total) = storm(256, 12 * MIB, 25_000_000);
    let slowest = took.iter().max().unwrap();
    assert!(*slowest < Duration::from_secs(30), "{slowest:?}");
    let wire_time = 256.0 * 12.0 * MIB as f64 / 25e6;
    assert!(total.as_secs_f64() < wire_time * 1.15 + 5.0, "{total:?} for {wire_time} s of wire");
}

#[test]
fn a_few_machines_never_wait() {
    let mut admission = Admission::new(AdmissionLimits::default());
    for number in 0..8 {
        assert_eq!(admission.ask(Duration::from_secs(1), client(number), 40 * MIB), Answer::Go);
    }
    assert_eq!(admission.ask(Duration::from_secs(1), client(8), 40 * MIB), Answer::Wait { ahead: 0 });
    assert_eq!(admission.ask(Duration::from_secs(1), client(9), 40 * MIB), Answer::Wait { ahead: 1 });
    assert_eq!(admission.active(Duration::from_secs(1)), 8);
}

#[test]
fn who_has_waited_longest_is_next() {
    let mut admission = Admission::new(AdmissionLimits { unmeasured: 1, ..AdmissionLimits::default() });
    const FILE: u64 = 40 * MIB;
    let at = Duration::from_secs;
    assert_eq!(admission.ask(at(1), client(0), FILE), Answer::Go);
    admission.delivered(at(2), client(0), 1);
    assert_eq!(admission.ask(at(2), client(1), FILE), Answer::Wait { ahead: 0 });
    admission.delivered(at(3), client(0), 1);
    assert_eq!(admission.ask(at(3), client(2), FILE), Answer::Wait { ahead: 1 });
    // Client 0 is done. The later one asks first, and is not let past.
    assert_eq!(admission.ask(at(7), client(2), FILE), Answer::Wait { ahead: 1 });
    assert_eq!(admission.ask(at(8), client(1), FILE), Answer::Go);
    // A client that was let in goes on with its next file.
    assert_eq!(admission.ask(at(8), client(0), FILE), Answer::Go);
    // One that no longer asks holds nobody up.
    assert_eq!(admission.ask(at(9), client(3), FILE), Answer::Wait { ahead: 1 });
    assert_eq!(admission.ask(at(30), client(3), FILE), Answer::Go);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_storm_ends_and_no_file_is_late(
        machines in 1u32..200,
        megabytes in 1u64..14,
        wire in 12_000_000u64..125_000_000,
    ) {
        let (took, _) = storm(machines, megabytes * MIB, wire);
        prop_assert!(took.iter().all(|took| *took < Duration::from_secs(30)), "{:?}", took.iter().max());
    }
}
