//! A row as it stands in the file: its cells, and how it is malformed.

use std::borrow::Cow;
use std::str::Utf8Error;

/// A row as it stands in the file.
#[derive(Debug)]
pub(super) struct RawRow<'a> {
    /// Where it begins, in bytes from the beginning of the file.
    pub(super) offset: u64,
    /// The line it begins on, from 1.
    pub(super) line: u32,
    /// Its bytes, without what ends it; nothing when it is too long to be kept.
    pub(super) bytes: &'a [u8],
    /// How it is malformed, if it is.
    pub(super) flaw: Option<Flaw>,
    pub(super) cells: &'a [Cell],
}

impl<'a> RawRow<'a> {
    /// How many cells it has.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nothing stands in any of its cells.
    pub(super) fn says_nothing(&self) -> bool {
        let empty = |at| self.text_of(at).is_some_and(|text| text.trim().is_empty());
        self.flaw.is_none() && (0..self.len()).all(empty)
    }

    /// The longest cell, in bytes as they stand, and which one it is.
    pub(super) fn longest(&self) -> (usize, usize) {
        self.cells.iter().enumerate().map(|(at, cell)| (cell.to - cell.from, at)).max().unwrap_or((0, 0))
    }

    /// Its cells as texts.
    ///
    /// # Errors
    /// When any of it is not UTF-8.
    pub(super) fn texts(&self) -> Result<Texts<'a>, Utf8Error> {
        Ok(Texts { row: std::str::from_utf8(self.bytes)?, cells: self.cells })
    }

    /// One cell as a text, when that cell is one, whatever the others are.
    pub(super) fn text_of(&self, at: usize) -> Option<Cow<'a, str>> {
        let cell = self.cells.get(at)?;
        let bytes = self.bytes.get(cell.from..cell.to)?;
        std::str::from_utf8(bytes).ok().map(|text| single_quotes(text, cell.doubled))
    }
}

/// The cells of a row that is UTF-8 throughout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts<'a> {
    row: &'a str,
    cells: &'a [Cell],
}

impl<'a> Texts<'a> {
    /// What one cell says, doubled quotes undone; nothing past the last.
    pub(super) fn get(&self, at: usize) -> Cow<'a, str> {
        let Some(cell) = self.cells.get(at) else { return Cow::Borrowed("") };
        single_quotes(self.row.get(cell.from..cell.to).unwrap_or_default(), cell.doubled)
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Cow<'a, str>> {
        (0..self.cells.len()).map(|at| self.get(at))
    }
}

fn single_quotes(text: &str, doubled: bool) -> Cow<'_, str> {
    if doubled { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) }
}

/// How a row is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A quote was opened on this line, and the file ended before it was closed.
    NeverClosed { opened: u32 },
    /// A quote was opened and closed on these lines, and then came more text instead of the next cell.
    TextAfterQuote { opened: u32, closed: u32 },
    /// It has more than [`ROW_BYTES_MAX`](super::ROW_BYTES_MAX) bytes.
    TooLong,
}

/// Part of a row, from its first byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether quotes stand in it, each written twice.
    pub(super) doubled: bool,
}
