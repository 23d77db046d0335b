use serde::{Deserialize, Serialize};

/// Whose Podman, and whose service manager, runs a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// root's: may use the host's network and privileged ports (`privileged = true`).
    Rootful,
    /// The unprivileged application user's, under its own systemd (`privileged = false`).
    Rootless,
}

impl Mode {
    /// Both, in the order in which they are brought up.
    pub const ALL: [Mode; 2] = [Mode::Rootful, Mode::Rootless];

    /// Its word in files: `rootful`, `rootless`.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Rootful => "rootful",
            Mode::Rootless => "rootless",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_word_is_its_json() {
        for mode in Mode::ALL {
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{}\"", mode.word()));
        }
    }
}
