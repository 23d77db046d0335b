//! A machine at the other end of an emulated network cable: each Ethernet frame is a datagram, as QEMU's `dgram` network backend
//! sends and takes them. Enough of it to ask for an address.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::dhcp::{ACK, Card, DISCOVER, OFFER, REQUEST, Reply, message, parse};

const EVERYBODY: [u8; 6] = [0xff; 6];

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
    let udp_length = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX);
    let mut ip = vec![0x45, 0];
    ip.extend((udp_length + 20).to_be_bytes());
    ip.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    ip.extend([0, 0, 0, 0, 255, 255, 255, 255]);
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    ip[10..12].copy_from_slice(&(!u16::try_from(folded).unwrap_or_default()).to_be_bytes());
    let mut frame = [&EVERYBODY[..], &from, &[8, 0]].concat();
    frame.extend(ip);
    frame.extend([0, 68, 0, 67]);
    frame.extend(udp_length.to_be_bytes());
    // No checksum: RFC 768 allows that.
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// The DHCP packet in a frame, when it is one to port 68 of this card or of everybody.
fn dhcp_in(frame: &[u8], mac: [u8; 6]) -> Option<&[u8]> {
    let (ethernet, ip) = frame.split_at_checked(14)?;
    let is_for_us = ethernet[..6] == mac || ethernet[..6] == EVERYBODY;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let is_udp = ethernet[12..] == [8, 0] && ip.get(9) == Some(&17);
    let (udp, payload) = ip.get(header..)?.split_at_checked(8)?;
    (is_for_us && is_udp && udp[2..4] == [0, 68]).then_some(payload)
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
}
