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
}

impl<'a> Report<'a> {
    pub(crate) fn new(files: Vec<SourceFile<'a>>) -> Report<'a> {
        Report { files, found: RefCell::default(), left_out: Cell::new(0) }
    }

    /// Notes a problem.
    pub(crate) fn problem(&self, spot: &Spot, code: Code, message: impl Into<String>) {
        self.add(spot, code, message.into(), None);
    }

    /// Notes a problem, and what to do about it.
    pub(crate) fn hinted(
        &self,
        spot: &Spot,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(spot, code, message.into(), Some(hint.into()));
    }

    /// How many there are: to see whether something was readable.
    pub(crate) fn len(&self) -> usize {
        self.found.borrow().len() + self.left_out.get()
    }

    fn add(&self, spot: &Spot, code: Code, message: String, hint: Option<String>) {
        let mut found = self.found.borrow_mut();
        if found.len() >= MAX_PROBLEMS {
            return self.left_out.set(self.left_out.get() + 1);
        }
        let file = &self.files[spot.place.file];
        let (line, column) = file.position(spot.place.offset);
        let (file, path) = (file.name.to_owned(), spot.path.clone());
        found.push((spot.place, Problem { code, file, path, line, column, message, hint }));
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
