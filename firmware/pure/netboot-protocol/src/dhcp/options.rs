//! A set of options: each code once, its value whole however it was split on the wire (RFC 3396).

use std::fmt;
use std::net::Ipv4Addr;

/// Options by code, in the order they were put in.
#[derive(Clone, Default)]
pub struct Options {
    /// All values, one behind the other.
    bytes: Vec<u8>,
    index: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    code: u8,
    start: usize,
    end: usize,
}

impl Options {
    /// No options.
    pub fn new() -> Options {
        Options::default()
    }

    /// The value of an option.
    pub fn get(&self, code: u8) -> Option<&[u8]> {
        let entry = self.index.iter().find(|entry| entry.code == code)?;
        self.bytes.get(entry.start..entry.end)
    }

    /// Whether the option is there, even if empty.
    pub fn has(&self, code: u8) -> bool {
        self.index.iter().any(|entry| entry.code == code)
    }

    /// Puts an option at the end; one with the same code that is there already stays as it is.
    pub fn push(&mut self, code: u8, value: &[u8]) {
        if self.has(code) {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.index.push(Entry { code, start, end: self.bytes.len() });
    }

    /// [`Options::push`] with addresses as the value.
    pub fn push_addresses(&mut self, code: u8, addresses: &[Ipv4Addr]) {
        let bytes: Vec<u8> = addresses.iter().flat_map(Ipv4Addr::octets).collect();
        self.push(code, &bytes);
    }

    /// The codes and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.index
            .iter()
            .map(|entry| (entry.code, self.bytes.get(entry.start..entry.end).unwrap_or_default()))
    }

    /// A value of one byte.
    pub fn byte(&self, code: u8) -> Option<u8> {
        self.get(code).and_then(|value| <[u8; 1]>::try_from(value).ok()).map(|[byte]| byte)
    }

    /// A value of two bytes.
    pub fn number16(&self, code: u8) -> Option<u16> {
        self.get(code).and_then(|value| value.try_into().ok()).map(u16::from_be_bytes)
    }

    /// A value of four bytes.
    pub fn number32(&self, code: u8) -> Option<u32> {
        self.get(code).and_then(|value| value.try_into().ok()).map(u32::from_be_bytes)
    }

    /// A value that is one address.
    pub fn address(&self, code: u8) -> Option<Ipv4Addr> {
        self.number32(code).map(Ipv4Addr::from_bits)
    }

    /// The options of these pieces, in wire order. Pieces of one code are one value.
    pub(super) fn from_pieces<'p>(pieces: &[(u8, &'p [u8])]) -> Options {
        let mut sorted: Vec<(u8, &'p [u8])> = pieces.to_vec();
        // Stable: pieces of one code stay in order. Sorting bounds the work for a packet made of thousands of pieces.
        sorted.sort_by_key(|(code, _)| *code);
        let mut options = Options {
            bytes: Vec::with_capacity(pieces.iter().map(|(_, value)| value.len()).sum()),
            // A packet may be made of a thousand pieces, and has few codes.
            index: Vec::new(),
        };
        for (code, value) in sorted {
            options.bytes.extend_from_slice(value);
            let end = options.bytes.len();
            match options.index.last_mut() {
                Some(last) if last.code == code => last.end = end,
                _ => options.index.push(Entry { code, start: end - value.len(), end }),
            }
        }
        options
    }
}

/// Equal when they have the same codes with the same values, in any order.
impl PartialEq for Options {
    fn eq(&self, other: &Options) -> bool {
        self.index.len() == other.index.len()
            && self.iter().all(|(code, value)| other.get(code) == Some(value))
    }
}

impl Eq for Options {}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
