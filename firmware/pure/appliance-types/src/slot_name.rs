use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;

/// One of the two slots of the appliance: a boot partition and a root file system that belong together.
///
/// Prints as `A` or `B`, as RAUC's `bootname`, `rauc.slot=` on the kernel command line and the boot state write it.
/// Lower case is not accepted: RAUC compares the name exactly, so `rauc.slot=a` would mean "no slot".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SlotName {
    /// The slot an image is built with: `boot-a` and `rootfs-a`.
    A,
    /// The slot that is empty at the factory: `boot-b` and `rootfs-b`.
    B,
}

impl SlotName {
    /// Both slots, in the order they lie on the disk.
    pub const ALL: [SlotName; 2] = [SlotName::A, SlotName::B];

    /// `a` or `b`, as in the partition names `boot-a` and `rootfs-a`.
    pub fn lower(self) -> &'static str {
        match self {
            SlotName::A => "a",
            SlotName::B => "b",
        }
    }

    /// The slot this one is not.
    #[must_use]
    pub fn other(self) -> SlotName {
        match self {
            SlotName::A => SlotName::B,
            SlotName::B => SlotName::A,
        }
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SlotName::A => "A",
            SlotName::B => "B",
        })
    }
}

impl FromStr for SlotName {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<SlotName, InvalidWord> {
        match text {
            "A" => Ok(SlotName::A),
            "B" => Ok(SlotName::B),
            _ => Err(InvalidWord::new(text, "a slot name", "it is A or B, in upper case")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_letter_rauc_uses_and_nothing_else() {
        for slot in SlotName::ALL {
            assert_eq!(slot.to_string().parse(), Ok(slot));
            assert_eq!(slot.lower(), slot.to_string().to_lowercase());
            assert_eq!(slot.other().other(), slot);
            assert_ne!(slot.other(), slot);
            assert_eq!(serde_json::to_string(&slot).unwrap(), format!("\"{slot}\""));
        }
        for wrong in ["", "a", "b", "C", "AB", " A", "A ", "A\n"] {
            assert!(wrong.parse::<SlotName>().is_err(), "{wrong:?}");
        }
    }
}
