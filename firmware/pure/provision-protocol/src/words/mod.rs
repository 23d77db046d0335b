//! The words of this crate: each is checked where it comes in, and never again.

mod bearer;
mod device_id;
mod digest;
mod peer;
mod unix_time;

pub use bearer::{Bearer, BearerHash};
pub use device_id::DeviceId;
pub use digest::{BodyHasher, Sha256Digest};
pub use peer::{Arrival, Peer};
pub use unix_time::{UnixTime, WallClock};

/// The serde side of a word: it is its own text, checked when read.
macro_rules! word_is_its_text {
    ($word:ty) => {
        impl TryFrom<String> for $word {
            type Error = ::appliance_types::InvalidWord;

            fn try_from(text: String) -> Result<$word, ::appliance_types::InvalidWord> {
                text.parse()
            }
        }

        impl From<$word> for String {
            fn from(word: $word) -> String {
                word.to_string()
            }
        }
    };
}
pub(crate) use word_is_its_text;
