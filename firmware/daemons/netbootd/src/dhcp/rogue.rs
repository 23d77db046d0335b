//! Other DHCP servers on our wires. We ask for an address as a client would, with our own card, and see who offers one.
//!
//! Two servers that know nothing of each other give one address to two machines, or none of what the other one says.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use appliance_types::{InterfaceName, MacAddress};
use host_sockets::bind_udp;
use netboot_protocol::dhcp::{Hardware, Op, Packet, code};
use netboot_protocol::policy::{DhcpMode, Policy};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::wire::Wire;
use crate::clock;

/// How long a start waits for other servers: some look for 3 s whether an address is used before they offer it.
const AT_START: Duration = Duration::from_millis(4500);
/// Asked again within that time: packets are lost, and a switch may just have woken up.
const ASK_AGAIN: Duration = Duration::from_millis(1500);
/// An alarm that goes on is repeated.
const REPEAT: Duration = Duration::from_secs(600);

/// So many alarms within that time. A machine that makes servers up must not fill the log, or keep systemd busy with us.
const MOST_ALARMS: usize = 16;

/// Asks.
pub(super) struct Search {
    ears: Vec<Ear>,
    told: Told,
}

/// One wire to ask on.
struct Ear {
    name: InterfaceName,
    card: MacAddress,
    server_port: u16,
    socket: UdpSocket,
}

/// Servers that were told of, and when: an alarm is one line, not one for each packet.
#[derive(Clone, Default)]
pub(super) struct Told {
    servers: Arc<Mutex<HashMap<Ipv4Addr, Duration>>>,
}

impl Told {
    /// A server that is not us was seen.
    pub(super) fn saw(&self, server: Ipv4Addr, interface: &InterfaceName, how: &str) {
        let now = clock::now();
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|_, at| now.saturating_sub(*at) <= REPEAT);
        if servers.len() < MOST_ALARMS && !servers.contains_key(&server) {
            servers.insert(server, now);
            host_systemd::status(&format!("another DHCP server, {server}, is on {interface}"));
            log::error!(
                "another DHCP server, {server}, is on {interface} ({how}): machines may get addresses and boot files from it. \
                 Switch it off, or let netbootd be a proxy (dhcp = \"proxy\")"
            );
        }
    }
}

impl Search {
    /// The sockets of clients, on every wire where we are the server.
    pub(super) fn open(policy: &Policy, wires: &[Wire]) -> anyhow::Result<Search> {
        let mut ears = Vec::new();
        for wire in wires.iter().filter(|wire| wire.table.dhcp == DhcpMode::Server) {
            let Some(card) = wire.card else { continue };
            let socket =
                match bind_udp(&wire.name, SocketAddrV4::new(Ipv4Addr::BROADCAST, wire.client_port())) {
                    Ok(socket) => socket,
                    // A DHCP client on the same machine, say. Clients still tell us of servers that they choose.
                    Err(error) => {
                        log::warn!("other DHCP servers are not looked for: {:#}", anyhow::Error::new(error));
                        continue;
                    }
                };
            socket.set_nonblocking(true)?;
            let server_port = policy.listen().dhcp_port;
            ears.push(Ear { name: wire.name.clone(), card, server_port, socket });
        }
        Ok(Search { ears, told: Told::default() })
    }

    /// Where to tell of servers that were heard of otherwise.
    pub(super) fn told(&self) -> Told {
        self.told.clone()
    }

    /// Waits for other servers, and fails when there is one.
    pub(super) fn refuse_company(&self, policy: &Policy) -> anyhow::Result<()> {
        if policy.dhcp().force {
            return Ok(());
        }
        let end = Instant::now() + AT_START;
        while Instant::now() < end {
            self.ask();
            let round = (Instant::now() + ASK_AGAIN).min(end);
            if let Some((server, name)) = self.listen(policy, round) {
                bail!(
                    "another DHCP server, {server}, answers on {name}, and two of them would give one address to two machines. \
                     Switch it off; or let netbootd be a proxy there (dhcp = \"proxy\"), or start it all the same ([dhcp] force = true)"
                );
            }
        }
        Ok(())
    }

    /// What looks for other servers from now on, unless the policy says never.
    pub(super) fn periodic(self, policy: &Policy) -> Option<Periodic> {
        let seconds = policy.dhcp().rogue_check_s;
        let every = Duration::from_secs(seconds.into());
        (seconds != 0 && !self.ears.is_empty()).then(|| Periodic {
            search: self,
            every,
            policy: policy.clone(),
        })
    }

    fn ask(&self) {
        for ear in &self.ears {
            let mut packet = Packet::request(Hardware::ethernet(ear.card), xid(ear.card));
            packet.set_broadcast();
            packet.options.push(code::MESSAGE_TYPE, &[1]);
            packet.options.push(code::PARAMETER_LIST, &[code::SUBNET_MASK, code::ROUTERS]);
            let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, ear.server_port);
            // Without a cable there is nobody to ask.
            let _sent = ear.socket.send_to(&packet.encode(300), to);
        }
    }

    /// The first server other than us that offers something before `end`.
    fn listen(&self, policy: &Policy, end: Instant) -> Option<(Ipv4Addr, InterfaceName)> {
        loop {
            let found = self.ears.iter().find_map(|ear| Some((ear.hear(policy)?, ear.name.clone())));
            if found.is_some() {
                return found;
            }
            let left = end.checked_duration_since(Instant::now())?;
            let mut ready: Vec<PollFd<'_>> =
                self.ears.iter().map(|ear| PollFd::new(&ear.socket, PollFlags::IN)).collect();
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let _interrupted = poll(&mut ready, Some(&timeout));
        }
    }
}

/// Looks for other servers for as long as we serve.
pub(super) struct Periodic {
    search: Search,
    every: Duration,
    policy: Policy,
}

impl Periodic {
    /// Does not end.
    pub(super) fn run(self) -> anyhow::Error {
        loop {
            self.search.ask();
            let round = Instant::now() + self.every;
            while let Some((server, name)) = self.search.listen(&self.policy, round) {
                self.search.told.saw(server, &name, "it answered when we asked");
            }
        }
    }
}

impl Ear {
    /// A server other than us that has offered us something.
    fn hear(&self, policy: &Policy) -> Option<Ipv4Addr> {
        let mut buffer = [0; 2048];
        while let Ok((length, _)) = self.socket.recv_from(&mut buffer) {
            let Ok(packet) = Packet::decode(buffer.get(..length)?) else { continue };
            let server = packet.options.address(code::SERVER_ID);
            let is_for_us = packet.op == Op::Reply
                && packet.xid == xid(self.card)
                && packet.hardware.mac() == Some(self.card);
            if let Some(server) = server.filter(|server| is_for_us && !policy.is_ours(*server)) {
                return Some(server);
            }
        }
        None
    }
}

/// The number of our questions: one of our own for each card, so that an answer is known to be one.
fn xid(card: MacAddress) -> u32 {
    let [_, _, a, b, c, d] = card.bytes();
    u32::from_be_bytes([a, b, c, d]) ^ 0x5e1f_0000
}
