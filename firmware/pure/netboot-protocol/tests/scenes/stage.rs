//! One device, one server, and a clock.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use appliance_types::MacAddress;
use netboot_protocol::dhcp::{Hardware, Packet, code};
use netboot_protocol::explain::{Direction, Record, Transport};

pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(172, 20, 30, 1);
pub(crate) const DEVICE: Ipv4Addr = Ipv4Addr::new(172, 20, 30, 100);
pub(crate) const RELAY: Ipv4Addr = Ipv4Addr::new(172, 20, 40, 1);
pub(crate) const MAC: [u8; 6] = [0xdc, 0xa6, 0x32, 0x01, 0x02, 0x03];

/// Options of a message: code and value.
pub(crate) type List<'a> = &'a [(u8, &'a [u8])];

pub(crate) struct Stage {
    pub(crate) records: Vec<Record>,
    now: Duration,
    /// The relay in front of the device, if any.
    pub(crate) relay: Option<Ipv4Addr>,
    /// `secs` of the next message.
    pub(crate) secs: u16,
    xid: u32,
    session: u16,
    client_port: u16,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage {
            records: Vec::new(),
            // 2026-01-01
            now: Duration::from_secs(1_767_225_600),
            relay: None,
            secs: 0,
            xid: 0x1000_0001,
            session: 49_152,
            client_port: 2070,
        }
    }

    /// Time goes by.
    pub(crate) fn wait(&mut self, milliseconds: u64) -> &mut Stage {
        self.now += Duration::from_millis(milliseconds);
        self
    }

    /// The device was switched off and on.
    pub(crate) fn restart(&mut self) -> &mut Stage {
        self.xid += 1;
        self.secs = 0;
        self
    }

    fn push(
        &mut self,
        direction: Direction,
        transport: Transport,
        ports: (u16, u16),
        remote: Ipv4Addr,
        bytes: &[u8],
        length: usize,
    ) {
        self.records.push(Record {
            at: self.now,
            direction,
            transport,
            local: SocketAddrV4::new(SERVER, ports.0),
            remote: SocketAddrV4::new(remote, ports.1),
            mac: Some(MacAddress::from_bytes(MAC)),
            bytes: bytes.to_vec(),
            length,
        });
        self.now += Duration::from_micros(700);
    }

    fn dhcp(&mut self, direction: Direction, local: u16, packet: &Packet) {
        let bytes = packet.encode(1400);
        let (remote, port) = match (self.relay, direction) {
            (Some(relay), _) => (relay, 67),
            (None, Direction::Received) => (packet.ciaddr, 68),
            (None, Direction::Sent) if packet.yiaddr.is_unspecified() => (Ipv4Addr::BROADCAST, 68),
            (None, Direction::Sent) => (packet.yiaddr, 68),
        };
        self.push(direction, Transport::Udp, (local, port), remote, &bytes, bytes.len());
    }

    /// A message of the device to `port`: option 53 and others.
    pub(crate) fn says_to(&mut self, port: u16, kind: u8, options: List<'_>) -> &mut Stage {
        let mut packet = Packet::request(Hardware::ethernet(MacAddress::from_bytes(MAC)), self.xid);
        packet.secs = self.secs;
        packet.giaddr = self.relay.unwrap_or(Ipv4Addr::UNSPECIFIED);
        packet.options.push(code::MESSAGE_TYPE, &[kind]);
        for (code, value) in options {
            packet.options.push(*code, value);
        }
        self.dhcp(Direction::Received, port, &packet);
        self
    }

    /// A message of the device.
    pub(crate) fn says(&mut self, kind: u8, options: List<'_>) -> &mut Stage {
        self.says_to(67, kind, options)
    }

    /// Our answer to it.
    pub(crate) fn answers(&mut self, kind: u8, options: List<'_>) -> &mut Stage {
        let request = Packet::request(Hardware::ethernet(MacAddress::from_bytes(MAC)), self.xid);
        let mut packet = Packet::reply_to(&request);
        packet.giaddr = self.relay.unwrap_or(Ipv4Addr::UNSPECIFIED);
        if kind != 6 {
            packet.yiaddr = DEVICE;
            packet.siaddr = SERVER;
        }
        packet.options.push(code::MESSAGE_TYPE, &[kind]);
        packet.options.push(code::SERVER_ID, &SERVER.octets());
        for (code, value) in options {
            packet.options.push(*code, value);
        }
        self.dhcp(Direction::Sent, 67, &packet);
        self
    }

    /// DISCOVER, OFFER, REQUEST, ACK, with the device's and our options in each.
    pub(crate) fn gets_address(&mut self, theirs: List<'_>, ours: List<'_>) -> &mut Stage {
        self.says(1, theirs).wait(3).answers(2, ours).wait(20);
        let server = SERVER.octets();
        let device = DEVICE.octets();
        let chosen: Vec<(u8, &[u8])> = theirs
            .iter()
            .copied()
            .chain([(code::REQUESTED_ADDRESS, &device[..]), (code::SERVER_ID, &server[..])])
            .collect();
        self.says(3, &chosen).wait(3).answers(5, ours).wait(40)
    }

    /// The device asks for a file: RRQ, on a port of its own for each.
    pub(crate) fn asks(&mut self, file: &str, mode: &str, options: &[(&str, &str)]) -> &mut Stage {
        self.client_port += 1;
        self.session += 1;
        self.asks_again(1, file, mode, options)
    }

    /// The same from the same port; `kind` 2 is an upload.
    pub(crate) fn asks_again(
        &mut self,
        kind: u8,
        file: &str,
        mode: &str,
        options: &[(&str, &str)],
    ) -> &mut Stage {
        let mut bytes = vec![0, kind];
        for text in [file, mode].into_iter().chain(options.iter().flat_map(|(name, value)| [*name, *value])) {
            bytes.extend(text.bytes());
            bytes.push(0);
        }
        let port = self.client_port;
        self.push(Direction::Received, Transport::Udp, (69, port), DEVICE, &bytes, bytes.len());
        self
    }

    fn session(&mut self, direction: Direction, bytes: &[u8], length: usize) -> &mut Stage {
        let ports = (self.session, self.client_port);
        self.push(direction, Transport::Udp, ports, DEVICE, bytes, length);
        self
    }

    /// OACK.
    pub(crate) fn accepts(&mut self, options: &[(&str, &str)]) -> &mut Stage {
        let mut bytes = vec![0, 6];
        for text in options.iter().flat_map(|(name, value)| [*name, *value]) {
            bytes.extend(text.bytes());
            bytes.push(0);
        }
        self.session(Direction::Sent, &bytes, bytes.len())
    }

    /// DATA: only its header is kept.
    pub(crate) fn sends(&mut self, block: u16, length: usize) -> &mut Stage {
        let bytes = [&[0, 3][..], &block.to_be_bytes()].concat();
        self.session(Direction::Sent, &bytes, length + 4)
    }

    /// ACK.
    pub(crate) fn acknowledges(&mut self, block: u16) -> &mut Stage {
        let bytes = [&[0, 4][..], &block.to_be_bytes()].concat();
        self.session(Direction::Received, &bytes, 4)
    }

    /// ERROR of the device.
    pub(crate) fn gives_up(&mut self, number: u16, words: &str) -> &mut Stage {
        let bytes = [&[0, 5][..], &number.to_be_bytes(), words.as_bytes(), &[0]].concat();
        self.session(Direction::Received, &bytes, bytes.len())
    }

    /// ERROR of ours, from the port that requests come to.
    pub(crate) fn refuses(&mut self, number: u16, words: &str) -> &mut Stage {
        let bytes = [&[0, 5][..], &number.to_be_bytes(), words.as_bytes(), &[0]].concat();
        let port = self.client_port;
        self.push(Direction::Sent, Transport::Udp, (69, port), DEVICE, &bytes, bytes.len());
        self
    }

    /// An ACK from a port that is none of this transfer, and the error it gets.
    pub(crate) fn acknowledges_from_elsewhere(&mut self, block: u16) -> &mut Stage {
        let ack = [&[0, 4][..], &block.to_be_bytes()].concat();
        let error = b"\0\x05\0\x05this port serves somebody else\0";
        let ports = (self.session, self.client_port + 20_000);
        self.push(Direction::Received, Transport::Udp, ports, DEVICE, &ack, 4);
        self.push(Direction::Sent, Transport::Udp, ports, DEVICE, error, error.len());
        self
    }

    /// A file that comes whole: the first and the last block are remembered.
    pub(crate) fn loads(&mut self, file: &str, size: usize) -> &mut Stage {
        let text = size.to_string();
        self.asks(file, "octet", &[("tsize", "0"), ("blksize", "1024")]);
        self.accepts(&[("tsize", &text), ("blksize", "1024")]).acknowledges(0).sends(1, size.min(1024));
        let blocks = size / 1024 + 1;
        self.wait(size as u64 / 4000);
        if blocks > 1 {
            self.sends(u16::try_from(blocks % 65_536).unwrap_or_default(), size % 1024);
        }
        self.acknowledges(u16::try_from(blocks % 65_536).unwrap_or_default()).wait(5)
    }

    /// A name that is not there.
    pub(crate) fn misses(&mut self, file: &str) -> &mut Stage {
        self.asks(file, "octet", &[("tsize", "0"), ("blksize", "1024")]).refuses(1, "no such file").wait(5)
    }

    /// An HTTP request and our answer.
    pub(crate) fn fetches(&mut self, method: &str, path: &str, status: &str, length: usize) -> &mut Stage {
        let request = format!("{method} {path} HTTP/1.1\r\n");
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n");
        let body = if method == "HEAD" { 0 } else { length };
        self.push(
            Direction::Received,
            Transport::Tcp,
            (80, 51_000),
            DEVICE,
            request.as_bytes(),
            request.len(),
        );
        self.push(
            Direction::Sent,
            Transport::Tcp,
            (80, 51_000),
            DEVICE,
            answer.as_bytes(),
            answer.len() + body,
        );
        self
    }

    /// Bytes that are no DHCP packet.
    pub(crate) fn says_nonsense(&mut self) -> &mut Stage {
        let mut packet =
            Packet::request(Hardware::ethernet(MacAddress::from_bytes(MAC)), self.xid).encode(1400);
        // Option 60 says that it is longer than what is left.
        packet.truncate(240);
        packet.extend([53, 1, 1, 60, 200, b'P', b'X', b'E']);
        let length = packet.len();
        self.push(Direction::Received, Transport::Udp, (67, 68), Ipv4Addr::UNSPECIFIED, &packet, length);
        self
    }

    /// BOOTP of before DHCP: no option 53.
    pub(crate) fn says_bootp(&mut self) -> &mut Stage {
        let packet = Packet::request(Hardware::ethernet(MacAddress::from_bytes(MAC)), self.xid).encode(1400);
        let length = packet.len();
        self.push(Direction::Received, Transport::Udp, (67, 68), Ipv4Addr::UNSPECIFIED, &packet, length);
        self
    }
}
