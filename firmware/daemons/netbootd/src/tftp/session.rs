//! One transfer and its socket.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use netboot_protocol::tftp::{Action, Blocks, Transfer};
use socket2::Socket;

use crate::boot_root::BootFile;
use crate::trace::{Direction, Trace};

use super::sender::Sender;

/// One transfer.
pub(super) struct Session {
    pub(super) socket: Socket,
    pub(super) local: SocketAddrV4,
    pub(super) client: SocketAddrV4,
    pub(super) transfer: Transfer,
    pub(super) content: Content,
    /// What was asked for, to tell a repeated request from a new one.
    pub(super) request: Box<[u8]>,
    pub(super) begun: Duration,
    /// Whether it still counts as one whose client may be forged.
    pub(super) counted: bool,
    /// Whether its socket cuts batches into packets itself.
    pub(super) segments: bool,
    /// The nearest time at which the loop looks at it.
    pub(super) entry: Option<Duration>,
}

/// Where the bytes come from.
pub(super) enum Content {
    /// A file, read when its blocks are due.
    File(Arc<BootFile>),
    /// A short text, encoded.
    Text(Box<[u8]>),
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        match self {
            Content::File(file) => file.size(),
            Content::Text(text) => text.len() as u64,
        }
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        match self {
            Content::File(file) => file.read_exact_at(buffer, offset),
            Content::Text(text) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let part = text.get(from..).and_then(|rest| rest.get(..buffer.len()));
                buffer.copy_from_slice(part.ok_or(std::io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

impl Session {
    /// Does what the transfer wants. What cannot be sent now is sent again by the clock, as if it had been lost on the wire;
    /// only a file that cannot be read is an error.
    pub(super) fn act(&mut self, action: &Action, sender: &mut Sender, trace: &Trace) -> std::io::Result<()> {
        match action {
            Action::Wait | Action::End(_) => Ok(()),
            Action::OfferOptions => {
                let bytes = self.transfer.option_ack().unwrap_or_default();
                trace.udp(Direction::Sent, self.local, self.client, bytes, bytes.len());
                sender.packet(&self.socket, self.client, bytes);
                Ok(())
            }
            Action::Send(blocks) => {
                self.note(*blocks, trace);
                sender.blocks(self, *blocks)
            }
        }
    }

    /// The first block, the last, and what is sent again, are worth remembering; the thousands between are not.
    fn note(&self, blocks: Blocks, trace: &Trace) {
        let end = blocks.first + u64::from(blocks.count) - 1;
        let (last_of_file, last_length) = self.transfer.range(end);
        let ends = last_of_file + last_length as u64 == self.transfer.size()
            && last_length < usize::from(self.transfer.blksize());
        for block in [(blocks.first == 1 || blocks.again).then_some(blocks.first), ends.then_some(end)] {
            let Some(block) = block else { continue };
            let (_, length) = self.transfer.range(block);
            trace.udp(Direction::Sent, self.local, self.client, &self.transfer.header(block), length + 4);
        }
    }
}
