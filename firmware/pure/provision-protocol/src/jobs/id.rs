use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;
use serde::{Deserialize, Serialize};

use crate::words::word_is_its_text;

/// The id of a job: 128 random bits, 32 lower-case hexadecimal digits. Who knows it may read the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(u128);

impl JobId {
    /// A new one. `random` is from the system's source of random numbers.
    pub fn new(random: [u8; 16]) -> JobId {
        JobId(u128::from_be_bytes(random))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for JobId {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<JobId, InvalidWord> {
        let digits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(number) if digits => Ok(JobId(number)),
            _ => Err(InvalidWord::new(text, "the id of a job", "it is 32 digits 0-9 a-f")),
        }
    }
}

word_is_its_text!(JobId);
