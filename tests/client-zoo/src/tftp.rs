//! A TFTP client, from the RFCs, with the habits of real firmware to switch on.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Get<'a> {
    /// The file, in the client's own way of writing it.
    pub file: &'a [u8],
    /// `octet` or `netascii`, in any spelling.
    pub mode: &'a str,
    /// Options, in order.
    pub options: &'a [(&'a str, &'a str)],
}

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct Habits<'a> {
    /// Sends from this address; any if unspecified.
    pub from: Ipv4Addr,
    /// Sends from this port; any if 0. Many ROMs always use the same.
    pub port: u16,
    /// Waits this long for a packet before it says the last thing again.
    pub wait: Duration,
    /// Says the last thing again this often.
    pub tries: u32,
    /// Gives a whole file this long.
    pub deadline: Duration,
    /// Says every ACK twice.
    pub echo: bool,
    /// Zeros behind every ACK.
    pub padding: usize,
    /// Loses this share of what it receives, by a fixed rule: every n-th packet; 0 loses none.
    pub lose_every: u32,
    /// Ends the transfer with this error as soon as the options are accepted.
    pub end_after_options: Option<u16>,
    /// Ends the transfer with this error after so many blocks.
    pub end_after_blocks: Option<(u64, u16)>,
    /// Falls over a block that it already has.
    pub hang_on_repeat: bool,
    /// Listens for this long, after the end, to what the server still sends.
    pub linger: Duration,
    /// The content to compare with; what arrives is kept only without it.
    pub expected: Option<&'a [u8]>,
}

impl Default for Habits<'_> {
    fn default() -> Self {
        Habits {
            from: Ipv4Addr::UNSPECIFIED,
            port: 0,
            wait: Duration::from_secs(1),
            tries: 6,
            deadline: Duration::from_secs(60),
            echo: false,
            padding: 0,
            lose_every: 0,
            end_after_options: None,
            end_after_blocks: None,
            hang_on_repeat: false,
            linger: Duration::ZERO,
            expected: None,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// The file; empty when it was compared.
    pub content: Vec<u8>,
    /// Its length.
    pub length: u64,
    /// The options that the server accepted.
    pub accepted: BTreeMap<String, String>,
    /// DATA packets received, lost ones included.
    pub data_packets: u64,
    /// Of those, the ones for a block that was there already.
    pub repeated: u64,
    /// Packets that came after the end.
    pub after_end: u64,
    /// The longest time between two blocks.
    pub longest_pause: Duration,
    /// From the request to the end.
    pub took: Duration,
    /// How often the client had to say something again.
    pub retries: u32,
}

/// How it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server refused.
    Refused {
        /// Its number.
        code: u16,
        /// Its words.
        message: String,
    },
    /// The server fell silent, or never answered.
    Silence {
        /// The last block that was there.
        after: u64,
    },
    /// Longer than the deadline.
    Late,
    /// The client itself is broken by what it got.
    Hung(String),
    /// The content differs from what was expected.
    Wrong {
        /// The block.
        block: u64,
    },
    /// No socket.
    Socket(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

/// A file of any name, with options.
#[must_use]
pub fn file<'a>(name: &'a str, options: &'a [(&'a str, &'a str)]) -> Get<'a> {
    Get { file: name.as_bytes(), mode: "octet", options }
}

/// Fetches a file. A transfer that the client itself ends, as its habits say, is no failure.
///
/// # Errors
/// How it failed.
pub fn get(server: SocketAddrV4, get: &Get<'_>, habits: &Habits<'_>) -> Result<Fetched, Failure> {
    let socket = open(habits)?;
    let client = Client {
        socket,
        habits,
        started: Instant::now(),
        heard: Instant::now(),
        received: 0,
        partner: None,
        server,
        blksize: 512,
        windowsize: 1,
        blocks: 0,
        since_ack: 0,
        gap_reported: false,
        last: request(1, get),
        got: Fetched::default(),
    };
    client.run()
}

/// The bytes of a request: 1 reads, 2 writes.
#[must_use]
pub fn request(kind: u8, get: &Get<'_>) -> Vec<u8> {
    let mut bytes = vec![0, kind];
    bytes.extend(get.file);
    bytes.push(0);
    for text in std::iter::once(get.mode).chain(get.options.iter().flat_map(|(name, value)| [*name, *value]))
    {
        bytes.extend(text.bytes());
        bytes.push(0);
    }
    bytes
}

struct Client<'a> {
    socket: UdpSocket,
    habits: &'a Habits<'a>,
    started: Instant,
    heard: Instant,
    received: u32,
    /// The port the server answers from: only known with its first packet.
    partner: Option<SocketAddrV4>,
    server: SocketAddrV4,
    blksize: usize,
    windowsize: u64,
    /// Blocks that are there, without an end.
    blocks: u64,
    since_ack: u64,
    gap_reported: bool,
    last: Vec<u8>,
    got: Fetched,
}

impl Client<'_> {
    fn run(mut self) -> Result<Fetched, Failure> {
        self.say_again();
        let mut buffer = [0; 65_536];
        let mut silent = 0;
        loop {
            if self.started.elapsed() > self.habits.deadline {
                return Err(Failure::Late);
            }
            let Some(length) = self.receive(&mut buffer) else {
                silent += 1;
                if silent > self.habits.tries {
                    return Err(Failure::Silence { after: self.blocks });
                }
                self.got.retries += 1;
                self.gap_reported = false;
                self.say_again();
                continue;
            };
            silent = 0;
            if self.on_packet(&buffer[..length])? {
                self.got.took = self.started.elapsed();
                self.linger(&mut buffer);
                return Ok(self.got);
            }
        }
    }

    /// Whether that was the end.
    fn on_packet(&mut self, packet: &[u8]) -> Result<bool, Failure> {
        match packet {
            [0, 3, high, low, payload @ ..] => self.on_data(u16::from_be_bytes([*high, *low]), payload),
            [0, 5, high, low, message @ ..] => {
                let message = message.split(|byte| *byte == 0).next().unwrap_or_default();
                let message = String::from_utf8_lossy(message).into_owned();
                Err(Failure::Refused { code: u16::from_be_bytes([*high, *low]), message })
            }
            [0, 6, options @ ..] if self.blocks == 0 => {
                self.accept(options);
                if let Some(code) = self.habits.end_after_options {
                    self.end(code);
                    return Ok(true);
                }
                self.acknowledge(0);
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    fn on_data(&mut self, number: u16, payload: &[u8]) -> Result<bool, Failure> {
        self.got.data_packets += 1;
        let expected = self.blocks + 1;
        let wire = |block: u64| u16::try_from(block % 65_536).unwrap_or_default();
        if number != wire(expected) {
            if number.wrapping_sub(wire(expected)) > u16::MAX / 2 {
                self.got.repeated += 1;
                if self.habits.hang_on_repeat {
                    return Err(Failure::Hung(format!("block {number} came again")));
                }
                self.acknowledge(wire(self.blocks));
            } else if !self.gap_reported {
                self.gap_reported = true;
                self.acknowledge(wire(self.blocks));
            }
            return Ok(false);
        }
        self.got.longest_pause = self.got.longest_pause.max(self.heard.elapsed());
        self.heard = Instant::now();
        match self.habits.expected {
            Some(content) => {
                let from = usize::try_from(self.got.length).unwrap_or(usize::MAX);
                if content.get(from..from.saturating_add(payload.len())) != Some(payload) {
                    return Err(Failure::Wrong { block: expected });
                }
            }
            None => self.got.content.extend(payload),
        }
        self.got.length += payload.len() as u64;
        self.blocks = expected;
        self.since_ack += 1;
        self.gap_reported = false;
        if let Some((blocks, code)) = self.habits.end_after_blocks
            && self.blocks >= blocks
        {
            self.end(code);
            return Ok(true);
        }
        let last = payload.len() < self.blksize;
        if last || self.since_ack >= self.windowsize {
            self.acknowledge(number);
        }
        Ok(last)
    }

    fn accept(&mut self, options: &[u8]) {
        let texts: Vec<String> =
            options.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        for pair in texts.chunks(2) {
            if let [name, value] = pair {
                self.got.accepted.insert(name.to_ascii_lowercase(), value.clone());
            }
        }
        let number = |name: &str| self.got.accepted.get(name).and_then(|value| value.parse::<u64>().ok());
        let (blksize, windowsize) = (number("blksize"), number("windowsize"));
        self.blksize = blksize.and_then(|size| usize::try_from(size).ok()).unwrap_or(512);
        self.windowsize = windowsize.unwrap_or(1).max(1);
    }

    fn acknowledge(&mut self, block: u16) {
        self.since_ack = 0;
        self.last = [&[0, 4][..], &block.to_be_bytes(), &vec![0; self.habits.padding]].concat();
        self.say_again();
        if self.habits.echo {
            self.say_again();
        }
    }

    fn end(&mut self, code: u16) {
        self.last = [&[0, 5][..], &code.to_be_bytes(), b"Early terminate\0"].concat();
        self.say_again();
    }

    fn say_again(&self) {
        // What cannot be sent is lost.
        let _lost = self.socket.send_to(&self.last, self.partner.unwrap_or(self.server));
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            let (length, sender) = self.socket.recv_from(buffer).ok()?;
            let std::net::SocketAddr::V4(sender) = sender else { continue };
            if sender.ip() != self.server.ip() || self.partner.is_some_and(|partner| partner != sender) {
                continue;
            }
            self.received += 1;
            if self.habits.lose_every > 0 && self.received.is_multiple_of(self.habits.lose_every) {
                self.got.data_packets += u64::from(buffer[1] == 3);
                continue;
            }
            self.partner = Some(sender);
            return Some(length);
        }
    }

    fn linger(&mut self, buffer: &mut [u8]) {
        let until = Instant::now() + self.habits.linger;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if self.socket.set_read_timeout(Some(left)).is_err() {
                return;
            }
            if self.socket.recv_from(buffer).is_ok() {
                self.got.after_end += 1;
            }
        }
    }
}

fn open(habits: &Habits<'_>) -> Result<UdpSocket, Failure> {
    let open = || -> std::io::Result<UdpSocket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddrV4::new(habits.from, habits.port).into())?;
        socket.set_read_timeout(Some(habits.wait))?;
        Ok(socket.into())
    };
    open().map_err(|error| Failure::Socket(error.to_string()))
}
