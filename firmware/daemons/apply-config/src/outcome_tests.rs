//! Whoever asked understands the answer: a job of the API ends as this program says it did.

use appliance_types::Generation;
use provision_protocol::jobs::{Answer, Ended, Rollback as WentBack};

use super::*;

fn understood(outcome: &Outcome) -> Ended {
    Answer::parse(serde_json::to_string(outcome).unwrap().as_bytes()).unwrap().ended()
}

#[test]
fn a04_every_answer_ends_a_job_as_it_says() {
    let (third, fourth) = (Generation::new(3), Generation::new(4));
    let failure = Failure { stage: Stage::Network, error: anyhow::anyhow!("eth1 has no address") };
    let failed = |ending| Outcome::not(ending, fourth, &failure);

    for (ending, unchanged) in [
        (Ending::Settled, false),
        (Ending::Provisional, false),
        (Ending::Unchanged, true),
        (Ending::TakenBack, false),
    ] {
        let outcome = Outcome { confirm_within_s: Some(120), ..Outcome::plain(ending, fourth) };
        let Ended::Succeeded(success) = understood(&outcome) else { panic!("{ending:?}") };
        assert_eq!((success.generation, success.unchanged), (fourth, unchanged), "{ending:?}");
        assert_eq!(success.confirm_within_s, Some(120));
    }
    for (outcome, rollback) in [
        (failed(Ending::Refused), WentBack::NotNeeded),
        (failed(Ending::Failed), WentBack::NotNeeded),
        (failed(Ending::Failed).with_rollback(Rollback::done(third)), WentBack::Done { to: third }),
        (failed(Ending::Failed).with_rollback(Rollback::done(None)), WentBack::Done { to: None }),
        (
            failed(Ending::FailedTwice).with_rollback(Rollback::failed(&failure)),
            WentBack::Failed { reason: "eth1 has no address".to_owned() },
        ),
    ] {
        let Ended::Failed(told) = understood(&outcome) else { panic!("{outcome:?}") };
        assert_eq!(told.rollback, rollback);
        assert_eq!((told.reason.as_str(), told.stage.as_deref()), ("eth1 has no address", Some("network")));
    }
}
