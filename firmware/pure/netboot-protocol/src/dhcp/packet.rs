//! The packet itself: a BOOTP header of 236 bytes (RFC 951), a magic number, options (RFC 2131 2).

use std::net::Ipv4Addr;

use appliance_types::MacAddress;

use super::code;
use super::options::Options;

/// The shortest packet we send: what old relays and BOOTP clients expect (RFC 1542 2.1).
pub const MIN_LENGTH: usize = 300;

const HEADER: usize = 236;
const MAGIC: [u8; 4] = [99, 130, 83, 99];
const FLAG_BROADCAST: u16 = 0x8000;
const SNAME: std::ops::Range<usize> = 44..108;
const FILE: std::ops::Range<usize> = 108..236;

/// A DHCP packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Who speaks.
    pub op: Op,
    /// The client's card.
    pub hardware: Hardware,
    /// Relays passed.
    pub hops: u8,
    /// The client's number for this exchange.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// All 16 bits, of which the first is the broadcast flag.
    pub flags: u16,
    /// The client's address, while it has one it can be reached at.
    pub ciaddr: Ipv4Addr,
    /// The address that is given to the client.
    pub yiaddr: Ipv4Addr,
    /// The server to boot from.
    pub siaddr: Ipv4Addr,
    /// The relay.
    pub giaddr: Ipv4Addr,
    /// The boot server's name, up to the first NUL; 63 bytes at most.
    pub sname: Vec<u8>,
    /// The boot file, up to the first NUL; 127 bytes at most.
    pub file: Vec<u8>,
    /// The options.
    pub options: Options,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// A client, perhaps through a relay.
    Request,
    /// A server.
    Reply,
}

/// The card: its kind (1 is Ethernet), and its address, of which `length` bytes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hardware {
    kind: u8,
    length: u8,
    address: [u8; 16],
}

impl Hardware {
    /// The card with this MAC address.
    pub fn ethernet(mac: MacAddress) -> Hardware {
        let mut address = [0; 16];
        address[..6].copy_from_slice(&mac.bytes());
        Hardware { kind: 1, length: 6, address }
    }

    /// The card with these bytes for an address; `None` when they are more than 16.
    pub fn new(kind: u8, address: &[u8]) -> Option<Hardware> {
        let mut own = [0; 16];
        own.get_mut(..address.len())?.copy_from_slice(address);
        Some(Hardware { kind, length: u8::try_from(address.len()).ok()?, address: own })
    }

    /// The kind of network, as in ARP.
    pub fn kind(self) -> u8 {
        self.kind
    }

    /// The bytes of the address.
    pub fn address(&self) -> &[u8] {
        self.address.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The address on an Ethernet or a Wi-Fi network.
    pub fn mac(&self) -> Option<MacAddress> {
        let bytes: [u8; 6] = self.address().try_into().ok()?;
        matches!(self.kind, 1 | 6).then(|| MacAddress::from_bytes(bytes))
    }
}

/// Why bytes are no DHCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is not even a header.
    #[error("{length} bytes are too few for a DHCP packet")]
    TooShort {
        /// How many there are.
        length: usize,
    },
    /// The first byte is neither 1 nor 2.
    #[error("its first byte is {0}, neither a request nor a reply")]
    BadOp(u8),
    /// A hardware address of more than the 16 bytes there are.
    #[error("its hardware address has {0} bytes, of 16 at most")]
    HardwareTooLong(u8),
    /// BOOTP of before DHCP, or no BOOTP at all.
    #[error("the magic number before the options is missing")]
    NoMagic,
    /// An option says that it is longer than what is left of the packet or of the field.
    #[error("option {code} is cut off")]
    CutOff {
        /// Which.
        code: u8,
    },
    /// Option 52 is neither 1, 2 nor 3.
    #[error("option 52 has a value that does not exist")]
    BadOverload,
}

impl Packet {
    /// A packet of a server in answer to `request`, with what must be the same in both (RFC 2131 4.3.1, table 3).
    pub fn reply_to(request: &Packet) -> Packet {
        Packet {
            op: Op::Reply,
            hardware: request.hardware,
            hops: 0,
            xid: request.xid,
            secs: 0,
            flags: request.flags,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: request.giaddr,
            sname: Vec::new(),
            file: Vec::new(),
            options: Options::new(),
        }
    }

    /// A request of the client with this card, without options.
    pub fn request(hardware: Hardware, xid: u32) -> Packet {
        let blank = Ipv4Addr::UNSPECIFIED;
        Packet {
            op: Op::Request,
            hardware,
            hops: 0,
            xid,
            secs: 0,
            flags: 0,
            ciaddr: blank,
            yiaddr: blank,
            siaddr: blank,
            giaddr: blank,
            sname: Vec::new(),
            file: Vec::new(),
            options: Options::new(),
        }
    }

    /// Whether the client asks for replies to everybody.
    pub fn wants_broadcast(&self) -> bool {
        self.flags & FLAG_BROADCAST != 0
    }

    /// Sets the broadcast flag.
    pub fn set_broadcast(&mut self) {
        self.flags |= FLAG_BROADCAST;
    }

    /// Reads a packet.
    ///
    /// Strict about lengths: an option that is cut off makes the whole packet worthless, because what follows it (a relay's option
    /// 82, say) is lost. Lenient where real firmware is sloppy: a missing end mark, padding between options, empty options.
    ///
    /// # Errors
    /// What makes it unreadable.
    pub fn decode(bytes: &[u8]) -> Result<Packet, DecodeError> {
        let too_short = DecodeError::TooShort { length: bytes.len() };
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or(too_short)?;
        let (magic, options) = rest.split_at_checked(MAGIC.len()).ok_or(too_short)?;
        if magic != MAGIC {
            return Err(DecodeError::NoMagic);
        }
        let op = match header[0] {
            1 => Op::Request,
            2 => Op::Reply,
            other => return Err(DecodeError::BadOp(other)),
        };
        let hardware = hardware(header)?;
        let mut pieces = Vec::with_capacity(24);
        scan(options, &mut pieces)?;
        let (sname, file) = (&header[SNAME], &header[FILE]);
        // RFC 3396 5: first the options field, then `file`, then `sname`. Option 52 counts in the options field only.
        let overload = overload(&pieces)?;
        if overload & 1 != 0 {
            scan(file, &mut pieces)?;
        }
        if overload & 2 != 0 {
            scan(sname, &mut pieces)?;
        }
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let address = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
        Ok(Packet {
            op,
            hardware,
            hops: header[3],
            xid: address(4).to_bits(),
            secs: word(8),
            flags: word(10),
            ciaddr: address(12),
            yiaddr: address(16),
            siaddr: address(20),
            giaddr: address(24),
            sname: if overload & 2 == 0 { up_to_nul(sname) } else { Vec::new() },
            file: if overload & 1 == 0 { up_to_nul(file) } else { Vec::new() },
            options: Options::from_pieces(&pieces),
        })
    }

    /// Writes the packet in `limit` bytes at most: a packet that would be longer loses options from the end of the list, but
    /// never option 82, which a relay needs back and wants last (RFC 3046 2.2). 300 bytes at least, whatever the limit.
    ///
    /// Options longer than 255 bytes are split (RFC 3396). `sname` and `file` never hold options: PXE clients read them.
    pub fn encode(&self, limit: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MIN_LENGTH.max(400));
        bytes.extend_from_slice(&[
            match self.op {
                Op::Request => 1,
                Op::Reply => 2,
            },
            self.hardware.kind,
            self.hardware.length,
            self.hops,
        ]);
        bytes.extend_from_slice(&self.xid.to_be_bytes());
        bytes.extend_from_slice(&self.secs.to_be_bytes());
        bytes.extend_from_slice(&self.flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            bytes.extend_from_slice(&address.octets());
        }
        bytes.extend_from_slice(&self.hardware.address);
        fixed_field(&mut bytes, &self.sname, SNAME.len());
        fixed_field(&mut bytes, &self.file, FILE.len());
        bytes.extend_from_slice(&MAGIC);

        let relay = self.options.get(code::RELAY_AGENT);
        let reserved = relay.map_or(0, encoded_length) + 1;
        for (code, value) in self.options.iter() {
            if !matches!(code, code::RELAY_AGENT | code::PAD | code::END)
                && bytes.len() + encoded_length(value) + reserved <= limit.max(MIN_LENGTH)
            {
                put(&mut bytes, code, value);
            }
        }
        if let Some(value) = relay {
            put(&mut bytes, code::RELAY_AGENT, value);
        }
        bytes.push(code::END);
        if bytes.len() < MIN_LENGTH {
            bytes.resize(MIN_LENGTH, 0);
        }
        bytes
    }
}

fn hardware(header: &[u8]) -> Result<Hardware, DecodeError> {
    let length = header[2];
    if length > 16 {
        return Err(DecodeError::HardwareTooLong(length));
    }
    let mut address = [0; 16];
    // What is behind the length is whatever was in the client's memory; two packets of one card may differ there.
    address[..usize::from(length)].copy_from_slice(&header[28..28 + usize::from(length)]);
    Ok(Hardware { kind: header[1], length, address })
}

/// Cuts a field into options. Ends at the end mark or at the end of the field.
fn scan<'b>(mut field: &'b [u8], pieces: &mut Vec<(u8, &'b [u8])>) -> Result<(), DecodeError> {
    while let [code, rest @ ..] = field {
        match *code {
            code::PAD => field = rest,
            code::END => return Ok(()),
            code => {
                let cut_off = DecodeError::CutOff { code };
                let [length, rest @ ..] = rest else { return Err(cut_off) };
                let (value, rest) = rest.split_at_checked(usize::from(*length)).ok_or(cut_off)?;
                pieces.push((code, value));
                field = rest;
            }
        }
    }
    Ok(())
}

fn overload(pieces: &[(u8, &[u8])]) -> Result<u8, DecodeError> {
    match pieces.iter().find(|(code, _)| *code == code::OVERLOAD) {
        None => Ok(0),
        Some((_, [value @ 1..=3])) => Ok(*value),
        Some(_) => Err(DecodeError::BadOverload),
    }
}

fn up_to_nul(field: &[u8]) -> Vec<u8> {
    field.iter().copied().take_while(|&byte| byte != 0).collect()
}

/// Text and NULs; one NUL at least.
fn fixed_field(bytes: &mut Vec<u8>, text: &[u8], length: usize) {
    let text = text.get(..length - 1).unwrap_or(text);
    bytes.extend_from_slice(text);
    bytes.resize(bytes.len() + length - text.len(), 0);
}

fn encoded_length(value: &[u8]) -> usize {
    value.len() + 2 * value.len().div_ceil(255).max(1)
}

fn put(bytes: &mut Vec<u8>, code: u8, value: &[u8]) {
    if value.is_empty() {
        bytes.extend_from_slice(&[code, 0]);
    }
    for piece in value.chunks(255) {
        bytes.push(code);
        // `chunks` never gives more than 255.
        bytes.push(u8::try_from(piece.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(piece);
    }
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
