use super::*;
use crate::claim::ClaimFault;
use crate::command::Route;
use crate::jobs::Busy;
use crate::nonce::NonceFault;
use crate::request::Method;
use crate::{Refusal, SignatureFault};
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn every_code_has_its_own_name_a_status_and_a_page() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert_eq!(Code::find(code.as_str()), Some(*code));
        assert!((400..600).contains(&code.status()) && !code.title().is_empty(), "{code}");
        assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
        let page = format!("/api/problems/{code}").parse().unwrap();
        assert!(Route::parse(Method::Get, &page).is_ok(), "{code}");
        assert_eq!(Problem::new(*code, "x").kind, format!("/api/problems/{code}"));
    }
}

#[test]
fn a_problem_is_json_that_says_what_and_why() {
    let problem = Problem::from(&Refusal::from(SignatureFault::Untouched));
    let json: serde_json::Value = serde_json::from_slice(&problem.to_json()).unwrap();
    let expected = serde_json::json!({
        "type": "/api/problems/untouched",
        "code": "untouched",
        "status": 401,
        "title": "Nobody touched the security key",
        "detail": "the security key signed without a touch: make one without `-O no-touch-required`",
    });
    assert_eq!(json, expected);
    let challenge = ("www-authenticate", "SSHSIG namespace=\"slipway-request@v1\"".to_owned());
    assert_eq!(problem.headers(), [challenge]);
    assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
}

#[test]
fn a03_busy_names_the_job_and_since_when() {
    let busy = Busy {
        job_id: "00112233445566778899aabbccddeeff".parse().unwrap(),
        command: JobKind::Import,
        since: UnixTime::from_secs(0),
    };
    let problem = Problem::from(&busy);
    assert_eq!((problem.status(), problem.code()), (409, Code::Busy));
    let json: serde_json::Value = serde_json::from_slice(&problem.to_json()).unwrap();
    let running = serde_json::json!({
        "job_id": "00112233445566778899aabbccddeeff",
        "command": "import",
        "since": "1970-01-01T00:00:00Z",
        "url": "/api/jobs/00112233445566778899aabbccddeeff",
    });
    assert_eq!(json["running"], running);
}

#[test]
fn who_must_wait_or_ask_otherwise_is_told_in_headers() {
    let wait = Duration::from_millis(29_001);
    for refusal in
        [Refusal::from(ClaimFault::Wait { wait }), Refusal::from(NonceFault::TooMany { retry_after: wait })]
    {
        let problem = Problem::from(&refusal);
        assert_eq!(problem.status(), 429);
        assert_eq!(problem.headers(), [("retry-after", "30".to_owned())]);
    }
    let fault = Route::parse(Method::Delete, &"/api/config".parse().unwrap()).unwrap_err();
    let problem = Problem::from(&fault);
    assert_eq!(problem.status(), 405);
    assert_eq!(problem.headers(), [("allow", "GET, POST".to_owned())]);
}

#[test]
fn a_configuration_is_refused_with_everything_that_is_wrong() {
    let one = ConfigProblem {
        code: "unknown-key".to_owned(),
        path: "usres".to_owned(),
        file: "config.toml".to_owned(),
        line: Some(3),
        column: Some(1),
        message: "no such key".to_owned(),
        hint: Some("did you mean `users`?".to_owned()),
    };
    let problem = Problem::config_refused(vec![one.clone(), one.clone()]);
    assert_eq!((problem.status(), problem.problems().len(), problem.detail()), (422, 2, "2 problems"));
    assert_eq!(Problem::config_refused(vec![one]).detail(), "no such key");
}
