use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// The machine id of the appliance, as `/etc/machine-id` holds it: 128 bits, 32 lower-case hexadecimal digits.
///
/// All zeros is refused, as systemd does (machine-id(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MachineId(u128);

impl MachineId {
    /// The id of these 16 bytes, first byte printed first; `None` when all are zero.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<MachineId> {
        let value = u128::from_be_bytes(bytes);
        (value != 0).then_some(MachineId(value))
    }

    /// The id as 16 bytes, in the order they are printed.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for MachineId {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<MachineId, InvalidWord> {
        const RULE: &str = "it is 32 digits 0-9 a-f, not all zero";
        let digits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(value) if digits && value != 0 => Ok(MachineId(value)),
            _ => Err(InvalidWord::new(text, "a machine id", RULE)),
        }
    }
}

word_is_its_text!(MachineId);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_what_systemd_writes_and_nothing_else() {
        let text = "00a2b3c4d5e6f708192a3b4c5d6e7f80";
        assert_eq!(text.parse::<MachineId>().unwrap().to_string(), text);
        let wrong = ["", "0", &"0".repeat(32), &text.to_uppercase(), &format!("{text}\n"), &text[1..]];
        for wrong in wrong {
            assert!(wrong.parse::<MachineId>().is_err(), "{wrong:?}");
        }
        assert!(format!("+{}", &text[1..]).parse::<MachineId>().is_err(), "a sign is not a digit");
    }

    proptest! {
        #[test]
        fn bytes_and_text_agree(bytes in any::<[u8; 16]>()) {
            prop_assume!(bytes != [0; 16]);
            let id = MachineId::from_bytes(bytes).unwrap();
            prop_assert_eq!(id.to_bytes(), bytes);
            prop_assert_eq!(id.to_string().parse::<MachineId>(), Ok(id));
        }
    }

    #[test]
    fn sixteen_zero_bytes_are_no_id() {
        assert_eq!(MachineId::from_bytes([0; 16]), None);
    }
}
