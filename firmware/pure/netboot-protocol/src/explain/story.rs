//! Packets, read once and put in order: attempts to boot, and what was loaded in each. The rules look at nothing else.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::record::{Direction, Record, Transport};
use crate::client::{Client, Signs, classify};
use crate::dhcp::{Op, Packet, code};
use crate::tftp::{self, Mode};

/// Longer without a packet and it is another boot.
const PAUSE: Duration = Duration::from_secs(300);

/// All attempts, oldest first.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) attempts: Vec<Attempt>,
}

/// From a DISCOVER to the next one with another number.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    pub(super) begun: Duration,
    pub(super) ended: Duration,
    xid: Option<u32>,
    pub(super) asked: Vec<Message>,
    pub(super) answered: Vec<Message>,
    /// Datagrams of the device that cannot be read.
    pub(super) broken: usize,
    /// BOOTP, without option 53.
    pub(super) bootp: usize,
    pub(super) transfers: Vec<Transfer>,
    pub(super) fetches: Vec<Fetch>,
}

/// A DHCP message, of the device or of ours.
#[derive(Debug)]
pub(super) struct Message {
    /// Option 53.
    pub(super) kind: u8,
    /// Our port it came to or went from.
    pub(super) port: u16,
    pub(super) server: Ipv4Addr,
    pub(super) packet: Packet,
    pub(super) client: Client,
}

/// A TFTP transfer.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) file: String,
    pub(super) mode: Mode,
    pub(super) upload: bool,
    pub(super) wants_options: bool,
    client: SocketAddrV4,
    session: Option<u16>,
    /// Requests, the first one included.
    pub(super) requests: usize,
    pub(super) option_acks: usize,
    pub(super) blksize: usize,
    pub(super) size: Option<u64>,
    /// DATA in the order sent: number on the wire, bytes, when.
    pub(super) data: Vec<(u16, usize, Duration)>,
    pub(super) acknowledged: Vec<u16>,
    pub(super) client_error: Option<(u16, String)>,
    pub(super) refusal: Option<(u16, String)>,
    pub(super) from_elsewhere: usize,
}

/// An HTTP request and its answer.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) path: String,
    pub(super) status: Option<u16>,
}

/// Kinds of DHCP messages.
pub(super) mod kind {
    pub(in super::super) const DISCOVER: u8 = 1;
    pub(in super::super) const OFFER: u8 = 2;
    pub(in super::super) const REQUEST: u8 = 3;
    pub(in super::super) const DECLINE: u8 = 4;
    pub(in super::super) const ACK: u8 = 5;
    pub(in super::super) const NAK: u8 = 6;
}

impl Story {
    /// Reads packets, oldest first.
    pub(super) fn of(records: &[Record]) -> Story {
        let mut story = Story::default();
        for record in records {
            story.take(record);
        }
        story
    }

    fn take(&mut self, record: &Record) {
        match record.transport {
            Transport::Tcp => self.take_http(record),
            Transport::Udp if is_dhcp(record) => self.take_dhcp(record),
            Transport::Udp => self.take_tftp(record),
        }
    }

    /// The attempt that a packet belongs to; a new one for another `xid`, and after a long pause.
    fn attempt(&mut self, at: Duration, xid: Option<u32>) -> &mut Attempt {
        let fits = self.attempts.last().is_some_and(|last| {
            let same = xid.is_none_or(|xid| last.xid.is_none_or(|known| known == xid));
            same && at.saturating_sub(last.ended) < PAUSE
        });
        if !fits {
            self.attempts.push(Attempt { begun: at, ..Attempt::default() });
        }
        let index = self.attempts.len() - 1;
        let attempt = &mut self.attempts[index];
        attempt.ended = at;
        attempt.xid = attempt.xid.or(xid);
        attempt
    }

    fn take_dhcp(&mut self, record: &Record) {
        let Ok(packet) = Packet::decode(&record.bytes) else {
            if record.direction == Direction::Received {
                self.attempt(record.at, None).broken += 1;
            }
            return;
        };
        let attempt = self.attempt(record.at, Some(packet.xid));
        let Some(kind) = packet.options.byte(code::MESSAGE_TYPE) else {
            attempt.bootp += usize::from(packet.op == Op::Request);
            return;
        };
        let options = &packet.options;
        let client = classify(&Signs {
            vendor_class: options.get(code::VENDOR_CLASS),
            user_class: options.get(code::USER_CLASS),
            architectures: options.get(code::ARCHITECTURE),
            machine_id: options.get(code::MACHINE_ID),
            has_ipxe_options: options.has(code::IPXE),
        });
        let message = Message { kind, port: record.local.port(), server: *record.local.ip(), packet, client };
        match record.direction {
            Direction::Received => attempt.asked.push(message),
            Direction::Sent => attempt.answered.push(message),
        }
    }

    fn take_http(&mut self, record: &Record) {
        let head = String::from_utf8_lossy(&record.bytes).into_owned();
        let second = head.split(' ').nth(1).unwrap_or_default();
        let attempt = self.attempt(record.at, None);
        match record.direction {
            Direction::Received => attempt.fetches.push(Fetch { path: second.to_owned(), status: None }),
            Direction::Sent => {
                if let Some(fetch) = attempt.fetches.last_mut() {
                    fetch.status = second.parse().ok();
                }
            }
        }
    }

    fn take_tftp(&mut self, record: &Record) {
        let Ok(packet) = tftp::parse(&record.bytes) else { return };
        let attempt = self.attempt(record.at, None);
        let known = attempt.transfers.iter_mut().rev().find(|transfer| transfer.is_of(record));
        match (packet, record.direction) {
            (tftp::Packet::Read(request), Direction::Received) => {
                attempt.request(record, &request, false);
            }
            (tftp::Packet::Write(request), Direction::Received) => {
                attempt.request(record, &request, true);
            }
            (packet, direction) => {
                if let Some(transfer) = known {
                    transfer.take(record, packet, direction);
                }
            }
        }
    }
}

impl Attempt {
    fn request(&mut self, record: &Record, request: &tftp::Request<'_>, upload: bool) {
        let file = String::from_utf8_lossy(request.file).into_owned();
        let again = self.transfers.last_mut().filter(|last| {
            last.client == record.remote
                && last.file == file
                && last.data.is_empty()
                && last.refusal.is_none()
        });
        if let Some(again) = again {
            again.requests += 1;
            return;
        }
        self.transfers.push(Transfer {
            file,
            mode: request.mode,
            upload,
            wants_options: !request.options.is_empty(),
            client: record.remote,
            session: None,
            requests: 1,
            option_acks: 0,
            blksize: 512,
            size: None,
            data: Vec::new(),
            acknowledged: Vec::new(),
            client_error: None,
            refusal: None,
            from_elsewhere: 0,
        });
    }

    /// What the device is by its last message that says so.
    pub(super) fn client(&self) -> Option<&Client> {
        self.asked.last().map(|message| &message.client)
    }

    /// Messages of the device of this kind.
    pub(super) fn asked_for(&self, kind: u8) -> impl DoubleEndedIterator<Item = &Message> {
        self.asked.iter().filter(move |message| message.kind == kind)
    }

    /// Our messages of this kind.
    pub(super) fn answers(&self, kind: u8) -> impl DoubleEndedIterator<Item = &Message> {
        self.answered.iter().filter(move |message| message.kind == kind)
    }

    /// The boot file or URL that we named last.
    pub(super) fn named_file(&self) -> Option<String> {
        let packet = &self.answered.last()?.packet;
        let option = packet.options.get(code::BOOT_FILE).map(<[u8]>::to_vec);
        let name = option.filter(|name| !name.is_empty()).unwrap_or_else(|| packet.file.clone());
        let name = String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned();
        (!name.is_empty()).then_some(name)
    }

    /// Whether a file of this name came whole.
    pub(super) fn loaded(&self, file: &str) -> bool {
        self.transfers.iter().any(|transfer| transfer.is_complete() && same_name(&transfer.file, file))
    }

    /// Whether anything at all came.
    pub(super) fn loaded_something(&self) -> bool {
        self.transfers.iter().any(Transfer::is_complete)
            || self.fetches.iter().any(|fetch| matches!(fetch.status, Some(200 | 206)))
    }
}

impl Transfer {
    fn is_of(&self, record: &Record) -> bool {
        // A stranger is told by our port, everybody else by theirs.
        self.client == record.remote || self.session == Some(record.local.port())
    }

    fn take(&mut self, record: &Record, packet: tftp::Packet<'_>, direction: Direction) {
        let stranger = self.client != record.remote;
        match (packet, direction) {
            (tftp::Packet::Error { code: 5, .. }, Direction::Sent) if stranger => self.from_elsewhere += 1,
            _ if stranger => {}
            (tftp::Packet::OptionAck(options), Direction::Sent) => {
                self.session = Some(record.local.port());
                self.option_acks += 1;
                let number = |wanted: &[u8]| {
                    let (_, value) = options.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
                    std::str::from_utf8(value).ok()?.parse::<u64>().ok()
                };
                self.size = number(b"tsize");
                self.blksize = number(b"blksize").and_then(|size| usize::try_from(size).ok()).unwrap_or(512);
            }
            (tftp::Packet::Data { block, .. }, Direction::Sent) => {
                self.session = Some(record.local.port());
                self.data.push((block, record.length.saturating_sub(4), record.at));
            }
            // ACK 0 accepts the options; block 0 comes after block 65535.
            (tftp::Packet::Ack { block: 0 }, Direction::Received) if self.data.is_empty() => {}
            (tftp::Packet::Ack { block }, Direction::Received) => self.acknowledged.push(block),
            (tftp::Packet::Error { code, message }, Direction::Received) => {
                self.client_error = Some((code, String::from_utf8_lossy(message).into_owned()));
            }
            (tftp::Packet::Error { code, message }, Direction::Sent) => {
                self.refusal = Some((code, String::from_utf8_lossy(message).into_owned()));
            }
            _ => {}
        }
    }

    /// The last block was sent and acknowledged.
    pub(super) fn is_complete(&self) -> bool {
        let Some((block, length, _)) = self.data.last() else { return false };
        *length < self.blksize && self.acknowledged.last() == Some(block)
    }

    /// The block that was sent at least three times at the end, if it was not acknowledged: with when the first block went
    /// out, and when this one did.
    pub(super) fn stuck_at(&self) -> Option<(u16, Duration)> {
        let (block, _, _) = self.data.last()?;
        let times = self.data.iter().rev().take_while(|(number, _, _)| number == block).count();
        let (first, stuck) = (self.data.first()?.2, self.data[self.data.len() - times].2);
        (times >= 3 && self.acknowledged.last() != Some(block)).then(|| (*block, stuck.saturating_sub(first)))
    }
}

/// Firmware writes the name we told it with slashes of its own.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.replace('\\', "/").trim_start_matches('/').to_owned();
    plain(one) == plain(other)
}

fn is_dhcp(record: &Record) -> bool {
    matches!(record.local.port(), 67 | 4011) || matches!(record.remote.port(), 67 | 68)
}
