//! The last packets of each device, within bounds.

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;

use appliance_types::MacAddress;

use super::record::{Direction, Record, Transport};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLimits {
    /// Packets of one device.
    pub packets: usize,
    /// Devices; the one that was silent for the longest makes room.
    pub devices: usize,
    /// Bytes of all packets of all devices.
    pub bytes: usize,
    /// Bytes kept of one packet. A DHCP packet is kept whole.
    pub snap: usize,
}

impl Default for RingLimits {
    fn default() -> RingLimits {
        RingLimits { packets: 300, devices: 2000, bytes: 3 << 20, snap: 700 }
    }
}

/// The packets.
#[derive(Debug)]
pub struct Ring {
    limits: RingLimits,
    devices: HashMap<Device, VecDeque<Record>>,
    /// Who got which address from us.
    names: HashMap<Ipv4Addr, MacAddress>,
    bytes: usize,
}

/// A device without a known card is its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Device {
    Card(MacAddress),
    Address(Ipv4Addr),
}

impl Ring {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(limits: RingLimits) -> Ring {
        Ring { limits, devices: HashMap::new(), names: HashMap::new(), bytes: 0 }
    }

    /// Remembers a packet, and forgets what is too much for that.
    pub fn push(&mut self, mut record: Record) {
        self.learn(&record);
        record.mac = record.mac.or_else(|| self.names.get(record.remote.ip()).copied());
        record.bytes.truncate(self.limits.snap);
        record.bytes.shrink_to_fit();
        let device = match record.mac {
            Some(mac) => Device::Card(mac),
            None => Device::Address(*record.remote.ip()),
        };
        if !self.devices.contains_key(&device) && self.devices.len() >= self.limits.devices {
            self.forget_one();
        }
        self.bytes += cost(&record);
        let packets = self.devices.entry(device).or_default();
        packets.push_back(record);
        if packets.len() > self.limits.packets
            && let Some(oldest) = packets.pop_front()
        {
            self.bytes -= cost(&oldest);
        }
        while self.bytes > self.limits.bytes && self.forget_one() {}
    }

    /// What is remembered of the device with this card, oldest first.
    #[must_use]
    pub fn of(&self, mac: MacAddress) -> Vec<Record> {
        let mut records: Vec<Record> =
            self.devices.get(&Device::Card(mac)).into_iter().flatten().cloned().collect();
        // Before its first lease it had only an address that somebody else may have given it.
        let addresses = self.names.iter().filter(|(_, name)| **name == mac).map(|(address, _)| *address);
        for address in addresses {
            records.extend(self.devices.get(&Device::Address(address)).into_iter().flatten().cloned());
        }
        records.sort_by_key(|record| record.at);
        records
    }

    /// The cards that something is remembered of.
    pub fn cards(&self) -> impl Iterator<Item = MacAddress> {
        self.devices.keys().filter_map(|device| match device {
            Device::Card(mac) => Some(*mac),
            Device::Address(_) => None,
        })
    }

    /// A DHCP reply of ours says who will be at an address.
    fn learn(&mut self, record: &Record) {
        let is_reply = record.direction == Direction::Sent && record.transport == Transport::Udp;
        let Some(mac) = record.mac.filter(|_| is_reply) else { return };
        if let (Some(2), Some(&[a, b, c, d])) = (record.bytes.first(), record.bytes.get(16..20))
            && [a, b, c, d] != [0; 4]
        {
            if self.names.len() >= self.limits.devices * 4 {
                self.names.clear();
            }
            self.names.insert(Ipv4Addr::new(a, b, c, d), mac);
        }
    }

    fn forget_one(&mut self) -> bool {
        let last = |packets: &VecDeque<Record>| packets.back().map(|record| record.at);
        let quietest =
            self.devices.iter().min_by_key(|(_, packets)| last(packets)).map(|(device, _)| *device);
        let Some(packets) = quietest.and_then(|device| self.devices.remove(&device)) else { return false };
        self.bytes -= packets.iter().map(cost).sum::<usize>();
        true
    }
}

fn cost(record: &Record) -> usize {
    size_of::<Record>() + record.bytes.len()
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
