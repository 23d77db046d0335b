//! Offers that wait until it is known that nobody uses their address.

use std::net::Ipv4Addr;
use std::time::Duration;

use appliance_types::MacAddress;
use netboot_protocol::frame::Arp;

use super::intake::Arrived;
use super::wire::Outgoing;

/// More machines than wait for their first address at once anywhere.
const MOST: usize = 1024;

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

    /// Whether there is no room: a flood of invented clients must not fill memory with offers.
    pub(super) fn is_full(&self) -> bool {
        self.parked.len() >= MOST
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

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_protocol::dhcp::{Destination, Hardware, Packet, Request, ServerPort};

    const MAC: MacAddress = MacAddress::from_bytes([2, 0, 0, 0, 0, 1]);
    const OTHER: MacAddress = MacAddress::from_bytes([2, 0, 0, 0, 0, 2]);

    fn outgoing(word: u8) -> Outgoing {
        Outgoing {
            wire: 0,
            port: ServerPort::Dhcp,
            to: Destination::Everybody,
            mac: Some(MAC),
            bytes: vec![word],
        }
    }

    fn asked() -> Arrived {
        let mut packet = Packet::request(Hardware::ethernet(MAC), 7);
        packet.options.push(53, &[1]);
        Arrived {
            wire: 0,
            door: crate::dhcp::wire::Door { port: ServerPort::Dhcp, to_us: false },
            source: "0.0.0.0:68".parse().unwrap(),
            request: Request::from_packet(packet).unwrap(),
        }
    }

    fn parked(address: [u8; 4], due: u64) -> Parked {
        let (address, due) = (address.into(), Duration::from_secs(due));
        Parked { due, address, mac: Some(MAC), reply: outgoing(1), asked: asked() }
    }

    #[test]
    fn r4_1_08_an_offer_waits_and_a_second_question_does_not_make_it_wait_longer() {
        let mut parking = Parking::default();
        parking.park(parked([10, 0, 0, 7], 5));
        assert!(parking.replace([10, 0, 0, 7].into(), outgoing(2), asked()).is_none());
        assert!(
            parking.replace([10, 0, 0, 8].into(), outgoing(3), asked()).is_some(),
            "not parked: said at once"
        );
        assert_eq!(parking.next_due(), Some(Duration::from_secs(5)));
        assert!(parking.due(Duration::from_secs(4)).is_empty());
        let due = parking.due(Duration::from_secs(5));
        assert_eq!(
            (due.len(), due[0].reply.bytes.as_slice()),
            (1, &[2][..]),
            "the answer to the last question"
        );
    }

    #[test]
    fn r4_1_08_who_answers_for_an_address_takes_the_offer_out() {
        let mut parking = Parking::default();
        parking.park(parked([10, 0, 0, 7], 5));
        parking.park(parked([10, 0, 0, 8], 5));
        let address: Ipv4Addr = [10, 0, 0, 8].into();
        let claim =
            |mac| Arp { is_request: false, sender_mac: mac, sender: address, ..Arp::probe(OTHER, address) };
        assert!(parking.refuted_by(&claim(MAC), 0).is_none(), "the client itself");
        assert!(parking.refuted_by(&claim(OTHER), 1).is_none(), "another wire");
        assert_eq!(parking.refuted_by(&claim(OTHER), 0).unwrap().address, address);
        assert_eq!(parking.due(Duration::from_secs(9)).len(), 1);
    }

    #[test]
    fn a_flood_is_not_parked() {
        let mut parking = Parking::default();
        for number in 0..1024 {
            assert!(!parking.is_full(), "{number}");
            parking.park(parked([10, 0, 0, 7], 5));
        }
        assert!(parking.is_full());
    }
}
