//! What `netbootd --config FILE` reads: TOML, these tables. A program that renders such a file fills these types.
//!
//! ```toml
//! [state]
//! dir = "/data/netboot"                        # leases.db
//! leases_json = "/run/slipway/netboot/leases.json"
//! boot_policy = "/run/slipway/boot-policy.json"
//! control = "/run/slipway/netboot/control.sock"   # `slipway explain`
//!
//! [interfaces.eth1]
//! address = "172.20.30.1/24"                   # what netbootd answers from
//! dhcp = "server"                              # or "proxy", or "off"
//!
//! [[subnet]]
//! network = "172.20.30.0/24"
//! pools = ["172.20.30.100-172.20.30.200"]
//! routers = ["172.20.30.1"]
//! dns = ["172.20.30.1"]
//! ntp = ["172.20.30.1"]
//! domain = "lan"
//!
//! [[reservation]]
//! mac = "52:54:00:12:34:56"
//! address = "172.20.30.10"
//! hostname = "printer"
//!
//! [boot]
//! root = "/data/netboot/files"
//!
//! [[boot.rule]]
//! name = "pi"
//! class = ["raspberry-pi"]
//! tree = "pi"                                  # /data/netboot/files/pi
//!
//! [[boot.rule]]
//! name = "pc"
//! class = ["pxe", "http-boot"]
//! architecture = ["uefi-x64"]
//! tree = "pc"
//! file = "ipxe.efi"
//! ```
//!
//! Only `[interfaces]` and `[state]` must be there. Unknown keys are errors. [`super::Policy::new`] says what else is one.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;

use appliance_types::{DomainName, HostLabel, InterfaceName, InvalidWord, Ipv4Cidr, MacAddress};
use serde::{Deserialize, Serialize};

use crate::client::{Architecture, ClientClass};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Where state is kept and told.
    pub state: StateTable,
    /// Ports. The defaults are those of the protocols.
    #[serde(default)]
    pub listen: ListenTable,
    /// The interfaces that are served, and no others.
    pub interfaces: BTreeMap<InterfaceName, InterfaceTable>,
    /// How the DHCP server behaves.
    #[serde(default)]
    pub dhcp: DhcpTable,
    /// Subnets that addresses are given out in: those of the interfaces, and those behind relays.
    #[serde(default, rename = "subnet", skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<SubnetTable>,
    /// Addresses that belong to one client.
    #[serde(default, rename = "reservation", skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<ReservationTable>,
    /// What is booted.
    #[serde(default)]
    pub boot: BootTable,
}

/// `[state]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateTable {
    /// The folder of `leases.db`. It exists.
    pub dir: PathBuf,
    /// Where the leases in force are published, for name servers and others. Not published without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leases_json: Option<PathBuf>,
    /// Where the answer for each device is published. With it, a missing file means that every device boots from its own disk;
    /// without it, the boot rules decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_policy: Option<PathBuf>,
    /// The socket on which it is asked why a machine did not boot. None without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<PathBuf>,
}

/// `[listen]`: UDP and TCP ports; 0 switches a service off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenTable {
    /// DHCP requests. Replies go to the port above it, as 68 is above 67.
    pub dhcp_port: u16,
    /// PXE boot server requests of clients that were told nothing in option 43.
    pub pxe_port: u16,
    /// TFTP.
    pub tftp_port: u16,
    /// HTTP boot.
    pub http_port: u16,
}

impl Default for ListenTable {
    fn default() -> ListenTable {
        ListenTable { dhcp_port: 67, pxe_port: 4011, tftp_port: 69, http_port: 80 }
    }
}

/// `[interfaces.NAME]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceTable {
    /// The interface's own address and network. Every reply comes from it and names it as the server.
    pub address: Ipv4Cidr,
    /// What is done about DHCP there.
    #[serde(default)]
    pub dhcp: DhcpMode,
}

/// What is done about DHCP on an interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DhcpMode {
    /// Addresses and boot options.
    #[default]
    Server,
    /// Boot options only, beside a server that gives out the addresses (proxyDHCP).
    Proxy,
    /// Nothing. TFTP and HTTP are served all the same.
    Off,
}

/// `[dhcp]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DhcpTable {
    /// Start as a server although another one answers on the same wire.
    pub force: bool,
    /// How often another server is looked for, in seconds, 0 for never. Up to 20 finds one within half a minute.
    pub rogue_check_s: u32,
    /// Before an address is offered to a client for the first time, it is asked for by ARP, and an answer waited for this long,
    /// in milliseconds; 0 to offer at once. A Raspberry Pi asks again after 4 s.
    pub probe_ms: u32,
    /// How long an address stays reserved between an offer and the request for it, in seconds.
    pub offer_s: u32,
    /// How long an address that somebody else uses is left alone, in seconds.
    pub quarantine_s: u32,
    /// What tells one client from another.
    pub identity: Identity,
}

impl Default for DhcpTable {
    fn default() -> DhcpTable {
        DhcpTable {
            force: false,
            rogue_check_s: 20,
            probe_ms: 300,
            offer_s: 60,
            quarantine_s: 600,
            identity: Identity::default(),
        }
    }
}

/// What tells one client from another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Option 61 where a client sends it, as RFC 2131 wants, and the MAC address for stages of a boot, which each send another
    /// one. All stages of a machine, its system included, get one address.
    #[default]
    ClientId,
    /// Always the MAC address.
    Mac,
}

/// `[[subnet]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetTable {
    /// The network. One that no interface has an address in is reached through relays.
    pub network: Ipv4Cidr,
    /// Addresses for everybody.
    #[serde(default)]
    pub pools: Vec<AddressRange>,
    /// Lease time in seconds.
    #[serde(default = "default_lease")]
    pub lease_s: u32,
    /// Lease time of boot stages in seconds: the system that follows asks again.
    #[serde(default = "default_boot_lease")]
    pub boot_lease_s: u32,
    /// Option 3.
    #[serde(default)]
    pub routers: Vec<Ipv4Addr>,
    /// Option 6.
    #[serde(default)]
    pub dns: Vec<Ipv4Addr>,
    /// Option 42.
    #[serde(default)]
    pub ntp: Vec<Ipv4Addr>,
    /// Option 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainName>,
    /// Option 119.
    #[serde(default)]
    pub search: Vec<DomainName>,
}

fn default_lease() -> u32 {
    12 * 3600
}

fn default_boot_lease() -> u32 {
    300
}

/// `[[reservation]]`: needs `mac` or `client_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReservationTable {
    /// The client's card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// The client's option 61, its type byte included, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its address, in one of the subnets. Inside of a pool is fine.
    pub address: Ipv4Addr,
    /// Option 12, and its name in `leases.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostLabel>,
}

/// `[boot]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootTable {
    /// The folder below which all boot files are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// What is answered to whom: the first rule that matches. Nobody that matches none boots from here.
    #[serde(default, rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<BootRuleTable>,
}

/// `[[boot.rule]]`: a list that is not there matches everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootRuleTable {
    /// What it is called in logs.
    pub name: String,
    /// Kinds of clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Vec<ClientClass>>,
    /// Kinds of machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Vec<Architecture>>,
    /// Cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Vec<MacAddress>>,
    /// Serial numbers of Raspberry Pis, 8 or 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Vec<PiSerial>>,
    /// They boot from their own disk, and the other keys below are not there.
    #[serde(default)]
    pub local: bool,
    /// The folder below `root` whose files they may load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    /// The file in it that DHCP names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What is named instead of a file of ours: to iPXE and HTTP boot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How PXE clients are kept from looking for a boot server, or led to one.
    #[serde(default)]
    pub pxe: PxeStrategy,
    /// Option 209, for PXELINUX: its configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pxelinux_config: Option<String>,
    /// Option 210, for PXELINUX: what its file names begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pxelinux_prefix: Option<String>,
}

/// How a PXE client learns its boot file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PxeStrategy {
    /// From the DHCP reply first; a client that comes back without having loaded anything is led to port 4011 instead.
    #[default]
    Auto,
    /// From the DHCP reply: option 43 says that there is nothing to discover.
    Direct,
    /// From port 4011: there is no option 43 (some UEFI firmware).
    Port4011,
}

/// `172.20.30.100-172.20.30.200`, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange {
    first: Ipv4Addr,
    last: Ipv4Addr,
}

impl AddressRange {
    /// `None` when `last` is before `first`.
    pub fn new(first: Ipv4Addr, last: Ipv4Addr) -> Option<AddressRange> {
        (first <= last).then_some(AddressRange { first, last })
    }

    /// The lowest address.
    pub fn first(self) -> Ipv4Addr {
        self.first
    }

    /// The highest address.
    pub fn last(self) -> Ipv4Addr {
        self.last
    }

    /// Whether `address` is in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for AddressRange {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<AddressRange, InvalidWord> {
        const RULE: &str = "it is two IPv4 addresses, the lower one first: 172.20.30.100-172.20.30.200";
        let parsed = text.split_once('-').and_then(|(first, last)| {
            AddressRange::new(first.trim().parse().ok()?, last.trim().parse().ok()?)
        });
        parsed.ok_or_else(|| InvalidWord::new(text, "a range of addresses", RULE))
    }
}

/// The lower 32 bits of the serial number of a Raspberry Pi, which name its folder in TFTP requests: `1234abcd`.
///
/// Reads all 16 digits of `/proc/cpuinfo` too, and keeps the last 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PiSerial(u32);

impl PiSerial {
    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl From<u32> for PiSerial {
    fn from(number: u32) -> PiSerial {
        PiSerial(number)
    }
}

impl fmt::Display for PiSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl FromStr for PiSerial {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<PiSerial, InvalidWord> {
        let digits = text.bytes().all(|b| b.is_ascii_hexdigit());
        let low = matches!(text.len(), 8 | 16).then(|| text.get(text.len() - 8..)).flatten();
        low.filter(|_| digits).and_then(|low| u32::from_str_radix(low, 16).ok()).map(PiSerial).ok_or_else(
            || {
                InvalidWord::new(
                    text,
                    "a serial number of a Raspberry Pi",
                    "it has 8 or 16 hexadecimal digits",
                )
            },
        )
    }
}

macro_rules! word_is_its_text {
    ($($word:ty),*) => {$(
        impl TryFrom<String> for $word {
            type Error = InvalidWord;

            fn try_from(text: String) -> Result<$word, InvalidWord> {
                text.parse()
            }
        }

        impl From<$word> for String {
            fn from(word: $word) -> String {
                word.to_string()
            }
        }
    )*};
}

word_is_its_text!(AddressRange, PiSerial);
