/// A text that does not obey the rule of the word it should be.
///
/// Prints as `"eth0/1" is not an interface name: '/' is not allowed …`: the text, what it should have been, the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {rule}")]
pub struct InvalidWord {
    text: String,
    what: &'static str,
    rule: &'static str,
}

/// How much of a refused text an error repeats, in characters. Enough to recognise it, too little to flood a log.
const TEXT_SHOWN: usize = 80;

impl InvalidWord {
    /// `text` is not `what` (with its article: `"a slot name"`), because of `rule`. Keeps the first 80 characters.
    pub fn new(text: &str, what: &'static str, rule: &'static str) -> InvalidWord {
        InvalidWord { text: text.chars().take(TEXT_SHOWN).collect(), what, rule }
    }
}

/// The serde side of a word: it is its own text, checked when read.
///
/// Serde asks for `TryFrom<String>` and `From<Word> for String`; both are the same two lines for every word.
macro_rules! word_is_its_text {
    ($word:ty) => {
        impl TryFrom<String> for $word {
            type Error = $crate::InvalidWord;

            fn try_from(text: String) -> Result<$word, $crate::InvalidWord> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_text_the_kind_and_the_rule() {
        let error = InvalidWord::new("x y", "a build id", "no spaces");
        assert_eq!(error.to_string(), r#""x y" is not a build id: no spaces"#);
    }

    #[test]
    fn repeats_only_the_start_of_a_long_text() {
        let error = InvalidWord::new(&"é".repeat(5_000), "a build id", "too long");
        assert_eq!(error.text.chars().count(), TEXT_SHOWN);
    }
}
