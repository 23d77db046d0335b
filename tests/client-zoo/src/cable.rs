//! A machine at the other end of an emulated network cable: each Ethernet frame is a datagram, as QEMU's `dgram` network backend
//! sends and takes them. Enough of it to ask for an address, and then whatever is asked by one UDP packet.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::dhcp::{ACK, Card, DISCOVER, OFFER, REQUEST, Reply, message, parse};

const EVERYBODY: [u8; 6] = [0xff; 6];

/// EtherTypes.
const IPV4: [u8; 2] = [8, 0];
const ARP: [u8; 2] = [8, 6];

/// Our port when we ask.
const ASKING: u16 = 40_000;

/// The cable's end.
pub struct Cable {
    socket: UdpSocket,
    /// Where the other end's emulator listens.
    other: SocketAddrV4,
}

impl Cable {
    /// A cable, and what stands behind `-netdev` for the machine at its other end.
    ///
    /// # Errors
    /// There are no free ports.
    pub fn new() -> Result<(Cable, String)> {
        let free = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot lay a cable");
        let port = |socket: &UdpSocket| socket.local_addr().map(|address| address.port());
        let socket = free()?;
        // Free now; the emulator takes it in a moment.
        let other = port(&free()?)?;
        let backend = format!(
            "dgram,local.type=inet,local.host=127.0.0.1,local.port={other},remote.type=inet,remote.host=127.0.0.1,remote.port={}",
            port(&socket)?
        );
        Ok((Cable { socket, other: SocketAddrV4::new(Ipv4Addr::LOCALHOST, other) }, backend))
    }

    /// The card's whole exchange with whatever server is at the other end: asks every second until it has an address.
    ///
    /// # Errors
    /// None within `patience`, or a refusal.
    pub fn lease(&self, card: &Card, patience: Duration) -> Result<Reply> {
        let end = Instant::now() + patience;
        let xid = u32::from_be_bytes([card.mac[2], card.mac[3], card.mac[4], card.mac[5]]);
        let offer = self.exchange(card, xid, DISCOVER, &[], OFFER, end)?;
        let server = offer.options.get(&54).cloned().unwrap_or_default();
        let chosen = [(50, offer.address.octets().to_vec()), (54, server)];
        self.exchange(card, xid, REQUEST, &chosen, ACK, end)
    }

    /// Sends `question` to UDP port `port` of `to`, every second until there is an answer, which is returned. We are `card` and have
    /// `own`; whoever asks for its hardware address is told.
    ///
    /// # Errors
    /// No answer within `patience`.
    pub fn ask(
        &self,
        (card, own): (&Card, Ipv4Addr),
        (to, port): (Ipv4Addr, u16),
        question: &[u8],
        patience: Duration,
    ) -> Result<Vec<u8>> {
        let end = Instant::now() + patience;
        let mut buffer = [0; 2048];
        let mut their_mac = None;
        while Instant::now() < end {
            let frame = match their_mac {
                None => arp(card.mac, EVERYBODY, 1, own, ([0; 6], to)),
                Some(mac) => udp(card.mac, mac, (own, ASKING), (to, port), question),
            };
            let _lost = self.socket.send_to(&frame, self.other);
            let again = Instant::now() + Duration::from_secs(1);
            while let Some(left) = again.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            {
                self.socket.set_read_timeout(Some(left))?;
                let Ok(length) = self.socket.recv(&mut buffer) else { break };
                let frame = &buffer[..length];
                if let Some((operation, mac, address, target)) = arp_in(frame) {
                    if operation == 1 && target == own {
                        let answer = arp(card.mac, mac, 2, own, (mac, address));
                        let _lost = self.socket.send_to(&answer, self.other);
                    } else if operation == 2 && address == to && their_mac.replace(mac).is_none() {
                        break;
                    }
                } else if let Some(answer) = udp_in(frame, card.mac, ASKING) {
                    return Ok(answer.to_vec());
                }
            }
        }
        match their_mac {
            None => bail!("{to} did not tell its hardware address in time"),
            Some(_) => bail!("no answer from port {port} of {to} in time"),
        }
    }

    fn exchange(
        &self,
        card: &Card,
        xid: u32,
        kind: u8,
        more: &[(u8, Vec<u8>)],
        wanted: u8,
        end: Instant,
    ) -> Result<Reply> {
        let mut buffer = [0; 2048];
        while Instant::now() < end {
            let frame = broadcast(card.mac, &message(card, xid, 0, kind, more));
            // Nobody listens yet: the machine is switched off.
            let _lost = self.socket.send_to(&frame, self.other);
            let again = Instant::now() + Duration::from_secs(1);
            while let Some(left) = again.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            {
                self.socket.set_read_timeout(Some(left))?;
                let Ok(length) = self.socket.recv(&mut buffer) else { break };
                let reply =
                    dhcp_in(&buffer[..length], card.mac).and_then(|bytes| parse(bytes, xid, card.mac));
                match reply {
                    Some(reply) if reply.kind == wanted => return Ok(reply),
                    Some(reply) if reply.kind != OFFER && reply.kind != ACK => {
                        bail!("the server refused message {kind}")
                    }
                    _ => {}
                }
            }
        }
        bail!("no answer to message {kind} in time")
    }
}

/// An Ethernet frame to everybody, from port 68 of a machine without an address to port 67.
fn broadcast(from: [u8; 6], payload: &[u8]) -> Vec<u8> {
    udp(from, EVERYBODY, (Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), payload)
}

fn udp(
    from_mac: [u8; 6],
    to_mac: [u8; 6],
    (from, from_port): (Ipv4Addr, u16),
    (to, to_port): (Ipv4Addr, u16),
    payload: &[u8],
) -> Vec<u8> {
    let udp_length = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX);
    let mut ip = vec![0x45, 0];
    ip.extend((udp_length + 20).to_be_bytes());
    ip.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    ip.extend(from.octets());
    ip.extend(to.octets());
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    ip[10..12].copy_from_slice(&(!u16::try_from(folded).unwrap_or_default()).to_be_bytes());
    let mut frame = [&to_mac[..], &from_mac, &IPV4].concat();
    frame.extend(ip);
    frame.extend(from_port.to_be_bytes());
    frame.extend(to_port.to_be_bytes());
    frame.extend(udp_length.to_be_bytes());
    // No checksum: RFC 768 allows that.
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// RFC 826: operation 1 asks for the hardware address of `to`, 2 answers.
fn arp(
    from_mac: [u8; 6],
    frame_to: [u8; 6],
    operation: u8,
    from: Ipv4Addr,
    (to_mac, to): ([u8; 6], Ipv4Addr),
) -> Vec<u8> {
    let mut frame = [&frame_to[..], &from_mac, &ARP, &[0, 1], &IPV4, &[6, 4, 0, operation]].concat();
    frame.extend(from_mac);
    frame.extend(from.octets());
    frame.extend(to_mac);
    frame.extend(to.octets());
    frame
}

/// Operation, sender's addresses and the address it is about.
fn arp_in(frame: &[u8]) -> Option<(u8, [u8; 6], Ipv4Addr, Ipv4Addr)> {
    let packet = frame.strip_prefix(frame.get(..12)?)?.strip_prefix(&ARP)?.get(..28)?;
    let address = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(at..at + 4)?).ok()?));
    Some((packet[7], packet[8..14].try_into().ok()?, address(14)?, address(24)?))
}

/// The DHCP packet in a frame, when it is one to port 68 of this card or of everybody.
fn dhcp_in(frame: &[u8], mac: [u8; 6]) -> Option<&[u8]> {
    udp_in(frame, mac, 68)
}

/// What a frame brings to this port of this card or of everybody.
fn udp_in(frame: &[u8], mac: [u8; 6], port: u16) -> Option<&[u8]> {
    let (ethernet, ip) = frame.split_at_checked(14)?;
    let is_for_us = ethernet[..6] == mac || ethernet[..6] == EVERYBODY;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let is_udp = ethernet[12..] == IPV4 && ip.get(9) == Some(&17);
    let (udp, payload) = ip.get(header..)?.split_at_checked(8)?;
    (is_for_us && is_udp && udp[2..4] == port.to_be_bytes()).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_sent_holds_what_a_server_reads() {
        let mac = [2, 0, 0, 0, 0, 1];
        let frame = broadcast(mac, b"payload");
        assert_eq!(frame.len(), 14 + 20 + 8 + 7);
        let sum: u32 = frame[14..34].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        // The same to port 68 is what we read.
        let mut reply = frame;
        reply[36..38].copy_from_slice(&[0, 68]);
        assert_eq!(dhcp_in(&reply, mac), Some(&b"payload"[..]));
        reply[0] = 9;
        assert_eq!(dhcp_in(&reply, mac), None);
    }

    #[test]
    fn a_question_for_a_hardware_address_is_understood() {
        let (mac, own, to) = ([2, 0, 0, 0, 0, 1], Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(arp_in(&arp(mac, EVERYBODY, 1, own, ([0; 6], to))), Some((1, mac, own, to)));
        assert_eq!(arp_in(&broadcast(mac, b"payload")), None);
        let answer = udp(mac, mac, (to, 53), (own, ASKING), b"answer");
        assert_eq!(udp_in(&answer, mac, ASKING), Some(&b"answer"[..]));
        assert_eq!(udp_in(&answer, mac, ASKING + 1), None);
    }
}
