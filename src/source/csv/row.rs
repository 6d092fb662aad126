//! A row as it stands in the file: its cells, and how it is malformed.

/// A row as it stands in the file.
#[derive(Debug)]
pub(super) struct RawRow<'a> {
    /// Where the row before it ends, in bytes from the beginning of the file.
    pub(super) offset: u64,
    /// The line it begins on, from 1.
    pub(super) line: u32,
    /// How many bytes it has, with quotes and what ends it.
    pub(super) length: usize,
    /// How it is malformed, if it is.
    pub(super) flaw: Option<Flaw>,
    /// Its cells, quotes undone; none when it is too long.
    pub(super) cells: &'a csv::ByteRecord,
}

impl<'a> RawRow<'a> {
    /// Whether nothing stands in any of its cells.
    pub(super) fn says_nothing(&self) -> bool {
        self.flaw.is_none()
            && (0..self.cells.len()).all(|at| self.text_of(at).is_some_and(|text| text.trim().is_empty()))
    }

    /// The longest cell, in bytes, and which one it is.
    pub(super) fn longest(&self) -> (usize, usize) {
        self.cells.iter().enumerate().map(|(at, cell)| (cell.len(), at)).max().unwrap_or((0, 0))
    }

    /// Its cells as texts; `None` when any of it is not UTF-8.
    pub(super) fn texts(&self) -> Option<Texts<'a>> {
        let text = std::str::from_utf8(self.cells.as_slice()).ok()?;
        let texts = Texts { text, cells: self.cells };
        // A letter whose bytes stand in two cells is none.
        (0..self.cells.len()).all(|at| texts.try_get(at).is_some()).then_some(texts)
    }

    /// One cell as a text, when that cell is one, whatever the others are.
    pub(super) fn text_of(&self, at: usize) -> Option<&'a str> {
        std::str::from_utf8(self.cells.get(at)?).ok()
    }
}

/// The cells of a row that is UTF-8 throughout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts<'a> {
    text: &'a str,
    cells: &'a csv::ByteRecord,
}

impl<'a> Texts<'a> {
    /// What one cell says; nothing past the last.
    pub(super) fn get(&self, at: usize) -> &'a str {
        self.try_get(at).unwrap_or_default()
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        (0..self.cells.len()).map(|at| self.get(at))
    }

    fn try_get(&self, at: usize) -> Option<&'a str> {
        self.text.get(self.cells.range(at)?)
    }
}

/// How a row is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A quote was opened on this line, and the file ended before it was closed.
    NeverClosed { opened: u32 },
    /// A quote was opened and closed on these lines, and then came more text instead of the next cell.
    TextAfterQuote { opened: u32, closed: u32 },
    /// It has more than [`ROW_BYTES_MAX`](super::ROW_BYTES_MAX) bytes. Nothing after it is read.
    TooLong,
}
