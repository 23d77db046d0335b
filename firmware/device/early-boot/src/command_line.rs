//! The kernel command line: what the selector and the slot tell us.

use std::path::{Path, PathBuf};

use anyhow::Context;
use appliance_types::{BootToken, SlotName};
use host_files::read_text_bounded;

/// What init runs when the command line does not say.
const DEFAULT_INIT: &str = "/usr/lib/systemd/systemd";

/// What we read from it. Everything else on it is for the kernel and systemd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// `rauc.slot=`: the slot that was started.
    pub(crate) slot: SlotName,
    /// `slipway.token=`: the mark of this boot; `None` when absent or not a token.
    pub(crate) token: Option<BootToken>,
    /// `slipway.last_resort=1`: no slot had tries left.
    pub(crate) last_resort: bool,
    /// `init=`: what to hand over to, a path in the slot's root.
    pub(crate) init: PathBuf,
}

impl CommandLine {
    /// Reads the command line of the running kernel.
    pub(crate) fn read(path: &Path) -> anyhow::Result<CommandLine> {
        /// The kernel's own limit is 2 KiB on arm64 (`COMMAND_LINE_SIZE`).
        const LIMIT: usize = 16 * 1024;
        CommandLine::parse(&read_text_bounded(path, LIMIT)?)
    }

    /// As the kernel does, the last of several values counts, and what follows `--` is for init.
    fn parse(text: &str) -> anyhow::Result<CommandLine> {
        let words = words(text);
        let value = |key: &str| {
            let values =
                words.iter().take_while(|word| *word != "--").filter_map(|word| word.split_once('='));
            values.filter(|(name, _)| *name == key).last().map(|(_, value)| value)
        };
        let slot = value("rauc.slot")
            .context("cannot tell which slot this is: no rauc.slot= on the kernel command line")?;
        Ok(CommandLine {
            slot: slot
                .parse()
                .context("cannot tell which slot this is from rauc.slot= on the kernel command line")?,
            token: value("slipway.token").and_then(|token| token.parse().ok()),
            last_resort: value("slipway.last_resort") == Some("1"),
            init: value("init").filter(|init| init.starts_with('/')).unwrap_or(DEFAULT_INIT).into(),
        })
    }
}

/// Splits at blanks; double quotes keep blanks together and go (the kernel's `next_arg` in `lib/cmdline.c`).
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.trim_end().chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is always a last word").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = "6f1c2b1e-3c7a-4d5e-9b20-1d2e3f405162";

    #[test]
    fn the_slots_own_command_line() {
        let line = format!("rauc.slot=B slipway.token={TOKEN} panic=10 loglevel=4 slipway.last_resort=1\n");
        let expected = CommandLine {
            slot: SlotName::B,
            token: Some(TOKEN.parse().unwrap()),
            last_resort: true,
            init: "/usr/lib/systemd/systemd".into(),
        };
        assert_eq!(CommandLine::parse(&line).unwrap(), expected);
    }

    #[test]
    fn table() {
        let parse = |text: &str| CommandLine::parse(&format!("rauc.slot=A {text}")).unwrap();
        assert_eq!(parse("").token, None);
        assert_eq!(parse("slipway.token=nonsense").token, None);
        assert!(!parse("slipway.last_resort=0").last_resort);
        assert!(!parse("slipway.last_resort").last_resort);
        assert_eq!(parse("init=/sbin/init").init, Path::new("/sbin/init"));
        assert_eq!(parse("init=/first init=/last").init, Path::new("/last"));
        assert_eq!(parse("init=relative").init, Path::new(DEFAULT_INIT));
        assert_eq!(parse("init=\"/with blank\" quiet").init, Path::new("/with blank"));
        assert_eq!(parse("\"init=/quoted whole\"").init, Path::new("/quoted whole"));
        assert_eq!(parse("-- init=/not/ours rauc.slot=B").slot, SlotName::A);
        assert_eq!(parse("rauc.slot=B").slot, SlotName::B);
    }

    #[test]
    fn without_a_slot_it_says_what_is_missing() {
        for (line, words) in [
            ("quiet", "no rauc.slot= on the kernel command line"),
            ("rauc.slot=a", "\"a\" is not a slot name"),
            ("rauc.slot=", "\"\" is not a slot name"),
        ] {
            let error = format!("{:#}", CommandLine::parse(line).unwrap_err());
            assert!(error.contains(words), "{line:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z.=\" \\-]{0,60}") {
            let line = format!("{text} rauc.slot=A");
            let _read_or_refused = CommandLine::parse(&line);
            prop_assert!(words(&text).iter().all(|word| !word.is_empty() && !word.contains('"')));
        }
    }
}
