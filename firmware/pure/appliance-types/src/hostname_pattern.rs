use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::invalid_word::word_is_its_text;
use crate::{DomainName, InvalidWord, MacAddress};

/// A name with a place in it for a MAC address: `till-{mac}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostnamePattern(String);

const PLACE: &str = "{mac}";

impl HostnamePattern {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with this address in it, as 12 digits.
    ///
    /// # Errors
    /// None: whether there is a name was asked for every address when the pattern was read.
    pub fn name(&self, mac: MacAddress) -> Result<DomainName, InvalidWord> {
        self.0.replace(PLACE, &mac.bare()).parse()
    }
}

impl fmt::Display for HostnamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for HostnamePattern {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<HostnamePattern, InvalidWord> {
        const RULE: &str =
            "it has {mac} in it, and is a domain name with 12 digits in that place: till-{mac}";
        let pattern = HostnamePattern(text.to_owned());
        // Whichever address comes: all are 12 digits or letters.
        let probe = pattern.name(MacAddress::from_bytes([0; 6]));
        match text.contains(PLACE) && probe.is_ok() {
            true => Ok(pattern),
            false => Err(InvalidWord::new(text, "a pattern for a name", RULE)),
        }
    }
}

word_is_its_text!(HostnamePattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_for_every_address() {
        let mac = "52:54:00:AB:cd:0f".parse().unwrap();
        for (text, name) in [
            ("{mac}", "525400abcd0f"),
            ("Till-{mac}.shop", "till-525400abcd0f.shop"),
            ("a.{mac}", "a.525400abcd0f"),
        ] {
            assert_eq!(text.parse::<HostnamePattern>().unwrap().name(mac).unwrap().as_str(), name);
        }
        let long = format!("{}{{mac}}", "a".repeat(52));
        for text in ["", "till", "{MAC}", "{mac", "-{mac}", "a b{mac}", "{mac}\n", &long] {
            assert!(text.parse::<HostnamePattern>().is_err(), "{text:?}");
        }
    }
}
