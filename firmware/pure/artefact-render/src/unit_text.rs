use std::fmt::{Display, Write as _};

/// A file in systemd's syntax: comments, sections, `Key=value`.
pub(crate) struct UnitText(String);

impl UnitText {
    pub(crate) fn new(first_line: &str) -> UnitText {
        UnitText(format!("{first_line}\n"))
    }

    pub(crate) fn section(&mut self, name: &str) -> &mut UnitText {
        self.line(format_args!("\n[{name}]"))
    }

    pub(crate) fn comment(&mut self, text: impl Display) -> &mut UnitText {
        self.line(format_args!("# {text}"))
    }

    pub(crate) fn entry(&mut self, key: &str, value: impl Display) -> &mut UnitText {
        self.line(format_args!("{key}={value}"))
    }

    /// One line for each value.
    pub(crate) fn entries(&mut self, key: &str, values: impl IntoIterator<Item: Display>) -> &mut UnitText {
        for value in values {
            self.entry(key, value);
        }
        self
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, line: impl Display) -> &mut UnitText {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{line}");
        self
    }
}
