//! The socket on which `slipway explain` and the console ask. One line of JSON in, one line out, and the end.
//!
//! | Question | Answer |
//! |---|---|
//! | `{"explain":"dc:a6:32:01:02:03"}` | `{"mac", "now_ms", "cause": {"code", "text", "next_step"} or null, "timeline": [{"at_ms", "arrow", "text"}]}` |
//! | `{"capture":"dc:a6:32:01:02:03"}` | `{"mac", "packets", "pcap_hex"}`: a capture file for tcpdump and Wireshark |
//! | `{"devices":true}` | `{"devices": ["dc:a6:32:01:02:03"]}` |
//! | anything else | `{"error": "…"}` |
//!
//! Times are milliseconds since 1970. The socket's mode is 0660, and whoever is at the other end must be root, ourselves, or the
//! service of the API: file modes are easily changed, and packets tell what a device boots.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use appliance_types::MacAddress;
use netboot_protocol::explain::{judge, timeline, write_pcap};
use serde_json::{Value, json};

use crate::service::Service;
use crate::shared::Shared;

/// The account of the API's service.
const API_USER: &str = "slipway-api";
/// A question is one short line.
const LONGEST_QUESTION: u64 = 1024;
/// How long somebody may take to ask, and to listen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the socket, if the policy names one.
pub(crate) fn service(shared: &Arc<Shared>) -> anyhow::Result<Option<Service>> {
    let Some(path) = shared.policy.state().control.clone() else { return Ok(None) };
    let listener =
        open(&path).with_context(|| format!("cannot open the control socket {}", path.display()))?;
    let shared = Arc::clone(shared);
    Ok(Some(Service::new("the control socket", move || serve(&listener, &shared))))
}

fn open(path: &Path) -> std::io::Result<UnixListener> {
    // Left by our last run. Whoever else listens there loses it, which the folder's mode rules out.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// One question at a time: they are rare, and answered from memory.
fn serve(listener: &UnixListener, shared: &Shared) -> anyhow::Error {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if let Err(error) = answer(&stream, shared) {
                    log::debug!("control socket: {error}");
                }
            }
            Err(error) => return anyhow::Error::new(error).context("cannot accept on the control socket"),
        }
    }
}

fn answer(mut stream: &UnixStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let peer = rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw();
    let reply = if may_ask(peer, &std::fs::read_to_string("/etc/passwd").unwrap_or_default()) {
        let mut question = String::new();
        BufReader::new(stream.take(LONGEST_QUESTION)).read_line(&mut question)?;
        reply(shared, &question)
    } else {
        log::warn!("control socket: user {peer} may not ask");
        json!({ "error": "you may not ask: only root and the service of the API may" })
    };
    stream.write_all(format!("{reply}\n").as_bytes())
}

fn may_ask(peer: u32, passwd: &str) -> bool {
    let is_api = |line: &str| {
        let mut fields = line.split(':');
        fields.next() == Some(API_USER) && fields.nth(1).and_then(|uid| uid.parse().ok()) == Some(peer)
    };
    peer == 0 || peer == rustix::process::geteuid().as_raw() || passwd.lines().any(is_api)
}

fn reply(shared: &Shared, question: &str) -> Value {
    let question: Value = match serde_json::from_str(question) {
        Ok(question) => question,
        Err(error) => return json!({ "error": format!("the question is not one line of JSON: {error}") }),
    };
    let mac = |key: &str| question.get(key).and_then(Value::as_str).map(str::parse::<MacAddress>);
    match (mac("explain"), mac("capture"), question.get("devices")) {
        (Some(Ok(mac)), None, None) => explain(shared, mac),
        (None, Some(Ok(mac)), None) => capture(shared, mac),
        (None, None, Some(Value::Bool(true))) => {
            let devices: Vec<String> = shared.trace.cards().iter().map(ToString::to_string).collect();
            json!({ "devices": devices })
        }
        (Some(Err(error)), ..) | (_, Some(Err(error)), _) => json!({ "error": error.to_string() }),
        _ => {
            json!({ "error": "ask for `explain` or `capture` with a MAC address, or for `devices` with true" })
        }
    }
}

fn explain(shared: &Shared, mac: MacAddress) -> Value {
    let records = shared.trace.of(mac);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let cause = judge(&records, now).map(
        |cause| json!({ "code": cause.code(), "text": cause.to_string(), "next_step": cause.next_step() }),
    );
    let lines: Vec<Value> = timeline(&records)
        .iter()
        .map(|line| json!({ "at_ms": milliseconds(line.at), "arrow": line.arrow.to_string(), "text": line.text }))
        .collect();
    json!({ "mac": mac.to_string(), "now_ms": milliseconds(now), "cause": cause, "timeline": lines })
}

fn capture(shared: &Shared, mac: MacAddress) -> Value {
    let records = shared.trace.of(mac);
    let mut hex = String::new();
    for byte in write_pcap(&records) {
        let _never = write!(hex, "{byte:02x}");
    }
    json!({ "mac": mac.to_string(), "packets": records.len(), "pcap_hex": hex })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_ourselves_and_the_api_may_ask_and_nobody_else() {
        let passwd = "root:x:0:0::/root:/bin/sh\nslipway-api:x:991:991::/:/sbin/nologin\nmallory:x:1001:1001::/:/bin/sh\n";
        assert!(may_ask(0, passwd));
        assert!(may_ask(rustix::process::geteuid().as_raw(), ""));
        assert!(may_ask(991, passwd));
        assert!(!may_ask(1001, passwd));
        assert!(!may_ask(991, ""));
    }
}
