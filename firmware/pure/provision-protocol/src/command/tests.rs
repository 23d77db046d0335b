use super::*;
use crate::request::{Method, Target};
use proptest::prelude::*;

const JOB: &str = "00112233445566778899aabbccddeeff";
const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const TOKEN: &str = "t0a1b2c3d";

fn route(line: &str) -> Result<Route, RouteFault> {
    let (method, target) = line.split_once(' ').unwrap();
    Route::parse(method.parse().unwrap(), &target.parse::<Target>().unwrap())
}

/// Every route, and what opens it besides a signature: `-` nothing, `r` a session, `w` a session of our own pages, `c` the claim code,
/// `m` a token for monitoring, `*` nothing is needed.
fn table() -> Vec<(String, &'static str)> {
    let rows = [
        ("GET /api/health", "*"),
        ("GET /api/nonce", "*"),
        ("GET /api/openapi.json", "*"),
        ("GET /api/problems/busy", "*"),
        ("GET /api/jobs/{job}", "*"),
        ("GET /api/jobs/{job}/events", "*"),
        ("GET /session/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "*"),
        ("POST /api/validate", "wc"),
        ("POST /api/config", "wc"),
        ("POST /api/config?confirm=120", "wc"),
        ("POST /api/config/confirm", "w"),
        ("POST /api/config/revert", "w"),
        ("POST /api/config/rollback", "w"),
        ("POST /api/config/rollback?to=7&confirm=60", "w"),
        ("GET /api/config", "r"),
        ("GET /api/history", "rm"),
        ("PUT /api/users/alice", "-"),
        ("DELETE /api/users/alice", "-"),
        ("PATCH /api/network", "w"),
        ("PATCH /api/updates", "w"),
        ("PATCH /api/health", "w"),
        ("PATCH /api/netboot", "w"),
        ("PUT /api/containers/web", "w"),
        ("DELETE /api/containers/web", "w"),
        ("PUT /api/container-networks/web", "w"),
        ("DELETE /api/container-networks/web", "w"),
        ("PUT /api/container-volumes/web", "w"),
        ("DELETE /api/container-volumes/web", "w"),
        ("PUT /api/container-images/{hash}", "w"),
        ("GET /api/jobs", "rm"),
        ("DELETE /api/jobs/{job}", "w"),
        ("GET /api/status", "rm"),
        ("GET /api/why", "rm"),
        ("GET /api/logs", "r"),
        ("GET /api/sbom", "r"),
        ("GET /api/audit", "r"),
        ("POST /api/session", "-"),
        ("DELETE /api/session", "w"),
        ("GET /api/tokens", "r"),
        ("POST /api/tokens", "-"),
        ("DELETE /api/tokens/{token}", "-"),
        ("POST /api/reboot", "w"),
        ("POST /api/reboot?to=usb-recovery", "-"),
        ("POST /api/factory-reset", "-"),
        ("POST /api/repair-data", "-"),
    ];
    let fill = |line: &str| line.replace("{job}", JOB).replace("{hash}", HASH).replace("{token}", TOKEN);
    rows.into_iter().map(|(line, access)| (fill(line), access)).collect()
}

#[test]
fn every_route_is_open_to_whom_the_table_says() {
    for (line, expected) in table() {
        let found = match route(&line).unwrap_or_else(|fault| panic!("{line}: {fault}")) {
            Route::Open(_) => "*".to_owned(),
            Route::Guarded(command) => {
                let Access { session, scope, claim } = command.access();
                let session = match session {
                    SessionUse::FreshSignature => "-",
                    SessionUse::Read => "r",
                    SessionUse::Write => "w",
                };
                let scope = if scope == Some(Scope::Monitor) { "m" } else { "" };
                format!("{session}{}{scope}", if claim { "c" } else { "" })
            }
        };
        assert_eq!(found, expected, "{line}");
    }
}

/// The method that reads never changes anything, and what changes something is never open to who may only look.
#[test]
fn what_changes_something_is_no_get_and_needs_more_than_looking() {
    for (line, access) in table() {
        let reads = line.starts_with("GET ");
        assert_eq!(reads, !access.contains(['w', 'c', '-']), "{line}: {access}");
        if let Route::Guarded(command) = route(&line).unwrap() {
            assert!(!reads || command.job().is_none(), "{line} starts a job");
        }
    }
}

#[test]
fn a_request_for_nothing_is_told_what_there_is() {
    let rows = [
        ("GET /", "nothing at /"),
        ("GET /api", "nothing at /api"),
        ("GET /api/", "nothing"),
        ("GET /api//health", "nothing"),
        ("GET /api/health/", "nothing"),
        ("GET /api/%68ealth", "nothing"),
        ("GET /api/../api/health", "nothing"),
        ("PUT /api/users/Alice", "nothing"),
        ("PUT /api/users/..", "nothing"),
        ("PUT /api/containers/a.b", "nothing"),
        ("GET /api/jobs/1", "nothing"),
        ("GET /api/problems/none", "nothing"),
        ("GET /session/short", "nothing"),
        ("POST /api/health", "possible are: GET, PATCH"),
        ("DELETE /api/config", "possible are: GET, POST"),
        ("GET /api/users/alice", "possible are: PUT, DELETE"),
        ("GET /api/reboot", "possible are: POST"),
        ("GET /api/health?x=1", "`x` means nothing here"),
        ("POST /api/config?confirm=9", "10 to 86400"),
        ("POST /api/config?confirm=-1", "10 to 86400"),
        ("POST /api/config?confirm=10&confirm=20", "`confirm` is there twice"),
        ("POST /api/config?confirm", "key=value"),
        ("POST /api/config/rollback?to=0", "`to`: \"0\" is not a generation"),
        ("POST /api/reboot?to=mars", "`usb-recovery`"),
    ];
    for (line, expected) in rows {
        let fault = route(line).unwrap_err().to_string();
        assert!(fault.contains(expected), "{line}: {fault}");
    }
}

#[test]
fn what_is_asked_for_is_in_the_command() {
    let ten = ConfirmWindow::from_secs(10).unwrap();
    let rows = [
        ("POST /api/config?confirm=10", Command::Import { confirm: Some(ten) }),
        (
            "POST /api/config/rollback?confirm=10&to=7",
            Command::Rollback { to: Generation::new(7), confirm: Some(ten) },
        ),
        (
            "DELETE /api/users/bob",
            Command::Change(PartialChange::Remove(Named::User("bob".parse().unwrap()))),
        ),
        (
            "PUT /api/containers/w",
            Command::Change(PartialChange::Put(Named::Container("w".parse().unwrap()))),
        ),
        ("PATCH /api/network", Command::Change(PartialChange::Merge(Section::Network))),
    ];
    for (line, expected) in rows {
        assert_eq!(route(line), Ok(Route::Guarded(expected)), "{line}");
    }
}

proptest! {
    #[test]
    fn any_target_is_a_route_or_none(method in 0..5usize, target in "/[a-z/.%?&=0-9-]{0,40}") {
        if let Ok(target) = target.parse::<Target>() {
            let _either = Route::parse(Method::ALL[method], &target);
        }
    }

    #[test]
    fn any_rest_of_an_api_path_is_a_route_or_none(rest in "(config|users|jobs|reboot|session)[/?]?[ -~]{0,60}") {
        if let Ok(target) = format!("/api/{rest}").parse::<Target>() {
            for method in Method::ALL {
                let _either = Route::parse(method, &target);
            }
        }
    }
}
