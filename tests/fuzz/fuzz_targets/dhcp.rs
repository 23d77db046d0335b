//! Datagrams of any bytes to the DHCP server's ports, one after the other, with the leases that they make: no panic, no reply longer
//! than what fits into a frame, and what is written is read back.
//!
//! The input is cut into datagrams: two bytes of length, one that says where it came in, then the datagram.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use netboot_protocol::dhcp::{
    Action, Arrival, LeaseTable, Packet, PxeMemory, Request, ServerPort, Situation, decide,
};
use netboot_protocol::policy::{Policy, PolicyFile};

const POLICY: &str = r#"
[state]
dir = "/state"
[interfaces.eth1]
address = "10.0.0.1/24"
[interfaces.eth2]
address = "10.1.0.1/24"
dhcp = "proxy"
[[subnet]]
network = "10.0.0.0/24"
pools = ["10.0.0.100-10.0.0.103"]
routers = ["10.0.0.1"]
domain = "lan"
[[reservation]]
mac = "02:00:00:00:00:99"
address = "10.0.0.9"
hostname = "printer"
[boot]
root = "/files"
[[boot.rule]]
name = "all"
class = ["raspberry-pi", "pxe", "http-boot", "ipxe", "u-boot"]
tree = "all"
file = "boot.efi"
"#;

fuzz_target!(|bytes: &[u8]| {
    let policy = Policy::new(toml::from_str::<PolicyFile>(POLICY).unwrap()).unwrap();
    let interfaces: Vec<_> = policy.interfaces().map(|(_, interface)| interface).collect();
    let mut leases = LeaseTable::new(&policy);
    let memory = PxeMemory::default();
    let mut now = Duration::from_secs(1000);
    let mut rest = bytes;
    while let [high, low, place, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (datagram, after) = tail.split_at(length);
        rest = after;
        now += Duration::from_secs(u64::from(*place) * 100);
        leases.expire(now);
        let Ok(request) = Request::parse(datagram) else { continue };
        let arrival = Arrival {
            interface: interfaces[usize::from(place & 1)],
            card: None,
            port: if place & 2 == 0 { ServerPort::Dhcp } else { ServerPort::Pxe },
            to_us: place & 4 != 0,
            source: "10.0.0.50:68".parse().unwrap(),
        };
        let situation = Situation { policy: &policy, published: None, leases: &leases, memory: &memory, now };
        let decision = decide(&situation, &arrival, &request);
        if let Some(change) = decision.change {
            leases.apply(change, now);
        }
        if let Action::Reply(reply) = decision.action {
            let written = reply.packet.encode(reply.room);
            assert!((300..=1472).contains(&written.len()) || request.relay.is_some(), "{}", written.len());
            let read = Packet::decode(&written).expect("what is written is a packet");
            assert_eq!((read.xid, read.yiaddr), (request.packet.xid, reply.packet.yiaddr));
        }
    }
});
