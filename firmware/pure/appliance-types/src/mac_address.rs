use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// The hardware address of a network card, 48 bits. Prints in lower case with colons: `52:54:00:12:34:56`.
///
/// Reads `:`, `-` or `.` as separators, or none, in any case: people copy it from stickers, switches and other tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// The address with these bytes, first on the wire first.
    pub const fn from_bytes(bytes: [u8; 6]) -> MacAddress {
        MacAddress(bytes)
    }

    /// Its bytes.
    pub fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// 12 hexadecimal digits in lower case, as update servers know a device.
    pub fn bare(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        f.pad(&format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"))
    }
}

impl FromStr for MacAddress {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<MacAddress, InvalidWord> {
        digits(text).map(MacAddress).ok_or_else(|| {
            InvalidWord::new(text, "a MAC address", "it has six bytes in hexadecimal: 52:54:00:12:34:56")
        })
    }
}

/// `aa:bb:cc:dd:ee:ff`, `aa-bb-…`, `aabb.ccdd.eeff` or `aabbccddeeff`.
fn digits(text: &str) -> Option<[u8; 6]> {
    let grouped = |separator: char, width: usize| text.split(separator).all(|group| group.len() == width);
    let bare: String = match text.len() {
        12 => text.to_owned(),
        14 if grouped('.', 4) => text.replace('.', ""),
        17 if grouped(':', 2) => text.replace(':', ""),
        17 if grouped('-', 2) => text.replace('-', ""),
        _ => return None,
    };
    if bare.len() != 12 || !bare.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 6];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(bare.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

word_is_its_text!(MacAddress);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_every_common_spelling_and_prints_one() {
        for text in ["52:54:00:AB:cd:0f", "52-54-00-ab-cd-0F", "5254.00ab.cd0f", "525400ABCD0F"] {
            let mac: MacAddress = text.parse().unwrap();
            assert_eq!(mac.to_string(), "52:54:00:ab:cd:0f", "{text}");
            assert_eq!(mac.bare(), "525400abcd0f");
        }
        for text in
            ["", "52:54:00:ab:cd", "52:54:00:ab:cd:0g", "52:54-00:ab:cd:0f", "5254:00ab:cd0f", "+25400abcd0f"]
        {
            assert!(text.parse::<MacAddress>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read(text in ".{0,20}") {
            if let Ok(mac) = text.parse::<MacAddress>() {
                prop_assert_eq!(mac.to_string().parse(), Ok(mac));
            }
        }
    }
}
