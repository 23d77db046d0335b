//! What an owner asks of a configuration is waited for, and its absence takes the configuration back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;

use bench::{Bench, MINIMAL};
use std::net::TcpListener;
use std::time::Duration;

fn with_probe(port: u16, timeout: u64) -> String {
    format!(
        "{MINIMAL}\n[health.tcp.shop]\naddress = \"127.0.0.1:{port}\"\n\n\
         [activation]\nrequired = []\ntimeout_seconds = {timeout}\nsettle_seconds = 2\n"
    )
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A04, the part without a machine.
#[test]
fn a04_part_a_probe_that_never_is_well_takes_the_configuration_back() {
    let Some(bench) = Bench::new() else { return };
    bench.import(MINIMAL);
    let before = bench.etc();
    let port = free_port();
    let answer = bench.import(&with_probe(port, 2));
    assert_eq!(
        (answer["outcome"].as_str(), answer["stage"].as_str()),
        (Some("failed"), Some("health")),
        "{answer}"
    );
    let reason = answer["reason"].as_str().unwrap();
    assert!(reason.starts_with(&format!("probe shop: 127.0.0.1:{port}: cannot connect")), "{reason}");
    assert_eq!(
        (&answer["rollback"]["done"], &answer["rollback"]["to"]),
        (&true.into(), &1.into()),
        "{answer}"
    );
    assert_eq!((bench.link("/data/config/current").as_str(), bench.etc()), ("generations/1", before));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is probed comes up late")]
fn a_probe_is_awaited_and_not_looked_at_once() {
    let Some(bench) = Bench::new() else { return };
    let port = free_port();
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        TcpListener::bind(("127.0.0.1", port)).unwrap()
    });
    let answer = bench.import(&with_probe(port, 30));
    assert_eq!(answer["outcome"], "settled", "{answer}");
    drop(late.join().unwrap());
}
