use std::fmt;
use std::str::FromStr;

use appliance_types::InvalidWord;

/// The methods that some route answers to (RFC 9110 section 9, RFC 5789).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads. `HEAD` is not among these: what is signed names one method, and `HEAD` says no more than `GET`.
    Get,
    /// Does.
    Post,
    /// Puts in place.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// Whether it changes nothing (RFC 9110 section 9.2.1).
    pub fn is_safe(self) -> bool {
        matches!(self, Method::Get)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Method {
    type Err = InvalidWord;

    /// In capitals, as methods are.
    fn from_str(text: &str) -> Result<Method, InvalidWord> {
        const RULE: &str = "it is GET, POST, PUT, PATCH or DELETE";
        Method::ALL
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| InvalidWord::new(text, "a method that is served", RULE))
    }
}
