//! The loop.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use netboot_protocol::tftp::{
    self, Action, Answer, End, ErrorCode, FileName, Limits, Malformed, Mode, NETASCII_LIMIT, Packet, Request,
    SourceLimits, Sources, Transfer, Viewer,
};
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::net::RecvFlags;
use socket2::Socket;

use crate::boot_client::{BootClient, boot_client};
use crate::boot_root::BootRoot;
use crate::clock;
use crate::shared::Shared;
use crate::trace::Direction;

use super::door::Door;
use super::sender::Sender;
use super::session::{Content, Session};

/// Blocks per window at most: more gain nothing on a LAN (RFC 7440's own table), and cost a storm its order.
const WINDOW: u16 = 32;
/// The longest packet a client sends: a request of 512 bytes (RFC 2347), with room for padding.
const LONGEST: usize = 1024;
/// Requests taken at a time before running transfers have their turn.
const REQUESTS_AT_ONCE: usize = 64;
/// Files up to here are served without a place: waiting for one costs more than they do.
const SMALL: u64 = 128 << 10;

/// All of TFTP.
pub(crate) struct Server {
    epoll: OwnedFd,
    doors: Vec<(Door, Socket)>,
    sessions: Vec<Option<Box<Session>>>,
    free: Vec<usize>,
    by_client: HashMap<(SocketAddrV4, Ipv4Addr), usize>,
    /// When to look at which session. Lazy: an entry may be too early, never too late.
    clock: BinaryHeap<Reverse<(Duration, usize)>>,
    sources: Sources,
    sender: Sender,
    root: Option<Arc<BootRoot>>,
    shared: Arc<Shared>,
}

impl Server {
    /// Opens the doors.
    pub(crate) fn open(
        doors: Vec<Door>,
        shared: Arc<Shared>,
        root: Option<Arc<BootRoot>>,
    ) -> anyhow::Result<Server> {
        allow_many_sockets();
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("cannot make an epoll")?;
        let mut open = Vec::new();
        for (number, door) in doors.into_iter().enumerate() {
            let socket = door.open()?;
            watch(&epoll, &socket, door_token(number))?;
            open.push((door, socket));
        }
        Ok(Server {
            epoll,
            doors: open,
            sessions: Vec::new(),
            free: Vec::new(),
            by_client: HashMap::new(),
            clock: BinaryHeap::new(),
            sources: Sources::new(SourceLimits::default()),
            sender: Sender::new(),
            root,
            shared,
        })
    }

    /// Serves until something breaks that no client can break.
    pub(crate) fn run(mut self) -> anyhow::Error {
        let mut events = Vec::with_capacity(256);
        loop {
            let wait = self.until_next();
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), wait.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return anyhow::Error::new(error).context("cannot wait for TFTP packets"),
            }
            for event in &events {
                let token = event.data.u64();
                match door_number(token) {
                    Some(number) => self.on_requests(number),
                    None => self.on_session(usize::try_from(token).unwrap_or(usize::MAX)),
                }
            }
            self.on_clock();
        }
    }

    fn until_next(&self) -> Option<Timespec> {
        let Reverse((at, _)) = self.clock.peek()?;
        let wait = at.saturating_sub(clock::now());
        Timespec::try_from(wait).ok()
    }

    fn on_requests(&mut self, door: usize) {
        let mut buffer = [0; LONGEST];
        for _ in 0..REQUESTS_AT_ONCE {
            let Some((_, socket)) = self.doors.get(door) else { return };
            let Some((length, client)) = receive(socket, &mut buffer) else { return };
            self.on_request(door, client, &buffer[..length]);
        }
    }

    fn on_request(&mut self, door: usize, client: SocketAddrV4, bytes: &[u8]) {
        let Some((place, _)) = self.doors.get(door) else { return };
        // Port 0 and 69 are no client's: an answer there could make two servers talk to each other for ever.
        if !place.serves(*client.ip()) || client.port() == 0 || client.port() == place.port {
            return;
        }
        let local = SocketAddrV4::new(place.address, place.port);
        self.shared.trace.udp(Direction::Received, local, client, bytes, bytes.len());
        let refusal = match tftp::parse(bytes) {
            Ok(Packet::Read(request)) => match self.begin(door, client, bytes, &request) {
                Ok(()) => return,
                Err(refusal) => refusal,
            },
            Ok(Packet::Write(_)) => {
                Refusal(ErrorCode::AccessViolation, "this server takes no uploads".into())
            }
            Err(Malformed::Mode) => {
                Refusal(ErrorCode::Undefined, "the mode must be octet or netascii".into())
            }
            // Not a request: an answer would only feed whoever sent it.
            Ok(_) | Err(_) => return,
        };
        // Routine for boot firmware, which looks for many files that need not exist.
        log::debug!("TFTP refused to {client}: {}", refusal.1);
        let answer = tftp::error(refusal.0, &refusal.1);
        self.shared.trace.udp(Direction::Sent, local, client, &answer, answer.len());
        if let Some((_, socket)) = self.doors.get(door) {
            self.sender.packet(socket, client, &answer);
        }
    }

    /// Begins a transfer, or says nothing for now, or refuses.
    fn begin(
        &mut self,
        door: usize,
        client: SocketAddrV4,
        bytes: &[u8],
        request: &Request<'_>,
    ) -> Result<(), Refusal> {
        let now = clock::now();
        let Some((place, _)) = self.doors.get(door) else { return Ok(()) };
        let place = place.clone();
        if let Some(known) = self.by_client.get(&(client, place.address)).copied() {
            let session = self.sessions.get(known).and_then(Option::as_ref);
            // The clock sees to it that a lost first answer is sent again; a second one at once could be one too many.
            if session.is_some_and(|session| *session.request == *bytes && session.transfer.delivered() == 0)
            {
                return Ok(());
            }
            // The ROM began anew, and always uses the same port.
            self.close(known);
        }
        let name = FileName::parse(request.file)
            .map_err(|error| Refusal(ErrorCode::AccessViolation, error.to_string()))?;
        let who = boot_client(&self.shared, *client.ip(), &name);
        let content = self.content(&who, &name, request.mode)?;
        let size = content.size();
        if !self.sources.open(*client.ip()) {
            log::debug!("TFTP: {client} has too many transfers open that it never answered");
            return Ok(());
        }
        match self.serve(&place, client, &who, content, bytes, request) {
            Ok(true) => {
                log::debug!("TFTP: {client} gets {name}, {size} bytes, at {} s", now.as_secs());
                Ok(())
            }
            Ok(false) => {
                self.sources.settle(*client.ip());
                Ok(())
            }
            Err(refusal) => {
                self.sources.settle(*client.ip());
                Err(refusal)
            }
        }
    }

    /// The file, as this client may see it.
    fn content(&self, who: &BootClient, name: &FileName, mode: Mode) -> Result<Content, Refusal> {
        let missing = || {
            let why = match who.viewer {
                Viewer::Nothing => "this device boots from its own disk",
                Viewer::Tree { .. } => "no such file",
            };
            Refusal(ErrorCode::FileNotFound, why.into())
        };
        let root = self.root.as_ref().ok_or_else(missing)?;
        let file = root.find(&who.viewer, name).ok_or_else(missing)?;
        if mode == Mode::Octet {
            return Ok(Content::File(file));
        }
        if file.size() > NETASCII_LIMIT {
            let why = format!("netascii is for texts up to {} KiB; ask in octet mode", NETASCII_LIMIT >> 10);
            return Err(Refusal(ErrorCode::Undefined, why));
        }
        let mut text = vec![0; usize::try_from(file.size()).unwrap_or_default()];
        file.read_exact_at(&mut text, 0)
            .map_err(|error| Refusal(ErrorCode::Undefined, format!("cannot read the file: {error}")))?;
        Ok(Content::Text(tftp::to_netascii(&text).into_boxed_slice()))
    }

    /// Opens a session; `Ok(false)` when nothing is to be said for now.
    fn serve(
        &mut self,
        place: &Door,
        client: SocketAddrV4,
        who: &BootClient,
        content: Content,
        bytes: &[u8],
        request: &Request<'_>,
    ) -> Result<bool, Refusal> {
        let now = clock::now();
        let size = content.size();
        if size > SMALL
            && let Answer::Wait { ahead } = self.shared.admission().ask(now, *client.ip(), size)
        {
            log::info!("TFTP: {client} waits, {ahead} before it: the network is full");
            return Ok(false);
        }
        let limits = Limits { mtu: place.mtu_to(*client.ip()), windowsize: WINDOW };
        let agreed = tftp::negotiate(&request.options, size, limits);
        let (transfer, first) = Transfer::start(now, size, &agreed, who.rollover).map_err(|error| {
            log::error!("TFTP to {client}: {error}");
            Refusal(ErrorCode::Undefined, error.to_string())
        })?;
        let busy = |error: anyhow::Error| {
            log::error!("TFTP to {client}: {error:#}");
            Refusal(ErrorCode::Undefined, "the server cannot open another transfer".into())
        };
        let socket = place.open_session().map_err(busy)?;
        let local = socket.local_addr().ok().and_then(|address| address.as_socket_ipv4());
        let segments = agreed.windowsize > 1
            && host_sockets::set_segment_size(&socket, agreed.blksize.saturating_add(4)).is_ok();
        let index = self.free.pop().unwrap_or_else(|| {
            self.sessions.push(None);
            self.sessions.len() - 1
        });
        if let Err(error) = watch(&self.epoll, &socket, index as u64) {
            self.free.push(index);
            return Err(busy(error));
        }
        let session = Session {
            local: local.unwrap_or(SocketAddrV4::new(place.address, 0)),
            socket,
            client,
            transfer,
            content,
            request: bytes.into(),
            begun: now,
            counted: true,
            segments,
            entry: None,
        };
        self.by_client.insert((client, place.address), index);
        self.sessions[index] = Some(Box::new(session));
        self.act(index, &first);
        Ok(true)
    }

    fn on_session(&mut self, index: usize) {
        let now = clock::now();
        let mut buffer = [0; LONGEST];
        let Some(session) = self.sessions.get_mut(index).and_then(Option::as_mut) else { return };
        let Some((length, sender)) = receive(&session.socket, &mut buffer) else { return };
        let bytes = &buffer[..length];
        if sender != session.client {
            // RFC 1350 section 4: the stranger is told, the transfer goes on. But nobody of another network, and never an ERROR: two
            // servers, or one and an echo service, would go on for as long as the transfer does.
            let is_error = bytes.starts_with(&[0, 5]);
            if is_error || !self.doors.iter().any(|(place, _)| place.serves(*sender.ip())) {
                return;
            }
            let answer = tftp::error(ErrorCode::UnknownTransfer, "this port serves somebody else");
            self.shared.trace.udp(Direction::Received, session.local, sender, bytes, length);
            self.shared.trace.udp(Direction::Sent, session.local, sender, &answer, answer.len());
            self.sender.packet(&session.socket, sender, &answer);
            return;
        }
        let before = session.transfer.delivered();
        let first = !session.transfer.is_proven();
        let action = session.transfer.on_packet(now, bytes);
        let ordinary = !first && matches!(action, Action::Send(blocks) if !blocks.again);
        if !ordinary {
            self.shared.trace.udp(Direction::Received, session.local, session.client, bytes, length);
        }
        let delivered = session.transfer.delivered() - before;
        let client = *session.client.ip();
        if session.counted && session.transfer.is_proven() {
            session.counted = false;
            self.sources.settle(client);
        }
        if delivered > 0 {
            self.shared.admission().delivered(now, client, delivered);
        }
        self.act(index, &action);
    }

    fn on_clock(&mut self) {
        let now = clock::now();
        while let Some(Reverse((at, index))) = self.clock.peek().copied() {
            if at > now {
                return;
            }
            self.clock.pop();
            let Some(session) = self.sessions.get_mut(index).and_then(Option::as_mut) else { continue };
            // An entry of a session that was here before, or one that a nearer deadline replaced.
            if session.entry != Some(at) {
                continue;
            }
            let due = session.transfer.next_timeout();
            if due > now {
                session.entry = Some(due);
                self.clock.push(Reverse((due, index)));
                continue;
            }
            session.entry = None;
            let action = session.transfer.on_timeout(now);
            self.act(index, &action);
        }
    }

    fn act(&mut self, index: usize, action: &Action) {
        let Some(session) = self.sessions.get_mut(index).and_then(Option::as_mut) else { return };
        if let Action::End(end) = action {
            report(session, end, clock::now());
            self.close(index);
            return;
        }
        if let Err(error) = session.act(action, &mut self.sender, &self.shared.trace) {
            log::error!("TFTP to {}: cannot read the file: {error}", session.client);
            let answer = tftp::error(ErrorCode::Undefined, "the server cannot read the file any more");
            self.shared.trace.udp(Direction::Sent, session.local, session.client, &answer, answer.len());
            self.sender.packet(&session.socket, session.client, &answer);
            self.close(index);
            return;
        }
        // A deadline that moves back is found by its old entry; only a nearer one needs a new.
        let due = session.transfer.next_timeout();
        if session.entry.is_none_or(|entry| due < entry) {
            session.entry = Some(due);
            self.clock.push(Reverse((due, index)));
        }
    }

    fn close(&mut self, index: usize) {
        let Some(session) = self.sessions.get_mut(index).and_then(Option::take) else { return };
        if session.counted {
            self.sources.settle(*session.client.ip());
        }
        self.by_client.remove(&(session.client, *session.local.ip()));
        self.free.push(index);
    }
}

/// An ERROR packet: number and words.
struct Refusal(ErrorCode, String);

/// Session numbers are tokens as they are; doors come from the other end.
fn door_token(number: usize) -> u64 {
    u64::MAX - number as u64
}

fn door_number(token: u64) -> Option<usize> {
    usize::try_from(u64::MAX - token).ok().filter(|number| *number < 1024)
}

fn watch(epoll: &OwnedFd, socket: &Socket, token: u64) -> anyhow::Result<()> {
    epoll::add(epoll, socket, epoll::EventData::new_u64(token), epoll::EventFlags::IN)
        .context("cannot watch a socket")
}

fn receive(socket: &Socket, buffer: &mut [u8]) -> Option<(usize, SocketAddrV4)> {
    let (_, length, sender) = rustix::net::recvfrom(socket, &mut *buffer, RecvFlags::DONTWAIT).ok()?;
    let sender = SocketAddrV4::try_from(sender?).ok()?;
    Some((length.min(buffer.len()), sender))
}

/// A socket for each of ten thousand transfers, if the unit's limit lets us.
fn allow_many_sockets() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        log::warn!("cannot raise the number of open files: {error}");
    }
}

fn report(session: &Session, end: &End, now: Duration) {
    let client = session.client;
    let took = now.saturating_sub(session.begun).as_secs_f64();
    let (size, resends) = (session.transfer.size(), session.transfer.resends());
    match end {
        End::Complete | End::LastAckMissing if resends == 0 => {
            log::debug!("TFTP: {client} has {size} bytes after {took:.1} s");
        }
        End::Complete | End::LastAckMissing => {
            log::info!("TFTP: {client} has {size} bytes after {took:.1} s, {resends} times sent again");
        }
        End::Probe => log::debug!("TFTP: {client} wanted to know a size"),
        End::ClientError { code, message } => {
            log::info!("TFTP: {client} gave up after {took:.1} s with error {code}: {message}");
        }
        End::Silent { after, proven: true } => {
            log::warn!(
                "TFTP: {client} fell silent after block {after}, {took:.1} s; `slipway explain` may say why"
            );
        }
        End::Silent { proven: false, .. } => log::info!("TFTP: {client} never answered"),
    }
}
