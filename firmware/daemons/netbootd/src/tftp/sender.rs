//! Puts blocks on the wire: a window is one read and one system call, whatever its size.

use std::io::IoSlice;
use std::net::SocketAddrV4;

use netboot_protocol::tftp::Blocks;
use rustix::fd::AsFd;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, addr::SocketAddrArg as _};

use super::session::Session;

/// A window is never more (`options.rs`).
const MOST_BYTES: usize = 64 << 10;
const MOST_BLOCKS: usize = 64;

/// The buffer that all transfers share. Nothing of it is needed once the kernel has it.
pub(super) struct Sender {
    content: Box<[u8]>,
}

impl Sender {
    pub(super) fn new() -> Sender {
        Sender { content: vec![0; MOST_BYTES].into_boxed_slice() }
    }

    /// One packet. A full socket buffer is a lost packet.
    pub(super) fn packet(&self, socket: impl AsFd, client: SocketAddrV4, bytes: &[u8]) {
        if let Err(error) = rustix::net::sendto(socket, bytes, SendFlags::DONTWAIT, &client) {
            log::debug!("TFTP to {client}: {error}");
        }
    }

    pub(super) fn blocks(&mut self, session: &mut Session, blocks: Blocks) -> std::io::Result<()> {
        let transfer = &session.transfer;
        let count = usize::from(blocks.count).min(MOST_BLOCKS);
        let (offset, first_length) = transfer.range(blocks.first);
        if count == 1 {
            let packet = &mut self.content[..first_length + 4];
            packet[..4].copy_from_slice(&transfer.header(blocks.first));
            session.content.read(&mut packet[4..], offset)?;
            self.packet(&session.socket, session.client, &self.content[..first_length + 4]);
            return Ok(());
        }
        let last = blocks.first + count as u64 - 1;
        let (last_offset, last_length) = transfer.range(last);
        let length = usize::try_from(last_offset - offset).unwrap_or(0) + last_length;
        let content = &mut self.content[..length];
        session.content.read(content, offset)?;

        let mut headers = [[0; 4]; MOST_BLOCKS];
        let mut slices = [IoSlice::new(&[]); 2 * MOST_BLOCKS];
        for (number, header) in (blocks.first..).zip(headers.iter_mut()).take(count) {
            *header = transfer.header(number);
        }
        let block = usize::from(transfer.blksize());
        for (at, header) in headers.iter().enumerate().take(count) {
            let end = ((at + 1) * block).min(length);
            slices[2 * at] = IoSlice::new(header);
            slices[2 * at + 1] = IoSlice::new(&content[at * block..end]);
        }
        let slices = &slices[..2 * count];
        if session.segments && send_segments(session, slices) {
            return Ok(());
        }
        // The kernel or the network card cannot cut for us; not worth trying again in this transfer.
        session.segments = false;
        send_one_by_one(session, slices);
        Ok(())
    }
}

/// All as one datagram that the kernel cuts: each piece is a whole block, since its size is what the socket was told.
fn send_segments(session: &Session, slices: &[IoSlice<'_>]) -> bool {
    let mut nothing = SendAncillaryBuffer::default();
    let sent = rustix::net::sendmsg_addr(
        &session.socket,
        &session.client,
        slices,
        &mut nothing,
        SendFlags::DONTWAIT,
    );
    // A full buffer is a lost window; anything else says that it cannot be done this way.
    matches!(sent, Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::NOBUFS))
}

fn send_one_by_one(session: &Session, slices: &[IoSlice<'_>]) {
    let address: SocketAddrAny = session.client.as_any();
    let mut nothing: Vec<SendAncillaryBuffer<'_, '_, '_>> =
        slices.chunks(2).map(|_| SendAncillaryBuffer::default()).collect();
    let mut messages: Vec<MMsgHdr<'_>> = slices
        .chunks(2)
        .zip(&mut nothing)
        .map(|(block, control)| MMsgHdr::new_with_addr(&address, block, control))
        .collect();
    let mut rest = messages.as_mut_slice();
    while !rest.is_empty() {
        match rustix::net::sendmmsg(&session.socket, rest, SendFlags::DONTWAIT) {
            Ok(sent) if sent > 0 => rest = &mut rest[sent..],
            Ok(_) => break,
            Err(error) => {
                log::debug!("TFTP to {}: {error}", session.client);
                break;
            }
        }
    }
}
