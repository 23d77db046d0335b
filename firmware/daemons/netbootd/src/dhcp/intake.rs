//! What has come in and waits to be decided.
//!
//! When more comes than can be decided, requests go first: a client that requests has been offered something, and the work for
//! that would be lost. Of discoveries the oldest are dropped; who sent them asks again.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use netboot_protocol::dhcp::{MessageType, Request};

use super::wire::Door;

/// About a tenth of a second of work.
const MOST_DISCOVERIES: usize = 512;
/// A storm of requests is a storm of clients that were answered: more than this does not come together.
const MOST_REQUESTS: usize = 4096;

/// A request, and where it came in.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    /// The place of its wire in the list of them.
    pub(super) wire: usize,
    pub(super) door: Door,
    pub(super) source: SocketAddrV4,
    pub(super) request: Request,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Intake {
    requests: VecDeque<Arrived>,
    discoveries: VecDeque<Arrived>,
    dropped: u64,
}

impl Intake {
    /// Takes one in.
    pub(super) fn push(&mut self, arrived: Arrived) {
        let (queue, most) = match arrived.request.kind {
            MessageType::Discover => (&mut self.discoveries, MOST_DISCOVERIES),
            _ => (&mut self.requests, MOST_REQUESTS),
        };
        if queue.len() >= most {
            queue.pop_front();
            self.dropped += 1;
        }
        queue.push_back(arrived);
    }

    /// The next one to decide.
    pub(super) fn pop(&mut self) -> Option<Arrived> {
        self.requests.pop_front().or_else(|| self.discoveries.pop_front())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.discoveries.is_empty()
    }

    /// How many were dropped since the last time this was asked.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use appliance_types::MacAddress;
    use netboot_protocol::dhcp::{Hardware, Packet, ServerPort};

    fn arrived(kind: u8, xid: u32) -> Arrived {
        let card = Hardware::ethernet(MacAddress::from_bytes([2, 0, 0, 0, 0, 1]));
        let mut packet = Packet::request(card, xid);
        packet.options.push(53, &[kind]);
        Arrived {
            wire: 0,
            door: Door { port: ServerPort::Dhcp, to_us: false },
            source: "0.0.0.0:68".parse().unwrap(),
            request: Request::from_packet(packet).unwrap(),
        }
    }

    #[test]
    fn requests_go_first_and_the_oldest_discoveries_are_dropped() {
        let mut intake = Intake::default();
        for xid in 0..600 {
            intake.push(arrived(1, xid));
        }
        intake.push(arrived(3, 7777));
        assert_eq!(intake.pop().unwrap().request.packet.xid, 7777);
        assert_eq!(intake.pop().unwrap().request.packet.xid, 88, "600 came, 512 wait");
        assert_eq!((intake.take_dropped(), intake.take_dropped()), (88, 0));
        while intake.pop().is_some() {}
        assert!(intake.is_empty());
    }
}
