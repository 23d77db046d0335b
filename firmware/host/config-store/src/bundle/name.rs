//! The name of a member: where in the bundle it is, and what that makes it.

use super::error::MemberFault;
use super::limits::DEPTH_LIMIT;

/// The longest name, in bytes.
pub(crate) const NAME_LIMIT: usize = 1024;

/// The longest part of a name that the kernel takes.
const PART_LIMIT: usize = 255;

/// How much of a bad name is shown.
const SHOWN: usize = 120;

/// The name of a member: parts between slashes, each a good file name, without control characters, and none leads up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberName(String);

/// What a member is, by its place. The parts are below the folder in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// `config.toml`
    Config,
    /// `devices/NAME.toml`: `NAME`.
    Device(&'a str),
    /// `files/images/NAME.tar`, compressed or not: `NAME.tar`.
    Image(&'a str),
    /// Below `files/`: the rest of the name.
    Payload(&'a str),
    /// `files`, `devices`.
    TopFolder,
    /// Below `devices/` and no file for a device.
    Ignored,
    /// At the top, where it must not be.
    Other,
}

impl MemberName {
    /// The name as an archive or a folder has it. A leading `./` and a trailing `/` are passed over; `None` is the top
    /// itself (`./`).
    pub(crate) fn parse(raw: &[u8]) -> Result<Option<MemberName>, MemberFault> {
        let text = str::from_utf8(raw).map_err(|_| MemberFault::NotUtf8)?;
        if text.chars().any(char::is_control) {
            return Err(MemberFault::ControlCharacter);
        }
        if text.is_empty() {
            return Err(MemberFault::EmptyName);
        }
        if text.starts_with('/') {
            return Err(MemberFault::Absolute);
        }
        let mut name = text.strip_suffix('/').unwrap_or(text);
        while let Some(rest) = name.strip_prefix("./") {
            name = rest;
        }
        if name == "." {
            return Ok(None);
        }
        let mut depth = 0;
        for part in name.split('/') {
            depth += 1;
            match part {
                ".." => return Err(MemberFault::DotDot),
                "" | "." => return Err(MemberFault::EmptyName),
                _ if part.len() > PART_LIMIT => return Err(MemberFault::LongName),
                _ => {}
            }
        }
        if name.len() > NAME_LIMIT {
            return Err(MemberFault::LongName);
        }
        if depth > DEPTH_LIMIT {
            return Err(MemberFault::Deep);
        }
        Ok(Some(MemberName(name.to_owned())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The folders it lies in, outermost first.
    pub(crate) fn folders(&self) -> impl Iterator<Item = MemberName> {
        self.0.match_indices('/').map(|(at, _)| MemberName(self.0[..at].to_owned()))
    }

    pub(crate) fn place(&self) -> Place<'_> {
        let Some((top, rest)) = self.0.split_once('/') else {
            return match self.0.as_str() {
                "config.toml" => Place::Config,
                "files" | "devices" => Place::TopFolder,
                _ => Place::Other,
            };
        };
        match top {
            "files" => match rest.strip_prefix("images/") {
                Some(name) if is_image_name(name) => Place::Image(name),
                _ => Place::Payload(rest),
            },
            "devices" => match rest.strip_suffix(".toml") {
                Some(name) if !name.contains('/') => Place::Device(name),
                _ => Place::Ignored,
            },
            _ => Place::Other,
        }
    }
}

/// What follows decides how it is read; the name only says that it is meant for Podman and not for a container.
fn is_image_name(name: &str) -> bool {
    let endings = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.zstd", ".tzst"];
    !name.contains('/') && endings.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

/// A name for a message, however bad it is.
pub(crate) fn shown(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut shown: String = text.chars().take(SHOWN).flat_map(escaped).collect();
    if text.chars().count() > SHOWN {
        shown.push('…');
    }
    if shown.is_empty() { "(no name)".to_owned() } else { shown }
}

/// The words of a library about bytes from elsewhere, which they may repeat.
pub(crate) fn one_line(text: &str) -> String {
    shown(text.as_bytes())
}

fn escaped(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

/// Whether `stem` names the device `wanted`: letter case and separators aside, for FAT has no `:` and people type both.
pub(crate) fn is_device(stem: &str, wanted: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !"-:.".contains(*c)).map(|c| c.to_ascii_lowercase()).collect()
    };
    plain(stem) == plain(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_have_one_form() {
        let deepest = vec!["d"; DEPTH_LIMIT].join("/");
        for (raw, name) in [
            ("config.toml", "config.toml"),
            ("./config.toml", "config.toml"),
            ("././files/", "files"),
            ("files/..data/...", "files/..data/..."),
            ("files/with space/ümläut", "files/with space/ümläut"),
            (deepest.as_str(), deepest.as_str()),
        ] {
            assert_eq!(MemberName::parse(raw.as_bytes()).unwrap().unwrap().as_str(), name);
        }
        assert_eq!(MemberName::parse(b"./"), Ok(None));
        assert_eq!(MemberName::parse(b"."), Ok(None));
    }

    #[test]
    fn bad_names_are_told_apart() {
        let long = format!("files/{}", "x".repeat(256));
        let longer = format!("files/{}", "x/".repeat(600));
        let deep = vec!["d"; DEPTH_LIMIT + 1].join("/");
        for (raw, fault) in [
            (&b""[..], MemberFault::EmptyName),
            (b"/", MemberFault::Absolute),
            (b"/etc/passwd", MemberFault::Absolute),
            (b"..", MemberFault::DotDot),
            (b"../x", MemberFault::DotDot),
            (b"./../x", MemberFault::DotDot),
            (b"files/../../x", MemberFault::DotDot),
            (b"files/..", MemberFault::DotDot),
            (b"files//x", MemberFault::EmptyName),
            (b"files/x//", MemberFault::EmptyName),
            (b"files/./x", MemberFault::EmptyName),
            (b".//x", MemberFault::EmptyName),
            (b"files/a\0b", MemberFault::ControlCharacter),
            (b"files/a\nb", MemberFault::ControlCharacter),
            (b"files/\xff", MemberFault::NotUtf8),
            (long.as_bytes(), MemberFault::LongName),
            (longer.as_bytes(), MemberFault::LongName),
            (deep.as_bytes(), MemberFault::Deep),
        ] {
            assert_eq!(MemberName::parse(raw), Err(fault), "{:?}", String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn the_place_says_what_a_member_is() {
        for (name, place) in [
            ("config.toml", Place::Config),
            ("files", Place::TopFolder),
            ("devices", Place::TopFolder),
            ("devices/525400123456.toml", Place::Device("525400123456")),
            ("devices/readme.txt", Place::Ignored),
            ("devices/old/525400123456.toml", Place::Ignored),
            ("files/www/index.html", Place::Payload("www/index.html")),
            ("files/images", Place::Payload("images")),
            ("files/images/web.tar", Place::Image("web.tar")),
            ("files/images/web.tar.zst", Place::Image("web.tar.zst")),
            ("files/images/logo.png", Place::Payload("images/logo.png")),
            ("files/images/.tar", Place::Payload("images/.tar")),
            ("files/images/deep/web.tar", Place::Payload("images/deep/web.tar")),
            ("files/web.tar", Place::Payload("web.tar")),
            ("config.toml/x", Place::Other),
            ("readme.txt", Place::Other),
            ("Config.toml", Place::Other),
        ] {
            assert_eq!(MemberName(name.to_owned()).place(), place, "{name}");
        }
    }

    #[test]
    fn a_bad_name_is_shown_on_one_line() {
        assert_eq!(shown(b"a\nb\x1b[31m\xff"), "a\\nb\\u{1b}[31m\u{fffd}");
        assert_eq!(shown(b""), "(no name)");
        assert!(shown(&[b'x'; 5000]).len() < 200);
    }

    #[test]
    fn devices_are_named_as_people_write_them() {
        for stem in ["52:54:00:12:34:AB", "52-54-00-12-34-ab", "5254001234AB", "5254.0012.34ab"] {
            assert!(is_device(stem, "52:54:00:12:34:ab"), "{stem}");
        }
        assert!(!is_device("52540012345a", "52:54:00:12:34:ab"));
    }
}
