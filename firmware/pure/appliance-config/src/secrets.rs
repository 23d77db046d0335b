//! What nobody but its user may read.

use std::collections::BTreeMap;
use std::fmt;

use appliance_types::SecretName;

/// The secrets of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Texts, by the name under which containers and services ask for them.
    pub values: BTreeMap<SecretName, SecretText>,
    /// Logins at registries of images, by the registry's name: `registry.example`, `registry.example:5000`.
    pub registries: BTreeMap<String, RegistryLogin>,
}

/// A login at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    /// Whose. Has no colon.
    pub username: String,
    /// The password or token.
    pub password: SecretText,
}

/// A text that is not shown. Never empty, at most [`SecretText::MAX_LEN`] bytes, without NUL.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(pub(crate) String);

impl SecretText {
    /// The longest, in bytes: what one line of an environment file may have for Podman.
    pub const MAX_LEN: usize = 60_000;

    /// The text itself, for those who hand it to its user.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is one line: an environment variable's value can be nothing else.
    pub fn is_one_line(&self) -> bool {
        !self.0.contains(['\n', '\r'])
    }
}

impl fmt::Debug for SecretText {
    /// Its length at most.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretText({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_by_nothing_but_reveal() {
        let text = SecretText("hunter2".to_owned());
        assert_eq!((format!("{text:?}").as_str(), text.reveal()), ("SecretText(7 bytes)", "hunter2"));
        let login = RegistryLogin { username: "robot".to_owned(), password: text };
        assert!(!format!("{login:?}").contains("hunter2"));
    }
}
