use std::fmt;
use std::str::FromStr;

use appliance_types::{InvalidWord, SlotName};
use serde::Serialize;

use super::{BootEnv, EnvError};

/// The keys of the boot state. The selector imports and exports exactly these.
pub mod key {
    use appliance_types::SlotName;

    /// The slots to try, best first, separated by spaces; RAUC writes it.
    pub const BOOT_ORDER: &str = "BOOT_ORDER";
    /// The slot last confirmed by a good boot, `A` or `B`; absent in factory state.
    pub const SLIPWAY_CONFIRMED: &str = "SLIPWAY_CONFIRMED";
    /// `1` asks the selector for USB recovery at the next boot; absent otherwise.
    pub const START_UMS: &str = "START_UMS";

    /// `BOOT_A_LEFT` or `BOOT_B_LEFT`: tries left, one decimal digit; RAUC writes it.
    pub fn left(slot: SlotName) -> &'static str {
        match slot {
            SlotName::A => "BOOT_A_LEFT",
            SlotName::B => "BOOT_B_LEFT",
        }
    }
}

/// How many times the selector may still start a slot: 0 to 9.
///
/// One digit, because RAUC writes the number in hexadecimal and U-Boot compares it in decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TriesLeft(u8);

impl TriesLeft {
    /// What a confirmed or factory-fresh slot has before the selector counts down.
    pub const FULL: TriesLeft = TriesLeft(9);
    /// What an installation gives a new slot.
    pub const TRIAL: TriesLeft = TriesLeft(3);
    /// The selector does not start this slot except as a last resort.
    pub const NONE: TriesLeft = TriesLeft(0);

    /// This many tries; `None` above 9.
    pub fn new(tries: u8) -> Option<TriesLeft> {
        (tries <= 9).then_some(TriesLeft(tries))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for TriesLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for TriesLeft {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<TriesLeft, InvalidWord> {
        match text.as_bytes() {
            [digit @ b'0'..=b'9'] => Ok(TriesLeft(digit - b'0')),
            _ => Err(InvalidWord::new(text, "a number of tries", "it is one digit, 0 to 9")),
        }
    }
}

/// The slots the selector tries, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BootOrder {
    /// No slot: both were marked bad. The selector starts one as a last resort.
    Empty,
    /// This slot only.
    Only(SlotName),
    /// This slot, then the other.
    First(SlotName),
}

impl BootOrder {
    /// The slots, best first.
    pub fn slots(self) -> impl Iterator<Item = SlotName> {
        let (first, second) = match self {
            BootOrder::Empty => (None, None),
            BootOrder::Only(slot) => (Some(slot), None),
            BootOrder::First(slot) => (Some(slot), Some(slot.other())),
        };
        first.into_iter().chain(second)
    }

    /// Words other than `A` and `B` and repeated slots are passed over, as the selector does.
    fn parse(text: Option<&str>) -> BootOrder {
        let mut words = text.unwrap_or_default().split_whitespace().filter_map(|word| word.parse().ok());
        match words.next() {
            None => BootOrder::Empty,
            Some(first) if words.any(|slot: SlotName| slot != first) => BootOrder::First(first),
            Some(first) => BootOrder::Only(first),
        }
    }
}

impl fmt::Display for BootOrder {
    /// As in the environment: `A B`, or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootOrder::Empty => Ok(()),
            BootOrder::Only(slot) => write!(f, "{slot}"),
            BootOrder::First(slot) => write!(f, "{slot} {}", slot.other()),
        }
    }
}

/// What a [`BootEnv`] says about the slots.
///
/// Reads every environment the way the selector does, so that Linux and the selector never disagree about a damaged
/// value: tries that are not one digit are 0, an order without slots is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootState {
    /// The slots the selector tries, best first.
    pub order: BootOrder,
    /// Tries left of slot A.
    pub a_left: TriesLeft,
    /// Tries left of slot B.
    pub b_left: TriesLeft,
    /// The slot last confirmed by a good boot; `None` in factory state.
    pub confirmed: Option<SlotName>,
    /// USB recovery is asked for at the next boot.
    pub start_ums: bool,
}

impl BootState {
    /// What a freshly flashed disk holds: slot A is full, slot B holds nothing yet and enters at the first install.
    pub fn factory() -> BootState {
        BootState {
            order: BootOrder::Only(SlotName::A),
            a_left: TriesLeft::FULL,
            b_left: TriesLeft::NONE,
            confirmed: None,
            start_ums: false,
        }
    }

    /// What counts when both copies are unreadable: both slots, because either may hold the only good system.
    pub fn both_copies_lost() -> BootState {
        BootState {
            order: BootOrder::First(SlotName::A),
            a_left: TriesLeft::FULL,
            b_left: TriesLeft::FULL,
            confirmed: None,
            start_ums: false,
        }
    }

    /// The view of `env`. Total: see the type for how odd values are read.
    pub fn from_env(env: &BootEnv) -> BootState {
        let left =
            |slot| env.get(key::left(slot)).and_then(|text| text.parse().ok()).unwrap_or(TriesLeft::NONE);
        BootState {
            order: BootOrder::parse(env.get(key::BOOT_ORDER)),
            a_left: left(SlotName::A),
            b_left: left(SlotName::B),
            confirmed: env.get(key::SLIPWAY_CONFIRMED).and_then(|text| text.parse().ok()),
            start_ums: env.get(key::START_UMS) == Some("1"),
        }
    }

    /// Puts this state into `env` and leaves every other key as it is.
    ///
    /// # Errors
    /// [`EnvError::Full`] when other keys take the room; `env` is then unchanged.
    pub fn write_into(&self, env: &mut BootEnv) -> Result<(), EnvError> {
        let mut new = env.clone();
        let order = self.order.to_string();
        set_or_remove(&mut new, key::BOOT_ORDER, (!order.is_empty()).then_some(order))?;
        for slot in SlotName::ALL {
            new.set(key::left(slot), &self.left(slot).to_string())?;
        }
        set_or_remove(&mut new, key::SLIPWAY_CONFIRMED, self.confirmed.map(|slot| slot.to_string()))?;
        set_or_remove(&mut new, key::START_UMS, self.start_ums.then(|| "1".to_owned()))?;
        *env = new;
        Ok(())
    }

    /// This state in an environment of its own.
    pub fn to_env(&self) -> BootEnv {
        let mut env = BootEnv::default();
        self.write_into(&mut env).expect("five short entries fit in an empty environment");
        env
    }

    /// Tries left of `slot`.
    pub fn left(&self, slot: SlotName) -> TriesLeft {
        match slot {
            SlotName::A => self.a_left,
            SlotName::B => self.b_left,
        }
    }

    /// This state with `tries` left for `slot`.
    #[must_use]
    pub fn with_left(mut self, slot: SlotName, tries: TriesLeft) -> BootState {
        match slot {
            SlotName::A => self.a_left = tries,
            SlotName::B => self.b_left = tries,
        }
        self
    }

    /// Whether `slot` is known to be good: it has more tries than a trial gets, or a good boot confirmed it by name.
    pub fn is_confirmed(&self, slot: SlotName) -> bool {
        self.left(slot) > TriesLeft::TRIAL || self.confirmed == Some(slot)
    }

    /// The slot the selector would start next: the first of the order that has tries left. `None` means a last
    /// resort.
    pub fn next_slot(&self) -> Option<SlotName> {
        self.order.slots().find(|&slot| self.left(slot) > TriesLeft::NONE)
    }
}

fn set_or_remove(env: &mut BootEnv, key: &str, value: Option<String>) -> Result<(), EnvError> {
    match value {
        Some(value) => env.set(key, &value),
        None => {
            env.remove(key);
            Ok(())
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
