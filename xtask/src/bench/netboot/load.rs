//! Clients behind a relay, as many as are asked for, on one socket: the whole exchange, DISCOVER to ACK, again and again.

use anyhow::{Context as _, Result};
use appliance_types::MacAddress;
use client_zoo::lab::{CLIENT, SERVER};
use netboot_protocol::dhcp::{Hardware, Packet, code};
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

/// A client asks again after this time.
const PATIENCE: Duration = Duration::from_secs(1);
const OFFER: u8 = 2;
const ACK: u8 = 5;

/// What a load has seen.
#[derive(Default)]
pub(super) struct Seen {
    /// When each exchange was complete, since the beginning.
    pub(super) acks: Vec<Duration>,
    /// How long each took.
    pub(super) latencies: Vec<Duration>,
    /// Addresses that were given twice.
    pub(super) twice: usize,
}

impl Seen {
    /// Exchanges a second, over all.
    pub(super) fn rate(&self) -> f64 {
        rate(&self.acks)
    }

    /// The latency that all but one in `per` are below.
    pub(super) fn percentile(&mut self, percent: usize) -> Duration {
        self.latencies.sort();
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// Events a second between the first and the last.
pub(super) fn rate(times: &[Duration]) -> f64 {
    match (times.first(), times.last()) {
        (Some(first), Some(last)) if last > first => {
            (times.len() - 1) as f64 / (*last - *first).as_secs_f64()
        }
        _ => 0.0,
    }
}

/// The relay's socket, and the numbers of clients that were not used yet.
pub(super) struct Relay {
    socket: UdpSocket,
    next: u32,
    given: HashSet<Ipv4Addr>,
}

/// One client on its way to an address.
struct Client {
    number: u32,
    begun: Instant,
    asked: Instant,
    request: Vec<u8>,
}

impl Relay {
    /// Inside the client's namespace.
    pub(super) fn open() -> Result<Relay> {
        let socket = UdpSocket::bind(SocketAddrV4::new(CLIENT, 67)).context("cannot be a relay")?;
        let _as_much = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        socket.connect(SocketAddrV4::new(SERVER, 67)).context("cannot reach the server")?;
        Ok(Relay { socket, next: 1, given: HashSet::new() })
    }

    /// `at_once` clients at any time, each followed by a new one, until `total` have an address or `limit` has passed.
    pub(super) fn closed_loop(&mut self, at_once: usize, total: usize, limit: Duration) -> Result<Seen> {
        let begun = Instant::now();
        let mut seen = Seen::default();
        let mut clients: Vec<Client> = Vec::new();
        let mut buffer = [0; 2048];
        while seen.acks.len() < total && begun.elapsed() < limit {
            while clients.len() < at_once {
                let client = self.new_client();
                self.socket.send(&client.request)?;
                clients.push(client);
            }
            if let Ok(length) = self.socket.recv(&mut buffer) {
                self.take(&mut clients, buffer.get(..length).unwrap_or_default(), begun, &mut seen)?;
            }
            for client in clients.iter_mut().filter(|client| client.asked.elapsed() > PATIENCE) {
                client.asked = Instant::now();
                self.socket.send(&client.request)?;
            }
        }
        Ok(seen)
    }

    /// New clients at a steady pace, whatever becomes of them; no client asks twice. What was seen, and how many there were.
    pub(super) fn open_loop(&mut self, per_second: f64, time: Duration) -> Result<(Seen, u64)> {
        let begun = Instant::now();
        let mut seen = Seen::default();
        let mut clients: Vec<Client> = Vec::new();
        let mut sent = 0_u64;
        let mut buffer = [0; 2048];
        self.socket.set_nonblocking(true)?;
        while begun.elapsed() < time {
            let mut room = 64;
            while room > 0 && (sent as f64) < begun.elapsed().as_secs_f64() * per_second {
                room -= 1;
                let client = self.new_client();
                // A full queue is a packet lost, as on a wire.
                let _lost = self.socket.send(&client.request);
                clients.push(client);
                sent += 1;
            }
            for _ in 0..64 {
                let Ok(length) = self.socket.recv(&mut buffer) else { break };
                self.take(&mut clients, buffer.get(..length).unwrap_or_default(), begun, &mut seen)?;
            }
            // Those that were not answered in time have given up.
            if clients.len() > 20_000 {
                clients.drain(..10_000);
            }
        }
        self.socket.set_nonblocking(false)?;
        Ok((seen, sent))
    }

    fn new_client(&mut self) -> Client {
        let number = self.next;
        self.next += 1;
        let now = Instant::now();
        Client { number, begun: now, asked: now, request: message(number, None) }
    }

    /// A reply: the next step of the client that it is for.
    fn take(
        &mut self,
        clients: &mut Vec<Client>,
        bytes: &[u8],
        begun: Instant,
        seen: &mut Seen,
    ) -> Result<()> {
        let Ok(reply) = Packet::decode(bytes) else { return Ok(()) };
        // They are in the order of their numbers, but for gaps.
        let Ok(index) = clients.binary_search_by_key(&reply.xid, |client| client.number) else {
            return Ok(());
        };
        match reply.options.byte(code::MESSAGE_TYPE) {
            Some(OFFER) => {
                if let Some(client) = clients.get_mut(index) {
                    client.request = message(client.number, Some(&reply));
                    client.asked = Instant::now();
                    let _lost = self.socket.send(&client.request);
                }
            }
            Some(ACK) => {
                let client = clients.remove(index);
                seen.acks.push(begun.elapsed());
                seen.latencies.push(client.begun.elapsed());
                seen.twice += usize::from(!self.given.insert(reply.yiaddr));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A DISCOVER, or the REQUEST for what was offered.
fn message(number: u32, offer: Option<&Packet>) -> Vec<u8> {
    let [a, b, c, d] = number.to_be_bytes();
    let mut packet =
        Packet::request(Hardware::ethernet(MacAddress::from_bytes([2, 0x10, a, b, c, d])), number);
    (packet.giaddr, packet.hops) = (CLIENT, 1);
    packet.options.push(code::MESSAGE_TYPE, &[if offer.is_some() { 3 } else { 1 }]);
    if let Some(offer) = offer {
        packet.options.push_addresses(code::REQUESTED_ADDRESS, &[offer.yiaddr]);
        packet.options.push(code::SERVER_ID, offer.options.get(code::SERVER_ID).unwrap_or_default());
    }
    packet.options.push(code::PARAMETER_LIST, &[1, 3, 6, 15, 51, 54]);
    packet.encode(548)
}
