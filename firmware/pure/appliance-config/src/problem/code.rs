use serde::Serialize;

/// Kinds of problems. Their texts are part of the interface and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Not UTF-8, or not TOML.
    Syntax,
    /// Larger than a configuration may be.
    TooLarge,
    /// The folder or archive around the document is not acceptable.
    Bundle,
    /// A version that this Slipway does not know.
    UnknownVersion,
    /// A key or table that does not exist.
    UnknownKey,
    /// A key of a later Slipway, or one that this Slipway does not act on yet.
    NotSupported,
    /// A key that must be there and is not.
    MissingKey,
    /// A string where a number should be, and the like.
    WrongType,
    /// The right type, but not a value that can be.
    BadValue,
    /// It would get around a rule that protects the device: which network a container sees, what runs as root.
    NotAllowed,
    /// Values that exclude each other, or refer to something that is not there.
    Conflict,
    /// Nobody could administer the device.
    NoAdmin,
    /// Accepted, with a change the owner should know of. Never stops a configuration.
    Warning,
}

/// What to say of a code to somebody who met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeDoc {
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Code {
    /// All of them.
    pub const ALL: &'static [Code] = &[
        Code::Syntax,
        Code::TooLarge,
        Code::Bundle,
        Code::UnknownVersion,
        Code::UnknownKey,
        Code::NotSupported,
        Code::MissingKey,
        Code::WrongType,
        Code::BadValue,
        Code::NotAllowed,
        Code::Conflict,
        Code::NoAdmin,
        Code::Warning,
    ];

    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Syntax => "syntax",
            Code::TooLarge => "too-large",
            Code::Bundle => "bundle",
            Code::UnknownVersion => "unknown-version",
            Code::UnknownKey => "unknown-key",
            Code::NotSupported => "not-supported",
            Code::MissingKey => "missing-key",
            Code::WrongType => "wrong-type",
            Code::BadValue => "bad-value",
            Code::NotAllowed => "not-allowed",
            Code::Conflict => "conflict",
            Code::NoAdmin => "no-admin",
            Code::Warning => "warning",
        }
    }

    /// What it means and what to do about it.
    #[rustfmt::skip]
    pub fn doc(self) -> CodeDoc {
        let (meaning, remedy) = match self {
            Code::Syntax => (
                "The file is not UTF-8 text, or not TOML. Nothing else of it was judged.",
                "Mend the place that is marked; the first one is often the reason for the others. Strings are quoted, and a \
                 table's header stands on a line of its own.",
            ),
            Code::TooLarge => (
                "The document has more than 1 MiB.",
                "Files for containers go below `files/` of a bundle, not into the document.",
            ),
            Code::Bundle => (
                "The folder or archive that the document came in is not acceptable: it is damaged, larger than is allowed, or has \
                 something in it that is no regular file or folder or lies in the wrong place.",
                "At the top of a bundle are `config.toml`, `files/` and `devices/`, nothing else, and no links in them. Pack it anew: \
                 `tar --zstd -cf config.tar.zst config.toml files devices`.",
            ),
            Code::UnknownVersion => (
                "The document says a version of the format that this Slipway does not read, or says it wrongly.",
                "Write `version = 1`, without quotes. A document of a later version needs a later Slipway.",
            ),
            Code::UnknownKey => (
                "There is no such key or table here. It is not skipped, because whoever wrote it expects an effect.",
                "Take the key that the hint names; or look the table up with `slipway config explain`.",
            ),
            Code::NotSupported => (
                "This key or value is part of the format, and this Slipway refuses it, because nothing would act on it.",
                "Remove it, or do what the message says in its place.",
            ),
            Code::MissingKey => (
                "A key is missing that has no default.",
                "Add it to the table that is marked.",
            ),
            Code::WrongType => (
                "The value is of another type than the key takes: `\"8080\"` is a string, `8080` a number.",
                "Write it as in the example of the hint.",
            ),
            Code::BadValue => (
                "The value has the right type, but is none that the key can have: out of range, or not of the form.",
                "Write what the message asks for.",
            ),
            Code::NotAllowed => (
                "This would get around a rule that protects the device or its owner: which network a container sees, what runs as \
                 root, what WAN reaches.",
                "There is most often a key that does it within the rule; the hint names it.",
            ),
            Code::Conflict => (
                "Two values exclude each other, or one refers to something that the document does not declare.",
                "Change one of the two, or declare what is missing. With an overlay, they may stand in different files.",
            ),
            Code::NoAdmin => (
                "Nobody could administer the device: no user is an administrator with a key, and there are no passwords.",
                "Give one user `isAdmin = true` and an `ssh_key`.",
            ),
            Code::Warning => (
                "The document is accepted, but something other than what is written will happen, or more than may be meant.",
                "Nothing has to be done. To be rid of the warning, write what will happen.",
            ),
        };
        CodeDoc { meaning, remedy }
    }
}

impl std::str::FromStr for Code {
    type Err = ();

    /// Reads the stable text.
    fn from_str(text: &str) -> Result<Code, ()> {
        Code::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_listed_in_order_and_have_the_text_of_their_json() {
        // The last one has the highest number.
        assert_eq!(Code::ALL.len(), Code::Warning as usize + 1);
        for (number, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, number);
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        assert_eq!("no-such-code".parse::<Code>(), Err(()));
    }
}
