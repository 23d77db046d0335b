use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Instant;

/// Answers every connection with these bytes, and with nothing more when `silent`.
fn server(answer: &'static str, silent: bool) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).unwrap_or(0);
                let asked = String::from_utf8_lossy(&buffer[..count]).into_owned();
                assert!(
                    asked.is_empty() || asked.starts_with("GET /health?a=b HTTP/1.0\r\nHost: 127.0.0.1:"),
                    "{asked}"
                );
                let _ = stream.write_all(answer.as_bytes());
                // Says no more, and does not hang up either.
                if silent {
                    let _ = stream.read(&mut buffer);
                }
            });
        }
    });
    port
}

fn http(port: u16, status: &[u16], contains: Option<&str>) -> Probe {
    let check = ProbeCheck::Http {
        host: ProbeHost::Address([127, 0, 0, 1].into()),
        port,
        target: "/health?a=b".to_owned(),
        status: status.to_vec(),
        contains: contains.map(str::to_owned),
    };
    Probe { check, timeout_s: 1 }
}

fn tcp(host: ProbeHost, port: u16) -> Probe {
    Probe { check: ProbeCheck::Tcp { host, port }, timeout_s: 2 }
}

fn loopback() -> ProbeHost {
    ProbeHost::Address([127, 0, 0, 1].into())
}

/// A port on which nobody listens.
fn closed() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn an_http_answer_is_well_by_its_status_and_its_text() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nall is well";
    let rows: [(&'static str, &[u16], Option<&str>, &str); 9] = [
        (ok, &[], None, ""),
        (ok, &[], Some("is we"), ""),
        (ok, &[], Some("is ill"), "its answer does not contain `is ill`"),
        (ok, &[204, 201], None, "it answers 200"),
        ("HTTP/1.0 503 Busy\r\n\r\n", &[], None, "it answers 503"),
        ("HTTP/1.0 503 Busy\r\n\r\n", &[503], None, ""),
        ("HTTP/1.0 301 Moved\r\nLocation: /\r\n\r\n", &[], None, "it answers 301"),
        ("SSH-2.0-OpenSSH\r\n", &[], None, "its answer is not HTTP"),
        ("", &[], None, "its answer is not HTTP"),
    ];
    for (answer, status, contains, expected) in rows {
        let port = server(answer, false);
        let found = ask(&http(port, status, contains)).err().unwrap_or_default();
        let expected = match expected {
            "" => String::new(),
            why => format!("http://127.0.0.1:{port}/health?a=b: {why}"),
        };
        assert_eq!(found, expected, "{answer}");
    }
}

#[test]
fn a_head_is_enough_and_a_body_that_is_wanted_has_to_come_in_time() {
    let port = server("HTTP/1.1 200 OK\r\n\r\nhalf", true);
    assert_eq!(ask(&http(port, &[], None)), Ok(()));
    let begun = Instant::now();
    let why = ask(&http(port, &[], Some("whole"))).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(3), "{why}");
    assert!(why.contains("within 1 s"), "{why}");
}

#[test]
fn an_endless_answer_is_read_up_to_its_limit() {
    let body = "x".repeat(70 * 1024);
    let answer: &'static str = Box::leak(format!("HTTP/1.1 200 OK\r\n\r\n{body}end").into_boxed_str());
    let port = server(answer, true);
    assert!(ask(&http(port, &[], Some("end"))).unwrap_err().contains("does not contain"));
}

#[test]
fn a_connection_is_all_that_tcp_asks_for() {
    let port = server("", true);
    assert_eq!(ask(&tcp(loopback(), port)), Ok(()));
    assert_eq!(ask(&tcp(ProbeHost::Name("localhost".to_owned()), port)), Ok(()));
    let port = closed();
    let why = ask(&tcp(loopback(), port)).unwrap_err();
    assert!(why.starts_with(&format!("127.0.0.1:{port}: cannot connect: ")), "{why}");
    let why = ask(&tcp(ProbeHost::Name("no-such-host.invalid".to_owned()), 1)).unwrap_err();
    assert!(why.contains("cannot find its address") || why.contains("no answer within"), "{why}");
}

#[test]
fn all_are_asked_at_once_and_the_first_that_is_not_well_is_named() {
    let slow = server("HTTP/1.1 200 OK\r\n\r\n", true);
    let well = server("HTTP/1.1 200 OK\r\n\r\n", false);
    let mut set = HealthSet::default();
    for number in 0..8 {
        set.probes.insert(format!("slow{number}").parse().unwrap(), http(slow, &[], Some("never")));
    }
    let begun = Instant::now();
    let unwell = ask_all(&set).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5), "one after the other");
    assert!(unwell.to_string().starts_with("probe slow0: http://127.0.0.1:"), "{unwell}");

    set.probes =
        [("a".parse().unwrap(), http(well, &[], None)), ("b".parse().unwrap(), tcp(loopback(), well))].into();
    assert_eq!(ask_all(&set), Ok(()));
    assert_eq!(ask_all(&HealthSet::default()), Ok(()));
}
