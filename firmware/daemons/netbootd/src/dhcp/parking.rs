//! Offers that wait until it is known that nobody uses their address.

use std::net::Ipv4Addr;
use std::time::Duration;

use appliance_types::MacAddress;
use netboot_protocol::frame::Arp;

use super::intake::Arrived;
use super::wire::Outgoing;

/// An offer that waits.
#[derive(Debug)]
pub(super) struct Parked {
    /// It is sent then.
    pub(super) due: Duration,
    pub(super) address: Ipv4Addr,
    /// Who is to have it.
    pub(super) mac: Option<MacAddress>,
    pub(super) reply: Outgoing,
    /// What it answers: it is decided again when the address turns out to be taken.
    pub(super) asked: Arrived,
}

/// All that wait, in the order they are due: all wait equally long.
#[derive(Debug, Default)]
pub(super) struct Parking {
    parked: Vec<Parked>,
}

impl Parking {
    /// Parks an offer.
    pub(super) fn park(&mut self, offer: Parked) {
        self.parked.push(offer);
    }

    /// A client asks again while its offer waits: the answer waits in the place of the first one, and no longer than that. Gives
    /// the answer back when none waits for that address.
    pub(super) fn replace(&mut self, address: Ipv4Addr, reply: Outgoing, asked: Arrived) -> Option<Outgoing> {
        match self.parked.iter_mut().find(|parked| parked.address == address) {
            Some(parked) => {
                (parked.reply, parked.asked) = (reply, asked);
                None
            }
            None => Some(reply),
        }
    }

    /// The offers whose address this shows to be taken, taken out.
    pub(super) fn refuted_by(&mut self, arp: &Arp, wire: usize) -> Option<Parked> {
        let position = self
            .parked
            .iter()
            .position(|parked| parked.reply.wire == wire && arp.claims(parked.address, parked.mac))?;
        Some(self.parked.remove(position))
    }

    /// The offers whose time has come, taken out.
    pub(super) fn due(&mut self, now: Duration) -> Vec<Parked> {
        let ready = self.parked.iter().take_while(|parked| parked.due <= now).count();
        self.parked.drain(..ready).collect()
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.parked.first().map(|parked| parked.due)
    }
}
