//! DHCP as a boot ROM speaks it: broadcast, and no more options than it needs.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use socket2::{Domain, Protocol, Socket, Type};

/// A card that asks for an address.
#[derive(Debug, Clone)]
pub struct Card {
    /// Its hardware address.
    pub mac: [u8; 6],
    /// What the firmware adds to each message: option and value.
    pub options: Vec<(u8, Vec<u8>)>,
}

/// A server's reply.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Option 53.
    pub kind: u8,
    /// The address for us.
    pub address: Ipv4Addr,
    /// siaddr.
    pub next_server: Ipv4Addr,
    /// The `file` field.
    pub file: String,
    /// Options, long ones joined.
    pub options: BTreeMap<u8, Vec<u8>>,
}

/// A socket for all cards of a machine that stands for many.
pub struct Wire {
    socket: UdpSocket,
}

pub(crate) const DISCOVER: u8 = 1;
pub(crate) const OFFER: u8 = 2;
pub(crate) const REQUEST: u8 = 3;
pub(crate) const ACK: u8 = 5;
const NAK: u8 = 6;

impl Wire {
    /// Listens on `interface`.
    ///
    /// # Errors
    /// Port 68 is taken, or we may not.
    pub fn open(interface: &str) -> Result<Wire> {
        let open = || -> std::io::Result<UdpSocket> {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(true)?;
            socket.set_broadcast(true)?;
            socket.bind_device(Some(interface.as_bytes()))?;
            socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68).into())?;
            Ok(socket.into())
        };
        Ok(Wire { socket: open().with_context(|| format!("cannot speak DHCP on {interface}"))? })
    }

    /// DISCOVER, sent again every `pause`, until an offer comes that `wanted` takes; then REQUEST, until the ACK.
    ///
    /// # Errors
    /// No server gives an address within `patience`.
    pub fn lease(
        &self,
        card: &Card,
        pause: Duration,
        patience: Duration,
        wanted: impl Fn(&Reply) -> bool,
    ) -> Result<Reply> {
        let xid = u32::from_be_bytes([card.mac[2], card.mac[3], card.mac[4], card.mac[5]]) ^ 0x5a00_0000;
        let begun = Instant::now();
        let offer = self.exchange(card, xid, (begun, pause, patience), DISCOVER, &[], |reply| {
            reply.kind == OFFER && wanted(reply)
        })?;
        let server = offer.options.get(&54).cloned().unwrap_or_default();
        let chosen = [(50, offer.address.octets().to_vec()), (54, server)];
        let answer = self.exchange(card, xid, (begun, pause, patience), REQUEST, &chosen, |reply| {
            matches!(reply.kind, ACK | NAK)
        })?;
        if answer.kind == NAK {
            bail!("the server refused the address that it offered");
        }
        Ok(answer)
    }

    fn exchange(
        &self,
        card: &Card,
        xid: u32,
        (begun, pause, patience): (Instant, Duration, Duration),
        kind: u8,
        more: &[(u8, Vec<u8>)],
        wanted: impl Fn(&Reply) -> bool,
    ) -> Result<Reply> {
        let mut buffer = [0; 2048];
        while begun.elapsed() < patience {
            let seconds = u16::try_from(begun.elapsed().as_secs()).unwrap_or(u16::MAX);
            let message = message(card, xid, seconds, kind, more);
            self.socket
                .send_to(&message, SocketAddrV4::new(Ipv4Addr::BROADCAST, 67))
                .context("cannot send")?;
            let until = Instant::now() + pause;
            while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            {
                self.socket.set_read_timeout(Some(left))?;
                let Ok((length, _)) = self.socket.recv_from(&mut buffer) else { break };
                if let Some(reply) = parse(&buffer[..length], xid, card.mac).filter(&wanted) {
                    return Ok(reply);
                }
            }
        }
        bail!("no answer to message {kind} within {} s", patience.as_secs())
    }
}

pub(crate) fn message(card: &Card, xid: u32, seconds: u16, kind: u8, more: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![1, 1, 6, 0];
    bytes.extend(xid.to_be_bytes());
    bytes.extend(seconds.to_be_bytes());
    // To everybody: this machine has one card and plays many.
    bytes.extend([0x80, 0]);
    bytes.extend([0; 16]);
    bytes.extend(card.mac);
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99, 53, 1, kind]);
    bytes.extend([55, 9, 1, 3, 43, 60, 66, 67, 128, 129, 130]);
    for (code, value) in card.options.iter().chain(more) {
        bytes.push(*code);
        bytes.push(u8::try_from(value.len()).unwrap_or_default());
        bytes.extend(value);
    }
    bytes.push(255);
    bytes.resize(bytes.len().max(300), 0);
    bytes
}

pub(crate) fn parse(bytes: &[u8], xid: u32, mac: [u8; 6]) -> Option<Reply> {
    let ours = bytes.first() == Some(&2)
        && bytes.get(4..8)? == xid.to_be_bytes()
        && bytes.get(28..34)? == mac
        && bytes.get(236..240)? == [99, 130, 83, 99];
    if !ours {
        return None;
    }
    let address = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
    let mut options: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    let mut rest = &bytes[240..];
    while let [code, tail @ ..] = rest {
        match code {
            0 => rest = tail,
            255 => break,
            _ => {
                let (length, tail) = tail.split_first()?;
                let (value, after) = tail.split_at_checked(usize::from(*length))?;
                options.entry(*code).or_default().extend(value);
                rest = after;
            }
        }
    }
    let file = bytes[108..236].split(|byte| *byte == 0).next().unwrap_or_default();
    Some(Reply {
        kind: *options.get(&53)?.first()?,
        address: address(16),
        next_server: address(20),
        file: String::from_utf8_lossy(file).into_owned(),
        options,
    })
}
