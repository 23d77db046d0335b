//! One line for each packet, in words.

use std::fmt::Write as _;
use std::time::Duration;

use super::record::{Direction, Record, Transport};
use crate::dhcp::{Packet, code};
use crate::tftp;

/// A packet in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Since 1970.
    pub at: Duration,
    /// `<` from the device, `>` from us.
    pub arrow: char,
    /// What it says.
    pub text: String,
}

/// The packets of a device, oldest first.
#[must_use]
pub fn timeline(records: &[Record]) -> Vec<Line> {
    let line = |record: &Record| Line {
        at: record.at,
        arrow: if record.direction == Direction::Received { '<' } else { '>' },
        text: words(record),
    };
    records.iter().map(line).collect()
}

fn words(record: &Record) -> String {
    let is_dhcp = matches!(record.local.port(), 67 | 4011) || matches!(record.remote.port(), 67 | 68);
    match record.transport {
        Transport::Tcp => {
            let head = String::from_utf8_lossy(&record.bytes);
            let first = head.lines().next().unwrap_or_default();
            let body = record.length - record.bytes.len().min(record.length);
            if body > 0 { format!("HTTP {first}, {body} bytes") } else { format!("HTTP {first}") }
        }
        Transport::Udp if is_dhcp => dhcp(record),
        Transport::Udp => tftp_words(record),
    }
}

fn dhcp(record: &Record) -> String {
    let packet = match Packet::decode(&record.bytes) {
        Ok(packet) => packet,
        Err(error) => return format!("DHCP, unreadable: {error}"),
    };
    let options = &packet.options;
    let name = match options.byte(code::MESSAGE_TYPE) {
        Some(1) => "DISCOVER",
        Some(2) => "OFFER",
        Some(3) => "REQUEST",
        Some(4) => "DECLINE",
        Some(5) => "ACK",
        Some(6) => "NAK",
        Some(7) => "RELEASE",
        Some(8) => "INFORM",
        Some(_) => "of an unknown kind",
        None => "without a kind (BOOTP)",
    };
    let mut text = format!("DHCP {name}");
    let mut add = |label: &str, value: String| {
        let _never = write!(text, ", {label} {value}");
    };
    if record.local.port() == 4011 {
        add("at port", "4011".to_owned());
    }
    if !packet.yiaddr.is_unspecified() {
        add("address", packet.yiaddr.to_string());
    }
    if let Some(address) = options.address(code::REQUESTED_ADDRESS) {
        add("wants", address.to_string());
    }
    if let Some(server) = options.address(code::SERVER_ID) {
        add("server", server.to_string());
    }
    if packet.secs > 0 {
        add("after", format!("{} s", packet.secs));
    }
    if !packet.giaddr.is_unspecified() {
        add("relay", packet.giaddr.to_string());
    }
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned();
    if let Some(vendor) = options.get(code::VENDOR_CLASS) {
        add("class", text_of(vendor));
    }
    match options.get(code::BOOT_FILE) {
        Some(file) if !file.is_empty() => add("boot file", text_of(file)),
        _ if !packet.file.is_empty() => add("boot file", text_of(&packet.file)),
        _ => {}
    }
    text
}

fn tftp_words(record: &Record) -> String {
    let pairs = |options: &[(&[u8], &[u8])]| {
        let mut text = String::new();
        for (name, value) in options {
            let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            let _never = write!(text, " {name}={value}");
        }
        text
    };
    match tftp::parse(&record.bytes) {
        Ok(tftp::Packet::Read(request)) => {
            let file = String::from_utf8_lossy(request.file);
            format!("TFTP read {file}, {}{}", request.mode, pairs(&request.options))
        }
        Ok(tftp::Packet::Write(request)) => {
            format!("TFTP write {}", String::from_utf8_lossy(request.file))
        }
        Ok(tftp::Packet::OptionAck(options)) => format!("TFTP accepts{}", pairs(&options)),
        Ok(tftp::Packet::Data { block, .. }) => {
            format!("TFTP block {block}, {} bytes", record.length.saturating_sub(4))
        }
        Ok(tftp::Packet::Ack { block }) => format!("TFTP ACK {block}"),
        Ok(tftp::Packet::Error { code, message }) => {
            format!("TFTP error {code}: {}", String::from_utf8_lossy(message))
        }
        Err(error) => format!("TFTP, unreadable: {error}"),
    }
}
