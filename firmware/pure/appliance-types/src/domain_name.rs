use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::invalid_word::word_is_its_text;
use crate::{HostLabel, InvalidWord};

/// A DNS domain in lower case, without the dot at its end: labels of 1 to 63 letters, digits and inner hyphens, 253
/// characters in all (RFC 1035 2.3.4, RFC 1123 2.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

impl DomainName {
    /// `internal`: what below it is named is nobody else's. ICANN keeps it out of the root for ever, for private use.
    pub fn internal() -> DomainName {
        DomainName("internal".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one label: a name that is short for one in some domain.
    pub fn is_short(&self) -> bool {
        !self.0.contains('.')
    }

    /// The name of `label` in this domain. `None` where that would be longer than a name can be.
    pub fn child(&self, label: &HostLabel) -> Option<DomainName> {
        format!("{label}.{self}").parse().ok()
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for DomainName {
    type Err = InvalidWord;

    /// Reads any case, and a dot at the end.
    fn from_str(text: &str) -> Result<DomainName, InvalidWord> {
        const RULE: &str =
            "it has labels of 1 to 63 letters, digits and inner hyphens between dots, 253 characters in all";
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        match name.len() <= 253 && name.split('.').all(is_label) {
            true => Ok(DomainName(name)),
            false => Err(InvalidWord::new(text, "a domain name", RULE)),
        }
    }
}

/// Letters, digits and inner hyphens, 1 to 63 of them.
pub(crate) fn is_label(label: &str) -> bool {
    let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
}

word_is_its_text!(DomainName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_in_any_case_and_refuses_what_dns_would() {
        for (text, name) in [("lan", "lan"), ("Shop.Example.", "shop.example"), ("a-1.b", "a-1.b")] {
            assert_eq!(text.parse::<DomainName>().unwrap().as_str(), name);
        }
        let long = format!("{}.x", "a".repeat(64));
        for text in ["", ".", "a..b", "-a", "a-", "a_b", "a b", "é", &long, &"a.".repeat(128)] {
            assert!(text.parse::<DomainName>().is_err(), "{text:?}");
        }
        // 253 characters and the dot at the end.
        assert!("a.".repeat(127).parse::<DomainName>().is_ok());
    }

    #[test]
    fn a_label_in_a_domain_is_a_name_there() {
        let (domain, label): (DomainName, HostLabel) = ("lan".parse().unwrap(), "printer".parse().unwrap());
        assert_eq!(domain.child(&label).unwrap().as_str(), "printer.lan");
        assert!(domain.is_short() && !domain.child(&label).unwrap().is_short());
        let longest: DomainName = "a.".repeat(126).parse().unwrap();
        assert_eq!(longest.child(&label), None);
    }
}
