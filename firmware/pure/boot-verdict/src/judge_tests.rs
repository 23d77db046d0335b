use super::*;
use crate::facts::{Asked, LanFact, Services, Standing, UnitRole};
use appliance_types::SlotName;
use proptest::prelude::*;

const TICK: u64 = 2;

fn unit(name: &str, role: UnitRole) -> UnitFact {
    let text = |text: &str| text.to_owned();
    UnitFact {
        name: text(name),
        role,
        active: text("active"),
        sub: text("running"),
        result: text("success"),
        restarts: 0,
    }
}

/// Slot B on trial with slot A behind it; everything runs.
fn healthy() -> Facts {
    Facts {
        standing: Ok(Standing { slot: SlotName::B, on_trial: true, can_fall_back: true }),
        provisioning: Ok(Provisioning::Provisioned),
        services: Services::Up,
        platform: Ok(vec![unit("ssh.service", UnitRole::Platform)]),
        required: Ok(vec![unit("web.service", UnitRole::Rootful), unit("db.service", UnitRole::Rootless)]),
        lan: Ok(vec![LanFact {
            interface: "eth1".parse().unwrap(),
            expected: "172.20.30.1/24".parse().unwrap(),
            found: Some(vec!["172.20.30.1/24".parse().unwrap()]),
        }]),
        activation_timeout: Duration::from_secs(100),
        settle: Duration::ZERO,
    }
}

fn confirmed(mut facts: Facts) -> Facts {
    facts.standing = Ok(Standing { slot: SlotName::B, on_trial: false, can_fall_back: true });
    facts
}

fn alone(mut facts: Facts) -> Facts {
    facts.standing = Ok(Standing { slot: SlotName::B, on_trial: true, can_fall_back: false });
    facts
}

fn web(facts: &mut Facts) -> &mut UnitFact {
    &mut facts.required.as_mut().unwrap()[0]
}

fn with(change: impl Fn(&mut Facts)) -> Facts {
    let mut facts = healthy();
    change(&mut facts);
    facts
}

fn web_is(active: &str, sub: &str) -> Facts {
    with(|facts| {
        let web = web(facts);
        (web.active, web.sub, web.result) = (active.to_owned(), sub.to_owned(), "exit-code".to_owned());
    })
}

/// Observes from uptime 30 s on, every 2 s; `facts` says what there is at which second. Ends with the first verdict that is
/// not [`Verdict::Wait`], or after 20 minutes, with the uptime of it.
fn first_verdict(facts: impl Fn(u64) -> Facts) -> (u64, Verdict) {
    let mut judge = Judge::new(Policy::DEFAULT);
    let mut last = None;
    for second in (30..1200).step_by(2) {
        let verdict = judge.observe(Duration::from_secs(second), &facts(second));
        let waits = matches!(verdict, Verdict::Wait { .. });
        last = Some((second, verdict));
        if !waits {
            break;
        }
    }
    last.unwrap()
}

fn wait(reason: &str) -> Verdict {
    Verdict::Wait { reasons: vec![reason.to_owned()] }
}

fn degraded(reason: &str) -> Verdict {
    Verdict::Degraded { reasons: vec![reason.to_owned()] }
}

fn bad(check: &str, reason: &str) -> Verdict {
    Verdict::Bad { check: check.to_owned(), reason: reason.to_owned() }
}

#[test]
fn what_stays_as_it_is_leads_to_this_verdict_at_this_uptime() {
    let no_card = with(|facts| facts.lan.as_mut().unwrap()[0].found = None);
    let no_address = with(|facts| facts.lan.as_mut().unwrap()[0].found = Some(vec![]));
    let other = with(|facts| {
        facts.lan.as_mut().unwrap()[0].found = Some(vec!["10.0.0.1/8".parse().unwrap()]);
    });
    let blank = with(|facts| facts.provisioning = Ok(Provisioning::Unprovisioned("no stick".into())));
    let importing = with(|facts| facts.provisioning = Ok(Provisioning::Importing("importing".into())));
    let older = with(|facts| facts.provisioning = Ok(Provisioning::Degraded("generation 2 is used".into())));
    let unknown = with(|facts| facts.provisioning = Err("cannot read provisioning.json".into()));
    let hung = with(|facts| facts.services = Services::Starting(vec!["hung.service".into()]));
    let silent = with(|facts| facts.platform = Err("cannot ask systemd".into()));
    let deaf = with(|facts| facts.required = Err("cannot ask the user's systemd".into()));
    let lost = with(|facts| facts.standing = Err("cannot read the boot state".into()));
    let settling = with(|facts| facts.settle = Duration::from_secs(90));
    let web_failed = || web_is("failed", "failed");
    let web_starting = || web_is("activating", "start");

    let not_up = "the services are not all started yet: hung.service";
    let failed = "web.service has failed (exit-code)";
    let starting = "web.service is activating (start)";
    let table: &[(&str, Facts, u64, Verdict)] = &[
        ("trial", healthy(), 90, Verdict::Good),
        ("trial without another slot", alone(healthy()), 90, Verdict::Good),
        ("confirmed", confirmed(healthy()), 40, Verdict::Good),
        ("the configuration wants a longer look", settling, 120, Verdict::Good),
        ("a reload", web_is("reloading", "reload"), 90, Verdict::Good),
        ("nothing required", with(|facts| facts.required = Ok(vec![])), 90, Verdict::Good),
        ("no LAN card", no_card, 90, Verdict::Good),
        ("not provisioned", blank.clone(), 1198, wait("not provisioned: no stick")),
        ("not provisioned, confirmed", confirmed(blank), 1198, wait("not provisioned: no stick")),
        ("importing", importing, 1198, wait("importing")),
        // Fails for good: a minute's grace.
        ("failed", web_failed(), 90, bad("web.service", &format!("{failed}, after 60 s"))),
        ("failed, confirmed", confirmed(web_failed()), 90, degraded(failed)),
        ("failed, no other slot", alone(web_failed()), 90, degraded(failed)),
        ("an older generation", older, 90, bad("configuration", "generation 2 is used, after 60 s")),
        // Not there yet: 300 s from second 120 on, and 100 s more for what the configuration requires.
        ("starting", web_starting(), 520, bad("web.service", &format!("{starting}, after 490 s"))),
        ("starting, confirmed", confirmed(web_starting()), 520, degraded(starting)),
        ("hung", hung.clone(), 420, bad("services", &format!("{not_up}, after 390 s"))),
        ("hung, confirmed", confirmed(hung.clone()), 420, degraded(not_up)),
        ("hung, no other slot", alone(hung), 420, degraded(not_up)),
        (
            "no address",
            no_address,
            520,
            bad("lan eth1", "eth1 has no address instead of 172.20.30.1/24, after 490 s"),
        ),
        (
            "other address",
            other,
            520,
            bad("lan eth1", "eth1 has 10.0.0.1/8 instead of 172.20.30.1/24, after 490 s"),
        ),
        // What cannot be found out is never good.
        ("no report", unknown, 420, bad("configuration", "cannot read provisioning.json, after 390 s")),
        ("no systemd", silent, 420, bad("platform", "cannot ask systemd, after 390 s")),
        ("no user's systemd", deaf, 520, bad("required", "cannot ask the user's systemd, after 490 s")),
        ("no boot state", lost, 420, degraded("cannot read the boot state")),
    ];
    for (case, facts, at, verdict) in table {
        assert_eq!(first_verdict(|_| facts.clone()), (*at, verdict.clone()), "{case}");
    }
}

/// The container runs at every second sample, but never for long.
fn crashes_every(period: u64, until: u64) -> impl Fn(u64) -> Facts {
    move |second| {
        with(|facts| {
            web(facts).restarts = u32::try_from(second.min(until).saturating_sub(30) / period).unwrap();
        })
    }
}

#[test]
fn a_crash_loop_is_seen_by_the_restart_counter() {
    for period in [2, 5, 20, 50] {
        let (at, verdict) = first_verdict(crashes_every(period, u64::MAX));
        assert!(matches!(&verdict, Verdict::Bad { check, .. } if check == "web.service"), "{verdict:?}");
        assert!((90..=200).contains(&at), "every {period} s: at {at} s");
    }
    let (_, verdict) = first_verdict(|second| confirmed(crashes_every(5, u64::MAX)(second)));
    assert_eq!(verdict, degraded("web.service keeps restarting"));
}

#[test]
fn restarts_at_the_start_only_cost_time() {
    assert_eq!(first_verdict(crashes_every(5, 50)), (110, Verdict::Good));
    // A counter that was high when we began to look says nothing about now.
    assert_eq!(first_verdict(|_| with(|facts| web(facts).restarts = 7)), (90, Verdict::Good));
}

#[test]
fn a_failure_that_repairs_itself_in_time_is_forgotten() {
    let (at, verdict) = first_verdict(|s| if s < 80 { web_is("failed", "failed") } else { healthy() });
    assert_eq!((at, verdict), (138, Verdict::Good));
}

#[test]
fn a_box_that_is_provisioned_late_gets_its_time_from_then_on() {
    let late = |second| {
        if second < 600 {
            with(|facts| facts.provisioning = Ok(Provisioning::Unprovisioned("no".into())))
        } else {
            web_is("activating", "start")
        }
    };
    assert_eq!(
        first_verdict(late),
        (1000, bad("web.service", "web.service is activating (start), after 400 s"))
    );
}

#[test]
fn a_good_slot_that_degrades_is_reported_and_can_become_good_again() {
    let mut judge = Judge::new(Policy::DEFAULT);
    let mut observe = |second: u64, facts: &Facts| judge.observe(Duration::from_secs(second), facts);
    let (good, failed) = (confirmed(healthy()), confirmed(web_is("failed", "failed")));
    observe(30, &good);
    assert_eq!(observe(40, &good), Verdict::Good);
    assert!(matches!(observe(600, &failed), Verdict::Degraded { .. }));
    assert!(matches!(observe(602, &good), Verdict::Wait { .. }));
    assert_eq!(observe(612, &good), Verdict::Good);
}

#[test]
fn while_the_services_start_only_failures_of_their_parts_are_named() {
    let mut facts = web_is("inactive", "dead");
    facts.services = Services::Starting(vec![]);
    facts.platform.as_mut().unwrap()[0].active = "failed".to_owned();
    let reasons = words(&findings(&facts));
    assert_eq!(reasons, ["the services are not all started yet", "ssh.service has failed (success)"]);
}

#[test]
fn a_missing_card_is_a_warning() {
    let facts = with(|facts| facts.lan.as_mut().unwrap()[0].found = None);
    assert_eq!(facts.warnings(), ["there is no card eth1, which is to have 172.20.30.1/24"]);
    assert!(healthy().warnings().is_empty());
}

fn any_unit(name: &'static str, role: UnitRole) -> impl Strategy<Value = UnitFact> {
    let active =
        prop_oneof![6 => Just("active"), 1 => Just("activating"), 1 => Just("failed"), 1 => Just("inactive")];
    // Mostly the same counter, so that holds are reached.
    (active, prop_oneof![9 => Just(0u32), 1 => 0..3u32]).prop_map(move |(active, restarts)| UnitFact {
        active: active.to_owned(),
        restarts,
        ..unit(name, role)
    })
}

fn asked<T: Clone + std::fmt::Debug>(answer: impl Strategy<Value = T>) -> impl Strategy<Value = Asked<T>> {
    prop_oneof![9 => answer.prop_map(Ok), 1 => Just(Err("cannot ask".to_owned()))]
}

fn any_facts(standing: Asked<Standing>) -> impl Strategy<Value = Facts> {
    let provisioning = prop_oneof![
        12 => Just(Provisioning::Provisioned),
        1 => Just(Provisioning::Unprovisioned("no".to_owned())),
        1 => Just(Provisioning::Degraded("older".to_owned())),
    ];
    let units = |name, role| asked(any_unit(name, role).prop_map(|unit| vec![unit]));
    let found = prop_oneof![
        6 => Just(Some(vec!["172.20.30.1/24".parse().unwrap()])),
        1 => Just(Some(vec![])),
        1 => Just(None),
    ];
    let lan = asked(found).prop_map(|found| {
        let base = healthy().lan.unwrap().remove(0);
        found.map(|found| vec![LanFact { found, ..base }])
    });
    let platform = units("ssh.service", UnitRole::Platform);
    let required = units("web.service", UnitRole::Rootful);
    let services = prop_oneof![9 => Just(Services::Up), 1 => Just(Services::Starting(vec![]))];
    (asked(provisioning), services, platform, required, lan).prop_map(
        move |(provisioning, services, platform, required, lan)| Facts {
            standing: standing.clone(),
            provisioning,
            services,
            platform,
            required,
            lan,
            ..healthy()
        },
    )
}

fn any_standing() -> impl Strategy<Value = Asked<Standing>> {
    asked((any::<bool>(), any::<bool>()).prop_map(|(on_trial, can_fall_back)| Standing {
        slot: SlotName::B,
        on_trial,
        can_fall_back,
    }))
}

/// A boot: one slot all along, and stretches in which the facts stay as they are for some ticks.
fn any_boot() -> impl Strategy<Value = Vec<Facts>> {
    any_standing().prop_flat_map(|standing| {
        let stretch = (prop_oneof![1 => Just(healthy()), 3 => any_facts(standing.clone())], 1..60usize);
        prop::collection::vec(stretch, 1..12).prop_map(move |stretches| {
            let facts = stretches.into_iter().flat_map(|(facts, ticks)| vec![facts; ticks]);
            facts.map(|facts| Facts { standing: standing.clone(), ..facts }).collect()
        })
    })
}

proptest! {
    #[test]
    fn the_promises_hold_for_every_boot(boot in any_boot()) {
        let mut judge = Judge::new(Policy::DEFAULT);
        let mut seen: Vec<&Facts> = Vec::new();
        for (tick, facts) in boot.iter().enumerate() {
            let now = Duration::from_secs(30 + TICK * tick as u64);
            let verdict = judge.observe(now, facts);
            seen.push(facts);
            let provisioned = matches!(facts.provisioning, Ok(Provisioning::Provisioned));
            match verdict {
                Verdict::Good => {
                    // All of the hold, not only now: no finding, and the same counters.
                    let hold = if facts.is_confirmed() { 10 } else { 60 };
                    let held = usize::try_from(hold / TICK).unwrap();
                    prop_assert!(seen.len() >= held, "good after {} observations", seen.len());
                    let recent = &seen[seen.len() - held..];
                    prop_assert!(recent.iter().all(|facts| findings(facts).is_empty()));
                    let web = |facts: &Facts| facts.required.as_ref().unwrap()[0].restarts;
                    prop_assert!(recent.iter().all(|before| web(before) == web(facts)));
                    prop_assert!(provisioned && facts.standing.is_ok());
                }
                Verdict::Bad { check, reason } => {
                    let standing = facts.standing.as_ref().unwrap();
                    prop_assert!(standing.on_trial && standing.can_fall_back);
                    prop_assert!(!check.is_empty() && !reason.is_empty());
                }
                Verdict::Degraded { reasons } => {
                    prop_assert!(!reasons.is_empty() && !facts.may_fall_back());
                }
                Verdict::Wait { reasons } => prop_assert!(!reasons.is_empty()),
            }
            if matches!(facts.provisioning, Ok(Provisioning::Unprovisioned(_))) {
                prop_assert_eq!(judge.observe(now, facts), wait("not provisioned: no"));
            }
        }
    }
}

/// What stays wrong is looked at every 10 s, a confirmed slot's hold; each look may also take its time.
#[test]
fn slow_looks_at_what_stays_wrong_do_not_change_the_verdict() {
    let failed = confirmed(web_is("failed", "failed"));
    for pause in [2, 10, 11, 25] {
        let mut judge = Judge::new(Policy::DEFAULT);
        let verdicts: Vec<Verdict> =
            (0..40).map(|look| judge.observe(Duration::from_secs(30 + look * pause), &failed)).collect();
        let first = verdicts.iter().position(|verdict| matches!(verdict, Verdict::Degraded { .. }));
        let first = first.unwrap_or_else(|| panic!("never degraded, looking every {pause} s"));
        let later = &verdicts[first..];
        assert!(later.iter().all(|verdict| verdict == &later[0]), "every {pause} s: {later:?}");
    }
}
