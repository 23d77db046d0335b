use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a VLAN, 1 to 4094. IEEE 802.1Q keeps 0 (a frame with a priority and no VLAN) and 4095.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct VlanId(u16);

impl VlanId {
    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// A number that no VLAN can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no VLAN: they go from 1 to 4094")]
pub struct InvalidVlanId(u16);

impl TryFrom<u16> for VlanId {
    type Error = InvalidVlanId;

    fn try_from(number: u16) -> Result<VlanId, InvalidVlanId> {
        match number {
            1..=4094 => Ok(VlanId(number)),
            _ => Err(InvalidVlanId(number)),
        }
    }
}

impl From<VlanId> for u16 {
    fn from(id: VlanId) -> u16 {
        id.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_reserved_numbers_are_none() {
        for (number, is) in [(0, false), (1, true), (4094, true), (4095, false), (u16::MAX, false)] {
            assert_eq!(VlanId::try_from(number).is_ok_and(|id| id.get() == number), is, "{number}");
        }
    }
}
