use std::fmt;
use std::ops::Deref;

use serde::Serialize;

/// A short text on one line, for a breadcrumb: at most `MAX` bytes of UTF-8, no control characters.
///
/// Made from any text: control characters (line breaks, terminal escapes) become spaces, blanks at both ends go, and
/// what is too long is cut at a character and ends in `…`. So whatever a dying system said can be stored, and printing
/// it later cannot confuse a terminal or fake a second line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct CrumbText<const MAX: usize>(String);

/// The stage of a breadcrumb: a word such as `rootfs`. 32 bytes.
pub type StageText = CrumbText<32>;

/// The message of a breadcrumb. 436 bytes.
pub type MessageText = CrumbText<436>;

const CUT_MARK: &str = "…";

impl<const MAX: usize> CrumbText<MAX> {
    /// This text, made to fit.
    pub fn new(text: &str) -> CrumbText<MAX> {
        let mut clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        clean.truncate(clean.trim_end().len());
        clean.drain(..clean.len() - clean.trim_start().len());
        if clean.len() > MAX {
            clean.truncate(clean.floor_char_boundary(MAX.saturating_sub(CUT_MARK.len())));
            clean.push_str(CUT_MARK);
        }
        CrumbText(clean)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Deref for CrumbText<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> From<&str> for CrumbText<MAX> {
    fn from(text: &str) -> CrumbText<MAX> {
        CrumbText::new(text)
    }
}

impl<const MAX: usize> fmt::Display for CrumbText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_one_clean_line() {
        let rows = [
            ("", ""),
            ("  plain  ", "plain"),
            ("two\nlines\r\n", "two lines"),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            ("é\u{9b}x", "é x"),
        ];
        for (given, kept) in rows {
            assert_eq!(MessageText::new(given).as_str(), kept, "{given:?}");
        }
    }

    #[test]
    fn what_is_too_long_ends_in_a_mark_and_still_fits() {
        assert_eq!(CrumbText::<8>::new("12345678").as_str(), "12345678");
        assert_eq!(CrumbText::<8>::new("123456789").as_str(), "12345…");
        assert_eq!(CrumbText::<8>::new("1234éééé").as_str(), "1234…");
    }

    proptest! {
        #[test]
        fn any_text_fits_and_stays_as_it_is_from_then_on(text in ".{0,600}") {
            let once = MessageText::new(&text);
            prop_assert!(once.len() <= 436);
            prop_assert!(!once.chars().any(char::is_control));
            prop_assert_eq!(MessageText::new(&once), once);
        }
    }
}
