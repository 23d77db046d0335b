//! Where problems are collected, and where a place in the text becomes a line and a column.

use std::cell::{Cell, RefCell};

use crate::{Code, Problem};

/// How many problems are listed. Enough for everything a person would mend in one go; a megabyte of noise ends here.
const MAX_PROBLEMS: usize = 500;

/// A place in one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which of the report's files.
    pub(crate) file: usize,
    /// Byte in its text.
    pub(crate) offset: usize,
}

/// A place, and the dotted path of what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    pub(crate) path: String,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) spot: Spot,
    pub(crate) value: T,
}

/// A file as it came.
pub(crate) struct SourceFile<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: &'a [u8],
    /// Where each line but the first begins.
    lines: Vec<usize>,
}

impl<'a> SourceFile<'a> {
    pub(crate) fn new(name: &'a str, bytes: &'a [u8]) -> SourceFile<'a> {
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        SourceFile { name, bytes, lines: ends.map(|(index, _)| index + 1).collect() }
    }

    /// Line and column of a byte, both from 1; the column in characters, for which a byte order mark is none.
    fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.bytes.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).map_or(0, |line| self.lines[line]);
        let before = String::from_utf8_lossy(&self.bytes[start..offset]);
        let marked = line == 0 && before.starts_with('\u{feff}');
        (line + 1, before.chars().count() + 1 - usize::from(marked))
    }
}

/// The problems found so far. Reading goes on after each.
pub(crate) struct Report<'a> {
    pub(crate) files: Vec<SourceFile<'a>>,
    found: RefCell<Vec<(Place, Problem)>>,
    left_out: Cell<usize>,
    /// Which keys the readers asked for: the table's facts by their place in memory, and the key.
    #[cfg(test)]
    pub(crate) asked: RefCell<std::collections::BTreeSet<(usize, &'static str)>>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(files: Vec<SourceFile<'a>>) -> Report<'a> {
        Report {
            files,
            found: RefCell::default(),
            left_out: Cell::new(0),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    /// Notes a problem.
    pub(crate) fn problem(&self, spot: &Spot, code: Code, message: impl AsRef<str>) {
        self.add(spot, code, message.as_ref(), None);
    }

    /// Notes a problem, and what to do about it.
    pub(crate) fn hinted(&self, spot: &Spot, code: Code, message: impl AsRef<str>, hint: impl AsRef<str>) {
        self.add(spot, code, message.as_ref(), Some(hint.as_ref()));
    }

    /// Whether further problems would not be listed: then it is not worth working out a hint.
    pub(crate) fn is_full(&self) -> bool {
        self.found.borrow().len() >= MAX_PROBLEMS
    }

    /// How many there are: to see whether something was readable.
    pub(crate) fn len(&self) -> usize {
        self.found.borrow().len() + self.left_out.get()
    }

    fn add(&self, spot: &Spot, code: Code, message: &str, hint: Option<&str>) {
        if self.is_full() {
            return self.left_out.set(self.left_out.get() + 1);
        }
        let file = &self.files[spot.place.file];
        let (line, column) = file.position(spot.place.offset);
        let (file, path) = (file.name.to_owned(), spot.path.clone());
        let (message, hint) = (shown(message), hint.map(shown));
        self.found.borrow_mut().push((spot.place, Problem { code, file, path, line, column, message, hint }));
    }

    /// What stops the configuration, with the warnings among it, and the warnings alone. Both in the order of their places.
    pub(crate) fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(place, _)| *place);
        let mut problems: Vec<Problem> = found.into_iter().map(|(_, problem)| problem).collect();
        if let (more @ 1.., Some(last)) = (self.left_out.get(), problems.last_mut()) {
            last.message.push_str(&format!("; {more} more problems are not listed"));
        }
        match problems.iter().all(|problem| problem.code == Code::Warning) && self.left_out.get() == 0 {
            true => (Vec::new(), problems),
            false => (problems, Vec::new()),
        }
    }
}

/// One line of a length to read, whatever of the document it repeats.
fn shown(text: &str) -> String {
    const SHOWN: usize = 600;
    let mut shown = String::new();
    for c in text.chars().take(SHOWN) {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Report<'_> {
        Report::new(vec![SourceFile::new("config.toml", text.as_bytes())])
    }

    fn spot(offset: usize) -> Spot {
        Spot { place: Place { file: 0, offset }, path: String::new() }
    }

    #[test]
    fn a_place_is_a_line_and_a_column_in_characters() {
        let text = "\u{feff}a = 1\r\nö = 'é' # x\n\n";
        for (offset, position) in
            [(0, (1, 1)), (3, (1, 1)), (7, (1, 5)), (10, (2, 1)), (16, (2, 6)), (24, (3, 1)), (99, (4, 1))]
        {
            assert_eq!(report(text).files[0].position(offset), position, "{offset}");
        }
        // Between the two bytes of a letter there is no character more.
        assert_eq!(report("é").files[0].position(1), (1, 2));
    }

    #[test]
    fn problems_are_in_the_order_of_their_places_and_one_line_each() {
        let report = report("a\nb\n");
        report.problem(&spot(2), Code::BadValue, "second");
        report.problem(&spot(0), Code::Warning, "first\nline");
        let lines: Vec<String> = report.finish().0.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["config.toml:1:1: first\\nline [warning]", "config.toml:2:1: second [bad-value]"]);
    }

    #[test]
    fn warnings_alone_stop_nothing() {
        let report = report("a");
        report.problem(&spot(0), Code::Warning, "zsh");
        let (problems, warnings) = report.finish();
        assert_eq!((problems.len(), warnings.len()), (0, 1));
    }

    #[test]
    fn a_flood_of_problems_ends() {
        let report = report("a");
        (0..MAX_PROBLEMS + 3).for_each(|_| report.problem(&spot(0), Code::BadValue, "é".repeat(5000)));
        let problems = report.finish().0;
        assert_eq!(problems.len(), MAX_PROBLEMS);
        assert!(problems[MAX_PROBLEMS - 1].message.ends_with("…; 3 more problems are not listed"));
    }
}
