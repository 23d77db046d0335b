use super::tests::{BOOT, start};
use super::*;
use crate::UnixTime;
use crate::verify::Who;
use appliance_types::Generation;

const OTHER_BOOT: &str = "00000000-3c7a-4d5e-9b20-1d2e3f405162";

fn job() -> JobId {
    JobId::new([1; 16])
}

fn at(kind: JobKind, step: Step) -> JobRecord {
    let mut record = JobRecord::new(job(), kind, Who::Claimant, start(0));
    record.begin(step, UnixTime::from_secs(0));
    record
}

fn in_force(number: u64, brought_by: Option<JobId>) -> InForce {
    InForce::Generation { number: Generation::new(number).unwrap(), brought_by }
}

fn evidence(boot: &str, in_force: InForce) -> Evidence {
    Evidence { boot: boot.parse().unwrap(), worker_runs: false, answer: None, in_force }
}

fn told(recovered: Recovered) -> String {
    match recovered {
        Recovered::GoesOn => "goes on".to_owned(),
        Recovered::Ended(Ended::Succeeded(success)) => match success.generation {
            Some(generation) => format!("succeeded {generation}"),
            None => "succeeded".to_owned(),
        },
        Recovered::Ended(Ended::Cancelled) => "cancelled".to_owned(),
        Recovered::Ended(Ended::Failed(failure)) => match failure.rollback {
            Rollback::NotNeeded => "failed, nothing changed".to_owned(),
            Rollback::Done { to: Some(to) } => format!("failed, back at {to}"),
            Rollback::Done { to: None } => "failed, back at nothing".to_owned(),
            Rollback::Failed { .. } => "failed twice".to_owned(),
            Rollback::Unknown => "unknown".to_owned(),
        },
    }
}

/// Where it was, whether the power was cut (else the process restarted), what is in force afterwards (3 was before), and how the job
/// ended.
#[test]
fn a03_an_interrupted_job_ends_as_it_really_did() {
    use JobKind::*;
    use Step::*;
    let ours = in_force(4, Some(job()));
    let (before, other) = (in_force(3, None), in_force(9, None));
    let (cut, again) = (OTHER_BOOT, BOOT);
    let rows = [
        (Import, Accepted, cut, before, "failed, nothing changed"),
        (Import, Checking, again, before, "failed, nothing changed"),
        (Import, Applying, cut, ours, "succeeded 4"),
        (Import, Applying, again, ours, "succeeded 4"),
        (Import, Applying, cut, before, "failed, back at 3"),
        (Import, Applying, again, before, "failed, back at 3"),
        (Import, GoingBack, cut, before, "failed, back at 3"),
        (Import, Applying, cut, other, "unknown"),
        (Import, Applying, cut, InForce::Nothing, "unknown"),
        (Import, Applying, cut, InForce::Unknown, "unknown"),
        (Change, Applying, cut, ours, "succeeded 4"),
        (Change, Applying, cut, before, "failed, back at 3"),
        (Rollback, Applying, cut, ours, "succeeded 4"),
        (Rollback, Applying, cut, before, "failed, back at 3"),
        // On trial is 3: it is gone after a power cut, unless it was confirmed.
        (Confirm, Accepted, cut, in_force(2, None), "failed, nothing changed"),
        (Confirm, Applying, cut, before, "succeeded 3"),
        (Confirm, Applying, cut, in_force(2, None), "failed, back at 2"),
        (Confirm, Applying, cut, InForce::Nothing, "failed, back at nothing"),
        (Confirm, Applying, again, before, "unknown"),
        (Confirm, Applying, cut, InForce::Unknown, "unknown"),
        (Revert, Applying, cut, in_force(2, None), "succeeded 2"),
        (Revert, Applying, cut, InForce::Nothing, "succeeded"),
        (Revert, Applying, again, before, "failed, nothing changed"),
        (Revert, Applying, cut, InForce::Unknown, "unknown"),
        (Reboot, Accepted, again, before, "failed, nothing changed"),
        (Reboot, Restarting, cut, before, "succeeded"),
        (Reboot, Restarting, again, before, "failed, nothing changed"),
        (UsbRecovery, Restarting, cut, before, "succeeded"),
        // Its record is among what should be gone.
        (FactoryReset, Accepted, cut, before, "failed, nothing changed"),
        (FactoryReset, Wiping, cut, before, "unknown"),
        (FactoryReset, Restarting, cut, before, "unknown"),
        (RepairData, Wiping, again, before, "unknown"),
    ];
    for (kind, step, boot, in_force, expected) in rows {
        let found = told(recover(&at(kind, step), &evidence(boot, in_force)));
        assert_eq!(found, expected, "{kind} at {step}, boot {boot}, in force {in_force:?}");
    }
}

#[test]
fn a_first_configuration_that_was_cut_off_leaves_nothing_in_force() {
    let mut record = at(JobKind::Import, Step::Applying);
    record.before = None;
    assert_eq!(told(recover(&record, &evidence(OTHER_BOOT, InForce::Nothing))), "failed, back at nothing");
    assert_eq!(told(recover(&record, &evidence(OTHER_BOOT, in_force(1, Some(job()))))), "succeeded 1");
}

#[test]
fn a_worker_that_still_runs_is_waited_for_and_an_answer_counts_before_anything_else() {
    let record = at(JobKind::Import, Step::Applying);
    let before = in_force(3, None);
    let runs = Evidence { worker_runs: true, ..evidence(BOOT, before) };
    assert_eq!(recover(&record, &runs), Recovered::GoesOn);
    let answer = Answer::parse(br#"{"outcome":"settled","generation":4,"warnings":["w"]}"#).unwrap();
    let answered = Evidence { answer: Some(answer), ..runs };
    let Recovered::Ended(Ended::Succeeded(success)) = recover(&record, &answered) else { panic!() };
    assert_eq!((success.generation, success.warnings), (Generation::new(4), vec!["w".to_owned()]));
}

#[test]
fn what_is_over_stays_as_it_ended() {
    let mut record = at(JobKind::Import, Step::Applying);
    record.end(Ended::Cancelled, UnixTime::from_secs(0));
    assert_eq!(told(recover(&record, &evidence(OTHER_BOOT, InForce::Nothing))), "cancelled");
}

/// Lines as `apply-config` prints them.
#[test]
fn a04_what_apply_config_answers_becomes_how_the_job_ended() {
    let rows = [
        (r#""outcome":"settled","generation":4"#, "succeeded 4"),
        (r#""outcome":"provisional","generation":4,"confirm_within_s":120"#, "succeeded 4"),
        (r#""outcome":"unchanged","generation":3"#, "succeeded 3"),
        (
            r#""outcome":"taken-back","generation":3,"rollback":{"done":true,"to":3,"stage":null,"reason":null}"#,
            "succeeded 3",
        ),
        (
            r#""outcome":"refused","stage":"config","reason":"config.toml:3:1: x","problems":["a","b"]"#,
            "failed, nothing changed",
        ),
        (r#""outcome":"failed","stage":"network","reason":"r"#, ""),
        (
            r#""outcome":"failed","generation":4,"stage":"network","reason":"r","rollback":{"done":true,"to":3,"stage":null,"reason":null}"#,
            "failed, back at 3",
        ),
        (
            r#""outcome":"failed","stage":"network","reason":"r","rollback":{"done":true,"to":null}"#,
            "failed, back at nothing",
        ),
        (
            r#""outcome":"failed-twice","stage":"network","reason":"r","rollback":{"done":false,"to":null,"stage":"network","reason":"q"}"#,
            "failed twice",
        ),
        (r#""outcome":"failed-twice","reason":"r""#, "failed twice"),
        (
            r#""outcome":"failed","stage":"store","reason":"disk full","something":"new""#,
            "failed, nothing changed",
        ),
    ];
    for (line, expected) in rows {
        let answer = Answer::parse(format!("{{{line}}}\n").as_bytes());
        match answer {
            Ok(answer) => assert_eq!(told(Recovered::Ended(answer.ended())), expected, "{line}"),
            Err(error) => assert_eq!(expected, "", "{line}: {error}"),
        }
    }
    let line = br#"{"outcome":"refused","stage":"config","reason":"why","problems":["a","b"]}"#;
    let Ended::Failed(failure) = Answer::parse(line).unwrap().ended() else { panic!() };
    assert_eq!(
        (failure.stage.as_deref(), failure.reason.as_str(), failure.problems.len()),
        (Some("config"), "why", 2)
    );
    let line = br#"{"outcome":"failed-twice","reason":"r","rollback":{"done":false,"to":null,"reason":"q"}}"#;
    let Ended::Failed(failure) = Answer::parse(line).unwrap().ended() else { panic!() };
    assert_eq!(failure.rollback, Rollback::Failed { reason: "q".to_owned() });
}
