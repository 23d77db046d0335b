//! A server with a policy, leases and a clock, for tests.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use appliance_types::MacAddress;

use super::*;
use crate::dhcp::{Hardware, Options, code};
use crate::policy::PolicyFile;

pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(super) const PXE_BIOS: &[u8] = b"PXEClient:Arch:00000:UNDI:002001";
pub(super) const PXE_X64: &[u8] = b"PXEClient:Arch:00007:UNDI:003016";

/// Two wires, one network behind a relay.
pub(super) const POLICY: &str = r#"
    [state]
    dir = "/state"
    [interfaces.eth1]
    address = "10.0.0.1/24"
    [interfaces.eth2]
    address = "10.1.0.1/24"
    [[subnet]]
    network = "10.0.0.0/24"
    pools = ["10.0.0.100-10.0.0.109"]
    routers = ["10.0.0.1"]
    dns = ["10.0.0.1"]
    ntp = ["10.0.0.1"]
    domain = "lan"
    search = ["lan", "example.lan"]
    [[subnet]]
    network = "10.1.0.0/24"
    pools = ["10.1.0.100-10.1.0.109"]
    [[subnet]]
    network = "10.9.0.0/24"
    pools = ["10.9.0.100-10.9.0.109"]
    routers = ["10.9.0.1"]
    [[reservation]]
    mac = "02:00:00:00:00:99"
    address = "10.0.0.9"
    hostname = "printer"
    [[reservation]]
    client_id = "01aabb"
    address = "10.0.0.105"
    [boot]
    root = "/files"
    [[boot.rule]]
    name = "pi"
    class = ["raspberry-pi"]
    tree = "pi"
    [[boot.rule]]
    name = "pc"
    class = ["pxe"]
    architecture = ["bios", "uefi-x64"]
    tree = "pc"
    file = "ipxe.efi"
    pxelinux_config = "default.cfg"
    pxelinux_prefix = "linux/"
    [[boot.rule]]
    name = "direct"
    class = ["pxe"]
    architecture = ["uefi-arm64"]
    tree = "pc"
    file = "arm64.efi"
    pxe = "direct"
    [[boot.rule]]
    name = "script"
    class = ["ipxe"]
    tree = "pc"
    file = "boot this.ipxe"
    [[boot.rule]]
    name = "http"
    class = ["http-boot"]
    tree = "pc"
    file = "boot.efi"
    [[boot.rule]]
    name = "board"
    class = ["u-boot"]
    tree = "board"
    file = "boot.scr"
"#;

pub(super) struct Bench {
    pub(super) policy: Policy,
    pub(super) published: Option<BootPolicy>,
    pub(super) leases: LeaseTable,
    pub(super) memory: PxeMemory,
    pub(super) now: Duration,
    pub(super) interface: &'static str,
    pub(super) to_us: bool,
    pub(super) port: ServerPort,
    pub(super) source: SocketAddrV4,
    /// All that was to be kept.
    pub(super) kept: Vec<Lease>,
}

impl Bench {
    pub(super) fn new() -> Bench {
        Bench::with(POLICY)
    }

    pub(super) fn with(policy: &str) -> Bench {
        let file: PolicyFile = toml::from_str(policy).unwrap();
        let policy = Policy::new(file).unwrap_or_else(|problems| panic!("{problems:?}"));
        Bench {
            leases: LeaseTable::new(&policy),
            policy,
            published: None,
            memory: PxeMemory::default(),
            now: Duration::from_secs(1000),
            interface: "eth1",
            to_us: false,
            port: ServerPort::Dhcp,
            source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
            kept: Vec::new(),
        }
    }

    /// Decides, and does what the daemon does with the decision.
    pub(super) fn hear(&mut self, packet: &Packet) -> Decision {
        self.leases.expire(self.now);
        let request = Request::parse(&packet.encode(1472)).unwrap();
        let interface = self.policy.interfaces().find(|(name, _)| name.as_str() == self.interface).unwrap().1;
        let arrival = Arrival {
            interface,
            card: Some(MacAddress::from_bytes([2, 0xff, 0, 0, 0, 1])),
            port: self.port,
            to_us: self.to_us,
            source: self.source,
        };
        let situation = Situation {
            policy: &self.policy,
            published: self.published.as_ref(),
            leases: &self.leases,
            memory: &self.memory,
            now: self.now,
        };
        let decision = decide(&situation, &arrival, &request);
        if let Some(change) = &decision.change {
            self.kept.extend(self.leases.apply(change.clone(), self.now));
        }
        decision
    }

    pub(super) fn reply(&mut self, packet: &Packet) -> Reply {
        match self.hear(packet).action {
            Action::Reply(reply) => reply,
            Action::Silence(reason) => panic!("silence: {reason}"),
        }
    }

    pub(super) fn silence(&mut self, packet: &Packet) -> Silence {
        match self.hear(packet).action {
            Action::Silence(reason) => reason,
            Action::Reply(reply) => panic!("{reply:?}"),
        }
    }

    /// DISCOVER, OFFER, REQUEST, ACK; the address.
    pub(super) fn bind(&mut self, client: &Packet) -> Ipv4Addr {
        let offered = self.reply(&client.clone().kind(1)).packet.yiaddr;
        let ack =
            self.reply(&client.clone().kind(3).option(54, &SERVER.octets()).option(50, &offered.octets()));
        assert_eq!((ack.kind, ack.packet.yiaddr), (ReplyKind::Ack, offered));
        offered
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }
}

/// A client with this card, whose packets have no options yet.
pub(super) fn client(number: u8) -> Packet {
    Packet::request(Hardware::ethernet(MacAddress::from_bytes([2, 0, 0, 0, 0, number])), 7)
}

/// Ways to say what is special about a packet.
pub(super) trait Say {
    fn kind(self, number: u8) -> Packet;
    fn option(self, code: u8, value: &[u8]) -> Packet;
    fn from(self, ciaddr: [u8; 4]) -> Packet;
    fn through(self, giaddr: [u8; 4]) -> Packet;
}

impl Say for Packet {
    fn kind(mut self, number: u8) -> Packet {
        let mut options = Options::new();
        options.push(code::MESSAGE_TYPE, &[number]);
        self.options.iter().for_each(|(code, value)| options.push(code, value));
        self.options = options;
        self
    }

    fn option(mut self, code: u8, value: &[u8]) -> Packet {
        self.options.push(code, value);
        self
    }

    fn from(mut self, ciaddr: [u8; 4]) -> Packet {
        self.ciaddr = ciaddr.into();
        self
    }

    fn through(mut self, giaddr: [u8; 4]) -> Packet {
        self.giaddr = giaddr.into();
        self
    }
}
