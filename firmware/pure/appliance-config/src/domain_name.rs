use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;

/// A DNS domain in lower case, without the dot at its end: labels of 1 to 63 letters, digits and inner hyphens, 253
/// characters in all (RFC 1035 2.3.4, RFC 1123 2.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
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

fn is_label(label: &str) -> bool {
    let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
}

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
}
