//! The loop that hears and decides.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use host_sockets::{EtherType, PacketSocket};
use netboot_protocol::dhcp::{
    Action, Arrival, Decision, Ignored, Lease, LeaseState, LeaseTable, MessageType, Notice, ReplyKind,
    Request, ServerPort, Silence, Situation, decide,
};
use netboot_protocol::frame::Arp;
use netboot_protocol::policy::DhcpMode;
use netboot_protocol::tftp::Answer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::intake::{Arrived, Intake};
use super::parking::{Parked, Parking};
use super::rogue::Told;
use super::serving_mark;
use super::wire::{Outgoing, Wire};
use super::writer::{Job, send};
use crate::clock::{self, Anchor};
use crate::log_limit::LogLimit;
use crate::shared::Shared;
use crate::trace::Direction;

/// Datagrams taken from one socket before the others have their turn.
const TURN: usize = 256;
/// Decisions before the sockets are looked at again: what comes in meanwhile must not overflow them.
const DECISIONS: usize = 32;
/// How often the interfaces and the wall clock are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Hears and decides.
pub(super) struct Server {
    shared: Arc<Shared>,
    wires: Arc<[Wire]>,
    leases: Arc<Mutex<LeaseTable>>,
    jobs: SyncSender<Job>,
    told: Told,
    /// ARP of each wire, in their order; none where nothing is probed for.
    arp: Vec<Option<PacketSocket>>,
    intake: Intake,
    parking: Parking,
    limit: LogLimit,
    anchor: Anchor,
    looked: Duration,
}

impl Server {
    /// Opens what is needed to probe.
    pub(super) fn open(
        shared: Arc<Shared>,
        wires: Arc<[Wire]>,
        leases: Arc<Mutex<LeaseTable>>,
        jobs: SyncSender<Job>,
        told: Told,
    ) -> anyhow::Result<Server> {
        let probes = shared.policy.dhcp().probe_ms != 0;
        let open = |wire: &Wire| -> anyhow::Result<Option<PacketSocket>> {
            if !probes || wire.table.dhcp != DhcpMode::Server {
                return Ok(None);
            }
            let socket = PacketSocket::open(&wire.name, EtherType::Arp)
                .context("cannot find out whether an address is used; [dhcp] probe_ms = 0 goes without")?;
            socket.set_nonblocking(true)?;
            Ok(Some(socket))
        };
        let arp = wires.iter().map(open).collect::<anyhow::Result<_>>()?;
        Ok(Server {
            shared,
            wires,
            leases,
            jobs,
            told,
            arp,
            intake: Intake::default(),
            parking: Parking::default(),
            limit: LogLimit::default(),
            anchor: Anchor::now(),
            looked: clock::now(),
        })
    }

    /// Serves until it cannot.
    pub(super) fn run(mut self) -> anyhow::Error {
        self.mark();
        loop {
            if let Err(error) = self.turn() {
                return error;
            }
        }
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        self.wait()?;
        self.hear();
        self.hear_arp()?;
        for _ in 0..DECISIONS {
            let Some(arrived) = self.intake.pop() else { break };
            self.answer(arrived)?;
        }
        for parked in self.parking.due(clock::now()) {
            self.say(&parked.reply);
        }
        self.look()
    }

    /// Waits for a datagram, or for the time of a parked offer.
    fn wait(&self) -> anyhow::Result<()> {
        let until = self.parking.next_due().unwrap_or(Duration::MAX).min(self.looked + LOOK);
        let left = if self.intake.is_empty() { until.saturating_sub(clock::now()) } else { Duration::ZERO };
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let sockets = self.wires.iter().flat_map(Wire::doors).map(|(_, socket)| socket.as_fd());
        let arp = self.arp.iter().flatten().map(AsFd::as_fd);
        let mut ready: Vec<PollFd<'_>> =
            sockets.chain(arp).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        match poll(&mut ready, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("cannot wait for DHCP packets"),
        }
    }

    /// Takes in what the sockets have.
    fn hear(&mut self) {
        let mut buffer = [0; 2048];
        let wires = Arc::clone(&self.wires);
        for (number, wire) in wires.iter().enumerate() {
            for (door, socket) in wire.doors() {
                for _ in 0..TURN {
                    let Ok((length, SocketAddr::V4(source))) = socket.recv_from(&mut buffer) else { break };
                    let bytes = buffer.get(..length).unwrap_or_default();
                    match Request::parse(bytes) {
                        Ok(request) => {
                            self.shared.trace.dhcp(
                                Direction::Received,
                                wire.own_at(door.port),
                                source,
                                request.mac,
                                bytes,
                            );
                            self.intake.push(Arrived { wire: number, door: *door, source, request });
                        }
                        Err(Ignored::Reply) => {}
                        Err(reason) => {
                            let (own, mac) = (wire.own_at(door.port), card_in(bytes));
                            self.shared.trace.dhcp(Direction::Received, own, source, mac, bytes);
                            if self.limit.admits(clock::now()) {
                                log::info!("{}: a datagram from {source} is ignored: {reason}", wire.name);
                            }
                        }
                    }
                }
            }
        }
        let dropped = self.intake.take_dropped();
        if dropped > 0 && self.limit.admits(clock::now()) {
            log::warn!(
                "more comes in than can be answered: {dropped} packets dropped, their clients ask again"
            );
        }
    }

    /// Takes in what shows that a parked offer's address is taken.
    fn hear_arp(&mut self) -> anyhow::Result<()> {
        let mut buffer = [0; 64];
        for number in 0..self.arp.len() {
            for _ in 0..TURN {
                let Some(Some(socket)) = self.arp.get(number) else { break };
                let Ok(length) = socket.receive(&mut buffer) else { break };
                let Some(arp) = Arp::decode(buffer.get(..length).unwrap_or_default()) else { continue };
                if let Some(parked) = self.parking.refuted_by(&arp, number) {
                    self.conflict(parked, &arp)?;
                }
            }
        }
        Ok(())
    }

    /// Leaves an address alone, and looks for another one for the client.
    fn conflict(&mut self, parked: Parked, arp: &Arp) -> anyhow::Result<()> {
        let address = parked.address;
        log::warn!(
            "{}: {address} was to be offered, and {} uses it; it is left alone for a while",
            self.wires.get(parked.reply.wire).map(|wire| wire.name.to_string()).unwrap_or_default(),
            arp.sender_mac
        );
        let now = clock::now();
        let wait = Duration::from_secs(self.shared.policy.dhcp().quarantine_s.into());
        let held = self.leases().get(address).cloned();
        if let Some(lease) = held {
            let quarantined = Lease { state: LeaseState::Quarantined { until: now + wait }, ..lease };
            let leases = self.leases().apply(quarantined, now);
            self.keep(Job { leases, reply: None, anchor: None })?;
        }
        self.answer(parked.asked)
    }

    /// Decides, and sees to what follows from it.
    fn answer(&mut self, arrived: Arrived) -> anyhow::Result<()> {
        let now = clock::now();
        let (decision, kept) = {
            let mut leases = self.leases();
            leases.expire(now);
            let decision = self.admit(self.decide(&leases, &arrived, now), &arrived.request, now);
            let kept = decision.change.clone().map(|change| leases.apply(change, now)).unwrap_or_default();
            (decision, kept)
        };
        self.tell(&arrived, &decision, now);
        self.remember(&arrived, &decision, now);
        let Action::Reply(reply) = decision.action else {
            return if kept.is_empty() {
                Ok(())
            } else {
                self.keep(Job { leases: kept, reply: None, anchor: None })
            };
        };
        let outgoing = Outgoing {
            wire: arrived.wire,
            port: arrived.door.port,
            to: reply.to,
            mac: arrived.request.mac,
            bytes: reply.packet.encode(reply.room),
        };
        if !kept.is_empty() {
            return self.keep(Job { leases: kept, reply: Some(outgoing), anchor: None });
        }
        let socket = self.arp.get(arrived.wire).and_then(Option::as_ref);
        let card = self.wires.get(arrived.wire).and_then(|wire| wire.card);
        let probe = decision.probe.filter(|_| !self.parking.is_full());
        if let (Some(address), Some(socket), Some(card)) = (probe, socket, card) {
            // Both questions at once: a lost one of two is not a conflict missed, and nobody waits longer for it.
            let question = Arp::probe(card, address).encode();
            for _ in 0..2 {
                let _lost = socket.send(appliance_types::MacAddress::from_bytes([0xff; 6]), &question);
            }
            let due = now + Duration::from_millis(self.shared.policy.dhcp().probe_ms.into());
            let mac = arrived.request.mac;
            self.parking.park(Parked { due, address, mac, reply: outgoing, asked: arrived });
        } else if reply.kind == ReplyKind::Offer {
            if let Some(now_due) = self.parking.replace(reply.packet.yiaddr, outgoing, arrived) {
                self.say(&now_due);
            }
        } else {
            self.say(&outgoing);
        }
        Ok(())
    }

    fn decide(&self, leases: &LeaseTable, arrived: &Arrived, now: Duration) -> Decision {
        let silence =
            |reason| Decision { action: Action::Silence(reason), change: None, probe: None, notice: None };
        let Some(wire) = self.wires.get(arrived.wire) else { return silence(Silence::Off) };
        let published = self.shared.boot_policy();
        let memory = self.shared.pxe_memory();
        let situation = Situation {
            policy: &self.shared.policy,
            published: published.as_deref(),
            leases,
            memory: &memory,
            now,
        };
        let arrival = Arrival {
            interface: &wire.table,
            card: wire.card,
            port: arrived.door.port,
            to_us: arrived.door.to_us,
            source: arrived.source,
        };
        decide(&situation, &arrival, &arrived.request)
    }

    /// Holds an offer back from a machine that would load now, while as many load as can be done in time. Here it is patient:
    /// once it has begun to load, it is not.
    fn admit(&self, decision: Decision, request: &Request, now: Duration) -> Decision {
        let Action::Reply(reply) = &decision.action else { return decision };
        let loads = request.client.class.is_boot_stage() && reply.packet.siaddr != Ipv4Addr::UNSPECIFIED;
        if reply.kind != ReplyKind::Offer || !loads || reply.packet.yiaddr.is_unspecified() {
            return decision;
        }
        match self.shared.admission().ask(now, reply.packet.yiaddr, 0) {
            Answer::Go => decision,
            Answer::Wait { ahead } => Decision {
                action: Action::Silence(Silence::Busy(ahead)),
                change: None,
                probe: None,
                notice: decision.notice,
            },
        }
    }

    /// What the file services are to know of it.
    fn remember(&self, arrived: &Arrived, decision: &Decision, now: Duration) {
        let request = &arrived.request;
        let Some(mac) = request.mac else { return };
        let address = match &decision.action {
            Action::Reply(reply) if reply.kind == ReplyKind::Ack && arrived.door.port == ServerPort::Dhcp => {
                Some(reply.packet.yiaddr)
            }
            Action::Reply(_) if arrived.door.port == ServerPort::Pxe => Some(request.packet.ciaddr),
            // Beside a server, a client says aloud what that has given it.
            Action::Silence(Silence::NotForProxy) if request.kind == MessageType::Request => {
                request.requested
            }
            _ => None,
        };
        if let Some(address) = address.filter(|address| !address.is_unspecified()) {
            self.shared.seen.note(address, mac, request.client.clone());
        }
        if let Some(told) = decision.strategy_told(request) {
            self.shared.pxe_memory().told(request.packet.hardware, told, now);
        }
    }

    /// One line for each exchange, as far as the log has room.
    fn tell(&mut self, arrived: &Arrived, decision: &Decision, now: Duration) {
        let Some(wire) = self.wires.get(arrived.wire) else { return };
        if let Some(Notice::OtherServer(server)) = decision.notice {
            self.told.saw(server, &wire.name, "a client has chosen it");
        }
        let (level, what) = match &decision.action {
            Action::Reply(reply)
                if reply.kind == ReplyKind::Offer && !log::log_enabled!(log::Level::Debug) =>
            {
                return;
            }
            Action::Reply(reply) => {
                let level = if reply.kind == ReplyKind::Offer { log::Level::Debug } else { log::Level::Info };
                (level, format!("{:?} {}", reply.kind, reply.packet.yiaddr))
            }
            Action::Silence(Silence::Ourselves | Silence::OtherServer(_) | Silence::NotForProxy) => return,
            Action::Silence(Silence::NoAnswerExpected) => (log::Level::Info, "noted".to_owned()),
            Action::Silence(reason) => (log::Level::Info, format!("no answer: {reason}")),
        };
        if level > log::max_level() || !self.limit.admits(now) {
            return;
        }
        let request = &arrived.request;
        let who = request.mac.map_or_else(|| "a client".to_owned(), |mac| mac.to_string());
        log::log!(
            level,
            "{}: {who} ({}) {:?}: {what}",
            wire.name,
            request.client.class.as_str(),
            request.kind
        );
        match &decision.notice {
            Some(Notice::OtherServer(_)) | None => {}
            Some(notice) => log::warn!("{}: {who}: {notice}", wire.name),
        }
    }

    /// Now and then: is everything still what it was when we began?
    fn look(&mut self) -> anyhow::Result<()> {
        let now = clock::now();
        if now < self.looked + LOOK {
            return Ok(());
        }
        self.looked = now;
        self.mark();
        if let Some(wire) = self.wires.iter().find(|wire| wire.is_gone()) {
            bail!("the network interface {} is gone, or another one has its name", wire.name);
        }
        let anchor = Anchor::now();
        if anchor.has_jumped_since(self.anchor) {
            // The times on the disk were counted from the clock as it was.
            self.anchor = anchor;
            let leases = self.leases().iter().filter(|lease| lease.state.is_durable()).cloned().collect();
            self.keep(Job { leases, reply: None, anchor: Some(anchor) })?;
        }
        Ok(())
    }

    /// Says when we last served; a mark that cannot be written makes the next start a few seconds longer.
    fn mark(&self) {
        if let Some(path) = serving_mark(&self.shared.policy) {
            let _unmarked = std::fs::write(path, b"");
        }
    }

    fn say(&self, reply: &Outgoing) {
        send(&self.wires, &self.shared, reply);
    }

    fn keep(&self, job: Job) -> anyhow::Result<()> {
        self.jobs.send(job).map_err(|_| anyhow!("the lease store has ended"))
    }

    fn leases(&self) -> MutexGuard<'_, LeaseTable> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The card in a packet that cannot be read as a whole.
fn card_in(bytes: &[u8]) -> Option<appliance_types::MacAddress> {
    let card: [u8; 6] = bytes.get(28..34)?.try_into().ok()?;
    Some(appliance_types::MacAddress::from_bytes(card))
}
