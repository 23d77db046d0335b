use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use appliance_types::{DomainName, InvalidWord};

/// Where the time comes from: an address or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeServer {
    /// An address.
    Address(IpAddr),
    /// A name. One of its addresses is used.
    Name(DomainName),
}

impl fmt::Display for TimeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeServer::Address(address) => address.fmt(f),
            TimeServer::Name(name) => name.fmt(f),
        }
    }
}

impl FromStr for TimeServer {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<TimeServer, InvalidWord> {
        match text.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() || address.is_multicast() => {
                let rule = "it is the address of one machine";
                Err(InvalidWord::new(text, "a time server", rule))
            }
            Ok(address) => Ok(TimeServer::Address(address)),
            // `10.0.0.300` would be a name, too, of four labels.
            Err(_) if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
                Err(InvalidWord::new(text, "a time server", "four numbers are an address, each up to 255"))
            }
            Err(_) => text.parse().map(TimeServer::Name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_name_or_an_address() {
        for text in ["192.0.2.1", "2001:db8::1", "time.example", "ntp"] {
            assert_eq!(text.parse::<TimeServer>().unwrap().to_string(), text);
        }
        for text in
            ["", "a b", "a\nserver b", "10.0.0.300", "0.0.0.0", "::", "224.0.1.1", "time.example iburst", "#"]
        {
            assert!(text.parse::<TimeServer>().is_err(), "{text:?}");
        }
    }
}
