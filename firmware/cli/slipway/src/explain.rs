//! `slipway explain`: why a machine on the LAN did not boot, from the packets that `netbootd` remembers of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::json;

use crate::arguments::ExplainDeviceOptions;

#[derive(Deserialize)]
struct Answer {
    now_ms: u64,
    cause: Option<Cause>,
    timeline: Vec<Line>,
}

#[derive(Deserialize)]
struct Cause {
    text: String,
    next_step: String,
}

#[derive(Deserialize)]
struct Line {
    at_ms: u64,
    arrow: String,
    text: String,
}

#[derive(Deserialize)]
struct Devices {
    devices: Vec<String>,
}

#[derive(Deserialize)]
struct Capture {
    packets: usize,
    pcap_hex: String,
}

/// Asks and prints.
pub(crate) fn run(options: &ExplainDeviceOptions) -> anyhow::Result<()> {
    let Some(mac) = options.device else {
        let answer: Devices = serde_json::from_str(&ask(&options.socket, &json!({ "devices": true }))?)?;
        for device in answer.devices {
            println!("{device}");
        }
        return Ok(());
    };
    let mac = mac.to_string();
    if let Some(path) = &options.pcap {
        let answer: Capture = serde_json::from_str(&ask(&options.socket, &json!({ "capture": mac }))?)?;
        let file = bytes(&answer.pcap_hex).context("netbootd answered with a broken capture")?;
        std::fs::write(path, file).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{} packets in {}; `tcpdump -r` reads them", answer.packets, path.display());
        return Ok(());
    }
    let answer = ask(&options.socket, &json!({ "explain": mac }))?;
    if options.json {
        print!("{answer}");
        return Ok(());
    }
    print!("{}", text(&mac, &serde_json::from_str(&answer)?));
    Ok(())
}

fn ask(socket: &Path, question: &serde_json::Value) -> anyhow::Result<String> {
    let mut stream = UnixStream::connect(socket).with_context(|| {
        format!("cannot reach netbootd at {}; does it run, and are you root?", socket.display())
    })?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).context("cannot set a time-out")?;
    stream.write_all(format!("{question}\n").as_bytes()).context("cannot ask netbootd")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).context("netbootd does not answer")?;
    let value: serde_json::Value = serde_json::from_str(&answer).context("netbootd answered with no JSON")?;
    if let Some(error) = value.get("error").and_then(serde_json::Value::as_str) {
        bail!("netbootd says: {error}");
    }
    Ok(answer)
}

fn text(mac: &str, answer: &Answer) -> String {
    use std::fmt::Write as _;

    let (Some(first), Some(last)) = (answer.timeline.first(), answer.timeline.last()) else {
        return format!(
            "{mac} has sent nothing since netbootd was started.\n\
             Next: look at its cable and switch port, and whether it is set to boot from the network.\n"
        );
    };
    let mut text = String::new();
    let ago = answer.now_ms.saturating_sub(last.at_ms) / 1000;
    // Writing to a String does not fail.
    let _ = writeln!(text, "{mac}: {} packets, the last one {ago} s ago", answer.timeline.len());
    for line in &answer.timeline {
        let after = Duration::from_millis(line.at_ms.saturating_sub(first.at_ms)).as_secs_f64();
        let _ = writeln!(text, "{after:>10.3} {} {}", line.arrow, line.text);
    }
    let _ = match &answer.cause {
        Some(cause) => writeln!(text, "\nCause: {}.\nNext:  {}.", cause.text, cause.next_step),
        None => writeln!(text, "\nNothing in these packets is wrong."),
    };
    text
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    Some(digits?.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_stands_below_the_packets() {
        let answer: Answer = serde_json::from_str(
            r#"{ "mac": "x", "now_ms": 61500, "cause": { "code": "c", "text": "it broke", "next_step": "mend it" },
                 "timeline": [ { "at_ms": 1000, "arrow": "<", "text": "DHCP DISCOVER" },
                               { "at_ms": 1250, "arrow": ">", "text": "DHCP OFFER" } ] }"#,
        )
        .unwrap();
        assert_eq!(
            text("52:54:00:12:34:56", &answer),
            "52:54:00:12:34:56: 2 packets, the last one 60 s ago\n\
             \x20    0.000 < DHCP DISCOVER\n\
             \x20    0.250 > DHCP OFFER\n\
             \n\
             Cause: it broke.\n\
             Next:  mend it.\n"
        );
    }

    #[test]
    fn a_silent_machine_is_told_as_such() {
        let answer = Answer { now_ms: 1, cause: None, timeline: Vec::new() };
        assert!(text("m", &answer).contains("has sent nothing"));
    }

    #[test]
    fn captures_are_decoded() {
        assert_eq!(bytes("a1b2"), Some(vec![0xa1, 0xb2]));
        assert_eq!(bytes("zz"), None);
    }
}
