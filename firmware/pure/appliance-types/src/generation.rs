use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;

/// The number of a configuration that was accepted by this device: 1 for the first, one more for each next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Generation(NonZeroU64);

impl Generation {
    /// The first.
    pub const FIRST: Generation = Generation(NonZeroU64::MIN);

    /// `None` for 0.
    pub fn new(number: u64) -> Option<Generation> {
        NonZeroU64::new(number).map(Generation)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The one after it; `None` after the last number there is.
    pub fn next(self) -> Option<Generation> {
        self.0.checked_add(1).map(Generation)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Generation {
    type Err = InvalidWord;

    /// Only the spelling that [`fmt::Display`] writes: it is the name of a folder.
    fn from_str(text: &str) -> Result<Generation, InvalidWord> {
        let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let number = if canonical { text.parse().ok().and_then(Generation::new) } else { None };
        number.ok_or_else(|| InvalidWord::new(text, "a generation", "it is a whole number from 1 on"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_one_and_has_one_spelling() {
        assert_eq!(Generation::FIRST.next(), Generation::new(2));
        assert_eq!("17".parse(), Ok(Generation::new(17).unwrap()));
        for text in ["", "0", "01", "+1", "-1", "1 ", "1.partial", "99999999999999999999"] {
            assert!(text.parse::<Generation>().is_err(), "{text:?}");
        }
        assert_eq!(Generation::new(u64::MAX).unwrap().next(), None);
        assert_eq!(serde_json::to_string(&Generation::FIRST).unwrap(), "1");
    }
}
