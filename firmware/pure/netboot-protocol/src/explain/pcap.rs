//! The classic capture format of tcpdump (magic 0xa1b2c3d4, microseconds, Ethernet), with headers made up where a socket
//! does not show them.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use appliance_types::MacAddress;

use super::record::{Direction, Record, Transport};

const MAGIC: u32 = 0xa1b2_c3d4;
const SNAP_LENGTH: u32 = 65_535;
const ETHERNET: u32 = 1;
const ETHERNET_HEADER: usize = 14;
const IP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const TCP_HEADER: usize = 20;
/// Our own card: locally administered, so no real card has it. Tells the direction when a file is read back.
const OURS: [u8; 6] = [0x02, b's', b'l', b'i', b'p', 0];
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;

/// Why a file is not one that [`write_pcap`] has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PcapError {
    /// The first bytes are others.
    #[error("it is no capture file with microseconds and Ethernet in big-endian order")]
    Magic,
    /// It ends in the middle of a packet.
    #[error("packet {0} is cut off")]
    CutOff(usize),
    /// A packet that is neither UDP nor TCP over IPv4.
    #[error("packet {0} is neither UDP nor TCP over IPv4")]
    OtherProtocol(usize),
}

/// The file with these packets.
#[must_use]
pub fn write_pcap(records: &[Record]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(MAGIC.to_be_bytes());
    file.extend([0, 2, 0, 4]);
    file.extend([0; 8]);
    file.extend(SNAP_LENGTH.to_be_bytes());
    file.extend(ETHERNET.to_be_bytes());
    for record in records {
        let headers = headers(record);
        let kept = headers.len() + record.bytes.len();
        file.extend(word(record.at.as_secs()));
        file.extend(record.at.subsec_micros().to_be_bytes());
        file.extend(word(kept as u64));
        file.extend(word((headers.len() + record.length) as u64));
        file.extend(headers);
        file.extend(&record.bytes);
    }
    file
}

/// Reads what [`write_pcap`] has written.
///
/// # Errors
/// When it is something else.
pub fn read_pcap(file: &[u8]) -> Result<Vec<Record>, PcapError> {
    let (header, mut rest) = file.split_at_checked(24).ok_or(PcapError::Magic)?;
    if header[..4] != MAGIC.to_be_bytes() || header[20..24] != ETHERNET.to_be_bytes() {
        return Err(PcapError::Magic);
    }
    let mut records = Vec::new();
    while !rest.is_empty() {
        let number = records.len();
        let (head, tail) = rest.split_first_chunk::<16>().ok_or(PcapError::CutOff(number))?;
        let field = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            u32::from_be_bytes(bytes)
        };
        let kept = usize::try_from(field(8)).map_err(|_| PcapError::CutOff(number))?;
        let full = usize::try_from(field(12)).map_err(|_| PcapError::CutOff(number))?;
        let (frame, after) = tail.split_at_checked(kept).ok_or(PcapError::CutOff(number))?;
        let at = Duration::from_secs(field(0).into()) + Duration::from_micros(field(4).into());
        records.push(frame_to_record(at, frame, full).ok_or(PcapError::OtherProtocol(number))?);
        rest = after;
    }
    Ok(records)
}

fn frame_to_record(at: Duration, frame: &[u8], full: usize) -> Option<Record> {
    let ethernet = frame.get(..ETHERNET_HEADER)?;
    let ip = frame.get(ETHERNET_HEADER..ETHERNET_HEADER + IP_HEADER)?;
    if ethernet[12..] != [8, 0] || ip[0] != 0x45 {
        return None;
    }
    let transport = match ip[9] {
        PROTOCOL_TCP => Transport::Tcp,
        PROTOCOL_UDP => Transport::Udp,
        _ => return None,
    };
    let begin = ETHERNET_HEADER + IP_HEADER;
    let header = begin + if transport == Transport::Tcp { TCP_HEADER } else { UDP_HEADER };
    let ports = frame.get(begin..begin + 4)?;
    let address = |at: usize| Ipv4Addr::new(ip[at], ip[at + 1], ip[at + 2], ip[at + 3]);
    let source = SocketAddrV4::new(address(12), u16::from_be_bytes([ports[0], ports[1]]));
    let destination = SocketAddrV4::new(address(16), u16::from_be_bytes([ports[2], ports[3]]));
    let direction = if ethernet[6..12] == OURS { Direction::Sent } else { Direction::Received };
    let (local, remote, card) = match direction {
        Direction::Sent => (source, destination, &ethernet[..6]),
        Direction::Received => (destination, source, &ethernet[6..12]),
    };
    let card: [u8; 6] = card.try_into().ok()?;
    Some(Record {
        at,
        direction,
        transport,
        local,
        remote,
        mac: (card != [0; 6]).then_some(MacAddress::from_bytes(card)),
        bytes: frame.get(header..)?.to_vec(),
        length: full.checked_sub(header)?,
    })
}

/// Ethernet, IPv4, and UDP or TCP, in front of a payload of `record.length` bytes.
fn headers(record: &Record) -> Vec<u8> {
    let theirs = record.mac.map_or([0; 6], MacAddress::bytes);
    let (source, destination, from, to) = match record.direction {
        Direction::Sent => (record.local, record.remote, OURS, theirs),
        Direction::Received => (record.remote, record.local, theirs, OURS),
    };
    let (protocol, header) = match record.transport {
        Transport::Udp => (PROTOCOL_UDP, UDP_HEADER),
        Transport::Tcp => (PROTOCOL_TCP, TCP_HEADER),
    };
    let mut bytes = Vec::with_capacity(ETHERNET_HEADER + IP_HEADER + header);
    bytes.extend(to);
    bytes.extend(from);
    bytes.extend([8, 0]);

    let ip_start = bytes.len();
    bytes.extend([0x45, 0]);
    bytes.extend(short(IP_HEADER + header + record.length));
    bytes.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    bytes.extend(source.ip().octets());
    bytes.extend(destination.ip().octets());
    let sum = checksum(&bytes[ip_start..]);
    bytes[ip_start + 10..ip_start + 12].copy_from_slice(&sum.to_be_bytes());

    bytes.extend(source.port().to_be_bytes());
    bytes.extend(destination.port().to_be_bytes());
    match record.transport {
        // Checksum 0: none was computed (RFC 768).
        Transport::Udp => {
            bytes.extend(short(UDP_HEADER + record.length));
            bytes.extend([0, 0]);
        }
        // PSH and ACK; sequence numbers are not known to us, and 1 is as good as any.
        Transport::Tcp => bytes.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]),
    }
    bytes
}

/// A length field. What is longer than it can say is a capture of something that was in more than one packet.
fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

fn word(number: u64) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}

/// RFC 1071.
fn checksum(header: &[u8]) -> u16 {
    let sum: u32 = header
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).unwrap_or(u16::MAX)
}

#[cfg(test)]
#[path = "pcap_tests.rs"]
mod tests;
