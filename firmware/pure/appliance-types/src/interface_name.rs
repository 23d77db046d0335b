use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidWord;
use crate::invalid_word::word_is_its_text;

/// The name of a network interface.
///
/// The kernel's rule (`dev_valid_name` in `net/core/dev.c`): 1 to 15 bytes, not `.` or `..`, no `/`, no `:`, no white
/// space. On top of it systemd's (`ifname_valid` in `basic/socket-util.c`): printable ASCII only, no `%` (the kernel
/// reads `eth%d` as "the next free number"), not all digits (that is an interface index), not `all` or `default` (those
/// are directories of `/proc/sys/net/ipv4/conf`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The longest name, in bytes: the kernel's `IFNAMSIZ` less the terminating NUL.
    pub const MAX_LEN: usize = 15;

    /// The name that nic-names gives the card with this number: `eth0`, `eth1`, …
    pub fn card(number: u8) -> InterfaceName {
        InterfaceName(format!("eth{number}"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for InterfaceName {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<InterfaceName, InvalidWord> {
        match broken_rule(text) {
            None => Ok(InterfaceName(text.to_owned())),
            Some(rule) => Err(InvalidWord::new(text, "an interface name", rule)),
        }
    }
}

fn broken_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > InterfaceName::MAX_LEN {
        return Some("it has 1 to 15 characters");
    }
    if !text.bytes().all(|b| b.is_ascii_graphic() && !b"/:%".contains(&b)) {
        return Some("it is printable ASCII without '/', ':', '%' and spaces");
    }
    if [".", "..", "all", "default"].contains(&text) {
        return Some("the kernel uses this name for something else");
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Some("a number alone means an interface index");
    }
    None
}

word_is_its_text!(InterfaceName);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_what_the_kernel_and_systemd_both_accept() {
        for text in ["eth0", "enp0s31f6", "br-lan", "wg_0", "lo", "eth0.100", "a", "eth123456789012"] {
            assert_eq!(text.parse::<InterfaceName>().unwrap().as_str(), text);
        }
        for number in [0, 1, u8::MAX] {
            let card = InterfaceName::card(number);
            assert_eq!(card.as_str().parse(), Ok(card.clone()));
        }
    }

    #[test]
    fn refuses_the_rest_with_the_rule_it_breaks() {
        let rows = [
            ("", "1 to 15"),
            ("abcdefghijklmnop", "1 to 15"),
            ("eth0:1", "printable ASCII"),
            ("eth%d", "printable ASCII"),
            ("a/b", "printable ASCII"),
            ("a b", "printable ASCII"),
            ("eth0\n", "printable ASCII"),
            ("été", "printable ASCII"),
            (".", "something else"),
            ("..", "something else"),
            ("all", "something else"),
            ("default", "something else"),
            ("7", "interface index"),
        ];
        for (text, rule) in rows {
            let error = text.parse::<InterfaceName>().unwrap_err().to_string();
            assert!(error.contains(rule), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept_exactly(text in ".{0,20}") {
            if let Ok(name) = text.parse::<InterfaceName>() {
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
