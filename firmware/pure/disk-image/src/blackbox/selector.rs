use std::fmt;
use std::str::FromStr;

use appliance_types::{BootToken, BuildId, InvalidWord, SlotName};
use serde::Serialize;

use crate::Sector;
use crate::boot_state::{BootEnv, EnvError, EnvSource, TriesLeft};

/// Why the selector started the slot it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectorReason {
    /// It is the first slot of BOOT_ORDER and had tries left.
    Order,
    /// The slots before it in BOOT_ORDER had no tries left.
    Fallback,
    /// A slot before it had tries left, but its boot files could not be loaded.
    LoadFailed,
    /// No slot of BOOT_ORDER had tries left and could be loaded.
    LastResort,
}

/// Whether the machine's memory survived the last reset. A power cut empties it, a panic or a watchdog reset does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetKind {
    /// The selector's magic word was gone: the power was off.
    Cold,
    /// The selector's magic word was still there.
    Warm,
}

/// What the selector wrote about the boot it started: sector 0 of the black box, in the format of [`BootEnv`].
///
/// The selector is never updated, so a record may be older than the program that reads it, by years.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectorRecord {
    /// The build id the selector printed (`SEL_BUILD`): that of the image the disk was flashed with.
    pub build: BuildId,
    /// The slot it started (`SEL_SLOT`).
    pub slot: SlotName,
    /// Tries that slot had left after this boot was counted (`SEL_LEFT`).
    pub tries_left: TriesLeft,
    /// Why this slot (`SEL_REASON`).
    pub reason: SelectorReason,
    /// Which copy of the boot state it used (`SEL_ENV`).
    pub env: EnvSource,
    /// The token of this boot, also on the kernel command line (`SEL_TOKEN`).
    pub token: BootToken,
    /// What the reset before this boot left of the memory (`SEL_RESET`).
    pub reset: ResetKind,
}

/// Why sector 0 holds no selector record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The sector is no environment: torn, or no selector has run from this disk yet.
    #[error("the selector's sector is unreadable")]
    Unreadable(#[from] EnvError),
    /// A key is not there.
    #[error("the selector's record has no {key}")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A key has a value it cannot have.
    #[error("the selector's record has an unusable {key}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        source: InvalidWord,
    },
}

impl SelectorRecord {
    /// Reads sector 0 of the black box.
    ///
    /// # Errors
    /// When the sector is torn or was never written, or a key is missing or unusable.
    pub fn parse(sector: &Sector) -> Result<SelectorRecord, SelectorError> {
        let env = BootEnv::parse(sector)?;
        SelectorRecord::from_keys(|key| env.get(key))
    }

    /// Only the token of sector 0. It is what finds the disk that was booted, so it must be readable even from a record
    /// whose other keys this program does not understand.
    ///
    /// # Errors
    /// When the sector is torn or was never written, or holds no token.
    pub fn token_of(sector: &Sector) -> Result<BootToken, SelectorError> {
        let env = BootEnv::parse(sector)?;
        value("SEL_TOKEN", env.get("SEL_TOKEN"))
    }

    /// The sector a selector would write.
    pub fn encode(&self) -> Sector {
        let mut env = BootEnv::default();
        for (key, value) in self.keys() {
            env.set(key, &value).expect("seven short words fit in an empty environment");
        }
        env.encode()
    }

    /// The record as one line, for the message of a breadcrumb: `SEL_BUILD=… SEL_SLOT=A …`.
    pub fn to_message(&self) -> String {
        self.keys().map(|(key, value)| format!("{key}={value}")).join(" ")
    }

    /// Reads what [`Self::to_message`] made.
    ///
    /// # Errors
    /// When a key is missing or unusable.
    pub fn from_message(message: &str) -> Result<SelectorRecord, SelectorError> {
        let pairs: Vec<_> = message.split(' ').filter_map(|word| word.split_once('=')).collect();
        SelectorRecord::from_keys(|key| pairs.iter().find(|pair| pair.0 == key).map(|pair| pair.1))
    }

    fn from_keys<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<SelectorRecord, SelectorError> {
        Ok(SelectorRecord {
            build: value("SEL_BUILD", get("SEL_BUILD"))?,
            slot: value("SEL_SLOT", get("SEL_SLOT"))?,
            tries_left: value("SEL_LEFT", get("SEL_LEFT"))?,
            reason: value("SEL_REASON", get("SEL_REASON"))?,
            env: value("SEL_ENV", get("SEL_ENV"))?,
            token: value("SEL_TOKEN", get("SEL_TOKEN"))?,
            reset: value("SEL_RESET", get("SEL_RESET"))?,
        })
    }

    fn keys(&self) -> [(&'static str, String); 7] {
        [
            ("SEL_BUILD", self.build.to_string()),
            ("SEL_SLOT", self.slot.to_string()),
            ("SEL_LEFT", self.tries_left.to_string()),
            ("SEL_REASON", self.reason.to_string()),
            ("SEL_ENV", self.env.to_string()),
            ("SEL_TOKEN", self.token.to_string()),
            ("SEL_RESET", self.reset.to_string()),
        ]
    }
}

fn value<T>(key: &'static str, text: Option<&str>) -> Result<T, SelectorError>
where
    T: FromStr<Err = InvalidWord>,
{
    let text = text.ok_or(SelectorError::Missing { key })?;
    text.parse().map_err(|source| SelectorError::Value { key, source })
}

impl SelectorReason {
    /// The word in `SEL_REASON`.
    pub fn as_str(self) -> &'static str {
        match self {
            SelectorReason::Order => "order",
            SelectorReason::Fallback => "fallback",
            SelectorReason::LoadFailed => "load-failed",
            SelectorReason::LastResort => "last-resort",
        }
    }
}

impl fmt::Display for SelectorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SelectorReason {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<SelectorReason, InvalidWord> {
        match text {
            "order" => Ok(SelectorReason::Order),
            "fallback" => Ok(SelectorReason::Fallback),
            "load-failed" => Ok(SelectorReason::LoadFailed),
            "last-resort" => Ok(SelectorReason::LastResort),
            _ => {
                const RULE: &str = "it is order, fallback, load-failed or last-resort";
                Err(InvalidWord::new(text, "a reason of the selector", RULE))
            }
        }
    }
}

impl ResetKind {
    /// The word in `SEL_RESET`.
    pub fn as_str(self) -> &'static str {
        match self {
            ResetKind::Cold => "cold",
            ResetKind::Warm => "warm",
        }
    }
}

impl fmt::Display for ResetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ResetKind {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<ResetKind, InvalidWord> {
        match text {
            "cold" => Ok(ResetKind::Cold),
            "warm" => Ok(ResetKind::Warm),
            _ => Err(InvalidWord::new(text, "a kind of reset", "it is cold or warm")),
        }
    }
}

#[cfg(test)]
#[path = "selector_tests.rs"]
mod tests;
